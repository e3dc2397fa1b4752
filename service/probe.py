"""`python -m service.probe`: asks the service beside it, for a container's health check; there need be no curl."""

import sys
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

ALIVE = "http://127.0.0.1:8080/healthz"
PATIENCE_SECONDS = 4.0


def ask(url: str) -> tuple[bool, str]:
    """Ask once.

    Parameters
    ----------
    url
        Of `/healthz` or `/readyz`.

    Returns
    -------
    bool
        Whether the answer is 200.
    str
        The answer, or why there is none.
    """
    # A proxy of the environment is for what is far away.
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(url, timeout=PATIENCE_SECONDS) as answer:
            return True, answer.read().decode()
    except HTTPError as error:
        return False, error.read().decode(errors="replace")
    except (URLError, HTTPException, OSError, ValueError) as error:
        return False, f"{url}: {error}"


def main(arguments: list[str]) -> int:
    """Print the answer, which `docker inspect` shows.

    Parameters
    ----------
    arguments
        A URL; none: `ALIVE`.

    Returns
    -------
    int
        0 or 1, as a health check ends.
    """
    well, answer = ask(arguments[0] if arguments else ALIVE)
    print(answer)  # noqa: T201 - it is what the command is for
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
