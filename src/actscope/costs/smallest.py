"""The smallest width that reaches something, by doubling and bisection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Found:
    """What the search saw.

    Attributes:
        width: the smallest width that reached it, among those tried; None if none did.
        tried: every width that was asked about and the answer, in the order of asking.
        monotone: whether no wider width failed where a narrower one reached it.
    """

    width: int | None
    tried: dict[int, bool] = field(default_factory=dict)

    @property
    def monotone(self) -> bool:
        """Whether the answers could be those of a function that only rises."""
        fails = [w for w, reached in self.tried.items() if not reached]
        return self.width is None or all(w < self.width for w in fails)


def smallest(reaches: Callable[[int], bool], most: int) -> Found:
    """The smallest width from 1 to `most` at which `reaches` is true.

    Widths 1, 2, 4, … are asked until one reaches it, and one more beyond, which shows whether
    wider stays good; then the gap before the first success is halved. Where the answers rise
    with the width, that is the smallest width of all. Where they do not, it is still one that
    reaches it whose next narrower one does not, and `monotone` says what was seen.

    Args:
        reaches: asked at most once for each width.
        most: the largest width.

    Example:
        >>> found = smallest(lambda width: width >= 11, most=64)
        >>> found.width, list(found.tried)
        (11, [1, 2, 4, 8, 16, 32, 12, 10, 11])
        >>> smallest(lambda width: False, most=20).tried
        {1: False, 2: False, 4: False, 8: False, 16: False, 20: False}
    """
    tried: dict[int, bool] = {}

    def ask(width: int) -> bool:
        if width not in tried:
            tried[width] = bool(reaches(width))
        return tried[width]

    steps = ladder(most)
    first = next((i for i, width in enumerate(steps) if ask(width)), None)
    if first is None:
        return Found(None, tried)
    if first + 1 < len(steps):
        ask(steps[first + 1])
    low, high = steps[first - 1] if first else 0, steps[first]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if ask(middle) else (middle, high)
    return Found(high, tried)


def ladder(most: int) -> list[int]:
    """1, 2, 4, … below `most`, and `most`."""
    return [*(2**k for k in range((most - 1).bit_length())), most]
