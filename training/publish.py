"""A trained model to the registry: its files, its card, and the move that makes it live."""

import getpass
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version as library_version
from platform import python_version

from ibis.backends.duckdb import Backend

from segmentation import model, scoring
from segmentation.card import SCHEMA_VERSION, Card, CardFeature, Counts, digest, digests, encode
from segmentation.drift import reference
from segmentation.errors import ConfigurationError
from segmentation.pipeline import dump
from segmentation.registry import Move, Registry
from training import golden
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
    database: Backend, orders: Orders, snapshot: Snapshot, fitted: Fitted, configuration: Configuration
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

    Returns
    -------
    Bundle
        The same bytes for the same data, configuration, libraries and SOURCE_DATE_EPOCH.

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
    created = _now()
    card = Card(
        schema_version=SCHEMA_VERSION,
        version="",
        created_at=_iso(created),
        as_of=_iso(snapshot.as_of),
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


def publish(registry: Registry, made: Bundle, alias: str, why: str) -> Move:
    """Write the version and make it live.

    Parameters
    ----------
    registry
        Where to.
    made
        The model.
    alias
        What will point to it.
    why
        For the history.

    Returns
    -------
    Move
        The alias's move.

    Raises
    ------
    RegistryError
        The store refuses or does not answer, or another publisher was faster.
    """
    registry.publish(made.card.version, made.card_content, made.files)
    return promote(registry, alias, made.card.version, why)


def promote(registry: Registry, alias: str, version: str, why: str) -> Move:
    """Make a published version live.

    Parameters
    ----------
    registry, alias, version
        What moves where.
    why
        For the history.

    Returns
    -------
    Move
        The alias's move, by this user, now.
    """
    return registry.move(alias, version, at=_iso(_now()), by=_user(), why=why)


def _now() -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigurationError(
            f"SOURCE_DATE_EPOCH is {epoch!r}", hint="it takes whole seconds since 1970-01-01 UTC"
        ) from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # Containers run as user ids that have no name.
        return f"uid {os.getuid()}"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _counts(snapshot: Snapshot) -> Counts:
    extent = snapshot.extent
    return Counts(
        order_lines=extent.order_lines,
        orders=extent.orders,
        customers=extent.customers,
        one_order_customers=extent.one_order_customers,
        earliest_order=_iso(extent.earliest),
        latest_order=_iso(extent.latest),
    )


def _features(snapshot: Snapshot) -> tuple[CardFeature, ...]:
    return tuple(
        CardFeature(
            name=feature.name,
            unit=feature.unit,
            help=feature.help,
            transform=feature.transform,
            winsorised=feature.winsorised,
            low=feature.valid.low,
            high=feature.valid.high,
            lacking=feature.lacking,
            fill=snapshot.fills.get(feature.name),
        )
        for feature in snapshot.features
    )
