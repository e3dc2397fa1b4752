"""A model is used only if its files are the ones its card names and it reproduces its golden rows and histories."""

from dataclasses import replace

import numpy as np
import pytest

from segmentation import card as cards
from segmentation import model, scoring
from segmentation.card import Card
from segmentation.errors import (
    DigestMismatchError,
    GoldenMismatchError,
    InconsistentModelError,
    SchemaVersionError,
)
from segmentation.privacy import SMALLEST_GROUP
from training.job import Result


@pytest.fixture
def files(sample_result: Result) -> dict[str, bytes]:
    return {name: sample_result.made.files[name] for name in model.NEEDED_TO_SERVE}


@pytest.fixture
def card(sample_result: Result) -> Card:
    return sample_result.made.card


def _assemble(card: Card, files: dict[str, bytes]) -> model.Model:
    """Whoever changes a file on purpose also changes its digest."""
    named = card.files | cards.digests(files)
    return model.assemble(cards.encode(replace(card, files=named)), files)


def test_an_untouched_model_loads(card: Card, files: dict[str, bytes]) -> None:
    assert model.assemble(cards.encode(card), files).version == card.version


@pytest.mark.parametrize("name", model.NEEDED_TO_SERVE)
def test_one_changed_byte_is_found_by_the_digest(card: Card, files: dict[str, bytes], name: str) -> None:
    changed = bytearray(files[name])
    changed[len(changed) // 2] ^= 1
    with pytest.raises(DigestMismatchError, match=name):
        model.assemble(cards.encode(card), files | {name: bytes(changed)})


def test_a_file_that_the_card_does_not_name_is_refused(card: Card, files: dict[str, bytes]) -> None:
    with pytest.raises(DigestMismatchError, match=r"extra\.txt"):
        model.verify(card, files | {"extra.txt": b""})


def test_a_missing_file_is_named(card: Card, files: dict[str, bytes]) -> None:
    del files[model.SQL]
    with pytest.raises(InconsistentModelError, match=r"features\.sql"):
        model.assemble(cards.encode(card), files)


def test_moved_centroids_do_not_reproduce_the_golden_rows(card: Card, files: dict[str, bytes]) -> None:
    arrays = scoring.from_bytes(files[model.ARRAYS])
    moved = replace(arrays, centroids=arrays.centroids + 1e-6)
    with pytest.raises(GoldenMismatchError, match="golden row"):
        _assemble(card, files | {model.ARRAYS: scoring.to_bytes(moved)})


def test_another_residual_does_not_reproduce_the_golden_rows(card: Card, files: dict[str, bytes]) -> None:
    arrays = scoring.from_bytes(files[model.ARRAYS])
    assert arrays.residual_matrix.shape[1] > 0
    other = replace(arrays, residual_offset=arrays.residual_offset + 1e-6)
    with pytest.raises(GoldenMismatchError, match="from what PCA keeps"):
        _assemble(card, files | {model.ARRAYS: scoring.to_bytes(other)})


@pytest.mark.parametrize("change", ["renamed", "twice", "segments", "uncalibrated"])
def test_a_drift_reference_that_is_not_the_model_s_is_refused(card: Card, files: dict[str, bytes], change: str) -> None:
    first, *others = card.drift.monitors
    segments = card.drift.monitor("segments")
    assert segments is not None
    monitors = {
        "renamed": (replace(first, name="feature:shoe_size"), *others),
        "twice": (first, first, *others),
        "segments": tuple(each for each in card.drift.monitors if each is not segments),
        "uncalibrated": (replace(first, coefficients={"alert": 9.0}), *others),
    }[change]
    with pytest.raises(InconsistentModelError, match="drift reference"):
        _assemble(replace(card, drift=replace(card.drift, monitors=monitors)), files)


def test_swapped_segments_do_not_reproduce_the_golden_rows(card: Card, files: dict[str, bytes]) -> None:
    arrays = scoring.from_bytes(files[model.ARRAYS])
    swapped = replace(arrays, centroids=np.ascontiguousarray(arrays.centroids[::-1]))
    with pytest.raises(GoldenMismatchError):
        _assemble(card, files | {model.ARRAYS: scoring.to_bytes(swapped)})


def test_another_feature_definition_does_not_reproduce_the_golden_histories(
    card: Card, files: dict[str, bytes]
) -> None:
    other = files[model.SQL].replace(b"86400", b"86401")
    assert other != files[model.SQL]
    with pytest.raises(GoldenMismatchError, match="recency_days"):
        _assemble(card, files | {model.SQL: other})


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "DROP TABLE orders",
        "SELECT customer_id FROM orders; SELECT 1",
        "SELECT * FROM read_csv('/etc/passwd')",
        "not sql",
    ],
)
def test_sql_that_is_not_a_feature_definition_is_refused(card: Card, files: dict[str, bytes], sql: str) -> None:
    with pytest.raises(InconsistentModelError, match=r"features\.sql"):
        _assemble(card, files | {model.SQL: sql.encode()})


def test_arrays_of_another_model_are_refused(card: Card, files: dict[str, bytes]) -> None:
    arrays = scoring.from_bytes(files[model.ARRAYS])
    fewer = replace(arrays, centroids=arrays.centroids[:-1])
    with pytest.raises(InconsistentModelError, match="other features or segments"):
        _assemble(card, files | {model.ARRAYS: scoring.to_bytes(fewer)})


def test_a_logarithm_that_some_customers_would_not_have_is_refused(card: Card, files: dict[str, bytes]) -> None:
    arrays = scoring.from_bytes(files[model.ARRAYS])
    feature = int(np.flatnonzero(arrays.log_mask)[0])
    lower = arrays.lower.copy()
    lower[feature] = -np.inf
    open_below = [replace(each, low=None) if at == feature else each for at, each in enumerate(card.features)]
    with pytest.raises(InconsistentModelError, match="may be -1 or less"):
        _assemble(
            replace(card, features=tuple(open_below)),
            files | {model.ARRAYS: scoring.to_bytes(replace(arrays, lower=lower))},
        )


def test_a_card_without_golden_rows_is_refused(card: Card, files: dict[str, bytes]) -> None:
    with pytest.raises(InconsistentModelError, match="golden"):
        _assemble(replace(card, golden_rows=()), files)


def test_a_card_of_a_newer_schema_says_what_to_upgrade(card: Card, files: dict[str, bytes]) -> None:
    newer = cards.encode(replace(card, schema_version=cards.SCHEMA_VERSION + 1))
    with pytest.raises(SchemaVersionError) as refused:
        model.assemble(newer, files)
    assert refused.value.hint == "upgrade the service"


def test_a_card_of_an_older_schema_says_to_train_again(card: Card, files: dict[str, bytes]) -> None:
    older = cards.encode(replace(card, schema_version=cards.SCHEMA_VERSION - 1))
    with pytest.raises(SchemaVersionError) as refused:
        model.assemble(older, files)
    assert refused.value.hint == "train the model again"


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema_version": 4}', b"\xff"])
def test_what_is_no_card_is_refused(content: bytes) -> None:
    with pytest.raises(InconsistentModelError, match=r"card\.json"):
        cards.decode(content)


def test_the_card_says_what_the_design_promises(card: Card) -> None:
    assert len(card.golden_rows) == 64
    assert len(card.golden_histories) == 16
    assert {len(row.features) for row in card.golden_rows} == {len(card.features)}
    assert {segment.id for segment in card.segments} == set(range(card.k))
    assert len({segment.name for segment in card.segments}) == card.k
    assert len({segment.colour for segment in card.segments}) == card.k
    assert sum(segment.customers for segment in card.segments) == card.counts.customers
    assert sum(segment.revenue_share or 0 for segment in card.segments) == pytest.approx(1)
    watched = [monitor.name for monitor in card.drift.monitors]
    features = [f"feature:{name}" for name in card.feature_names]
    within = [f"distance:{each.id}" for each in card.segments]
    assert watched == [*features, "segments", "distance", *within, "residual"]
    looked_at = ("report", "plots", "scores")
    assert {name for name in card.files if not name.startswith(looked_at)} == {model.PIPELINE, model.ARRAYS, model.SQL}
    assert "report.html" in card.files
    assert card.version.endswith(cards.digest(cards.encode(replace(card, version="")))[:8])
    assert cards.encode(cards.decode(cards.encode(card))) == cards.encode(card)


def test_golden_rows_lie_in_every_segment_and_close_to_borders(card: Card, files: dict[str, bytes]) -> None:
    assert len({row.segment for row in card.golden_rows}) == card.k
    rows = np.array([row.features for row in card.golden_rows])
    margins = scoring.score(scoring.from_bytes(files[model.ARRAYS]), rows).margin
    assert (margins < 1e-3).sum() >= 24
    assert margins.min() > 1e-9


def test_no_group_in_the_card_is_smaller_than_ten(card: Card) -> None:
    assert min(segment.customers for segment in card.segments) >= SMALLEST_GROUP
    assert min(min(monitor.counts) for monitor in card.drift.monitors) >= SMALLEST_GROUP


def test_golden_rows_are_nobody_s(sample_result: Result, card: Card) -> None:
    customers = {row.tobytes() for row in sample_result.snapshot.customers.to_numpy()}
    assert not customers & {np.array(row.features).tobytes() for row in card.golden_rows}
