"""A panel in a notebook: the server's module as an anywidget; the kernel carries its messages."""

from __future__ import annotations

import asyncio
import base64
import functools
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from actscope.app import bundle
from actscope.app.panels._lookup import SHELF
from actscope.app.request import Request, Settings
from actscope.app.session import Session
from actscope.errors import ActscopeError
from actscope.guests import need

MOST_VIEWS = 8  # of one widget; the oldest is closed for the next


def explore(panel: str = "activation", studies: str | Path = ".", **settings: Any) -> Any:
    """A panel of the explorer in a notebook: Jupyter, marimo, or what else knows anywidget.

    Everything is computed in this kernel. Where there is none, as on a page of stored notebooks,
    a static picture of the panel stands in its place.

    Args:
        panel: "activation", "depth", "dead", "playground" or "results".
        studies: the folder whose studies the results panel shows.
        settings: what to start with, by the names in the explorer's address: `f=["relu", "gelu"]`,
            `depth=50`.

    Returns:
        The widget; its `state` says the panel and its settings, as behind # in the address.

    Raises:
        UnknownName: there is no such panel; the message names the nearest.
        MissingExtra: actscope[notebook] is not installed.

    Example:
        >>> widget = explore("activation", f=["relu", "gelu"], x=1)
        >>> widget.state
        'activation?f=relu&f=gelu&x=1'

    Source: own, docs/explorer.md.
    """
    SHELF.get(panel)
    query = urlencode(settings, doseq=True)
    return _widget()(f"{panel}?{query}" if query else panel, Settings(Path(studies).resolve()))


@functools.cache
def _widget() -> Any:
    """The widget's class, made when a first one is asked for."""
    need("notebook")
    import anywidget
    import traitlets

    class Explorer(anywidget.AnyWidget):  # type: ignore[misc]
        """One panel; every view of it, in whatever window, is a client of its own."""

        _esm = bundle.module()
        _css = bundle.style()
        state = traitlets.Unicode().tag(sync=True)

        def __init__(self, state: str, settings: Settings) -> None:
            super().__init__(state=state)
            self.views = Views(settings, lambda head, frame: self.send(head, [frame]))
            self.on_msg(lambda widget, content, buffers: self.views.take(content))

        def close(self) -> None:
            """End the widget, and what its views have running."""
            self.views.close()
            super().close()

        def _repr_mimebundle_(self, **kwargs: Any) -> Any:
            found = super()._repr_mimebundle_(**kwargs)
            data, more = found if isinstance(found, tuple) else (found, {})
            image = static_picture(self.state, self.views.settings)
            return ({**data, "image/png": image} if data and image else data), more

    return Explorer


@functools.lru_cache(maxsize=32)
def static_picture(state: str, settings: Settings) -> str:
    """A panel in this state as a PNG, base64; nothing if it has none."""
    from actscope.figures.sheet import render

    name, _, query = state.partition("?")
    panel = SHELF.get(name)
    if panel.picture is None:
        return ""
    args = {k: v if len(v) > 1 else v[0] for k, v in parse_qs(query).items()}
    try:
        return base64.b64encode(render(panel.picture(Request(args, settings)), "png")).decode()
    except ActscopeError:  # a state that the panel itself would answer with a sentence
        return ""


class Views:
    """The clients of one widget: each view on a page has a session.

    Sessions live on the event loop on which a view's first command arrives (the kernel's); where
    none runs, on one of our own in a thread.

    Args:
        settings: of the explorer.
        send: hands a frame to the view that its head names.
    """

    def __init__(self, settings: Settings, send: Callable[[dict[str, str], bytes], object]) -> None:
        self.settings, self._send = settings, send
        self._sessions: dict[str, tuple[asyncio.AbstractEventLoop, Session]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def take(self, content: Any) -> None:
        """Take what a view sends: {"view", "text"}, or {"view", "gone"} as its last word."""
        if not isinstance(content, Mapping) or not isinstance(content.get("view"), str):
            return  # not ours
        view = content["view"]
        if "gone" in content:
            self._end(view)
            return
        try:
            loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        except RuntimeError:
            loop = _own_loop()
        home, _ = self._sessions.get(view, (loop, None))
        home.call_soon_threadsafe(self._receive, view, home, str(content.get("text", "")))

    def _receive(self, view: str, loop: asyncio.AbstractEventLoop, text: str) -> None:
        """On the session's loop: make it if it is not there, and hand the command on."""
        if view not in self._sessions:
            for oldest in list(self._sessions)[: max(0, len(self._sessions) - MOST_VIEWS + 1)]:
                self._end(oldest)
            asking, training = _pools()

            async def send(frame: bytes) -> None:
                self._send({"view": view}, frame)

            self._sessions[view] = loop, Session(send, self.settings, asking, training)
        task = loop.create_task(self._sessions[view][1].receive(text))
        _KEPT.add(task)
        task.add_done_callback(_KEPT.discard)

    def _end(self, view: str) -> None:
        if view in self._sessions:
            loop, session = self._sessions.pop(view)
            if not loop.is_closed():
                asyncio.run_coroutine_threadsafe(session.close(), loop)

    def close(self) -> None:
        """End every session."""
        for view in list(self._sessions):
            self._end(view)


_KEPT: set[asyncio.Task[None]] = set()  # a loop keeps no task alive by itself


@functools.cache
def _pools() -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
    """Where all widgets of this process answer, and where they train."""
    cores = max(2, os.cpu_count() or 1)
    asking = ThreadPoolExecutor(cores, "actscope-asking")
    return asking, ThreadPoolExecutor(cores, "actscope-training")


@functools.cache
def _own_loop() -> asyncio.AbstractEventLoop:
    """An event loop in a thread, for kernels that run none."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="actscope-explorer", daemon=True).start()
    return loop
