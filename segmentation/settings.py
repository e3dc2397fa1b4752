"""Settings from the environment, prefix SEGMENTATION_: one frozen class, read once at start.

docs/settings.md describes each; a test keeps that page and this class the same.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from segmentation.errors import ConfigurationError

PREFIX = "SEGMENTATION_"

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["json", "text"]
Port = Annotated[int, Meta(ge=1, le=65_535)]
# No request and no memory is larger: what is beyond was meant for something else, or to switch a limit off.
MANY = 1_000_000_000


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the service and the job."""

    registry: str = _setting("", "registry, a directory or s3://bucket/prefix; for the job the default of --registry")
    alias: str = _setting("production", "service: alias whose model is served")
    refresh_seconds: Annotated[float, Meta(ge=0.05, le=86_400)] = _setting(
        30.0, "service: seconds between looks for a newer model"
    )
    max_body_bytes: Annotated[int, Meta(ge=1, le=MANY)] = _setting(16_777_216, "service: largest request body, bytes")
    max_customers: Annotated[int, Meta(ge=1, le=MANY)] = _setting(50_000, "service: most customers in one request")
    max_orders: Annotated[int, Meta(ge=1, le=MANY)] = _setting(100_000, "service: most order lines in one request")
    max_in_flight: Annotated[int, Meta(ge=1, le=MANY)] = _setting(
        64, "service: most requests that one worker holds, at work or waiting for a thread; those beyond are told 503"
    )
    request_seconds: Annotated[float, Meta(ge=1, le=3600)] = _setting(
        30.0, "service: longest that a client may take to send a request, or to read an answer"
    )
    drain_seconds: Annotated[float, Meta(ge=0, le=600)] | None = _setting(
        None, "service: how long it answers on, unready, after SIGTERM; unset: 5 in Kubernetes, otherwise 0"
    )
    api_keys_file: str = _setting("", "service: file of the API keys that may call it; see docs/security.md")
    allow_anonymous: bool = _setting(False, "service: without keys, true answers everybody and not loopback alone")
    baseline_customers: Annotated[int, Meta(ge=100, le=MANY)] = _setting(
        5000, "service: customers that the serving baseline of drift is made of, the first of each model"
    )
    settle_seconds: Annotated[float, Meta(ge=0, le=600)] = _setting(
        0.0, "service: how long a new model's counts are told at 0 before it is ready: the interval of scrapes"
    )
    metrics_port: Port | None = _setting(  # noqa: RUF009
        None, "service: port of GET /metrics; unset: that of the other routes"
    )
    public_key_file: str = _setting(
        "", "service and job: file of the Ed25519 public keys, PEM, by one of which cards and moves must be signed"
    )
    require_signature: bool | None = _setting(
        None, "service: false allows s3:// without a public key, true forbids a directory without one"
    )
    cache_dir: str = _setting("", "service: folder to start from when the registry does not answer")
    counters_dir: str = _setting("", "service: folder of the workers' counters; set by gunicorn.conf.py")
    log_level: LogLevel = _setting("INFO", "service: DEBUG, INFO, WARNING or ERROR")  # noqa: RUF009
    log_format: LogFormat | None = _setting(  # noqa: RUF009
        None, "service: json or text; unset: text at a terminal, otherwise json"
    )
    signing_key_file: str = _setting("", "job: file of the Ed25519 private key that signs what is published, PEM")
    memory_limit: str = _setting(
        "",
        "job: most memory that DuckDB uses before it spills to disk; empty: half of the container's or machine's",
    )
    spill_dir: str = _setting("", "job: folder to spill to; empty: the system's temporary folder")
    pushgateway: str = _setting(
        "", "job: Prometheus push gateway, http://host:port, that run, assign and maintenance report to"
    )
    customer_key_file: str = _setting(
        "", "job: file with the key of assign --pseudonyms, of hold-outs and of arms, 32 to 64 characters"
    )
    warehouse: str = _setting("", "job: default of export --to, with the password if it has one; never printed")


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Parameters
    ----------
    environment
        Variables by name.

    Returns
    -------
    Settings
        What the environment sets, and the defaults.

    Raises
    ------
    ConfigurationError
        A variable looks like a misspelt setting, or its value is not of the setting's type.
    """
    known = {f"{PREFIX}{item.name.upper()}": item.name for item in fields(Settings)}
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    for name in given:
        # Kubernetes adds variables of its own for a Service named segmentation: only near misses are mistakes.
        alike = [other for other in known if abs(len(other) - len(name)) <= 2]
        near = get_close_matches(name, alike, n=1, cutoff=0.85)
        if near and name not in known:
            raise ConfigurationError(f"there is no setting {name}", hint=f"did you mean {near[0]}?")
    types = get_type_hints(Settings, include_extras=True)
    # Compose and Kubernetes set to nothing what is not given: no number is meant by that, and no switch.
    values = {
        known[name]: value for name, value in given.items() if name in known and (value or types[known[name]] is str)
    }
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        name = str(error).removesuffix("`").rpartition(" - at `$.")[2]
        raise ConfigurationError(
            f"{PREFIX}{name.upper()} is {values[name][:40]!r}; it takes {_wanted(types[name])}",
            hint="see docs/settings.md",
        ) from error


def _wanted(of: Any) -> str:
    """The values of a type, in words."""
    choices = [item for item in get_args(of) if item is not type(None)]
    if get_origin(of) is Literal:
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    if get_origin(of) is Annotated:
        limits = choices[1]
        return f"{_wanted(choices[0])} from {limits.ge:,} to {limits.le:,}"
    if get_origin(of) in (Union, UnionType):
        return _wanted(choices[0])
    return {bool: "true or false", int: "a whole number", float: "a number"}[of]
