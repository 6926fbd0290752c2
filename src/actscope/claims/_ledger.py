"""The ledger: claims beside their verdicts."""

from __future__ import annotations

import functools
import importlib
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from actscope.claims._base import Claim, Outcome, Verdict
from actscope.claims._bench import Bench
from actscope.claims._lookup import SHELF, claim
from actscope.claims._sources import Document

if TYPE_CHECKING:
    import pandas as pd


class Entry(NamedTuple):
    """A claim, what became of it, and the seconds that took."""

    claim: Claim
    verdict: Verdict
    seconds: float


@dataclass(frozen=True, eq=False, repr=False)
class Ledger:
    """Claims beside their verdicts, in the order of the documents.

    Attributes:
        entries: one a claim.
    """

    entries: tuple[Entry, ...]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, name: str) -> Verdict:
        """The verdict on the claim of this name."""
        for entry in self.entries:
            if entry.claim.name == name:
                return entry.verdict
        raise KeyError(f"{name!r}: this ledger holds {', '.join(e.claim.name for e in self)}")

    def __repr__(self) -> str:
        return f"Ledger({self.summary})"

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many claims came to each outcome."""
        return {o: sum(e.verdict.outcome is o for e in self.entries) for o in Outcome}

    @property
    def summary(self) -> str:
        """The counts in one line."""
        words = {
            Outcome.HOLDS: ("holds", "hold"),
            Outcome.ONLY: ("holds only under a condition", "hold only under a condition"),
            Outcome.FAILS: ("does not hold", "do not hold"),
            Outcome.OPEN: ("cannot be decided", "cannot be decided"),
        }
        found = ", ".join(f"{n} {words[o][n > 1]}" for o, n in self.counts.items() if n)
        return (
            f"{len(self)} claim{'s' * (len(self) != 1)}: {found}" if self.entries else "no claims"
        )

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """One row a claim.

        Columns: name, statement, source, place, verdict, under, effect, value, low, high, unit,
        n, says, rule, command, seconds.
        """
        import pandas as pd

        return pd.DataFrame([_row(entry) for entry in self.entries])

    def to_dict(self) -> list[dict[str, Any]]:
        """Everything as plain values, with every table; NaN as None, infinities as text."""
        return [
            _plain(_row(e))
            | {
                "tables": [
                    {"title": t.title, "rows": _plain(list(t.rows))} for t in e.verdict.tables
                ]
            }
            for e in self.entries
        ]

    def to_json(self) -> str:
        """Everything as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)

    def plot(self, name: str = "") -> Any:
        """The verdicts by document, or one claim's figure, as a matplotlib Figure.

        Args:
            name: of a claim; "" for all.
        """
        # by name, because figures stand on a floor above this one
        figures = importlib.import_module("actscope.figures.claims")
        if not name:
            return figures.overview(self)
        return figures.claim_figure(claim(name), self[name])

    def _repr_html_(self) -> str:
        shown = self.table[["name", "statement", "verdict", "under", "effect"]]
        return f"<p>{self.summary}</p>" + str(shown.to_html(index=False))


def ledger(
    names: str | Iterable[str] | None = None,
    *,
    studies: Iterable[str | Path] = (),
    cache: str | Path | None = "user",
    progress: Callable[[int, str, float], object] = lambda done, words, share: None,
) -> Ledger:
    """Check the statements of the seed documents.

    Args:
        names: of claims; None for all.
        studies: study folders whose trials are taken where they are the same.
        cache: where measurements are kept: "user" for the user's cache folder, a folder, or None
            to measure everything anew and keep nothing.
        progress: called with the number of claims that are done, what is being measured, and how
            far that is, in [0, 1].

    Returns:
        A Ledger: `.table` has one row a claim, `.plot()` draws it, `ledger[name]` is a verdict.

    Raises:
        UnknownName: no such claim; the message names the nearest.
        InputError: one of `studies` is no study folder.
        OutputError: the cache cannot be written to.
        MissingExtra: a claim trains a study, and DuckDB or PyArrow is not installed.

    Example:
        >>> import actscope
        >>> found = actscope.ledger(["slope_at_most_quarter", "softmax_overflows"])
        >>> found
        Ledger(2 claims: 2 hold)

    Source: the documents that each claim names; the rules are own, docs/decisions/0004-claims.md.
    """
    import time

    if names is None:
        chosen = tuple(SHELF)
    else:
        given = [names] if isinstance(names, str) else list(names)
        chosen = tuple(claim(n) for n in dict.fromkeys(given))
    chosen = tuple(sorted(chosen, key=_order))
    entries: list[Entry] = []

    def tell(words: str, share: float) -> None:
        progress(len(entries), f"{chosen[len(entries)].name}: {words}", share)

    bench = Bench(cache, [Path(s) for s in studies], tell)
    for one in chosen:
        progress(len(entries), one.name, 0.0)
        began = time.perf_counter()
        verdict = one.check(bench)
        entries.append(Entry(one, verdict, time.perf_counter() - began))
    progress(len(entries), "", 0.0)
    return Ledger(tuple(entries))


def _order(one: Claim) -> tuple[int, str]:
    """By the document that is named first, then by name."""
    return list(Document).index(one.source[0]), one.name


def _row(entry: Entry) -> dict[str, Any]:
    one, verdict = entry.claim, entry.verdict
    i = verdict.effect.interval
    return {
        "name": one.name,
        "statement": one.statement,
        "source": "; ".join(d.value for d in one.source),
        "place": one.place,
        "verdict": verdict.outcome.value,
        "under": verdict.under,
        "effect": verdict.effect.text,
        "value": i.value,
        "low": i.low,
        "high": i.high,
        "unit": verdict.effect.unit,
        "n": i.n,
        "says": verdict.says,
        "rule": one.rule,
        "command": one.command,
        "also": one.also,
        "seconds": round(entry.seconds, 2),
    }


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's, NaN as None, infinities as text: what JSON can hold."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value
