"""The application factory: `gunicorn -c service/gunicorn.conf.py 'service.app:create_app()'`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from segmentation.errors import ConfigurationError
from segmentation.registry import Registry, Store, open_store, require_alias
from segmentation.settings import Settings, load
from service import logs, problems
from service.access import Access
from service.condition import CONDITION
from service.decoding import Limits
from service.documentation import documentation
from service.drift.route import drift
from service.drift.watch import Watch
from service.evaluation import evaluation
from service.express import Express
from service.key_ring import KeyRing
from service.keys import read as read_keys
from service.live_model import LiveModel
from service.metrics import Counters
from service.middleware import Middleware
from service.model_cache import ModelCache
from service.operations import operations
from service.predict import predict
from service.reloads import Reloads
from service.replies import route_name
from service.routes import Routes
from service.segments import segments
from service.state import KEY, State

if TYPE_CHECKING:
    from segmentation.registry.signatures import Verifier

_INHERITED: dict[str, Store] = {}
"""By URL, what gunicorn's master has opened for its workers."""


def create_app(settings: Settings | None = None) -> Flask:
    """Make the service.

    Parameters
    ----------
    settings
        None: from the environment.

    Returns
    -------
    Flask
        With the live model loaded, or looking for it: the service starts without one and is not ready until then.

    Raises
    ------
    ConfigurationError
        A setting cannot be used.
    """
    settings = settings or load()
    verifier = require(settings)
    # A client of S3 takes 20 MB: a worker that inherits one makes none.
    store = _INHERITED.get(settings.registry) or open_store(settings.registry)
    access = Access(
        KeyRing(Path(settings.api_keys_file)) if settings.api_keys_file else None, anonymous=settings.allow_anonymous
    )
    form = logs.form_of(settings.log_format)
    logs.configure(settings.log_level, form)
    app = Flask("service", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    # /segments//0 is no route; to redirect would be to answer in HTML, with an address that the caller's Host makes up.
    app.url_map.merge_slashes = False
    for blueprint in (predict, segments, evaluation, operations, drift, documentation):
        app.register_blueprint(blueprint)
    problems.register(app)
    routes = [route_name(rule) for rule in app.url_map.iter_rules()]
    counters = Counters(routes, settings.counters_dir)
    watch = Watch(
        settings.counters_dir, settings.baseline_customers, settings.settle_seconds,
        lambda: {worker.version for worker in counters.workers()},
    )  # fmt: skip
    live_model = LiveModel(
        Registry(store, verifier=verifier),
        settings.alias,
        Limits(settings.max_customers, settings.max_orders),
        ModelCache(Path(settings.cache_dir), settings.alias, verifier) if settings.cache_dir else None,
        Reloads(counters),
        watch,
        # A worker of gunicorn is its own, and was forked itself; elsewhere there may be threads of others.
        prove_in_child=bool(settings.counters_dir),
    )
    app.extensions[KEY] = State(live_model=live_model, counters=counters, access=access, watch=watch)
    app.wsgi_app = Middleware(  # type: ignore[method-assign]
        Express(app.wsgi_app, live_model, counters),
        routes=Routes(app.url_map.iter_rules()),
        access=access,
        condition=CONDITION,
        counters=counters,
        log=logs.AccessLog(settings.log_level, form),
        max_in_flight=settings.max_in_flight,
        metrics_port=settings.metrics_port,
    )
    live_model.follow(settings.refresh_seconds)
    return app


def prepare(settings: Settings) -> None:
    """In gunicorn's master, before it has workers: check, and make what they can share.

    A client of S3 takes 15 MB, and is not connected to anything yet.

    Parameters
    ----------
    settings
        As loaded.

    Raises
    ------
    ConfigurationError
        As `require` does.
    """
    require(settings)
    _INHERITED[settings.registry] = open_store(settings.registry)


def require(settings: Settings) -> Verifier | None:
    """Check what the service cannot do without.

    Parameters
    ----------
    settings
        As loaded.

    Returns
    -------
    Verifier or None
        Of the public keys; None where the service may go without.

    Raises
    ------
    ConfigurationError
        There is no registry, or its URL is none; or there is no public key that can be used, where there must be one;
        or the file of API keys cannot be used.
    """
    if not settings.registry:
        raise ConfigurationError(
            "SEGMENTATION_REGISTRY is not set", hint="set it to the directory or s3:// URL of the models"
        )
    require_alias(settings.alias)
    if settings.api_keys_file and settings.allow_anonymous:
        raise ConfigurationError(
            "SEGMENTATION_API_KEYS_FILE and SEGMENTATION_ALLOW_ANONYMOUS are both set",
            hint="keys are for letting in their holders alone; unset one of the two",
        )
    if settings.api_keys_file:
        read_keys(Path(settings.api_keys_file))
    if settings.public_key_file:
        # 7 MB that only who verifies pays for.
        from segmentation.registry.signatures import load_verifier

        return load_verifier(settings.public_key_file)
    required = settings.require_signature
    if required or (required is None and settings.registry.startswith("s3://")):
        raise ConfigurationError(
            f"SEGMENTATION_PUBLIC_KEY_FILE is not set, and {settings.registry} must be signed",
            hint="set it to the job's signing.pub; SEGMENTATION_REQUIRE_SIGNATURE=false serves whatever is there",
        )
    return None
