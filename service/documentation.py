"""GET /openapi.json and /docs: the service described, for programs and for people."""

import base64
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response, current_app, request

from service.openapi import Document, describe
from service.state import state

documentation = Blueprint("documentation", __name__)

KEY = "segmentation-openapi"
"""Where the application keeps the description of the model it was last asked about."""


@documentation.get("/openapi.json")
def get_openapi() -> Response:
    """OpenAPI 3.1, with the live model's features; another document when another model is live."""
    serving = state().live_model.current()
    kept: Document | None = current_app.extensions.get(KEY)
    if kept is None or kept.version != serving.model.version:
        kept = current_app.extensions[KEY] = describe(serving.model, serving.decoder)
    return _cached(Response(kept.content, content_type="application/json"), kept.etag)


@documentation.get("/docs")
def get_docs() -> Response:
    """A page that shows /openapi.json and asks POST /predict; it loads nothing from elsewhere."""
    page = Response(_PAGE, content_type="text/html; charset=utf-8")
    page.headers["Content-Security-Policy"] = _PAGE_MAY
    return _cached(page, sha256(_PAGE.encode()).hexdigest()[:32])


def _cached(response: Response, etag: str) -> Response:
    response.set_etag(etag)
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response


def _source(name: str) -> str:
    return (Path(__file__).parent / "page" / name).read_text(encoding="utf-8")


def _allowed(source: str) -> str:
    """What a content security policy calls an inline script or style of this text."""
    return f"'sha256-{base64.b64encode(sha256(source.encode()).digest()).decode()}'"


_STYLE, _SCRIPT = _source("docs.css"), _source("docs.js")
_PAGE = _source("docs.html").replace("/* style */", _STYLE).replace("/* script */", _SCRIPT)
_PAGE_MAY = (
    f"default-src 'none'; style-src {_allowed(_STYLE)}; script-src {_allowed(_SCRIPT)}; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
