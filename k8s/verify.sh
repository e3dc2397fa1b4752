#!/usr/bin/env bash
# Proves k8s/overlays/local on a cluster that has the two images (docs/deploy.md), and that Kubernetes takes
# k8s/overlays/production. Prints what it saw; exits with 1 at the first thing that is otherwise.
#   ROLLOUTS=3        rolling updates under load
#   OVERLAYS='…'      what the API server is asked about without applying it; default: local and production
#   KUBECTL='…'       with options, such as kubectl --context kind-segmentation
set -euo pipefail
cd "$(dirname "$0")/.."
read -ra kubectl <<< "${KUBECTL:-kubectl}"
namespace=segmentation
rollouts=${ROLLOUTS:-3}
work=$(mktemp -d)

k() { "${kubectl[@]}" --namespace "$namespace" "$@"; }
say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }
fail() { say "FAILED: $*"; k get pods,jobs -o wide || true; k get events --field-selector type=Warning || true; exit 1; }
cleanup() {
  k delete job/segmentation-load configmap/segmentation-load networkpolicy/segmentation-load --ignore-not-found --wait=false > "$work/cleanup" 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

# The names of the service's pods, those that are being deleted left out.
pods() {
  k get pods -l app.kubernetes.io/component=service \
    -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}'
}
restarts() {
  k get pods -l app.kubernetes.io/component=service \
    -o go-template='{{range .items}}{{range .status.containerStatuses}}{{.restartCount}} {{end}}{{end}}'
}
# What a pod serves, as GET /readyz says it; empty while it is not ready.
served() {
  k exec "$1" -c service -- python -c '
import json, urllib.error, urllib.request
try:
    print(json.load(urllib.request.urlopen("http://127.0.0.1:8080/readyz", timeout=5))["model_version"])
except urllib.error.HTTPError:
    print()'
}
# The model that the log of a Job names.
published() { k logs "job/$1" -c training | sed -n 's/^model  *\([0-9TZ]*-[0-9a-f]*\).*/\1/p' | head -1; }
# Trains in a Job of this name, made from the CronJob; more arguments filter its JSON.
train() {
  local name=$1
  shift
  k delete "job/$name" --ignore-not-found > /dev/null
  k create job --from=cronjob/segmentation-training "$name" --dry-run=client -o json > "$work/job.json"
  "$@" < "$work/job.json" | k create -f - > /dev/null
  local ended='' deadline=$((SECONDS + 900))
  until [[ " $ended " == *' Complete '* ]]; do
    if [[ " $ended " == *' Failed '* || $SECONDS -ge $deadline ]]; then
      k logs "job/$name" || true
      fail "the Job $name did not end well"
    fi
    sleep 1
    ended=$(k get job "$name" -o 'jsonpath={range .status.conditions[?(@.status=="True")]}{.type} {end}')
  done
}
await_model() {
  local version=$1 pod deadline=$((SECONDS + 180))
  for pod in $(pods); do
    until [[ $(served "$pod") == "$version" ]]; do
      [[ $SECONDS -lt $deadline ]] || fail "$pod does not serve $version"
      sleep 1
    done
  done
}
sent() { k logs job/segmentation-load --tail=1; }

say "server $("${kubectl[@]}" version -o json | sed -n 's/.*"gitVersion": "\(.*\)".*/\1/p' | tail -1)"
"${kubectl[@]}" kustomize k8s/overlays/local > "$work/local.yaml"
"${kubectl[@]}" apply --warnings-as-errors --validate=strict -f k8s/base/namespace.yaml > /dev/null
# A Job cannot be changed.
k delete job segmentation-keys segmentation-sample-data --ignore-not-found > /dev/null
for overlay in ${OVERLAYS:-local production}; do
  "${kubectl[@]}" kustomize "k8s/overlays/$overlay" > "$work/$overlay.yaml"
  "${kubectl[@]}" apply --dry-run=server --server-side --force-conflicts --warnings-as-errors --validate=strict -f "$work/$overlay.yaml" > /dev/null \
    || fail "the API server does not take $overlay without a warning"
  say "$overlay: taken by the API server, strictly and without a warning"
done

"${kubectl[@]}" apply --warnings-as-errors --validate=strict -f "$work/local.yaml" > /dev/null || fail 'local is not applied'
k wait --for=condition=complete --timeout=5m job/segmentation-keys job/segmentation-sample-data > /dev/null || fail 'keys or sample data'
say 'local: applied; keys and sample data are there'

train segmentation-verify-1 cat
first=$(published segmentation-verify-1)
k rollout status --timeout=5m deployment/segmentation > /dev/null || fail 'the service did not become ready'
if [[ -n $first ]]; then
  await_model "$first"
  say "the CronJob's job published $first, and every pod became ready on it: $(pods)"
else
  say 'a model was there already, and no other was needed'
fi
[[ $(restarts) =~ ^(0 )+$ ]] || fail "containers were restarted: $(restarts)"

# A model is made whether one is needed or not.
train segmentation-verify-2 sed '/"--if-needed",/d'
second=$(published segmentation-verify-2)
[[ -n $second && $second != "$first" ]] || fail 'no second model was published'
await_model "$second"
[[ $(restarts) =~ ^(0 )+$ ]] || fail "containers were restarted: $(restarts)"
say "every pod went on to $second, without a restart"

k delete job/segmentation-load configmap/segmentation-load --ignore-not-found > /dev/null
k create configmap segmentation-load --from-file=k8s/load.py --from-file=examples/customer.json > /dev/null
image=$(k get deployment segmentation -o 'jsonpath={.spec.template.spec.containers[0].image}')
sed -e "s|IMAGE|$image|" k8s/load.yaml | k apply --warnings-as-errors --validate=strict -f - > /dev/null
until [[ $(sent 2> /dev/null || true) == 'sent '* ]]; do
  [[ $SECONDS -lt 3600 ]] || fail 'the load does not begin'
  sleep 1
done
for ((number = 1; number <= rollouts; number++)); do
  k rollout restart deployment/segmentation > /dev/null
  k rollout status --timeout=10m deployment/segmentation > /dev/null || fail "rolling update $number"
  # Those that were replaced drain.
  while [[ -n $(k get pods -l app.kubernetes.io/component=service -o go-template='{{range .items}}{{if .metadata.deletionTimestamp}}x{{end}}{{end}}') ]]; do sleep 1; done
  say "rolling update $number under load: $(sent)"
done
last=$(sent)
[[ $last =~ ^sent\ [1-9][0-9]*\ lost\ 0$ ]] || fail "requests were lost: $last"
say "done: $last"
