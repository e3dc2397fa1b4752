"""The mistakes that the checks of manifests are tried with."""

from tests.kubernetes.mistakes import GONE, Mistake, plus, upside_down, without

_POD = "spec.template.spec"
_SERVICE = f"{_POD}.containers.0"
_JOB = "spec.jobTemplate.spec"
_TRAINING = f"{_JOB}.template.spec.containers.0"


def _pods(check: str, path: str, value: object) -> Mistake:
    return Mistake(check, "Deployment", "segmentation", f"{_POD}.{path}", value)


def _service(check: str, path: str, value: object) -> Mistake:
    return Mistake(check, "Deployment", "segmentation", f"{_SERVICE}.{path}", value)


def _job(check: str, path: str, value: object) -> Mistake:
    return Mistake(check, "CronJob", "segmentation-training", f"{_JOB}.{path}", value)


def _training(check: str, path: str, value: object) -> Mistake:
    return Mistake(check, "CronJob", "segmentation-training", f"{_TRAINING}.{path}", value)


def _setting(check: str, name: str, value: object) -> Mistake:
    return Mistake(check, "ConfigMap", "segmentation-settings", f"data.SEGMENTATION_{name}", value)


_LABELS = "metadata.labels/pod-security.kubernetes.io"

MISTAKES = (
    Mistake("restricted", "Namespace", "segmentation", f"{_LABELS}/enforce", "baseline"),
    Mistake("restricted", "Namespace", "segmentation", f"{_LABELS}/warn", GONE),
    _pods("restricted", "hostNetwork", True),
    _pods("restricted", "securityContext.runAsNonRoot", GONE),
    _pods("restricted", "securityContext.runAsUser", 0),
    _pods("restricted", "securityContext.seccompProfile", GONE),
    _pods("restricted", "volumes.0", {"name": "cache", "hostPath": {"path": "/var"}}),
    _service("restricted", "securityContext.allowPrivilegeEscalation", GONE),
    _service("restricted", "securityContext.privileged", True),
    _service("restricted", "securityContext.readOnlyRootFilesystem", False),
    _service("restricted", "securityContext.capabilities", {"drop": ["ALL"], "add": ["NET_ADMIN"]}),
    _service("restricted", "ports.0.hostPort", 8080),
    _training("restricted", "securityContext.capabilities.drop", ["NET_RAW"]),
    _job("restricted", "template.spec.securityContext.runAsNonRoot", False),
    Mistake("tokens", "ServiceAccount", "segmentation", "automountServiceAccountToken", GONE),
    _pods("tokens", "automountServiceAccountToken", True),
    _pods("tokens", "enableServiceLinks", GONE),
    _job("tokens", "template.spec.automountServiceAccountToken", GONE),
    _job("tokens", "template.spec.serviceAccountName", "default"),
    _service("resources", "resources.limits.memory", GONE),
    _service("resources", "resources.requests.cpu", "4"),
    _service("resources", "resources", GONE),
    _pods("resources", "volumes.0.emptyDir", {}),
    _pods("resources", "volumes.0.emptyDir.sizeLimit", "1Gi"),
    _pods("resources", "volumes.2.emptyDir.sizeLimit", "2Gi"),
    _training("resources", "resources.requests.memory", "3Gi"),
    _pods("mounts", "volumes", without("cache")),
    _service("mounts", "volumeMounts", without("temporary")),
    _service("mounts", "envFrom.0.configMapRef.name", "segmentation-settings"),
    _service("mounts", "env.0.value", "/home"),
    _setting("mounts", "CACHE_DIR", "/var/cache"),
    _setting("mounts", "API_KEYS_FILE", "/etc/keys/api-keys.json"),
    _setting("mounts", "SIGNING_KEY_FILE", "/etc/segmentation/signing.key"),
    _setting("mounts", "SPILL_DIR", ""),
    _job("mounts", "template.spec.volumes", without("configuration")),
    _job("mounts", "template.spec.volumes.2.configMap.name", "segmentation-training-files"),
    _training("variables", "args.4", "$(TRAINING_DATE)"),
    _training("variables", "env", upside_down),
    _training("variables", "env", plus({"name": "HOME", "value": "/tmp"})),
    _service("images", "image", "customer-segmentation-service:latest"),
    _service("images", "image", "customer-segmentation-service"),
    _service("images", "args", ["--listen", "0.0.0.0:8080"]),
    _service("images", "args", []),
    _service("images", "lifecycle.preStop.exec.command", ["slep", "5"]),
    _training("images", "image", "customer-segmentation-job:0.1.0"),
    _training("images", "args.0", "rn"),
    _training("images", "args.1", "--if-neded"),
    _training("images", "args.3", "shop"),
    _training("images", "args", plus("--anew", "now")),
    Mistake("images", "Deployment", "s3", f"{_SERVICE}.image", "quay.io/ceph/ceph"),
    Mistake("images", "Job", "segmentation-keys", f"{_SERVICE}.command", ["python", "/scripts/key.py"]),
    Mistake("images", "Job", "segmentation-sample-data", f"{_SERVICE}.command.0", "pyton"),
    _setting("settings", "ALIAS", GONE),
    _setting("settings", "REGISTY", "s3://segmentation/registry"),
    _setting("settings", "MEMORY_LIMIT", "2GB"),
    _setting("settings", "MAX_CUSTOMERS", "many"),
    _setting("settings", "LOG_LEVEL", "LOUD"),
    _service("ports", "ports.0.containerPort", 8000),
    _service("ports", "args", ["--bind", "127.0.0.1:8080"]),
    _service("ports", "args", ["--bind", "0.0.0.0:9000"]),
    _setting("ports", "METRICS_PORT", "9090"),
    Mistake("ports", "Service", "segmentation", "spec.ports.0.targetPort", "web"),
    Mistake("ports", "Service", "segmentation-metrics", "spec.ports.0.targetPort", 8081),
    _service("probes", "readinessProbe.httpGet.path", "/healthz"),
    _service("probes", "livenessProbe.httpGet.path", "/readyz"),
    _service("probes", "livenessProbe.httpGet.path", "/health"),
    _service("probes", "startupProbe.httpGet.path", "/model"),
    _service("probes", "readinessProbe.httpGet.port", "metrics"),
    _service("probes", "startupProbe", GONE),
    _service("probes", "livenessProbe.failureThreshold", 3),
    _pods("stopping", "terminationGracePeriodSeconds", 30),
    _pods("stopping", "terminationGracePeriodSeconds", GONE),
    _service("stopping", "lifecycle", GONE),
    _service("stopping", "lifecycle.preStop.exec.command", ["sleep", "60"]),
    _setting("stopping", "DRAIN_SECONDS", "60"),
    Mistake("scaling", "HorizontalPodAutoscaler", "segmentation", "spec.minReplicas", 1),
    Mistake("scaling", "HorizontalPodAutoscaler", "segmentation", "spec.maxReplicas", 2),
    Mistake("scaling", "HorizontalPodAutoscaler", "segmentation", "spec.scaleTargetRef.name", "service"),
    Mistake("scaling", "Deployment", "segmentation", "spec.replicas", 1),
    Mistake("scaling", "Deployment", "segmentation", "spec.strategy.rollingUpdate.maxUnavailable", 1),
    Mistake("scaling", "PodDisruptionBudget", "segmentation", "spec.maxUnavailable", 0),
    Mistake("scaling", "PodDisruptionBudget", "segmentation", "spec.maxUnavailable", 2),
    Mistake("scaling", "PodDisruptionBudget", "segmentation", "spec", {"minAvailable": 2}),
    _service("scaling", "resources.requests.cpu", GONE),
    Mistake("selectors", "Deployment", "segmentation", "spec.selector.matchLabels/app.kubernetes.io/name", "other"),
    Mistake("selectors", "Service", "segmentation", "spec.selector/app.kubernetes.io/component", "training"),
    Mistake("selectors", "Service", "segmentation", "spec.selector/app.kubernetes.io/component", GONE),
    Mistake("selectors", "PodDisruptionBudget", "segmentation", "spec.selector.matchLabels", {"app": "segmentation"}),
    Mistake("selectors", "NetworkPolicy", "segmentation", "spec.podSelector.matchLabels", {"app": "segmentation"}),
    _pods("selectors", "topologySpreadConstraints.1.labelSelector", {"matchLabels": {"app": "segmentation"}}),
    Mistake("network", "NetworkPolicy", "default-deny", "spec.policyTypes", ["Ingress"]),
    Mistake("network", "NetworkPolicy", "segmentation", "spec.egress.0.ports.0.port", 443),
    Mistake("network", "NetworkPolicy", "segmentation", "spec.egress", plus({"to": [{"podSelector": {}}]})),
    Mistake("network", "NetworkPolicy", "segmentation", "spec.ingress.0.ports.0.port", "web"),
    Mistake("network", "NetworkPolicy", "segmentation", "spec.ingress.0.from", GONE),
    Mistake("network", "NetworkPolicy", "segmentation", "spec.ingress.1", GONE),
    Mistake("network", "NetworkPolicy", "dns", "spec.egress.0.ports.0", GONE),
    Mistake("network", "NetworkPolicy", "s3", "spec.ingress.0.ports.0.port", "http"),
    Mistake("network", "NetworkPolicy", "segmentation", "spec.egress.0.to.0.ipBlock.except", GONE, "production"),
    Mistake("network", "ConfigMap", "segmentation-s3", "data.AWS_ENDPOINT_URL", "http://s3:9000"),
    _service("secrets", "envFrom.2.secretRef.name", "segmentation-s3"),
    _pods("secrets", "volumes.3.secret.secretName", "api-keys"),
    Mistake("secrets", "CronJob", "segmentation-training", f"{_JOB}.template.spec.volumes.3.secret.secretName",
            "signing", "production"),
    Mistake("secrets", "ConfigMap", "segmentation-s3", "kind", "Secret"),
    Mistake("ingress", "Ingress", "segmentation", "spec.tls", GONE, "production"),
    Mistake("ingress", "Ingress", "segmentation", "spec.tls.0.hosts", ["example.com"], "production"),
    Mistake("ingress", "Ingress", "segmentation", "spec.rules.0.http.paths.0.backend.service.port", {"name": "metrics"},
            "production"),
    Mistake("ingress", "Ingress", "segmentation", "kind", "IngressRoute", "production"),
    Mistake("schedule", "CronJob", "segmentation-training", "spec.schedule", "30 25 * * 1"),
    Mistake("schedule", "CronJob", "segmentation-training", "spec.schedule", "30 3 * * 1 *"),
    Mistake("schedule", "CronJob", "segmentation-training", "spec.schedule", "CRON_TZ=UTC 30 3 * * 1"),
    Mistake("schedule", "CronJob", "segmentation-training", "spec.schedule", "0 * * * *"),
    Mistake("schedule", "CronJob", "segmentation-training", "spec.schedule", "30 3 1 * *"),
    Mistake("schedule", "CronJob", "segmentation-training", "spec.timeZone", "Europe/Bonn"),
    Mistake("schedule", "CronJob", "segmentation-training", "spec.timeZone", GONE),
    Mistake("schedule", "CronJob", "segmentation-training", "spec.concurrencyPolicy", "Allow"),
    Mistake("schedule", "CronJob", "segmentation-training", "spec.startingDeadlineSeconds", 5),
    Mistake("schedule", "CronJob", "segmentation-training", "spec.suspend", True),
    _job("schedule", "ttlSecondsAfterFinished", 86400),
    _job("schedule", "activeDeadlineSeconds", GONE),
    _job("failures", "podFailurePolicy", GONE),
    _job("failures", "podFailurePolicy.rules", upside_down),
    _job("failures", "podFailurePolicy.rules.1.onExitCodes.values", [2, 3]),
    _job("failures", "podFailurePolicy.rules.1.onExitCodes.values", [2, 3, 4, 5]),
    _job("failures", "podFailurePolicy.rules.1.onExitCodes.operator", "NotIn"),
    _job("failures", "podFailurePolicy.rules.2.onExitCodes.values", [1, 5]),
    _job("failures", "podFailurePolicy.rules.1.onExitCodes.containerName", "job"),
    _job("failures", "template.spec.restartPolicy", "OnFailure"),
    _job("failures", "backoffLimit", 0),
    _training("memory", "env", without("SEGMENTATION_MEMORY_LIMIT")),
    _training("memory", "env.1.valueFrom.resourceFieldRef.resource", "limits.memory"),
    _training("memory", "env.1.valueFrom.resourceFieldRef.divisor", "1"),
    _training("memory", "env.2.value", "$(MEMORY_REQUESTED)"),
    _training("memory", "resources.requests.memory", "2Gi"),
)  # fmt: skip
