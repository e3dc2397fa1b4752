"""What people see who open /docs, or print /report, in a browser: Chromium itself, the service as it is run."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from segmentation.registry import open_registry
from service import keys
from tests.servers.service import Service, running
from training import job

pytestmark = pytest.mark.chromium

QUIET = ("gpu", "quic", "background-networking", "component-update", "sync")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and os.environ.get("CI", "").lower() == "true":
        pytest.fail("CI must have Chromium: `make ci-deps` installs it, as root")
    if found is None:
        pytest.skip("there is no Chromium: `apt-get install chromium`")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--no-first-run", *(f"--disable-{what}" for what in QUIET)]
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, sample_result: job.Result) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("docs")
    registry = open_registry(str(folder / "registry"))
    job.release(sample_result, registry, "production")
    with running(registry.url, folder / "log", workers=1) as running_service:
        yield running_service


class Watched:
    """A page, and whatever went wrong on it or was loaded from elsewhere."""

    def __init__(self, browser: Browser, service: Service, width: int) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900})
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self._look(request.url, service.url))
        self.page.goto(f"{service.url}/docs")
        expect(self.page.locator("#forms button").first).to_be_visible()

    def _look(self, url: str, home: str) -> None:
        if not url.startswith((home, "data:")):
            self.wrong.append(f"asked {url}")


@pytest.mark.parametrize("width", [1200, 420])
def test_the_examples_are_sent_and_the_answers_shown(
    browser: Browser, service: Service, sample_result: job.Result, width: int
) -> None:
    watched = Watched(browser, service, width)
    page = watched.page
    names = {segment.name for segment in sample_result.made.card.segments}
    for number, customers in enumerate((1, 1, 2, 2)):
        page.locator("#forms button").nth(number).click()
        page.locator("#send").click()
        expect(page.locator("#told .card .name")).to_have_count(customers)
        expect(page.locator("#status")).to_have_text("200 OK")
        found = [text.split(" segment ")[0].strip() for text in page.locator("#told .card .name").all_inner_texts()]
        assert set(found) <= names
        expect(page.locator("#told .effects")).to_have_count(customers)
        # A share in percent would be taken for a probability, which a confidence is not.
        expect(page.locator("#told .card dd").first).to_have_text(re.compile(r"^[01]\.\d\d$"))
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert watched.wrong == []
    page.close()


def test_it_shows_every_feature_and_every_route(browser: Browser, service: Service, sample_result: job.Result) -> None:
    watched = Watched(browser, service, 1200)
    features = watched.page.locator("#feature-table td:first-child").all_inner_texts()
    assert features == list(sample_result.made.card.feature_names)
    routes = watched.page.locator(".route > summary > code").all_inner_texts()
    assert {"/predict", "/segments/{id}", "/{algorithm}/score", "/metrics", "/docs"} <= set(routes)
    watched.page.get_by_text("POST", exact=True).last.click()
    expect(watched.page.get_by_text("up to 100 places at once")).to_be_visible()
    assert watched.wrong == []
    watched.page.close()


def test_what_is_wrong_is_shown_with_its_place(browser: Browser, service: Service) -> None:
    watched = Watched(browser, service, 420)
    watched.page.locator("#body").fill('{"customers": [{"features": {"monetari": 1}}, {}]}')
    watched.page.locator("#send").click()
    expect(watched.page.locator("#status")).to_have_text("422 invalid-field")
    places = watched.page.locator(".places li")
    expect(places.filter(has_text="/customers/0/features/monetari")).to_have_text(re.compile("did you mean 'monetary'"))
    expect(places.filter(has_text=re.compile("^/customers/1a customer needs"))).to_have_count(1)
    watched.page.close()


def test_without_a_model_it_says_so(browser: Browser, tmp_path: Path) -> None:
    with running(str(tmp_path / "empty"), tmp_path / "log", workers=1) as service:
        page = browser.new_page()
        page.goto(f"{service.url}/docs")
        expect(page.locator("#about")).to_contain_text("no model is loaded yet")
        page.close()


def test_with_api_keys_the_page_opens_and_asks_for_one(
    browser: Browser, tmp_path: Path, sample_result: job.Result
) -> None:
    key = keys.add(tmp_path / "keys.json", "docs", ("read", "predict"))
    registry = open_registry(str(tmp_path / "registry"))
    job.release(sample_result, registry, "production")
    with running(registry.url, tmp_path / "log", 1, API_KEYS_FILE=str(tmp_path / "keys.json")) as service:
        assert service.get("/openapi.json").status == 401
        page = browser.new_page()
        page.goto(f"{service.url}/docs")
        expect(page.locator("#about")).to_contain_text("key")
        assert page.locator("#feature-table td").count() == 0
        page.locator("#key").fill(key)
        page.get_by_role("button", name="Use").click()
        page.locator("#send").click()
        expect(page.locator("#status")).to_have_text("200 OK")
        page.close()


def test_the_report_is_printed_whole(browser: Browser, service: Service) -> None:
    """What a screen scrolls to is lost on paper: A4 with a browser's usual margins is 717 pixels wide."""
    page = browser.new_page(viewport={"width": 717, "height": 1000})
    page.emulate_media(media="print")
    page.goto(f"{service.url}/report")
    widths = page.locator(".wide").evaluate_all("all => all.map((each) => each.scrollWidth - each.clientWidth)")
    assert len(widths) > 5
    assert max(widths) <= 0
    assert page.evaluate("document.documentElement.scrollWidth") == 717
    page.close()
