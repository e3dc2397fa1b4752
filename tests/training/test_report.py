"""The page that is published with a model: whole, without anybody's id, and the same each time."""

import re
from dataclasses import replace
from io import BytesIO

import pytest
from matplotlib import image

from segmentation.evidence import Candidate, Selection
from segmentation.lineage import Check, Descent, Fate, Lineage, Migration, Verdict
from segmentation.registry import Registry
from segmentation.settings import Settings
from tests.conftest import MADE
from tests.quick import QUICK
from tests.training.explored import Tags
from training import configuration, job
from training.lineage import unrelated
from training.report.drawing import percent
from training.report.model_page import PAGE, model_report
from training.report.segment_words import stability_words, value
from training.sections import Report

PICTURES = {"sizes", "radar", "boxes", "pca", "tsne", "silhouettes"}
SMALL = Report(points=300, tsne_rows=0)


@pytest.fixture(scope="module")
def files(sample_result: job.Result) -> dict[str, bytes]:
    """What is published with the sample's model."""
    return {name: content for name, content in sample_result.made.files.items() if name.startswith("report")}


@pytest.fixture(scope="module")
def page(files: dict[str, bytes]) -> str:
    return files[PAGE].decode()


def words_of(page: str) -> str:
    """The page without its pictures and styles."""
    return re.sub(r"base64,[A-Za-z0-9+/=]+|<style>.*</style>", "", page, flags=re.DOTALL)


def chunks(png: bytes) -> set[bytes]:
    """What parts a PNG has: words could be in others than these of size, resolution and picture."""
    found, at = set(), 8
    while at < len(png):
        found.add(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4])
    return found


def report_of(result: job.Result, settings: Report = SMALL, **changes: object) -> dict[str, bytes]:
    card = replace(result.made.card, **changes)  # type: ignore[arg-type]
    return model_report(card, result.snapshot, result.populations, result.fitted, settings, seed=0)


def test_the_page_and_every_picture_are_published_under_the_card_s_digests(
    sample_result: job.Result, published: Registry, files: dict[str, bytes]
) -> None:
    card = sample_result.made.card
    assert set(files) == {PAGE, *(f"report/{name}.png" for name in PICTURES)}
    assert set(files) <= set(card.files)
    for name, content in files.items():
        assert published.read_file(card.version, name) == content


def test_the_page_loads_nothing_and_holds_every_picture_with_words_for_who_cannot_see_it(page: str) -> None:
    tags = Tags(page)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", re.sub(r"base64,[A-Za-z0-9+/=]+", "", page))
    assert {name for name, _ in tags.found} & {"script", "link", "iframe", "object"} == set()
    images = tags.every("img")
    assert {figure["id"] for figure in tags.every("figure")} == PICTURES
    assert len(images) == len(PICTURES)
    for picture in images:
        assert picture["src"].startswith("data:image/png;base64,")
        assert len(picture["alt"]) > 30


def test_pictures_are_pngs_that_fit_a_page_and_show_something(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if name.endswith(".png"):
            pixels = image.imread(BytesIO(content), format="png")
            assert 700 <= pixels.shape[1] <= 1100
            assert 0.02 < (pixels[..., :3].min(axis=2) < 0.9).mean() < 0.7


def test_no_file_holds_an_id_of_a_customer_or_an_order(
    sample_result: job.Result, files: dict[str, bytes], page: str
) -> None:
    told = words_of(page)
    assert "customer-" not in told
    assert "order-0" not in told
    assert set(re.findall(r"\d{5,}", told)).isdisjoint(str(id_)[-5:] for id_ in sample_result.snapshot.customers.index)
    for name, content in files.items():
        assert name == PAGE or chunks(content) <= {b"IHDR", b"pHYs", b"IDAT", b"IEND"}


def test_the_page_tells_no_smallest_or_largest_amount(sample_result: job.Result, page: str) -> None:
    for name in ("monetary", "average_basket", "tenure_days"):
        values = sample_result.snapshot.customers[name]
        for extreme in (values.min(), values.max()):
            for written in (value(extreme), f"{extreme:.2f}", f"{extreme:,.2f}"):
                assert not re.search(rf"(?<![\d.,]){re.escape(written)}(?![\d.,%])", words_of(page)), (name, written)


def test_every_segment_is_told_with_name_colour_shares_and_what_sets_it_apart(
    sample_result: job.Result, page: str
) -> None:
    assert page.count('<article class="card"') == 5
    for segment in sample_result.made.card.segments:
        start = page.index(f">{segment.id}</span>{segment.name}</h3>")
        told = page[start : page.index("</article>", start)]
        assert segment.colour in told
        assert f"{100 * segment.share:.1f} %" in told
        assert f"{100 * (segment.revenue_share or 0):.1f} %" in told
        assert f"(effect {segment.apart[0].effect:+.2f})" in told
        assert stability_words(segment.stability) in told


def test_the_quantiles_of_the_page_are_the_card_s(sample_result: job.Result, page: str) -> None:
    card = sample_result.made.card
    for told in (card.population["monetary"], card.segments[1].profile["monetary"]):
        cell = f"{value(told.q50)}\n{value(told.q25)} to {value(told.q75)}\n{value(told.q05)} to {value(told.q95)}"
        assert cell in page


def test_the_page_says_how_tsne_was_made_and_what_not_to_read_in_it(page: str) -> None:
    assert "perplexity 30, seed 0" in page
    assert "Distances between islands, their sizes and the axes mean little" in page


def test_the_same_model_gives_the_same_bytes(sample_result: job.Result, files: dict[str, bytes]) -> None:
    made = sample_result.made.card
    again = report_of(sample_result, Report(), version="another", created_at="later", files={})
    assert sorted(again) == sorted(files)
    assert [name for name, content in files.items() if again[name] != content] == []
    assert made.version not in files[PAGE].decode()


def test_switched_off_there_is_no_page(sample_configuration: configuration.Configuration) -> None:
    few = ["sample.customers=600", *QUICK]
    made = job.make("sample", None, configuration.load("sample", assignments=few), Settings(), created=MADE).made
    assert not [name for name in made.files if name.startswith("report")]
    assert made.card.files.keys() == made.files.keys()


@pytest.fixture(scope="module")
def full(sample_result: job.Result) -> dict[str, bytes]:
    """The page of a card that holds all that a card can, and strange names; without t-SNE."""
    card = sample_result.made.card
    lineage = Lineage(
        predecessor="20250101T000000Z-00000000",
        why="",
        customers=3000,
        segments=(
            Descent(id=0, status="survived", of=(0,), jaccard=0.9),
            Descent(id=7, status="new", of=(), jaccard=0),
        ),
        previous=(Fate(id=9, name="Gone <for> good", status="retired", into=()),),
        moved_by_model=0.05,
        moved_by_customers=0.125,
        model_changed=(
            Migration(before=9, after=0, customers=120, revenue_share=0.04),
            Migration(before=9, after=1, customers=None, revenue_share=None),
        ),
        customers_moved=(),
    )
    check = Check(name="silhouette", passed=False, value=0.1, limit=0.3, says="worse than the live model")
    verdict = Verdict(predecessor=lineage.predecessor, passed=False, checks=(check,))
    candidate = Candidate(
        k=5, silhouette=0.4, silhouette_standard_error=0.01, unstructured=0.2, davies_bouldin=1, calinski_harabasz=1,
        inertia=1, smallest_share=0.1, largest_share=0.4, refits=card.refits, objection="",
    )  # fmt: skip
    selection = Selection(rows=3000, candidates=(candidate,), k=5, natural=True, why="the largest silhouette.")
    strange = (replace(card.segments[0], name="<b>$x_1$</b> & co"), *card.segments[1:])
    return report_of(sample_result, segments=strange, lineage=lineage, gate=verdict, selection=selection)


def test_what_became_of_segments_and_what_the_gate_said_is_told_where_the_card_holds_it(full: dict[str, bytes]) -> None:
    for told in (
        "The gate said no",
        "worse than the live model",
        "5.0 % of the customers are in another segment because the model changed, 12.5 % because they themselves did",
        "Gone &lt;for&gt; good",
        "fewer than 10",
        "5 (chosen)",
    ):
        assert told in full[PAGE].decode()


def test_names_that_look_like_markup_or_formulas_are_shown_as_they_are(full: dict[str, bytes]) -> None:
    assert "&lt;b&gt;$x_1$&lt;/b&gt; &amp; co" in full[PAGE].decode()
    assert "<for>" not in full[PAGE].decode()


def test_tsne_can_be_left_out(full: dict[str, bytes]) -> None:
    assert "report/tsne.png" not in full
    assert 'id="tsne"' not in full[PAGE].decode()


def test_what_stands_for_a_value_that_most_do_not_have_is_not_told_as_everybody_s(
    sample_result: job.Result, page: str
) -> None:
    card = sample_result.made.card
    name = "mean_days_between_orders"
    stand_in = value(next(feature.fill for feature in card.features if feature.name == name) or 0.0)
    share = percent(sample_result.snapshot.lacking[name] / card.counts.customers)
    assert f"mean days between orders {stand_in} ({share} of all have none)" in page
    own = value(card.segments[4].profile[name].q50)
    assert f"mean days between orders {own} (most have none, counted as {stand_in})" in page
    assert f"mean days between orders {own} (everybody" not in page


def test_how_far_a_segment_is_trusted_is_read_off_the_number_beside_it(sample_result: job.Result) -> None:
    first, *others = sample_result.made.card.segments
    segments = (replace(first, stability=0.848, silhouette=0.497), *others)
    told = words_of(report_of(sample_result, segments=segments)[PAGE].decode())
    assert "Stability 0.85: highly stable." in told
    assert "Silhouette 0.50: clearly set apart." in told


def test_a_kept_name_that_is_no_longer_true_is_told(sample_result: job.Result, page: str) -> None:
    first, *others = sample_result.made.card.segments
    kept = (replace(first, name="Big spenders, kept waiting"), *others)
    survived = tuple(Descent(id=each.id, status="survived", of=(each.id,), jaccard=0.9) for each in kept)
    lineage = replace(unrelated("20250101T000000Z-00000000", "", 3_000, (), ()), segments=survived)
    told = words_of(report_of(sample_result, segments=kept, lineage=lineage)[PAGE].decode())
    said = "It keeps the name it had; by what it is now the rules would call it “{}”."
    assert told.count(said.format(first.name)) == told.count("It keeps the name it had") == 1
    assert "It keeps the name it had" not in page
    configured = {**sample_result.made.card.configuration, "segment_names": {first.id: "Big spenders, kept waiting"}}
    chosen = report_of(sample_result, segments=kept, lineage=lineage, configuration=configured)[PAGE].decode()
    assert "It keeps the name it had" not in chosen
    assert "It keeps the name it had" not in report_of(sample_result, segments=kept)[PAGE].decode()
