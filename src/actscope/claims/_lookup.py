"""From a name to a claim."""

from __future__ import annotations

from actscope.claims._base import Claim
from actscope.shelf import Shelf

SHELF: Shelf[Claim] = Shelf("actscope.claims", "claim")


def claim(name: str | Claim) -> Claim:
    """One statement of the seed documents, with its check; `.check()` gives the verdict.

    Args:
        name: the name of its file in `actscope.claims`, or a record.

    Returns:
        The record: statement, source, rule; `.check()` measures and judges.

    Raises:
        UnknownName: no claim has it; the message names the nearest.

    Example:
        >>> import actscope
        >>> one = actscope.claim("slope_at_most_quarter")
        >>> one.check().outcome
        <Outcome.HOLDS: 'holds'>

    Source: the documents that the claim names (`source`).
    """
    return SHELF.get(name) if isinstance(name, str) else name
