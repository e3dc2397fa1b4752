"""A trained model as files: the Pipeline, the arrays, the SQL, and the card that names them."""

from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version as library_version
from platform import python_version

from ibis.backends.duckdb import Backend

from segmentation import model, scoring
from segmentation.card import SCHEMA_VERSION, Card, CardFeature, Cleaning, Counts, digest, digests, encode
from segmentation.clock import iso
from segmentation.drift import Occasion
from segmentation.pipeline import dump
from training import golden, progress
from training.configuration import Configuration, as_plain
from training.drift.reference import reference
from training.gate import Facts, judge
from training.history import Choice
from training.one_order import one_order_separation
from training.populations import Populations
from training.profiles import describe, describe_rules, population, refuse_unfit_names
from training.redundancy import rank_correlation
from training.snapshot import Snapshot
from training.sources import Loaded
from training.succession import Succession

LIBRARIES = ("duckdb", "ibis-framework", "joblib", "numpy", "pandas", "scikit-learn", "scipy")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model's files, ready to publish."""

    card: Card
    card_content: bytes
    files: dict[str, bytes]


def bundle(
    database: Backend,
    loaded: Loaded,
    snapshot: Snapshot,
    choice: Choice,
    populations: Populations,
    succession: Succession,
    configuration: Configuration,
    created: datetime,
    occasion: Occasion | None = None,
) -> Bundle:
    """Put a model's files and card together, and let it prove itself as it will have to at each load.

    Parameters
    ----------
    database
        Where golden histories are computed.
    loaded, snapshot, choice, populations, succession
        What came out of the steps before.
    configuration
        Of the run.
    created
        When the model was made, UTC.
    occasion
        Why it is made, where that was asked.

    Returns
    -------
    Bundle
        The same bytes for the same data, configuration, libraries and time of creation.

    Raises
    ------
    ConfigurationError
        It names a segment that the model has not, or two alike.
    ModelError
        The model does not reproduce its own golden rows or histories: a defect.
    """
    # Imported when needed: its libraries take a second to load, which other commands can do without.
    from training.evaluation import evaluate

    fitted = succession.fitted
    clustered = snapshot.customers[populations.clustered] if populations.rules else snapshot.customers
    files = {
        model.PIPELINE: dump(fitted.pipeline),
        model.ARRAYS: scoring.to_bytes(fitted.arrays),
        model.SQL: snapshot.sql.encode(),
    }
    names = configuration.segment_names
    segments = describe(
        snapshot.customers, snapshot.features, populations, fitted, identities=succession.identities, names=names
    )
    rule_segments = describe_rules(snapshot.customers, snapshot.features, populations, names=names)
    refuse_unfit_names(names, (*segments, *rule_segments))
    files |= evaluate(fitted, clustered, segments, configuration)
    with progress.step("calibrating drift"):
        ids = [*(segment.id for segment in segments), *(segment.id for segment in rule_segments)]
        drift = reference(snapshot, populations, fitted, ids, configuration.drift, configuration.seed)
    card = Card(
        schema_version=SCHEMA_VERSION,
        version="",
        created_at=iso(created),
        as_of=iso(snapshot.as_of),
        source=loaded.source,
        table=loaded.shape.name,
        counts=_counts(snapshot),
        cleaning=tuple(Cleaning(rule=each.rule, rows=each.rows, dropped=each.dropped) for each in loaded.cleaning),
        features=_features(snapshot),
        left_out=snapshot.left_out,
        population=population(snapshot.customers, snapshot.features),
        rank_correlation=rank_correlation(snapshot.customers[populations.clustered], configuration.seed),
        segments=segments,
        rule_segments=rule_segments,
        next_id=succession.next_id,
        metrics=fitted.metrics,
        refits=fitted.refits,
        selection=fitted.selection,
        lineage=succession.lineage,
        gate=None,
        history=choice.curve,
        one_order=one_order_separation(snapshot, populations, fitted),
        drift=drift,
        golden_rows=golden.rows(snapshot, populations.rules, fitted, configuration.seed),
        golden_histories=golden.histories(database, snapshot, populations.rules, fitted, configuration.seed),
        configuration=as_plain(configuration),
        libraries={"python": python_version()} | {name: library_version(name) for name in LIBRARIES},
        files=digests(files),
        imported=fitted.imported,
        occasion=occasion,
    )
    facts = Facts(card, succession.previous, succession.silhouettes, succession.moved, fitted.alike)
    card = replace(card, gate=judge(facts, configuration.gate))
    if configuration.report is not None:
        # The page tells what the card tells, and the card holds the page's digest: it is made of a draft of the card.
        from training.report.model_page import model_report

        with progress.step("drawing the report"):
            files |= model_report(card, snapshot, populations, fitted, configuration.report, configuration.seed)
        card = replace(card, files=digests(files))
    # Named after its content, so that two models made in one second are two versions.
    card = replace(card, version=f"{created:%Y%m%dT%H%M%SZ}-{digest(encode(card))[:8]}")
    content = encode(card)
    model.assemble(content, {name: files[name] for name in model.NEEDED_TO_SERVE})
    return Bundle(card=card, card_content=content, files=files)


def _counts(snapshot: Snapshot) -> Counts:
    extent = snapshot.extent
    return Counts(
        rows=extent.rows,
        customers=extent.customers,
        orders=extent.orders,
        one_order_customers=extent.one_order_customers,
        # Days: to the second they would be single customers' orders.
        earliest=f"{extent.earliest:%Y-%m-%d}" if extent.earliest else None,
        latest=f"{extent.latest:%Y-%m-%d}" if extent.latest else None,
    )


def _features(snapshot: Snapshot) -> tuple[CardFeature, ...]:
    return tuple(
        CardFeature(
            name=feature.name,
            unit=feature.unit,
            help=feature.help,
            transform=feature.transform,
            winsorised=feature.winsorised,
            low=None if feature.valid.low is None else float(feature.valid.low),
            high=None if feature.valid.high is None else float(feature.valid.high),
            lacking=feature.lacking,
            fill=snapshot.fills.get(feature.name),
        )
        for feature in snapshot.features
    )
