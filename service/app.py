"""The application factory: `gunicorn -c service/gunicorn.conf.py 'service.app:create_app()'`."""

import logging
import time

from flask import Flask, Response, g, request

from segmentation.errors import ConfigurationError
from segmentation.registry import open_registry, open_store, require_alias
from segmentation.settings import Settings, load
from service import problems
from service.decoding import Limits
from service.evaluation import evaluation
from service.live_model import LiveModel
from service.metrics import UNKNOWN, Counters
from service.operations import operations
from service.predict import predict
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
    require(settings)
    _log(settings.log_level)
    app = Flask("service", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    for blueprint in (predict, segments, evaluation, operations):
        app.register_blueprint(blueprint)
    problems.register(app)
    routes = [route_name(rule) for rule in app.url_map.iter_rules()]
    live_model = LiveModel(
        open_registry(settings.registry), settings.alias, Limits(settings.max_customers, settings.max_orders)
    )
    counters = Counters(routes, settings.counters_dir)
    app.extensions[KEY] = State(live_model=live_model, counters=counters)
    _count(app, counters)
    live_model.refresh()
    live_model.follow(settings.refresh_seconds)
    return app


def require(settings: Settings) -> None:
    """Check what the service cannot do without.

    Parameters
    ----------
    settings
        As loaded.

    Raises
    ------
    ConfigurationError
        There is no registry, or its URL is none.
    """
    if not settings.registry:
        raise ConfigurationError(
            "SEGMENTATION_REGISTRY is not set", hint="set it to the directory or s3:// URL of the models"
        )
    open_store(settings.registry)
    require_alias(settings.alias)


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
