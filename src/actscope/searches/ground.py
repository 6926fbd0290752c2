"""What the predictor is fitted and judged on: networks trained over tasks and activations."""

from __future__ import annotations

from actscope.study.plan import Study

TASKS = (
    "moons", "circles", "spirals", "xor", "blobs", "breast_cancer", "digits", "mnist1d",
)  # fmt: skip
ACTIVATIONS = (
    "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "sigmoid", "tanh",
    "softsign", "erf", "sin", "squared_relu", "hard_tanh", "relu6", "hard_swish", "abs",
    "tanhshrink", "log_sigmoid",
)  # fmt: skip
DEPTHS = (2, 4, 8, 16)
INITS = ("article", "critical", "orthogonal")
LRS = (0.02, 0.2)
SEEDS = 8


def study_of(task: str, seeds: int = SEEDS) -> Study:
    """The trainings of one task: every activation, depth, init and learning rate.

    Args:
        task: a data set.
        seeds: networks in a cell.
    """
    return Study(
        name=f"predictor {task}",
        activation=ACTIVATIONS,
        depth=DEPTHS,
        width=16,
        init=INITS,
        lr=LRS,
        epochs=100,
        batch=32,
        data=task,
        points="all" if task == "breast_cancer" else 800,
        test_share=0.4,
        seeds=seeds,
        curve=0,
    )
