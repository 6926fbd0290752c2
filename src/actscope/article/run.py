"""Run the published experiment, or the same with other activations or another seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from actscope.activations._base import Activation
from actscope.activations._lookup import elementwise
from actscope.article.data import draw_data
from actscope.article.network import draw_all, train
from actscope.article.result import ArticleResult, Outcome
from actscope.article.setup import Setup
from actscope.errors import InputError

PUBLISHED = ("sigmoid", "relu")
MOST = 8  # networks in one run: figures with more are not readable


def find_activations(
    names: str | Activation | Sequence[str | Activation],
) -> tuple[Activation, ...]:
    """The activations of a run.

    Args:
        names: one, or 1 to 8, of catalogue names, typed expressions or records, no two the same.

    Raises:
        InputError: none, too many, one twice, or one that acts on whole vectors; a name that is
            unknown (UnknownName), an expression that is refused (BadExpression).
    """
    if isinstance(names, (str, Activation)):
        names = [names]
    found = tuple(elementwise(name) for name in names)
    if not 1 <= len(found) <= MOST:
        raise InputError(f"{len(found)} activations: expected 1 to {MOST}, such as relu and gelu")
    keys = [phi.key for phi in found]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise InputError(f"{', '.join(twice)} is asked for twice: name each activation once")
    return found


def reproduce(
    activations: str | Activation | Sequence[str | Activation] = PUBLISHED,
    seed: int | None = None,
    setup: Setup | None = None,
    progress: Callable[[int], object] | None = None,
) -> ArticleResult:
    """Train one network for each activation, exactly as the article does.

    All networks see the same data, the same draws behind their weights and the same order of
    points. With the defaults every number is the published script's.

    Args:
        activations: 1 to 8 names, typed expressions or records.
        seed: of the networks; the setup's when None.
        setup: every other setting; the published ones when None.
        progress: called now and then with the number of epochs done since the last call;
            there are `len(activations) * setup.epochs` in all.

    Returns:
        The trained networks with tables, figures and numbers.

    Raises:
        InputError: the activations are none, too many or unknown; a setting cannot be.

    Example:
        >>> result = reproduce()
        >>> [(o.key, o.test_accuracy, round(o.losses[-1], 4)) for o in result.outcomes]
        [('sigmoid', 0.79, np.float64(0.2822)), ('relu', 0.96, np.float64(0.0353))]

    Source:
        "Sigmoid vs ReLU Activation Functions: The Inference Cost of Losing Geometric Context".
    """
    setup = setup or Setup()
    if seed is not None:
        setup = dataclasses.replace(setup, seed=seed)
    found = find_activations(activations)
    data = draw_data(setup)
    starts, orders = draw_all(found, setup)
    outcomes = []
    for start in starts:
        network, losses = train(start, data.x_train, data.y_train, orders, setup, progress)
        outcomes.append(Outcome(network, losses, data))
    return ArticleResult(setup, data, tuple(outcomes))
