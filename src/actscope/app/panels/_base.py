"""What a panel is, on Python's side: questions that are answered, streams that run on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from actscope.app.request import Request

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Reply = dict[str, Any]  # JSON values and NumPy arrays
Question = Callable[[Request], Reply]


class Stream(Protocol):
    """Something that goes on: a training. Its session calls one method at a time, in a thread."""

    def frame(self) -> Reply | None:
        """The next update, or None while there is nothing to do: paused, finished.

        It is called again after each frame that the page has room for, and after None only when
        the page has told it something. One call should take at most some 50 ms, because what the
        page tells (pause!) waits for it.
        """

    def tell(self, name: str, request: Request) -> Reply:
        """A command of the page, answered."""


class File(NamedTuple):
    """What a download gives."""

    name: str
    kind: str  # "text/csv", "image/png"
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel of the explorer.

    Attributes:
        name: its file's name, and its page part's, and the hash of its tab.
        label: on the tab.
        order: of the tab, from the left.
        lead: one sentence under the tabs: what one can see here.
        questions: by name, `question(request) -> reply`; each in a thread, several at once, so
            they hold no state.
        streams: by name, `stream(request) -> Stream`; a client has one of each panel at most, the
            next one takes its place.
        files: by name, `file(request) -> File`, at `/file/<panel>/<name>?…`; its arguments are
            texts. An UnknownName is a 404.
        picture: `picture(request) -> Figure`, the panel in this state where no kernel runs; the
            arguments are those of the hash, texts or lists of texts.
        warm: called once, in a thread, when a server starts: what makes the first answer slow.
    """

    name: str
    label: str
    order: int
    lead: str
    questions: Mapping[str, Question] = field(default_factory=dict)
    streams: Mapping[str, Callable[[Request], Stream]] = field(default_factory=dict)
    files: Mapping[str, Callable[[Request], File]] = field(default_factory=dict)
    picture: Callable[[Request], Figure] | None = None
    warm: Callable[[], object] | None = None
