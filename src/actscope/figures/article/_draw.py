"""The five figures by name, in the order of the article."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from actscope.article.result import ArticleResult
from actscope.errors import UnknownName
from actscope.figures.article.data_set import data_set
from actscope.figures.article.decision_boundaries import decision_boundaries
from actscope.figures.article.hidden_space import hidden_space
from actscope.figures.article.loss_curves import loss_curves
from actscope.figures.article.signal_trace import signal_trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES: dict[str, Callable[[ArticleResult], Figure]] = {
    "data_set": data_set,
    "loss_curves": loss_curves,
    "decision_boundaries": decision_boundaries,
    "signal_trace": signal_trace,
    "hidden_space": hidden_space,
}


def draw(result: ArticleResult, name: str) -> Figure:
    """One of the five figures.

    Raises:
        UnknownName: there is no such figure; the message names the nearest.
    """
    if name not in FIGURES:
        raise UnknownName("figure", name, FIGURES)
    return FIGURES[name](result)
