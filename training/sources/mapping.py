"""The YAML that says how a table of somebody else's reads: columns, formats, what is cancelled, what is no product."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

import duckdb
import msgspec

from segmentation import yaml_files
from segmentation.errors import ConfigurationError, nearest
from segmentation.tables import TABLES, Table, TableName
from segmentation.tables import profiles as profiles_table

PAGE = "docs/mapping.md"

RESERVED = ("customer_id", "as_of", "file", "row_hash", "rule", "rowid", "unreadable", "out_of_range", "moment")
"""Names that the job needs itself."""

AMOUNT = "amount"
"""What the whole line cost, for order tables that do not give the price of one piece."""

Names = str | Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How files are written.

    Parameters
    ----------
    separator, encoding, decimal
        Of CSV files. Any encoding that Python knows.
    date_format
        strftime codes; None: ISO 8601.
    timezone
        Of moments that do not name theirs, by IANA name.
    missing
        What stands for a missing value, besides nothing.
    """

    separator: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    date_format: str | None = None
    timezone: str = "UTC"
    missing: tuple[str, ...] | str = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "missing", _listed(self.missing))


@dataclass(frozen=True, slots=True)
class Cancelled:
    """How cancellations and returns are marked; each of these marks one.

    Parameters
    ----------
    order_id_prefix
        Order ids of cancellations begin with it.
    negative_quantity
        Whether a negative quantity takes back what was bought.
    status
        Values of the column status that say that the whole order was cancelled.
    """

    order_id_prefix: str | None = None
    negative_quantity: bool = False
    status: tuple[str, ...] | str = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", _listed(self.status))


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric column of a customer table.

    Parameters
    ----------
    column
        Its name in the file, or several that it may have.
    unit
        What it is measured in.
    transform, winsorised
        How it enters the model.
    personal
        Whether it is about the person (age, income) rather than their behaviour: used only if the configuration's
        `features` names it.
    """

    column: Names
    unit: str = ""
    transform: Literal["none", "log1p"] = "none"
    winsorised: bool = False
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a table reads.

    Parameters
    ----------
    table
        The canonical table that its rows are brought into.
    files
        Which files are read where --data is a folder.
    file
        How they are written.
    columns
        By our name theirs, or several that it may have.
    numbers
        Of a customer table: by our name theirs.
    event_types
        By their name ours.
    cancelled, not_products
        Of an order table; product ids may end in * for any ending.
    """

    table: TableName
    files: str = "*"
    file: FileFormat = field(default_factory=FileFormat)
    columns: dict[str, Names] = field(default_factory=dict)
    numbers: dict[str, Number | Names] = field(default_factory=dict)
    event_types: dict[str, Literal["view", "cart", "remove_from_cart", "purchase"]] = field(default_factory=dict)
    cancelled: Cancelled = field(default_factory=Cancelled)
    not_products: tuple[str, ...] | str = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "not_products", _listed(self.not_products))

    @property
    def shape(self) -> Table:
        """The canonical table."""
        if self.table in TABLES:
            return TABLES[self.table]
        logarithmic = [name for name in self.numbers if self.number(name).transform == "log1p"]
        return profiles_table(list(self.numbers), not_negative=logarithmic)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Our columns that a file is searched for."""
        extra = (AMOUNT,) if AMOUNT in self.columns else ()
        return (*self.shape.names, *extra)

    @property
    def needed(self) -> frozenset[str]:
        """Our columns that a file must have: those of the mapping, and those without which there is no table."""
        required = {column.name for column in self.shape.columns if column.required}
        if "order_id" not in self.columns:
            required -= {"order_id"}
        return frozenset(required | self.columns.keys() | self.numbers.keys())

    def number(self, name: str) -> Number:
        """A numeric column, short forms written out."""
        given = self.numbers[name]
        return given if isinstance(given, Number) else Number(given)

    def theirs(self, name: str) -> tuple[str, ...]:
        """The names that one of our columns may have in the file; itself where the mapping does not say."""
        given = self.number(name).column if name in self.numbers else self.columns.get(name, name)
        return (given,) if isinstance(given, str) else given


def _listed(value: tuple[str, ...] | str) -> tuple[str, ...]:
    """A list of one may be written without brackets."""
    return (value,) if isinstance(value, str) else value


def load(source: str, file: Path | None) -> Mapping:
    """The mapping of a source.

    Parameters
    ----------
    source
        A source that is a mapping file of ours, or `transactions` or `profiles`.
    file
        The user's mapping; needed for `profiles`, and for `transactions` whose columns have other names than ours.

    Returns
    -------
    Mapping
        Checked.

    Raises
    ------
    ConfigurationError
        It cannot be read, or says what cannot be.
    """
    preset = resources.files("training").joinpath("mappings", f"{source}.yaml")
    if file is not None:
        text, origin = yaml_files.read(file), str(file)
    elif preset.is_file():
        text, origin = preset.read_text(encoding="utf-8"), f"the mapping {source}.yaml"
    elif source == "transactions":
        return Mapping("orders")
    else:
        raise ConfigurationError(f"the source {source} needs --mapping", hint=f"see {PAGE} for how to write one")
    mapping = msgspec.convert(yaml_files.parse(text, origin, Mapping, PAGE), Mapping)
    if source in ("transactions", "profiles") and (mapping.table == "profiles") != (source == "profiles"):
        raise ConfigurationError(
            f"{origin}: table {mapping.table} is not for --source {source}",
            hint="customer tables are --source profiles, orders and events --source transactions",
        )
    _refuse_senseless(mapping, origin)
    return mapping


def _refuse_senseless(mapping: Mapping, origin: str) -> None:
    known = list(mapping.shape.names) if mapping.table in TABLES else ["customer_id"]
    if mapping.table == "orders":
        known.append(AMOUNT)
    for name in mapping.columns:
        if name not in known:
            raise ConfigurationError(
                f"{origin}: columns: {mapping.table} have no column {name!r}", hint=nearest(name, known, "they have")
            )
    if mapping.table == "profiles" and not mapping.numbers:
        raise ConfigurationError(f"{origin}: numbers is empty", hint="name the numeric columns to make segments of")
    misplaced = {
        "numbers": mapping.numbers and mapping.table != "profiles",
        "event_types": mapping.event_types and mapping.table != "events",
        "cancelled": mapping.cancelled != Cancelled() and mapping.table != "orders",
        "not_products": mapping.not_products and mapping.table != "orders",
    }
    for name, wrong in misplaced.items():
        if wrong:
            raise ConfigurationError(f"{origin}: {name} does not go with table: {mapping.table}", hint=f"see {PAGE}")
    if AMOUNT in mapping.columns and "unit_price" in mapping.columns:
        raise ConfigurationError(f"{origin}: columns has both amount and unit_price", hint="keep one of the two")
    if AMOUNT in mapping.columns and "payment_value" in mapping.columns:
        raise ConfigurationError(
            f"{origin}: columns has both amount and payment_value", hint="amounts add up to what was paid: keep one"
        )
    _refuse_format(mapping.file, origin)
    _refuse_names(mapping, origin)


def _refuse_format(file: FileFormat, origin: str) -> None:
    try:
        "".encode(file.encoding)
    except (LookupError, UnicodeError, ValueError) as error:
        raise ConfigurationError(
            f"{origin}: file.encoding: there is no encoding {file.encoding!r}", hint="for instance utf-8 or latin-1"
        ) from error
    if file.timezone not in available_timezones() - {"localtime", "posixrules"}:
        raise ConfigurationError(
            f"{origin}: file.timezone: there is no time zone {file.timezone!r}", hint="for instance Europe/London"
        )
    if file.date_format is not None:
        if "%" not in file.date_format:
            raise ConfigurationError(
                f"{origin}: file.date_format: {file.date_format!r} names no part of a date",
                hint="for instance %d/%m/%Y",
            )
        try:
            duckdb.execute("SELECT try_strptime('', ?)", [file.date_format]).fetchall()
        except duckdb.Error as error:
            raise ConfigurationError(
                f"{origin}: file.date_format: {file.date_format!r} is no format", hint="for instance %d/%m/%Y %H:%M"
            ) from error


def _refuse_names(mapping: Mapping, origin: str) -> None:
    """Names of features go into SQL, JSON and metrics: plain words only."""
    for name in mapping.numbers:
        plain = name.isidentifier() and name.islower() and name.isascii() and not name.startswith(("_", "raw_"))
        if not plain or name in RESERVED:
            raise ConfigurationError(
                f"{origin}: numbers: {name!r} cannot be a feature's name",
                hint="use lower-case words, such as age_years",
            )


def matched(header: Sequence[str], names: Sequence[str]) -> str | None:
    """The column of a file that a mapping means.

    Parameters
    ----------
    header
        The file's columns.
    names
        What it may be called.

    Returns
    -------
    str or None
        The first that is there; upper and lower case, and spaces around it, do not matter.
    """
    folded = {column.strip().casefold(): column for column in reversed(header)}
    for name in names:
        if name in header:
            return name
        if name.strip().casefold() in folded:
            return folded[name.strip().casefold()]
    return None
