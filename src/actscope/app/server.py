"""The server: the page, its module, its socket, and downloads, on one port of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from actscope.app import bundle
from actscope.app.guard import Guard, checked_origin
from actscope.app.panels._lookup import SHELF, in_order
from actscope.app.request import Request, Settings
from actscope.app.session import MOST_MESSAGE, Session
from actscope.errors import ActscopeError, InputError, OutputError, UnknownName
from actscope.guests import need

if TYPE_CHECKING:
    from starlette.applications import Starlette

PORT = 8421  # where it listens unless told otherwise
MOST_CLIENTS = 128
LOCAL = "127.0.0.1"
TRY_AGAIN = 1013  # WebSocket close code
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Explorer:
    """The explorer as an ASGI application, and what its clients share.

    Args:
        settings: what whoever starts it decides.
        port: that it listens on.
        origins: allowed beside its own, as `checked_origin` gives them.
    """

    def __init__(self, settings: Settings, port: int, origins: Iterable[str] = ()) -> None:
        self.settings = settings
        self.sessions: set[Session] = set()
        cores = os.cpu_count() or 1
        self.asking = ThreadPoolExecutor(max(2, cores), "actscope-asking")
        self.training = ThreadPoolExecutor(max(2, cores), "actscope-training")
        self.asgi = Guard(self._starlette(), port, origins)

    def _starlette(self) -> Starlette:
        from starlette.applications import Starlette
        from starlette.responses import Response
        from starlette.routing import Route, WebSocketRoute

        def fixed(path: str, text: Callable[[], str], kind: str) -> Route:
            async def give(request: Any) -> Response:
                return Response(text(), media_type=kind, headers=HEADERS)

            return Route(path, give)

        return Starlette(
            routes=[
                fixed("/", bundle.page, "text/html"),
                fixed("/explorer.js", bundle.module, "text/javascript"),
                fixed("/explorer.css", bundle.style, "text/css"),
                fixed("/page.css", bundle.page_style, "text/css"),
                Route("/file/{panel}/{name}", self._file),
                WebSocketRoute("/socket", self._socket),
            ],
            lifespan=self._life,
        )

    @contextlib.asynccontextmanager
    async def _life(self, app: Starlette) -> AsyncGenerator[None]:
        """Make what is slow the first time now, beside the first page; leave no thread behind."""
        for panel in in_order():
            if panel.warm is not None:
                self.training.submit(panel.warm)
        yield
        for pool in (self.asking, self.training):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _socket(self, ws: Any) -> None:
        """One client, from its first command to its last."""
        from starlette.websockets import WebSocketDisconnect

        await ws.accept()
        if len(self.sessions) >= MOST_CLIENTS:
            why = f"{MOST_CLIENTS} windows are open already: close one and reload"
            await ws.close(TRY_AGAIN, why)
            return

        async def send(frame: bytes) -> None:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await ws.send_bytes(frame)  # one that has gone is told by `receive`

        session = Session(send, self.settings, self.asking, self.training)
        self.sessions.add(session)
        try:
            while (message := await ws.receive())["type"] != "websocket.disconnect":
                await session.receive(message.get("text") or "")
        finally:
            self.sessions.discard(session)
            await session.close()

    async def _file(self, request: Any) -> Any:
        """A download of a panel."""
        from starlette.responses import PlainTextResponse, Response

        def make() -> Response:
            panel = SHELF.get(request.path_params["panel"])
            if request.path_params["name"] not in panel.files:
                raise UnknownName("file", request.path_params["name"], panel.files)
            args = dict(request.query_params)
            file = panel.files[request.path_params["name"]](Request(args, self.settings))
            quoted = "".join(c if c.isalnum() or c in "._-" else "_" for c in file.name)
            headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{quoted}"'}
            return Response(file.content, media_type=file.kind, headers=headers)

        try:
            return await asyncio.get_running_loop().run_in_executor(self.asking, make)
        except ActscopeError as error:
            status = 404 if isinstance(error, UnknownName) else 400
            return PlainTextResponse(f"{error}\n", status_code=status, headers=HEADERS)


def origins_of(host: str, given: Iterable[str]) -> list[str]:
    """The origins allowed beside our own.

    Raises:
        InputError: one is no origin, or the host lets other machines in and none is given.

    Example:
        >>> origins_of("0.0.0.0", ["http://lab.example:8421"])
        ['http://lab.example:8421']
        >>> origins_of("0.0.0.0", [])
        Traceback (most recent call last):
            ...
        actscope.errors.InputError: --host 0.0.0.0 lets other machines in: say at which address ...
    """
    origins = [checked_origin(text) for text in given]
    if host not in (LOCAL, "localhost", "::1") and not origins:
        raise InputError(
            f"--host {host} lets other machines in: say at which address they open the page, such "
            "as --allow-origin http://lab.example:8421; whoever can reach it can use it"
        )
    return origins


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens.

    Args:
        host: an address of this machine, or a name of one.
        port: 0 for any free one; None for 8421, or any free one if that is taken.

    Raises:
        OutputError: the port is taken or not allowed, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, PORT if port is None else port), family=family)
    except OSError as error:
        if port is None and error.errno == errno.EADDRINUSE:
            return listen(host, 0)
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error})"
        raise OutputError(
            f"{host} port {PORT if port is None else port} {why}: choose another with --port; "
            "--port 0 takes any that is free"
        ) from None


def serve(
    settings: Settings,
    host: str = LOCAL,
    port: int | None = None,
    origins: Iterable[str] = (),
    ready: Callable[[str], object] = print,
) -> None:
    """Serve the explorer until Ctrl-C.

    Args:
        settings: what the panels are told.
        host: the address to listen on.
        port: 0 for any free one; None for the usual one, or a free one if that is taken.
        origins: from which pages may speak to it, beside its own.
        ready: called with the URL as soon as it answers.

    Raises:
        MissingExtra: actscope[app] is not installed.
        InputError, OutputError: what `origins_of` and `listen` raise.
        KeyboardInterrupt: in the end, because Ctrl-C is the way to end it.
    """
    need("app")
    import uvicorn

    allowed = origins_of(host, origins)
    listening = listen(host, port)
    own_port = listening.getsockname()[1]
    explorer = Explorer(settings, own_port, allowed)
    server = uvicorn.Server(configuration(explorer))
    shown = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    ready(f"http://{shown}:{own_port}/")
    with contextlib.suppress(KeyboardInterrupt):  # which uvicorn raises at times
        server.run(sockets=[listening])
    raise KeyboardInterrupt


def configuration(explorer: Explorer) -> Any:
    """How uvicorn runs it."""
    import uvicorn

    return uvicorn.Config(
        explorer.asgi,
        log_level="warning",
        ws_per_message_deflate=False,  # frames hardly shrink, and it costs a millisecond each
        ws_max_size=MOST_MESSAGE,
        ws_max_queue=64,
        timeout_graceful_shutdown=2,
        server_header=False,
    )
