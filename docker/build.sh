#!/usr/bin/env bash
# Builds both images with docker or buildah, whichever there is: customer-segmentation-{service,training}:$TAG.
#   TAG=dev               also the version in the label, unless VERSION says otherwise
#   BASE=…                the base; with its digest (python@sha256:…) the same commit makes the same image
#   BUILDER=docker        or buildah
#   IMAGES='service'      not both
#   BUILDAH_OPTIONS=…     more of buildah's own
set -euo pipefail
cd "$(dirname "$0")/.."
tag=${TAG:-dev} base=${BASE:-docker.io/library/python:3.11-slim-bookworm}
builder=${BUILDER:-}
if [[ -z $builder ]] && docker info >/dev/null 2>&1; then
  builder=docker
elif [[ -z $builder ]] && command -v buildah >/dev/null; then
  builder=buildah
fi
revision=${REVISION:-$(git rev-parse HEAD 2>/dev/null || echo unknown)}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
if [[ -z ${REVISION:-} && -n $(git status --porcelain 2>/dev/null) ]]; then
  revision+=-changed
fi
export SOURCE_DATE_EPOCH=$epoch
read -ra more <<< "${BUILDAH_OPTIONS:-}"
for image in ${IMAGES:-service training}; do
  name=customer-segmentation-$image:$tag
  options=(
    --file "docker/$image.Dockerfile" --build-arg "BASE=$base" --build-arg "VERSION=${VERSION:-$tag}"
    --build-arg "REVISION=$revision" --build-arg "SOURCE_DATE_EPOCH=$epoch"
  )
  case $builder in
    docker) docker build "${options[@]}" --tag "$name" . ;;
    # A health check is part of docker's format alone.
    buildah) buildah bud --format docker --timestamp "$epoch" "${options[@]}" ${more[@]+"${more[@]}"} --tag "localhost/$name" . ;;
    *) echo 'neither docker nor buildah is here: install one, or name it in BUILDER' >&2; exit 2 ;;
  esac
  echo "built $name of $revision"
done
