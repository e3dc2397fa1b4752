"""A trained model as files: the Pipeline, the arrays, the SQL, and the card that names them."""

from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version as library_version
from platform import python_version

from ibis.backends.duckdb import Backend

from segmentation import model, scoring
from segmentation.card import SCHEMA_VERSION, Card, CardFeature, Counts, digest, digests, encode
from segmentation.drift import reference
from segmentation.pipeline import dump
from training import golden
from training.clock import iso
from training.configuration import Configuration, as_plain
from training.fitting import Fitted
from training.profiles import describe
from training.snapshot import Snapshot
from training.sources import Orders

LIBRARIES = ("duckdb", "ibis-framework", "joblib", "numpy", "pandas", "scikit-learn", "scipy")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model's files, ready to publish."""

    card: Card
    card_content: bytes
    files: dict[str, bytes]


def bundle(
    database: Backend,
    orders: Orders,
    snapshot: Snapshot,
    fitted: Fitted,
    configuration: Configuration,
    created: datetime,
) -> Bundle:
    """Put a model's files and card together, and let it prove itself as it will have to at each load.

    Parameters
    ----------
    database
        Where golden histories are computed.
    orders, snapshot, fitted
        What came out of the steps before.
    configuration
        Of the run.
    created
        When the model was made, UTC.

    Returns
    -------
    Bundle
        The same bytes for the same data, configuration, libraries and time of creation.

    Raises
    ------
    ModelError
        The model does not reproduce its own golden rows or histories: a defect.
    """
    files = {
        model.PIPELINE: dump(fitted.pipeline),
        model.ARRAYS: scoring.to_bytes(fitted.arrays),
        model.SQL: snapshot.sql.encode(),
    }
    card = Card(
        schema_version=SCHEMA_VERSION,
        version="",
        created_at=iso(created),
        as_of=iso(snapshot.as_of),
        source=orders.source,
        counts=_counts(snapshot),
        cleaning=orders.cleaning,
        features=_features(snapshot),
        left_out=snapshot.left_out,
        segments=describe(snapshot.customers, snapshot.features, fitted),
        metrics=fitted.metrics,
        drift={name: reference(snapshot.customers[name].to_numpy()) for name in snapshot.customers.columns},
        golden_rows=golden.rows(snapshot, fitted, configuration.seed),
        golden_histories=golden.histories(database, snapshot, fitted, configuration.seed),
        configuration=as_plain(configuration),
        libraries={"python": python_version()} | {name: library_version(name) for name in LIBRARIES},
        files=digests(files),
    )
    # Named after its content, so that two models made in one second are two versions.
    card = replace(card, version=f"{created:%Y%m%dT%H%M%SZ}-{digest(encode(card))[:8]}")
    content = encode(card)
    model.assemble(content, {name: files[name] for name in model.NEEDED_TO_SERVE})
    return Bundle(card=card, card_content=content, files=files)


def _counts(snapshot: Snapshot) -> Counts:
    extent = snapshot.extent
    return Counts(
        order_lines=extent.order_lines,
        orders=extent.orders,
        customers=extent.customers,
        one_order_customers=extent.one_order_customers,
        # Days: to the second they would be single customers' orders.
        earliest_order=f"{extent.earliest:%Y-%m-%d}",
        latest_order=f"{extent.latest:%Y-%m-%d}",
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
