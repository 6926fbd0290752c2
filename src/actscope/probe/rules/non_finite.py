"""NaN or infinity in the outputs.

A site gives a NaN or an infinite number. Whatever is measured behind it means nothing.

The evidence: the root mean square, the smallest and the largest output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for site, row in seen.rows.items():
        numbers = (row["second"], row["least"], row["most"])
        if row["rows"] and row["rows"] == row["rows"] and not all(map(math.isfinite, numbers)):
            yield Found(
                site,
                "the outputs hold NaN or infinity",
                {"least": str(row["least"]), "most": str(row["most"])},
            )
            return


RECORD = Rule(
    name="non_finite",
    code="ACT206",
    severity="error",
    check=_check,
    cause="an overflow in a low-precision format, a division by 0, or NaN in the data",
    todo="find the first such site: this one; look at its inputs, and at the data",
)
