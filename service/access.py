"""Who may ask: the holders of API keys; without keys this machine alone, or everybody where that was said."""

import re
from typing import Any

from service.errors import MissingKeyError, MissingScopeError, NotLocalError
from service.key_ring import KeyRing
from service.routes import OPEN, Route

# REMOTE_ADDR is the peer of the connection. X-Forwarded-For is anybody's to write, and is not looked at.
_LOCAL = re.compile(r"(::ffff:)?127(\.\d{1,3}){3}|::1")

_REALM = 'Bearer realm="segmentation"'


class Access:
    """Decides over each request.

    Parameters
    ----------
    ring
        The keys; None: there are none.
    anonymous
        Without keys: whether everybody may ask, not this machine alone.
    """

    def __init__(self, ring: KeyRing | None, *, anonymous: bool) -> None:
        self._ring = ring
        self._anonymous = anonymous

    @property
    def failure(self) -> str:
        """Why the file of keys as it is now is not in use; empty where it is, or there is none."""
        return "" if self._ring is None else self._ring.failure

    def admit(self, environ: dict[str, Any], route: Route) -> str:
        """Let a request pass or refuse it.

        Parameters
        ----------
        environ
            Of WSGI.
        route
            What it asks for.

        Returns
        -------
        str
            Name of the key; empty where none was needed.

        Raises
        ------
        MissingKeyError
            It has no key, or an unknown one.
        MissingScopeError
            Its key is not for this.
        NotLocalError
            There are no keys, and it comes from another machine.
        """
        if route.scope is OPEN:
            return ""
        if self._ring is not None:
            return self._keyed(self._ring, environ, route)
        if self._anonymous or _LOCAL.fullmatch(environ.get("REMOTE_ADDR", "")):
            return ""
        raise NotLocalError(
            "the service has no API keys, and answers this machine alone",
            hint="set SEGMENTATION_API_KEYS_FILE (docs/security.md), or SEGMENTATION_ALLOW_ANONYMOUS=true",
            reason="not from this machine",
        )

    @staticmethod
    def _keyed(ring: KeyRing, environ: dict[str, Any], route: Route) -> str:
        scheme, _, presented = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            raise MissingKeyError(
                "this needs an API key", hint="send Authorization: Bearer KEY", reason="no key", challenge=_REALM
            )
        key = ring.find(presented.strip())
        if key is None:
            raise MissingKeyError(
                "the API key is not known",
                hint="it was revoked or mistyped; ask whoever runs the service for another",
                reason="unknown key",
                challenge=f'{_REALM}, error="invalid_token"',
            )
        if route.scope not in key.scopes:
            raise MissingScopeError(
                f"the API key is not for {route.scope}",
                hint=f"ask whoever runs the service for a key of scope {route.scope}",
                reason=f"no scope {route.scope}",
                challenge=f'{_REALM}, error="insufficient_scope", scope="{route.scope}"',
                key=key.name,
            )
        return key.name
