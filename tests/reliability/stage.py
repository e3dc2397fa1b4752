"""A service in this process whose registry is about to fail it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from segmentation import card as cards
from segmentation.card import Card
from segmentation.registry import Move, Registry, moves
from segmentation.registry.signatures import Signer, load_signer
from segmentation.settings import Settings
from service.app import create_app
from service.live_model import LiveModel
from service.state import KEY
from tests.conftest import put_live
from tests.reliability.scrapes import Samples, samples, workers
from tests.reliability.twins import Expected, bodies, contrary, expected
from tests.signing_keys import signed
from training import publish
from training.bundle import Bundle

ALIAS = "production"
NEVER = 86_400.0
"""Seconds between looks of the background: the tests look themselves."""


@dataclass(frozen=True)
class Stage:
    """A service that serves `first` out of a signed registry in a directory, and what it must answer."""

    registry: Registry
    signer: Signer
    settings: Settings
    first: Bundle
    requests: list[dict[str, Any]]
    answers: Expected
    client: FlaskClient
    live: LiveModel

    @property
    def folder(self) -> Path:
        return Path(self.registry.url)

    def file(self, version: str, name: str) -> Path:
        return self.folder / "models" / version / name

    def move_file(self, sequence: int, alias: str = ALIAS) -> Path:
        return self.folder / moves.key(alias, sequence)

    @property
    def latest(self) -> int:
        return self.registry.sequence(ALIAS)

    def restarted(self, **changes: Any) -> tuple[FlaskClient, LiveModel]:
        """Another service of the same registry that knows nothing."""
        return _start(replace(self.settings, **changes))

    def publish(self, made: Bundle) -> None:
        put_live(self.registry, made, "test")

    def heal(self) -> None:
        """A good move on top of whatever there is, to the model that is served."""
        publish.promote(self.registry, ALIAS, self.first.card.version, "mended")
        self.live.refresh()

    def serves_only(self, made: Bundle) -> None:
        """Every kind of request is answered, by this model and as it answers."""
        assert_answers(self.client, self.requests, self.answers, made.card.version)

    def scrape(self) -> Samples:
        return samples(self.client.get("/metrics").text)


def assert_answers(client: FlaskClient, requests: list[dict[str, Any]], answers: Expected, version: str) -> None:
    for number, body in enumerate(requests):
        answer = client.post("/predict", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.get_json()["model_version"] == version
        assert answers.wrong(number, answer.get_json()) == ""


def prepare(folder: Path, made: Bundle, url: str = "", **changes: Any) -> Stage:
    """Publish, in the folder or elsewhere, and serve."""
    registry = signed(url or str(folder / "registry"), folder / "keys")
    signer = load_signer(str(folder / "keys/signing.key"))
    put_live(registry, made, "first")
    settings = Settings(registry=registry.url, public_key_file=str(folder / "keys/signing.pub"), refresh_seconds=NEVER)
    settings = replace(settings, **changes)
    requests = bodies(made.card)
    client, live = _start(settings)
    return Stage(registry, signer, settings, made, requests, expected(requests, made, contrary(made)), client, live)


def remade(made: Bundle, version: str, files: dict[str, bytes] | None = None, **changes: Any) -> Bundle:
    """The model as an honest publisher would publish it with other files or another card: every digest is right."""
    contents = made.files | (files or {})
    card: Card = replace(made.card, version=version, files=cards.digests(contents), **changes)
    return Bundle(card=card, card_content=cards.encode(card), files=contents)


def signed_move(signer: Signer, sequence: int, version: str, digest: str, alias: str = ALIAS) -> bytes:
    """A move that the holder of the key made by hand."""
    move = Move(
        alias=alias, sequence=sequence, version=version, card_digest=digest, at="2026-01-01T00:00:00Z", by="tester",
        why="test",
    )  # fmt: skip
    return moves.encode(replace(move, signature=moves.sign(move, signer)))


def assert_refused(stage: Stage, code: str, before: Samples, looks: int) -> None:
    """What an operator sees of a fault, on every scrape and in /readyz, while `first` is served as ever."""
    version = stage.first.card.version
    ready = stage.client.get("/readyz")
    assert ready.status_code == 200
    told = ready.get_json()
    assert (told["model_version"], told["refresh_failure_code"]) == (version, code)
    assert told["refresh_failure"]
    now = stage.scrape()
    counted = ("segmentation_reload_failures_total", code)
    assert now[counted] - before[counted] == looks
    assert now["segmentation_reload_failing_workers", code] == 1
    assert workers(now) == {version: 1}
    for name in ("segmentation_reloads_total", "segmentation_reload_last_success_timestamp_seconds"):
        assert now[name, ""] == before[name, ""]
    assert now["segmentation_reload_last_failure_timestamp_seconds", ""] > 0


def _start(settings: Settings) -> tuple[FlaskClient, LiveModel]:
    app = create_app(settings)
    return app.test_client(), app.extensions[KEY].live_model
