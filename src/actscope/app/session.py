"""One client: its questions are answered, its streams run as fast as it draws, within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import traceback
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from actscope.app.bundle import hello
from actscope.app.panels._base import Stream
from actscope.app.panels._lookup import SHELF
from actscope.app.request import Request, Settings
from actscope.app.wire import encode
from actscope.errors import ActscopeError, BadSpec, InputError, UnknownName

CREDITS = 2  # frames on their way that the page has not drawn
MOST_WAITING = 32  # questions, and commands to streams, of one client
MOST_MESSAGE = 2_000_000  # bytes of a command; a user's table comes as one

Send = Callable[[bytes], Awaitable[None]]


@dataclass(eq=False)
class _Open:
    """A stream of this client."""

    id: int
    stream: Stream
    credits: int = CREDITS
    idle: bool = False
    told: list[tuple[int, str, Request]] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return bool(self.told) or (self.credits > 0 and not self.idle)


class Session:
    """One client, whatever carries its messages.

    Args:
        send: takes a frame to the page.
        settings: of the explorer.
        asking: where questions are answered.
        training: where streams run; apart, so that a training does not keep a question waiting.

    `receive` takes a command; one task, the pump, runs the streams in turn, one call at a time;
    `close` leaves nothing behind.
    """

    def __init__(
        self, send: Send, settings: Settings, asking: Executor, training: Executor
    ) -> None:
        self._send, self._settings = send, settings
        self._asking, self._training = asking, training
        self._tasks: set[asyncio.Task[None]] = set()
        self._streams: dict[str, _Open] = {}  # by panel
        self._newest: dict[str, int] = {}  # the stream of each panel that was asked for last
        self._wake = asyncio.Event()
        self._pump = asyncio.create_task(self._pumping())

    async def receive(self, text: str) -> None:
        """Take one command; what is wrong with it is answered with a sentence."""
        number = 0
        try:
            command = _parsed(text)
            number = _whole(command, "id") if "id" in command else 0
            self._take(number, command)
        except ActscopeError as error:
            await self._send(encode({"id": number, "error": str(error)}))

    async def close(self) -> None:
        """End every task. A call that runs in a thread ends by itself; its answer is dropped."""
        tasks = [self._pump, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._streams.clear()

    def _take(self, number: int, command: Mapping[str, Any]) -> None:
        """Start what the command says."""
        args = command.get("args", {})
        if not isinstance(args, dict):
            raise BadSpec("args", type(args).__name__, "an object with the arguments")
        request = Request(args, self._settings)
        if "ask" in command:
            self._room(len(self._tasks))
            _, question = _find(command["ask"], "questions")
            self._start(self._answer(number, question, request))
        elif "open" in command:
            self._room(len(self._tasks))
            panel, factory = _find(command["open"], "streams")
            self._streams.pop(panel, None)
            self._newest[panel] = number
            self._start(self._begin(number, panel, factory, request))
        elif "tell" in command:
            stream = self._stream(_whole(command, "to"))
            self._room(len(stream.told))
            stream.told.append((number, str(command["tell"])[:60], request))
            self._wake.set()
        elif "credit" in command:
            self._credit(_whole(command, "credit"))
        elif "close" in command:
            self._end(_whole(command, "close"))
        else:
            raise InputError("a command: expected ask, open, tell, credit or close")

    def _room(self, waiting: int) -> None:
        if waiting >= MOST_WAITING:
            raise InputError(
                f"{waiting} requests of this window wait already: expected at most {MOST_WAITING}; "
                "ask again when some are answered"
            )

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _stream(self, number: int) -> _Open:
        for stream in self._streams.values():
            if stream.id == number:
                return stream
        raise InputError(f"stream {number} is not open: it was closed, or another took its place")

    def _credit(self, number: int) -> None:
        with contextlib.suppress(InputError):  # it may have ended on the way
            stream = self._stream(number)
            stream.credits = min(stream.credits + 1, CREDITS)
            self._wake.set()

    def _end(self, number: int) -> None:
        for panel in [p for p, newest in self._newest.items() if newest == number]:
            del self._newest[panel]
            self._streams.pop(panel, None)

    async def _answer(self, number: int, question: Any, request: Request) -> None:
        await self._reply(number, self._asking, question, request)

    async def _begin(self, number: int, panel: str, factory: Any, request: Request) -> None:
        """Make a stream, in a thread, and let the pump have it."""

        def make() -> dict[str, Any]:
            made.append(factory(request))
            return {"open": True}

        made: list[Stream] = []
        await self._reply(number, self._training, make)
        if made and self._newest.get(panel) == number:
            self._streams[panel] = _Open(number, made[0])
            self._wake.set()

    async def _reply(self, number: int, pool: Executor, work: Any, *args: Any) -> None:
        """Do the work in a thread and send what it gives, or the sentence that says why not."""
        reply = await asyncio.get_running_loop().run_in_executor(pool, _framed, number, work, *args)
        await self._send(reply.content)

    async def _pumping(self) -> None:
        """Run the streams in turn: what they are told first, then a frame for each credit."""
        while True:
            ready = [stream for stream in self._streams.values() if stream.ready]
            if not ready:
                self._wake.clear()
                await self._wake.wait()
            for stream in ready:
                if stream in self._streams.values():
                    await self._turn(stream)

    async def _turn(self, stream: _Open) -> None:
        if stream.told:
            number, name, request = stream.told.pop(0)
            stream.idle = False
            await self._reply(number, self._training, stream.stream.tell, name, request)
            return
        loop = asyncio.get_running_loop()
        frame = await loop.run_in_executor(self._training, _framed, stream.id, stream.stream.frame)
        stream.idle = not frame.more
        if frame.content and stream in self._streams.values():
            stream.credits -= frame.more
            await self._send(frame.content)


class _Frame(NamedTuple):
    """What goes to the page, and whether its stream may have more to say."""

    content: bytes
    more: bool


def _framed(number: int, work: Callable[..., Any], *args: Any) -> _Frame:
    """What the work gives, as a frame; nothing for None; an error as its sentence."""
    try:
        reply = work(*args)
        content = b"" if reply is None else encode({"id": number, "reply": reply})
        return _Frame(content, reply is not None)
    except ActscopeError as error:
        return _Frame(encode({"id": number, "error": str(error)}), False)
    except Exception as error:
        traceback.print_exc()
        words = f"the explorer failed at this request ({type(error).__name__}: {error})"
        words += "; the terminal that it was started in shows where"
        return _Frame(encode({"id": number, "error": words, "bug": True}), False)


def _parsed(text: str) -> dict[str, Any]:
    """The command that a text is."""
    if len(text) > MOST_MESSAGE:
        raise InputError(
            f"a command of {len(text):,} characters: expected at most {MOST_MESSAGE:,}"
        )
    try:
        command = json.loads(text)
    except (ValueError, RecursionError):
        command = None
    if not isinstance(command, dict):
        raise InputError("a command that is no JSON object: expected one, with an id")
    return command


def _whole(command: Mapping[str, Any], name: str) -> int:
    value = command.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise BadSpec(name, str(value)[:60], "a whole number")
    return value


def _find(address: Any, kind: str) -> tuple[str, Any]:
    """The panel's name and the function that "panel.question" means."""
    panel, _, name = str(address)[:200].partition(".")
    if address == "hello" and kind == "questions":
        return panel, lambda request: hello()
    known = getattr(SHELF.get(panel), kind)
    if name not in known:
        raise UnknownName(f"{panel} {kind.rstrip('s')}", name, known)
    return panel, known[name]
