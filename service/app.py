"""The application factory: `gunicorn -c service/gunicorn.conf.py 'service.app:create_app()'`."""

import logging
import time
from pathlib import Path

from flask import Flask, Response, g, request

from segmentation.errors import ConfigurationError
from segmentation.registry import open_registry, open_store, require_alias
from segmentation.registry.signatures import Verifier, load_verifier
from segmentation.settings import Settings, load
from service import problems
from service.decoding import Limits
from service.documentation import documentation
from service.evaluation import evaluation
from service.express import Express
from service.live_model import LiveModel
from service.metrics import UNKNOWN, Counters
from service.model_cache import ModelCache
from service.operations import operations
from service.predict import predict
from service.reloads import Reloads
from service.replies import route_name
from service.segments import segments
from service.state import KEY, State


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
    _log(settings.log_level)
    app = Flask("service", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    for blueprint in (predict, segments, evaluation, operations, documentation):
        app.register_blueprint(blueprint)
    problems.register(app)
    routes = [route_name(rule) for rule in app.url_map.iter_rules()]
    counters = Counters(routes, settings.counters_dir)
    live_model = LiveModel(
        open_registry(settings.registry, verifier=verifier),
        settings.alias,
        Limits(settings.max_customers, settings.max_orders),
        ModelCache(Path(settings.cache_dir), settings.alias, verifier) if settings.cache_dir else None,
        Reloads(counters),
    )
    app.extensions[KEY] = State(live_model=live_model, counters=counters)
    app.wsgi_app = Express(app.wsgi_app, live_model, counters)  # type: ignore[method-assign]
    _count(app, counters)
    live_model.follow(settings.refresh_seconds)
    return app


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
        There is no registry, or its URL is none; or there is no public key that can be used, where there must be one.
    """
    if not settings.registry:
        raise ConfigurationError(
            "SEGMENTATION_REGISTRY is not set", hint="set it to the directory or s3:// URL of the models"
        )
    open_store(settings.registry)
    require_alias(settings.alias)
    if settings.public_key_file:
        return load_verifier(settings.public_key_file)
    required = settings.require_signature
    if required or (required is None and settings.registry.startswith("s3://")):
        raise ConfigurationError(
            f"SEGMENTATION_PUBLIC_KEY_FILE is not set, and {settings.registry} must be signed",
            hint="set it to the job's signing.pub; SEGMENTATION_REQUIRE_SIGNATURE=false serves whatever is there",
        )
    return None


def _count(app: Flask, counters: Counters) -> None:
    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def stop(response: Response) -> Response:
        route = route_name(request.url_rule) if request.url_rule else UNKNOWN
        counters.request(route, response.status_code, time.perf_counter() - g.started)
        return response


def _log(level: str) -> None:
    logging.basicConfig(level=level, format="%(asctime)s [%(process)d] %(levelname)s %(name)s: %(message)s")
