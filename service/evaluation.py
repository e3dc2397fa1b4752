"""GET /algorithms, /<algorithm>/score and /plot, /report: what training found out, as it was published."""

from dataclasses import asdict

from flask import Blueprint, Response, request

from segmentation.errors import nearest
from segmentation.scores import SCORES, AlgorithmScore
from service.errors import NotComputedError, UnknownAlgorithmError
from service.live_model import Serving
from service.published import REPORT
from service.replies import reply
from service.state import state

evaluation = Blueprint("evaluation", __name__)

_PAGE_MAY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The page holds its pictures and its style, and loads nothing."""


@evaluation.get("/algorithms")
def get_algorithms() -> Response:
    """Every clusterer: whether it was computed, and where its score and plot are."""
    serving = state().live_model.current()
    listed = [
        {
            "algorithm": score.algorithm,
            "computed": score.computed,
            "reason": score.reason,
            "inductive": score.inductive,
            "score": f"/{score.algorithm}/score",
            "plot": f"/{score.algorithm}/plot" if score.plot else None,
        }
        for score in serving.published.scores()
    ]
    return _cached(reply({"model_version": serving.model.version, "algorithms": listed}), serving, SCORES)


@evaluation.get("/<algorithm>/score")
def get_score(algorithm: str) -> Response:
    """What an algorithm's division of the model's customers is worth."""
    serving = state().live_model.current()
    score = asdict(_computed(serving, algorithm))
    return _cached(reply({"model_version": serving.model.version} | score), serving, SCORES)


@evaluation.get("/<algorithm>/plot")
def get_plot(algorithm: str) -> Response:
    """An algorithm's division in the plane of the first two principal components, as a PNG."""
    serving = state().live_model.current()
    plot = _computed(serving, algorithm).plot
    return _cached(Response(serving.published.file(plot), content_type="image/png"), serving, plot)


@evaluation.get("/report")
def get_report() -> Response:
    """The page about the model that was published with it."""
    serving = state().live_model.current()
    page = Response(serving.published.file(REPORT), content_type="text/html; charset=utf-8")
    page.headers["Content-Security-Policy"] = _PAGE_MAY
    return _cached(page, serving, REPORT)


def _computed(serving: Serving, algorithm: str) -> AlgorithmScore:
    scores = {score.algorithm: score for score in serving.published.scores()}
    if algorithm not in scores:
        raise UnknownAlgorithmError(
            f"there is no such algorithm; there are {', '.join(scores) or 'none in this model'}",
            hint=nearest(algorithm, list(scores)) if scores else "train the model with comparison.algorithms",
        )
    if not scores[algorithm].computed:
        raise NotComputedError(
            f"{algorithm} was not computed: {scores[algorithm].reason}",
            hint="name it in comparison.algorithms of the job's configuration",
        )
    return scores[algorithm]


def _cached(response: Response, serving: Serving, name: str) -> Response:
    """Answer 304 to whoever has it already; ask again each time, as another model may be live."""
    response.set_etag(f"{serving.model.version}-{serving.published.etag(name)[:16]}")
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response
