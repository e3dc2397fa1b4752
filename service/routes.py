"""From a request's path to the route it asks for, and what a caller needs for it.

Flask matches the path again. Only literal paths are open, and a path that is not known here needs a key and leads
nowhere: where the two should disagree, it is to a refusal.
"""

import re
from collections.abc import Iterable
from typing import Literal

import msgspec
from werkzeug.routing import Rule

from service.keys import Scope
from service.metrics import UNKNOWN
from service.replies import route_name

OPEN: Literal["open"] = "open"

METRICS = "/metrics"
READY = "/readyz"

NEEDED: dict[str, Scope | Literal["open"]] = {
    "/predict": "predict",
    "/segments": "read",
    "/segments/<id>": "read",
    "/model": "read",
    "/drift": "read",
    "/algorithms": "read",
    "/<algorithm>/score": "read",
    "/<algorithm>/plot": "read",
    "/report": "read",
    "/openapi.json": "read",
    # A browser sends no key with an address; the page holds nothing of the model, and asks for a key to show it.
    "/docs": OPEN,
    "/healthz": OPEN,
    READY: OPEN,
    METRICS: OPEN,
}
"""By route, what a caller needs where there are API keys. A route that is not here needs `read`; a test says so."""


class Route(msgspec.Struct, frozen=True):
    """A route: its name as users write it, and the scope it needs."""

    name: str
    scope: Scope | Literal["open"]


class Routes:
    """The routes of an application.

    Parameters
    ----------
    rules
        Of its map.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        names = sorted({route_name(rule) for rule in rules})
        routes = [Route(name, NEEDED.get(name, "read")) for name in names]
        self._literal = {route.name: route for route in routes if "<" not in route.name}
        # Only literal paths may be open: a pattern matches what nobody thought of.
        self._patterns = [
            (re.compile(re.sub(r"<\w+>", "[^/]+", route.name)), Route(route.name, "read"))
            for route in routes
            if "<" in route.name
        ]
        self._unknown = Route(UNKNOWN, "read")

    def find(self, path: str) -> Route:
        """The route of a path.

        Parameters
        ----------
        path
            PATH_INFO of the request.

        Returns
        -------
        Route
            UNKNOWN where there is none.
        """
        found = self._literal.get(path)
        if found is not None:
            return found
        return next((route for pattern, route in self._patterns if pattern.fullmatch(path)), self._unknown)
