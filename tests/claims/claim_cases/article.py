"""Claims about the article's own run."""

import dataclasses

import numpy as np

from actscope.claims import (
    accuracy_028,
    accuracy_79_96,
    hidden_spread,
    nearly_linear_boundary,
    plateau_is_inherent,
    relu_keeps_falling,
    sigmoid_plateau,
    signal_trace,
)
from claim_cases._made import F, H, O, Q, about

LEVEL = (0.287, 0.282)


def level(share, published=LEVEL, n=200):
    falls = np.arange(n) >= share * n
    return sigmoid_plateau.Numbers(published, np.full(n, 0.28), np.where(falls, 0.1, 0.27))


def falling(share, published=(0.15, 0.06, 0.05, 0.03), n=200):
    stays = np.arange(n) >= share * n
    seeds = np.where(stays[:, None], 0.3, np.array([0.15, 0.06, 0.05, 0.03]))
    return relu_keeps_falling.Numbers(np.array(published), seeds)


def accuracies(draws, data=0.79, published=0.79, width=0.001):
    relu = about(0.96)
    return accuracy_79_96.Numbers(
        {"sigmoid": published, "relu": 0.96},
        {"sigmoid": about(data), "relu": relu},
        {"sigmoid": about(draws, width), "relu": relu},
    )


def straight(tuned, alike=0.99, width=0.001):
    lead = {"sigmoid, article": about(0.0), "sigmoid, tuned": about(tuned, width)}
    lead |= {"relu, article": about(0.1), "relu, tuned": about(0.1)}
    return nearly_linear_boundary.Numbers(
        {"sigmoid": alike, "relu": 0.84}, {"sigmoid": about(alike), "relu": about(0.84)}, lead
    )


TRACE = {
    "sigmoid": np.array([[2.0, 0.3, 0.9, 0.55, 4.0], [2.1, 0.3, 0.9, 0.52, 4.0]]),
    "relu": np.array([[2.0, 1.0, 2.0, 2.0, 9.1], [2.0, 1.0, 2.0, 2.0, 20.2]]),
}


def traced(**changed):
    one = {k: v.copy() for k, v in TRACE.items()}
    for place, value in changed.items():
        key, c, stage = place.split("_")
        one[key][int(c), int(stage)] = value
    seeds = {k: v + about(0.0, 0.01)[:, None, None] for k, v in one.items()}
    return signal_trace.Numbers(one, seeds)


def spreads(shrinks, first=0.26, n=200):
    down = np.arange(n) < shrinks * n
    seeds = np.stack([np.full(n, 0.26), np.where(down, 0.19, 0.3)], axis=1)
    grows = np.stack([about(1.15, n=n), about(1.67, n=n)], axis=1)
    one = {"sigmoid": np.array([first, 0.19]), "relu": np.array([1.15, 1.67])}
    return hidden_spread.Numbers(one, {"sigmoid": seeds, "relu": grows})


def tuned(lead, before=0.1, width=0.0005):
    relu, rates = about(0.975, 0.0), (0.05, 0.5)
    sigmoid = relu - about(lead, width)
    return plateau_is_inherent.Numbers(
        {"sigmoid": relu - before, "relu": relu},
        {"sigmoid": sigmoid, "relu": relu},
        {"sigmoid": "sgd, lr 1.5", "relu": "sgd, lr 0.05"},
        {
            (k, lr): about(0.9)
            for k in ("sigmoid", "relu", plateau_is_inherent.LABEL)
            for lr in rates
        },
        about(0.87),
    )


CASES = {
    "sigmoid_plateau": {
        H: level(0.9),
        O: level(0.2),
        F: dataclasses.replace(level(0.9), published=(0.4, 0.2)),
        Q: level(0.5),
    },
    "relu_keeps_falling": {
        H: falling(0.9),
        O: falling(0.2),
        F: falling(0.9, (0.15, 0.2, 0.2, 0.2)),
        Q: falling(0.5),
    },
    "accuracy_79_96": {
        H: accuracies(0.79),
        O: accuracies(0.88),
        F: accuracies(0.9, data=0.9, published=0.9),
        Q: accuracies(0.81, width=0.05),
    },
    "accuracy_028": {
        H: accuracy_028.Numbers(about(0.28), 0.28),
        F: accuracy_028.Numbers(about(0.79), 0.28),
        Q: accuracy_028.Numbers(about(0.33, 0.1), 0.28),
    },
    "nearly_linear_boundary": {
        H: straight(0.01),
        O: straight(0.1),
        F: straight(0.1, alike=0.85),
        Q: straight(0.05, width=0.05),
    },
    "signal_trace": {
        H: traced(),
        O: traced(sigmoid_1_1=0.69, sigmoid_1_3=0.4),
        F: traced(sigmoid_0_3=0.9, relu_1_4=40.0),
    },
    "hidden_spread": {
        H: spreads(0.95),
        O: spreads(0.1),
        F: spreads(0.95, first=0.5),
        Q: spreads(0.5),
    },
    "plateau_is_inherent": {
        H: tuned(0.08),
        F: tuned(0.0),
        Q: tuned(0.015),
    },
}
