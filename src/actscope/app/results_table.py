"""Tables of results: filtered, sorted, sent by columns; two rows beside each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.app.results_store import MOST_ROWS, Found, rows_of, trials_of
from actscope.errors import InputError, UnknownName
from actscope.maths.statistics import bootstrap, paired_permutation
from actscope.study.compare import SETTINGS

if TYPE_CHECKING:
    import pandas as pd

OPERATORS = ("<=", ">=", "!=", "<", ">", "=")
_TERM = re.compile(r"^(\w+)(<=|>=|!=|<|>|=)(.+)$")
FEWEST_PAIRS = 2


def asked_for(
    study: Found, kind: str, words: str = "", sort: str = "", descending: bool = False
) -> pd.DataFrame:
    """A study's rows, filtered and sorted.

    Args:
        study: whose.
        kind: "cells" or "trials".
        words: all of which a row must meet: a piece of text in any column, or a column with a
            number or a text, such as lr<0.1 or activation=relu.
        sort: a column; "" leaves the order of the settings. What is missing comes last.
        descending: from the largest down.

    Raises:
        InputError: a filter that names no column, or compares with no number.
        UnknownName: no such column to sort by.
    """
    rows = rows_of(study, kind)
    for word in words.split():
        rows = rows[_meets(rows, word)]
    if sort:
        if sort not in rows.columns:
            raise UnknownName("column", sort, shown(rows))
        rows = rows.sort_values(sort, ascending=not descending, kind="stable", na_position="last")
    return rows


def shown(rows: pd.DataFrame) -> list[str]:
    """The columns that people see."""
    return [str(c) for c in rows.columns if c != "key"]


def _meets(rows: pd.DataFrame, word: str) -> Any:
    """Which rows meet one word of a filter."""
    term = _TERM.match(word)
    if term is None:
        if any(sign in word for sign in OPERATORS):
            raise InputError(f"filter {word!r}: expected column<number, such as lr<0.1")
        texts = [rows[c].astype(str).str.lower() for c in shown(rows) if _is_text(rows[c])]
        found = np.zeros(len(rows), dtype=bool)
        for text in texts:
            found |= text.str.contains(word.lower(), regex=False).to_numpy()
        return found
    name, sign, value = term.groups()
    if name not in shown(rows):
        raise UnknownName("column", name, shown(rows))
    return _compared(rows[name], sign, value, word)


def _compared(column: pd.Series, sign: str, value: str, word: str) -> Any:
    if _is_text(column):
        if sign not in ("=", "!="):
            raise InputError(f"filter {word!r}: {column.name} holds words: expected = or !=")
        same = (column.astype(str).str.lower() == value.lower()).to_numpy()
        return same if sign == "=" else ~same
    try:
        bound = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}.get(value.lower())
        bound = float(value) if bound is None else bound
    except ValueError:
        raise InputError(f"filter {word!r}: expected a number after {sign}") from None
    numbers = column.astype("float64").to_numpy(dtype=float, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        return {
            "=": numbers == bound, "!=": numbers != bound, "<": numbers < bound,
            ">": numbers > bound, "<=": numbers <= bound, ">=": numbers >= bound,
        }[sign]  # fmt: skip


def _is_text(column: pd.Series) -> bool:
    return column.dtype.kind == "O" or str(column.dtype) in ("string", "str", "category")


def columns_of(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Every column as the page is sent it: numbers as float64, words as numbers of a list.

    A column in which nothing stands is left out, so that what differs is in sight.
    """
    rows = rows.head(MOST_ROWS)
    found: list[dict[str, Any]] = []
    for name in shown(rows):
        column = rows[name]
        if len(rows) and column.isna().all():
            continue
        same = bool(len(rows) > 1 and column.nunique(dropna=False) == 1)
        if _is_text(column):
            codes, words = _coded(column)
            found.append({"name": name, "words": words, "codes": codes, "same": same})
        else:
            values = column.astype("float64").to_numpy(dtype=float, na_value=np.nan)
            flag = column.dtype.kind == "b" or str(column.dtype) == "boolean"
            found.append({"name": name, "values": values, "flag": flag, "same": same})
    return found


def _coded(column: pd.Series) -> tuple[Any, list[str]]:
    import pandas as pd

    codes, words = pd.factorize(column)
    return codes.astype(np.int32), [str(word) for word in words]


def compared(study: Found, kind: str, first: str, second: str) -> dict[str, Any]:
    """Two rows beside each other: what they are, what came out, and of cells the paired test.

    Args:
        study: whose.
        kind: "cells" or "trials".
        first: the key of one.
        second: the key of the other.

    Raises:
        UnknownName: no such row.
    """
    rows = rows_of(study, kind).set_index("key")
    for key in (first, second):
        if key not in rows.index:
            raise UnknownName("row", key, [])
    a, b = rows.loc[first], rows.loc[second]
    pairs = [(str(name), a[name], b[name]) for name in rows.columns]
    reply: dict[str, Any] = {
        "settings": [_side(*p) for p in pairs if p[0] in SETTINGS and not _equal(*p[1:])],
        "results": [_side(*p) for p in pairs if p[0] not in SETTINGS and _is_number(*p[1:])],
    }
    if kind == "cells":
        reply["paired"] = _paired(study, first, second)
    return reply


def _side(name: str, a: Any, b: Any) -> dict[str, Any]:
    return {"name": name, "a": _value(a), "b": _value(b)}


def _value(value: Any) -> Any:
    """A number, a word, or None where there is none."""
    import pandas as pd

    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return value if isinstance(value, str) else float(value)


def _equal(a: Any, b: Any) -> bool:
    return bool(_value(a) == _value(b))


def _is_number(a: Any, b: Any) -> bool:
    return any(isinstance(_value(v), float) for v in (a, b))


def _paired(study: Found, first: str, second: str) -> dict[str, Any]:
    """Accuracy of two cells on the same seeds: the difference with its interval, and p."""
    scores = [trials_of(study, key).set_index("seed").test_accuracy.astype(float)
              for key in (first, second)]  # fmt: skip
    seeds = scores[0].index.intersection(scores[1].index)
    x, y = (s[seeds].to_numpy() for s in scores)
    good = np.isfinite(x) & np.isfinite(y)
    x, y = x[good], y[good]
    found: dict[str, Any] = {"pairs": int(good.sum())}
    if len(x) >= FEWEST_PAIRS:
        between = bootstrap(x - y, rng=0)
        test = paired_permutation(x, y, rng=0)
        found |= {"difference": between.value, "low": between.low, "high": between.high}
        found["p"] = test.p
    return found
