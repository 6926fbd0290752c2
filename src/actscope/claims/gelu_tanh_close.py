"""The tanh formula approximates GELU: in value, in slope, and in number formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict
from actscope.claims._rules import both, decide, exact
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

CLOSE = 1e-3  # of a value and of a slope of order 1: three digits
SIGMOID_FORM = "x*sigmoid(1.702*x)"  # the other approximation in use


@dataclass(frozen=True)
class Numbers:
    """Errors of both approximations.

    Attributes:
        x: (n,) where they are drawn.
        value, slope: by approximation, |error| at x, (n,).
        visible: by format, the share of x in [−4, 4] at which GELU and its tanh form differ
            after rounding.
    """

    x: np.ndarray
    value: dict[str, np.ndarray]
    slope: dict[str, np.ndarray]
    visible: dict[str, float]


def measure(bench: Bench) -> Numbers:
    """The records over [−8, 8]."""
    from actscope.activations._lookup import elementwise
    from actscope.maths.formats import round_to

    gelu, tanh_form, sigmoid_form = map(elementwise, ("gelu", "gelu_tanh", SIGMOID_FORM))
    x = np.linspace(-8.0, 8.0, 16_001)
    forms = {"tanh form": tanh_form, "sigmoid form": sigmoid_form}
    value = {k: np.abs(np.asarray(f(x)) - gelu(x)) for k, f in forms.items()}
    slope = {k: np.abs(np.asarray(f.slope_at(x)) - gelu.slope_at(x)) for k, f in forms.items()}
    inside = x[abs(x) <= 4.0]
    visible = {
        kind: float(np.mean(round_to(gelu(inside), kind) != round_to(tanh_form(inside), kind)))
        for kind in ("float32", "bfloat16", "fp8_e4m3")
    }
    return Numbers(x, value, slope, visible)


def judge(n: Numbers) -> Verdict:
    """Close in both, in the value alone, or in neither."""
    worst = {k: (float(n.value[k].max()), float(n.slope[k].max())) for k in n.value}
    v, s = worst["tanh form"]
    outcome, under = decide(both(v < CLOSE, s < CLOSE), v < CLOSE, "values; slopes differ by more")
    step = slice(None, None, 40)
    rows = tuple(
        {"x": float(x), "value": max(float(e), 1e-12), "series": k, "account": account}
        for account, found in (("value", n.value), ("slope", n.slope))
        for k in found
        for x, e in zip(n.x[step], found[k][step], strict=True)
    )
    other = worst["sigmoid form"]
    seen = ", ".join(f"{share:.0%} in {kind}" for kind, share in n.visible.items())
    says = (
        f"The tanh form differs from GELU by at most {v:.2g} in value and {s:.2g} in slope; "
        f"x·σ(1.702x), the other form in use, by {other[0]:.2g} and {other[1]:.2g}. After rounding "
        f"the tanh form differs at {seen} of the points of [−4, 4]. Whether training notices: "
        "see gelu_tanh_trains_alike."
    )
    return Verdict(
        outcome,
        says,
        Effect("largest error of the value", exact(v), of=""),
        (Table("Distance from GELU", rows),),
        Drawing("lines", "x", "value", "x", "distance from GELU", series="series",
                panels="account", ylog=True, marks=((CLOSE, "1e-3"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="gelu_tanh_close",
    statement="GELU may be computed by its approximation with tanh.",
    source=(Document.TUTORIAL,),
    place="GELU in Practice",
    rule="Holds: on [−8, 8] the tanh form is within 1e-3 of GELU in value and in slope. Holds only "
    "under values: the slope differs by more.",
    measure=measure,
    judge=judge,
    also="actscope show gelu_tanh",
)
