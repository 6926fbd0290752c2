"""Who may speak to the explorer: pages that it served itself, and origins that were named.

Any page in the user's browser can open a socket to 127.0.0.1, and by DNS rebinding any name can
come to mean 127.0.0.1. So the Host header has to be one of ours, and a socket's Origin too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from actscope.errors import InputError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOCAL = ("127.0.0.1", "localhost", "[::1]")


def checked_origin(text: str) -> str:
    """An origin as browsers write it: scheme, host, port unless it is the scheme's own.

    Raises:
        InputError: it is no origin.

    Example:
        >>> checked_origin("http://Lab.example:8421/")
        'http://lab.example:8421'
        >>> checked_origin("*")
        Traceback (most recent call last):
            ...
        actscope.errors.InputError: origin '*': expected one such as http://lab.example:8421
    """
    try:
        parts = urlsplit(text.strip().lower())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme not in ("http", "https") or not parts.hostname or not bare or parts.username:
        raise InputError(f"origin {text!r}: expected one such as http://lab.example:8421")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


class Guard:
    """ASGI middleware that answers only what our own pages ask.

    Args:
        app: what is guarded.
        port: that the explorer listens on; the local names are ours at this port.
        allowed: further origins, as `checked_origin` gives them; their hosts are ours too.
    """

    def __init__(self, app: ASGIApp, port: int, allowed: Iterable[str]) -> None:
        self.app = app
        own = {f"http://{name}:{port}" if port != 80 else f"http://{name}" for name in LOCAL}
        self.origins = own | set(allowed)
        self.hosts = {origin.partition("://")[2] for origin in self.origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, or refuse with a sentence."""
        if scope["type"] in ("http", "websocket"):
            reason = self.objection(scope)
            if reason:
                await _refuse(reason, scope, receive, send)
                return
        await self.app(scope, receive, send)

    def objection(self, scope: Any) -> str:
        """Why this request is refused, or nothing."""
        headers = {k.decode("latin1"): v.decode("latin1").lower() for k, v in scope["headers"]}
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self.hosts:
            return f"Host {host[:80]!r} is not this explorer's: start it with --allow-origin"
        if scope["type"] == "websocket" and origin not in self.origins:
            return f"Origin {(origin or '')[:80]!r} may not speak to this explorer"
        if origin is not None and origin not in self.origins:
            return f"Origin {origin[:80]!r} may not read from this explorer"
        return ""


async def _refuse(reason: str, scope: Scope, receive: Receive, send: Send) -> None:
    """403 with a sentence; a socket is refused before it opens."""
    from starlette.responses import PlainTextResponse

    await PlainTextResponse(f"{reason}\n", status_code=403)(scope, receive, send)
