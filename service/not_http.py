"""What to answer where gunicorn cannot make a request of what it received."""

from gunicorn.http import errors

from service import problems
from service.problems import Problem

_STATUSES: dict[type[Exception], int] = {
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.ExpectationFailed: 417,
    errors.UnsupportedTransferCoding: 501,
}

_OURS = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


def problem_of(error: Exception) -> Problem:
    """What was wrong with a request, without its content.

    Parameters
    ----------
    error
        As gunicorn raised it.

    Returns
    -------
    Problem
        4xx (or 501) where it was the client's fault, 500 where it was ours.
    """
    if isinstance(error, _OURS) or not isinstance(error, errors.ParseException):
        return problems.DEFECT
    status = _STATUSES.get(type(error), 400)
    return Problem(
        type="urn:segmentation:problem:not-http",
        title="The request is not HTTP as it should be",
        status=status,
        code="not-http",
        detail=f"{problems.REASONS[status].lower()}: {type(error).__name__}",
        hint="send HTTP/1.1 as in RFC 9112, with a head of moderate size",
    )
