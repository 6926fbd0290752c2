"""What the playground says in words: the conclusion, and what to change after a divergence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from actscope.app.playground_run import Run
from actscope.app.playground_setup import MANY
from actscope.app.playground_view import layers
from actscope.app.styles import label_of
from actscope.figures.colours import CLASSES, HEAT, lighter, series_styles

WORSE = 3.0  # times the loss of a guess: thrown out, if not yet a NaN
GENTLE = {"sgd": 0.1, "momentum": 0.01, "adam": 0.003, "adamw": 0.003}  # rates that mostly train

# Okabe-Ito's eight, and two that stand apart from them; their points are told apart by a letter
MORE_CLASSES = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999",
    "#882255", "#332288",
)  # fmt: skip


def name_of(run: Run) -> str:
    """The activations of a network in words: one, or what stands in each layer.

    Long ones are shortened in the middle.
    """
    labels = [label_of(phi) for phi in run.net.activations]
    if len(set(labels)) == 1:
        return labels[0] if len(labels[0]) <= 40 else f"{labels[0][:39]}…"
    shown = labels if len(labels) <= 4 else [*labels[:2], "…", labels[-1]]
    return " / ".join(label if len(label) <= 14 else f"{label[:13]}…" for label in shown)


def styles(runs: Sequence[Run]) -> list[dict[str, object]]:
    """Label, colours and dash of each side; two of one name are told apart by their settings."""
    names = [name_of(run) for run in runs]
    found = series_styles([run.net.phi for run in runs])
    if names[0] == names[1]:
        names = [f"{name} {mark}" for name, mark in zip(names, "AB", strict=True)]
    return [
        {"label": name, "colour": s.colour, "dark": s.dark, "dash": list(s.dash)}
        for name, s in zip(names, found, strict=True)
    ]


def class_colours(classes: int) -> list[str]:
    """Fills of the classes: the two of every figure, or one for each of up to ten."""
    return list(CLASSES) if classes == 2 else list(MORE_CLASSES[:classes])


def ramp() -> list[str]:
    """The heat map's colours at probability 0, 1/2 and 1, light enough for points to stand out."""
    return [lighter(CLASSES[0]), HEAT[1], lighter(CLASSES[1])]


def guess(run: Run) -> float:
    """The loss of saying that all classes are as likely: ln(classes)."""
    return math.log(run.points.classes)


def lost(run: Run) -> tuple[int, int, int]:
    """How many networks met a NaN, how many others are far worse than a guess, the first NaN."""
    gone = run.diverged_at >= 0
    worse = np.zeros(len(gone), dtype=bool)
    if run.epoch:
        with np.errstate(invalid="ignore"):
            worse = ~gone & (run.loss[:, run.epoch - 1] > WORSE * guess(run))
    first = int(run.diverged_at[gone].min()) if gone.any() else -1
    return int(gone.sum()), int(worse.sum()), first


def banner(runs: Sequence[Run]) -> str:
    """What went wrong and what to change; empty while nothing did."""
    words = [sentence for run, s in zip(runs, styles(runs), strict=True)
             if (sentence := _trouble(run, str(s["label"])))]  # fmt: skip
    return " ".join([*words, _advice(runs)]) if words else ""


def _trouble(run: Run, name: str) -> str:
    gone, worse, first = lost(run)
    who = name if len(run.session) == 1 else f"{gone or worse} of {MANY} {name} networks"
    are = "has" if len(run.session) == 1 else "have"
    if gone:
        return (
            f"{who} {are} held no numbers any more since epoch {first}: a weight overflowed (NaN)."
        )
    if worse:
        now = run.loss[:, run.epoch - 1]
        return (
            f"{who} {are} been thrown out: a loss of {float(now.max()):.3g}, where a guess scores "
            f"{guess(run):.2g}."
        )
    return ""


def _advice(runs: Sequence[Run]) -> str:
    """The setting that most likely did it."""
    rates, setup = runs[0].rates, runs[0].setup
    usual = GENTLE[rates.optimiser]
    back = "then go back along the epochs, or reset"
    if rates.lr > usual:
        return (
            f"Lower the learning rate from {rates.lr:g} to {usual:g} or less, which mostly trains "
            f"with {rates.optimiser}; {back}."
        )
    if not all(own.norm for own in setup.own):
        return f"Switch on layer norm, or lower the learning rate below {rates.lr:g}; {back}."
    return f"Lower the learning rate below {rates.lr:g}; {back}."


def conclusion(runs: Sequence[Run]) -> list[str]:
    """What there is to see, in sentences with numbers: how well, how, and why."""
    names = [str(s["label"]) for s in styles(runs)]
    if all(run.epoch == 0 for run in runs):
        return ["Nothing is trained yet: press Play."]
    return [_scores(runs, names), *_line(runs, names), *_why(runs, names)]


def _middle(values: np.ndarray) -> float:
    """The number of one network, the median of many."""
    good = values[np.isfinite(values)]
    return float(np.median(good)) if len(good) else math.nan


def _short(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2g}"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.3g} %"


def _when(runs: Sequence[Run], names: Sequence[str]) -> str:
    epochs = [run.epoch for run in runs]
    if epochs[0] == epochs[1]:
        return f"After {epochs[0]:,} epoch{'s' if epochs[0] != 1 else ''}"
    return f"After {epochs[0]:,} and {epochs[1]:,} epochs"


def _scores(runs: Sequence[Run], names: Sequence[str]) -> str:
    parts = []
    for run, name in zip(runs, names, strict=True):
        _, _, test_loss, accuracy = (_middle(column) for column in run.scores().T)
        who = f"the median of {MANY} {name} networks" if run.setup.many else name
        if math.isnan(test_loss):
            parts.append(f"{who} gives no numbers any more")
            continue
        parts.append(
            f"{who} gets {_percent(accuracy)} of the test points right (loss {test_loss:.3g})"
        )
    return f"{_when(runs, names)} {parts[0]}, {parts[1]}."


def _line(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """Whether a straight line does as well."""
    line = runs[0].points.linear
    short = [
        name
        for run, name in zip(runs, names, strict=True)
        if _middle(run.scores()[:, 3]) <= line + 1e-9
    ]
    words = f"A straight line gets {_percent(line)}"
    if not short:
        return [f"{words}."]
    who = " and ".join(short)
    return [f"{words}: {who} {'do' if len(short) > 1 else 'does'} no better than that."]


def _why(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """How far apart the points lie in the last hidden layer, and what gradient arrives in front."""
    spreads, gradients = [], []
    for run, name in zip(runs, names, strict=True):
        found = layers(run)
        spreads.append(f"{name} {_short(_middle(found['spread'][:, -1]))}")
        gradients.append(f"{name} {_short(_middle(found['gradient_ratio'][:, 1]))}")
    return [
        f"The outputs of the last hidden layer spread by: {', '.join(spreads)}.",
        f"The first layer's gradient, over the output layer's: {', '.join(gradients)}.",
    ]
