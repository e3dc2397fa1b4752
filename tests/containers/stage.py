"""Both images at work: jobs that publish to a real S3, services that serve it, as restricted pods run them."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from segmentation import card as cards
from segmentation.model import NEEDED_TO_SERVE
from segmentation.registry import Registry, open_registry
from segmentation.registry.signatures import Verifier, load_verifier
from tests.quick import QUICK_OPTIONS
from tests.servers import s3
from tests.servers.ceph import Ceph
from tests.servers.images import USER, Container, Shop
from tests.servers.service import free_port
from training.bundle import Bundle

CUSTOMERS = 600
JOB_MEMORY, SERVICE_MEMORY = "640m", "320m"
REFRESH_SECONDS = 0.5
URL = f"s3://{s3.BUCKET}/registry"

KEYS = "/keys"
"""Where a job has the pair, and a service the public half."""


@dataclass(frozen=True)
class Serving:
    """A service in a container."""

    url: str
    container: Container

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def status(self, path: str) -> int:
        """Of a GET; 0 where nobody answers."""
        try:
            with urlopen(self.url + path, timeout=10) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except (URLError, ConnectionError, TimeoutError):
            return 0


@dataclass(frozen=True)
class Stage:
    """The images, the store and the keys; the variables of this process lead to the store as well."""

    shop: Shop
    service: str
    training: str
    store: Ceph
    keys: Path

    @property
    def registry(self) -> Registry:
        """As whoever trusts the public key alone reads it."""
        return open_registry(URL, verifier=self.verifier)

    @property
    def verifier(self) -> Verifier:
        return load_verifier(str(self.keys / "signing.pub"))

    @property
    def access(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.store.endpoint,
            "AWS_ACCESS_KEY_ID": self.store.access_key,
            "AWS_SECRET_ACCESS_KEY": self.store.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SEGMENTATION_REGISTRY": URL,
        }

    def make_keys(self) -> None:
        """By the job's own command: they belong to its user."""
        self.keys.mkdir(mode=0o777)
        self.keys.chmod(0o777)
        job = self.shop.start(
            self.training, "keygen", "models", "keygen", "--out", KEYS, options=("--volume", f"{self.keys}:{KEYS}")
        )
        assert job.wait() == 0, job.log()

    def start_job(
        self,
        name: str,
        *arguments: str,
        memory: str = JOB_MEMORY,
        environment: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
    ) -> Container:
        return self.shop.start(
            self.training, name, *arguments, memory=memory,
            environment={**self.access, "SEGMENTATION_SIGNING_KEY_FILE": f"{KEYS}/signing.key",
                         "SEGMENTATION_PUBLIC_KEY_FILE": f"{KEYS}/signing.pub", **(environment or {})},
            options=("--volume", f"{self.keys}:{KEYS}:ro", *options),
        )  # fmt: skip

    def train(self, name: str, *settings: str) -> Bundle:
        """Publish a small model and make it live; gives what was published, its signature verified."""
        job = self.start_job(name, "run", "--set", f"sample.customers={CUSTOMERS}", *QUICK_OPTIONS, *settings)
        assert job.wait() == 0, job.log()
        job.remove()
        return self.live()

    def live(self) -> Bundle:
        registry = self.registry
        card = registry.read_card(registry.live("production").version)
        read = cards.decode(card)
        files = {name: registry.read_file(read.version, name) for name in NEEDED_TO_SERVE}
        return Bundle(card=read, card_content=card, files=files)

    @contextmanager
    def serving(
        self,
        name: str,
        port: int = 0,
        memory: str = SERVICE_MEMORY,
        user: str = USER,
        **settings: str,
    ) -> Iterator[Serving]:
        """A service on loopback; it need not be ready yet."""
        port = port or free_port()
        changed = {f"SEGMENTATION_{key}": value for key, value in settings.items()}
        container = self.shop.start(
            self.service, name, "--bind", f"127.0.0.1:{port}", memory=memory,
            environment={**self.access, "SEGMENTATION_PUBLIC_KEY_FILE": "/signing.pub",
                         "SEGMENTATION_REFRESH_SECONDS": str(REFRESH_SECONDS), "WEB_CONCURRENCY": "2", **changed},
            options=("--user", user, "--volume", f"{self.keys / 'signing.pub'}:/signing.pub:ro"),
        )  # fmt: skip
        try:
            yield Serving(f"http://127.0.0.1:{port}", container)
        finally:
            container.remove()


def ready(service: Serving, seconds: float = 60.0) -> None:
    """Wait until it has a model."""
    patience = time.monotonic() + seconds
    while service.status("/readyz") != 200:
        if time.monotonic() > patience or not service.container.state["Running"]:
            raise AssertionError(f"not ready: {service.container.log()[-3000:]}")
        time.sleep(0.05)
