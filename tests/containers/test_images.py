"""Both images, built by the command that users build them with, and at work as restricted pods against a real S3."""

import json
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import boto3
import pytest

from service.probe import ALIVE
from tests.containers import rolling
from tests.containers.stage import URL, Serving, Stage, ready
from tests.quick import QUICK_OPTIONS
from tests.reliability import load
from tests.reliability.scrapes import Samples, samples, until, workers
from tests.reliability.twins import bodies, expected
from tests.servers import ceph, images, s3
from tests.servers.images import BASE, Shop
from tests.servers.service import ROOT
from training.bundle import Bundle

pytestmark = [pytest.mark.containers, pytest.mark.ceph]

MEGABYTE = 1_000_000
MOST_OVER_BASE = {"service": 300 * MEGABYTE, "training": 900 * MEGABYTE}
VERSION, REVISION = "1.2.3", "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    images.require()
    with tempfile.TemporaryDirectory(prefix="images-") as folder, images.opened(Path(folder)) as shop:
        yield shop


@pytest.fixture(scope="module")
def built(shop: Shop) -> dict[str, str]:
    return {name: shop.build(name, version=VERSION, revision=REVISION) for name in MOST_OVER_BASE}


@pytest.fixture(scope="module")
def stage(shop: Shop, built: dict[str, str]) -> Iterator[Stage]:
    ceph.require()
    folder = tempfile.TemporaryDirectory(prefix="ceph-")
    with folder as place, pytest.MonkeyPatch.context() as patch, ceph.running(Path(place)) as store:
        s3.point_to(patch, store.endpoint, store.access_key, store.secret_key)
        boto3.Session().client("s3").create_bucket(Bucket=s3.BUCKET)
        stage = Stage(shop, built["service"], built["training"], store, Path(place) / "keys")
        stage.make_keys()
        yield stage


@pytest.fixture(scope="module")
def first(stage: Stage) -> Bundle:
    return stage.train("first")


@pytest.fixture(scope="module")
def serving(stage: Stage, first: Bundle) -> Iterator[Serving]:
    with stage.serving("service", ALLOW_ANONYMOUS="true") as service:
        ready(service)
        yield service


@pytest.mark.parametrize("name", MOST_OVER_BASE)
def test_an_image_is_no_larger_than_it_may_be(shop: Shop, built: dict[str, str], name: str) -> None:
    over = shop.inspect(built[name])["Size"] - shop.inspect(BASE)["Size"]
    assert 0 < over <= MOST_OVER_BASE[name]


@pytest.mark.parametrize("name", MOST_OVER_BASE)
def test_an_image_says_what_it_is_and_runs_as_nobody_in_particular(
    shop: Shop, built: dict[str, str], name: str
) -> None:
    told = shop.inspect(built[name])
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in told["Labels"].items()}
    assert labels["title"] == f"customer-segmentation-{name}"
    assert (labels["version"], labels["revision"], labels["licenses"]) == (VERSION, REVISION, "Apache-2.0")
    assert labels["base.name"] == BASE
    assert told["Config"]["User"] == "10001:10001"
    # No shell between the signals and the program.
    assert told["Config"]["Entrypoint"][0] in {"gunicorn", "python"}


def test_the_service_s_image_has_a_health_check_without_curl(shop: Shop, built: dict[str, str]) -> None:
    told = shop.inspect(built["service"])
    assert told["Healthcheck"]["Test"] == ["CMD", "python", "-m", "service.probe"]
    assert told["Config"]["Cmd"] == ["--bind", f"0.0.0.0:{ALIVE.split(':')[2].partition('/')[0]}"]


def plain(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


@pytest.mark.parametrize("name", MOST_OVER_BASE)
def test_an_image_holds_what_it_runs_and_no_more(shop: Shop, built: dict[str, str], name: str) -> None:
    with shop.mounted(built[name]) as root, shop.mounted(BASE) as base:
        packages = root / "venv/lib/python3.11/site-packages"
        there = {plain(path.name.split("-")[0]) for path in packages.glob("*.dist-info")}
        lines = (ROOT / f"docker/{name}-requirements.txt").read_text().splitlines()
        # Those for other releases of Python are locked as well.
        locked = {plain(line.split("==")[0]) for line in lines if "==" in line and "full_version >=" not in line}
        assert there == locked
        # Descriptions of AWS's other services are left out where there is little room.
        sources = [path.read_text() for path in (root / "app").rglob("*.py")]
        asked = {name for text in sources for name in re.findall(r"\bclient\(\s*\"([a-z0-9-]+)\"", text)} | {"sts"}
        assert "s3" in asked
        assert {each for each in asked if not (packages / "botocore/data" / each).is_dir()} == set()
        tools = ("gcc", "cc", "c++", "make", "pip", "curl")
        added = [str(path) for tool in tools for path in root.glob(f"*/**/bin/{tool}") if "proc" not in path.parts]
        assert [path for path in added if not (base / Path(path).relative_to(root)).exists()] == []
        rooms = {path.name for path in (root / "app").iterdir() if path.is_dir()}
        assert rooms == ({"segmentation", "service"} if name == "service" else rooms - {"service"})
        assert {"training", "segmentation"} <= rooms or name == "service"
        changed = [*(root / "app").rglob("*"), *(root / "venv").rglob("*")]
        assert [path for path in changed if not path.is_symlink() and path.stat().st_mode & 0o022] == []
        assert [path for path in changed if path.is_file() and not path.stat().st_mode & 0o004] == []
        assert [path for path in changed if path.suffix in {".key", ".pem"} and "site-packages" not in path.parts] == []
        for cache in ("root/.cache", "tmp", "var/tmp", "root/.config"):
            assert not (root / cache).is_dir() or list((root / cache).iterdir()) == []


def test_the_same_commit_makes_the_same_layers(shop: Shop, built: dict[str, str]) -> None:
    again = shop.build("service", tag="again", version=VERSION, revision=REVISION)
    assert shop.inspect(again)["RootFS"] == shop.inspect(built["service"])["RootFS"]


def test_a_job_publishes_a_signed_model(stage: Stage, first: Bundle) -> None:
    # Reading it has verified card, move and files with the public key alone.
    assert stage.registry.live("production").version == first.card.version
    assert first.card.counts.customers == 600


def test_what_was_published_is_what_is_answered(serving: Serving, first: Bundle) -> None:
    requests = bodies(first.card)
    with load.running(serving.url, requests, expected(requests, first)) as clients:
        until(lambda: clients.answered[first.card.version] >= 5 * len(requests), "every kind of request is answered")
    assert (clients.failures, clients.broken) == ([], 0)


def test_the_health_check_and_another_user(stage: Stage, serving: Serving) -> None:
    for path, well in (("healthz", 0), ("readyz", 0), ("nothing", 1)):
        assert serving.container.run("python", "-m", "service.probe", f"{serving.url}/{path}").returncode == well
    refused = serving.container.run("python", "-m", "service.probe", "http://127.0.0.1:9/healthz")
    assert (refused.returncode, "refused" in refused.stdout) == (1, True)
    with stage.serving("other-user", user="54321:0") as other:
        ready(other)


def test_the_root_cannot_be_written_to(serving: Serving) -> None:
    for place in ("/app/x", "/venv/x", "/x"):
        assert "Read-only" in serving.container.run("python", "-c", f"open({place!r}, 'w')").stderr


def scraped(serving: Serving) -> Samples:
    with urlopen(f"{serving.url}/metrics", timeout=10) as answer:
        return samples(answer.read().decode())


def test_a_second_model_and_a_rollback_under_load_are_taken_without_a_restart(
    stage: Stage, serving: Serving, first: Bundle
) -> None:
    started = serving.container.state["StartedAt"]
    second = stage.train("second", "--set", "sample.seed=8")
    assert second.card.version != first.card.version
    until(lambda: workers(scraped(serving)) == {second.card.version: 2}, "both workers serve the second model")
    requests = bodies(first.card)
    with load.running(serving.url, requests, expected(requests, first, second)) as clients:
        until(lambda: clients.answered[second.card.version] >= len(requests), "the second model answers")
        back = stage.start_job("back", "models", "rollback", "--why", "test")
        assert back.wait() == 0, back.log()
        until(lambda: workers(scraped(serving)) == {first.card.version: 2}, "both workers serve the first again")
        clients.mark()
        until(lambda: clients.answered[first.card.version] >= len(requests), "the first model answers")
    assert (clients.failures, clients.broken) == ([], 0)
    assert (serving.container.state["StartedAt"], serving.container.state["OOMKilled"]) == (started, False)


def test_replacing_the_containers_one_after_the_other_under_load_loses_no_request(
    stage: Stage, first: Bundle, tmp_path: Path
) -> None:
    """`python -m benchmarks.containers` does it twenty times."""
    rolling.require()
    requests, live = bodies(first.card), stage.live()
    with rolling.deployed(stage, tmp_path) as deployment:
        with load.running(deployment.url, requests, expected(requests, live), connections=2, pause=0.02) as clients:
            ended = [deployment.replace(number) for number in (0, 1)]
        assert ended == [0, 0]
    assert (clients.failures, clients.broken) == ([], 0)
    assert clients.total > 100


def test_a_service_stops_in_order_at_sigterm(stage: Stage, first: Bundle) -> None:
    with stage.serving("stopping", ALLOW_ANONYMOUS="true", DRAIN_SECONDS="2") as service:
        ready(service)
        before = time.monotonic()
        service.container.signal("TERM")
        until(lambda: service.status("/readyz") == 503, "unready")
        assert service.status("/healthz") == 200
        assert service.container.wait() == 0
        assert 2 <= time.monotonic() - before < 20
        lines = service.container.log().splitlines()
        assert all(isinstance(json.loads(line), dict) for line in lines)
        assert "Traceback" not in service.container.log()


def test_a_job_that_is_told_to_stop_stops_and_publishes_nothing(stage: Stage, first: Bundle) -> None:
    sequence = stage.registry.sequence("production")
    job = stage.start_job("stopped", "run", "--set", "sample.customers=100000", *QUICK_OPTIONS, memory="2g")
    # Past the start of Python, so that it is the job that is told.
    time.sleep(4)
    job.signal("TERM")
    assert job.wait(30) == 143, job.log()
    assert "stopped by SIGTERM" in job.log()
    assert stage.registry.sequence("production") == sequence


def test_a_job_without_its_store_says_that_it_is_worth_retrying(stage: Stage) -> None:
    job = stage.start_job("storeless", "run", *QUICK_OPTIONS, environment={
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1",
    })  # fmt: skip
    assert job.wait() == 5, job.log()
    assert URL.split("/")[2] in job.log()
