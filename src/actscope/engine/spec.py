"""What to train: a network's shape, how it is trained, what is recorded, what comes back.

The conventions that the engine and its plain NumPy twin share:

- Layer l: z = h_prev @ W + b, W of shape (fan_in, fan_out). With `norm`, z is replaced by
  gamma·(z − mean)/sqrt(var + 1e-5) + beta, mean and biased variance over the units of one
  sample. h = φ(z). With `residual`, h = φ(z) + h_prev wherever both have the same width, the
  input layer included. The output layer is linear: no norm, no residual.
- Losses act on logits and are means over the batch; over the outputs too for bce and mse.
- Optimisers follow PyTorch: momentum v ← m·v + g, w ← w − lr·v; Adam is bias-corrected with
  eps outside the root; weight decay is added to the gradient, except for AdamW, which first
  shrinks w by lr·decay. It acts on W, b, gamma and beta alike.
- The last batch of an epoch keeps the remainder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.activations._base import Activation
from actscope.activations._lookup import elementwise
from actscope.engine.checks import choice, flag, number, whole
from actscope.errors import BadSpec, InputError

Floats = NDArray[np.floating[Any]]
Phi = str | Activation  # a name, a typed expression or a record

MAX_WIDTH, MAX_DEPTH, MAX_EPOCHS = 512, 64, 10_000_000
NORM_EPSILON = 1e-5
LOSSES = ("bce", "cross_entropy", "mse")
OPTIMISERS = ("sgd", "momentum", "adam", "adamw")
DTYPES = ("float32", "float64")


@dataclass(frozen=True, init=False, repr=False)
class Net:
    """The shape of a multi-layer perceptron.

    Args:
        inputs: how many numbers a point has, 1 to 512.
        hidden: the widths of the hidden layers, 1 to 64 of them, each 1 to 512.
        outputs: how many logits, 1 to 512.
        activations: a name, a typed expression or an Activation for all hidden layers, or a
            sequence with one for each.
        norm: layer normalisation before every activation.
        residual: h_prev is added after the activation wherever the widths are equal.

    Raises:
        BadSpec: a field that cannot be; the message names it.

    Example:
        >>> net = Net(2, hidden=(8, 8), activations=("relu", "sigmoid"))
        >>> net
        Net(2-8-8-1, relu/sigmoid)
        >>> net.sizes, net.depth, net.parameters
        ((2, 8, 8, 1), 2, 105)

    Source: layer norm: Ba, Kiros & Hinton 2016; residual connections: He, Zhang, Ren & Sun 2016.
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    activations: tuple[Activation, ...]
    norm: bool
    residual: bool

    def __init__(
        self,
        inputs: int,
        hidden: Iterable[int] = (8, 8),
        outputs: int = 1,
        activations: Phi | Iterable[Phi] = "relu",
        norm: bool = False,
        residual: bool = False,
    ) -> None:
        widths = _widths(hidden)
        fields = {
            "inputs": whole("Net.inputs", inputs, 1, MAX_WIDTH),
            "hidden": widths,
            "outputs": whole("Net.outputs", outputs, 1, MAX_WIDTH),
            "activations": _activations(activations, len(widths)),
            "norm": flag("Net.norm", norm),
            "residual": flag("Net.residual", residual),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Every width from the inputs to the outputs."""
        return (self.inputs, *self.hidden, self.outputs)

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.hidden)

    @property
    def parameters(self) -> int:
        """How many numbers are learnt."""
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        return sum((i + 1) * o for i, o in pairs) + (2 * sum(self.hidden) if self.norm else 0)

    @property
    def skips(self) -> tuple[bool, ...]:
        """For each hidden layer, whether its input is added to its output."""
        pairs = zip(self.sizes, self.hidden, strict=False)
        return tuple(self.residual and fan_in == fan_out for fan_in, fan_out in pairs)

    @property
    def shape(self) -> str:
        """The widths in words, runs of equal hidden widths folded: "2-8-8-1", "2-[32]x8-1"."""
        same = len(set(self.hidden)) == 1 and self.depth > 3
        middle = [f"[{self.hidden[0]}]x{self.depth}"] if same else [str(h) for h in self.hidden]
        return "-".join([str(self.inputs), *middle, str(self.outputs)])

    @property
    def phi(self) -> str:
        """The activations in words: one key when all are the same, else all, with slashes."""
        keys = [a.key for a in self.activations]
        return keys[0] if len(set(keys)) == 1 else "/".join(keys)

    def __repr__(self) -> str:
        flags = [name for name in ("norm", "residual") if getattr(self, name)]
        return f"Net({', '.join([self.shape, self.phi, *flags])})"


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Args:
        loss: "bce" (binary cross-entropy of logits, labels 0 or 1), "cross_entropy" (softmax,
            integer labels) or "mse".
        optimiser: "sgd", "momentum", "adam" or "adamw".
        lr: the learning rate, ≥ 0.
        momentum: m of "momentum", in [0, 1).
        betas: decay rates of Adam's two averages, each in [0, 1).
        eps: what Adam adds to the root, ≥ 0.
        weight_decay: ≥ 0.
        epochs: passes over the data, 1 to 10,000,000.
        batch: points in a step, ≥ 1; more than there are means all of them.
        shuffle: whether every epoch has an order of its own.
        dtype: "float32" or "float64".
        loss_epsilon: added inside the logarithms of bce, in [0, 1e-3). It changes the loss that
            is reported and never the gradient.

    Raises:
        BadSpec: a field that cannot be; the message names it.

    Example:
        >>> Training(optimiser="adam", lr=0.01).betas
        (0.9, 0.999)
        >>> Training(lr=-1)
        Traceback (most recent call last):
        ...
        actscope.errors.BadSpec: Training.lr = -1: expected a finite number ≥ 0

    Source: momentum: Polyak 1964; Adam: Kingma & Ba 2015; AdamW: Loshchilov & Hutter 2019.
    """

    loss: str = "bce"
    optimiser: str = "sgd"
    lr: float = 0.05
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    epochs: int = 800
    batch: int = 64
    shuffle: bool = True
    dtype: str = "float32"
    loss_epsilon: float = 0.0

    def __post_init__(self) -> None:
        fields = {
            "loss": choice("Training.loss", self.loss, LOSSES),
            "optimiser": choice("Training.optimiser", self.optimiser, OPTIMISERS),
            "lr": number("Training.lr", self.lr),
            "momentum": number("Training.momentum", self.momentum, below=1.0),
            "betas": _betas(self.betas),
            "eps": number("Training.eps", self.eps),
            "weight_decay": number("Training.weight_decay", self.weight_decay),
            "epochs": whole("Training.epochs", self.epochs, 1, MAX_EPOCHS),
            "batch": whole("Training.batch", self.batch, 1),
            "shuffle": flag("Training.shuffle", self.shuffle),
            "dtype": choice("Training.dtype", self.dtype, DTYPES),
            "loss_epsilon": number("Training.loss_epsilon", self.loss_epsilon, below=1e-3),
        }
        if self.loss_epsilon and self.loss != "bce":
            raise BadSpec("Training.loss_epsilon", self.loss_epsilon, "0 unless the loss is bce")
        for name, value in fields.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, eq=False)
class Data:
    """The points to train on, and those to test on.

    Attributes:
        x: (points, inputs).
        y: (points, outputs) or, with one output, (points,); for cross_entropy (points,) integer
            labels from 0 to outputs − 1.
        x_test, y_test: the same for the test set, or None.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    x_test: NDArray[Any] | None = None
    y_test: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class Weights:
    """The learnt numbers of one network, or of many with one leading axis.

    Attributes:
        W: one array a layer, ([networks,] fan_in, fan_out).
        b: one array a layer, ([networks,] fan_out).
        gamma, beta: one array a hidden layer, ([networks,] width); empty without norm.
    """

    W: tuple[Floats, ...]
    b: tuple[Floats, ...]
    gamma: tuple[Floats, ...] = ()
    beta: tuple[Floats, ...] = ()

    def arrays(self) -> tuple[Floats, ...]:
        """All arrays: every W, every b, every gamma, every beta."""
        return (*self.W, *self.b, *self.gamma, *self.beta)

    def network(self, i: int | slice | NDArray[np.int64]) -> Weights:
        """The weights of network i, or of several: a slice, or their numbers."""
        parts = (self.W, self.b, self.gamma, self.beta)
        return Weights(*(tuple(a[i] for a in part) for part in parts))


@dataclass(frozen=True)
class Schedule:
    """At the end of which epochs what is recorded; ascending, 1 is the first epoch.

    Attributes:
        losses_at: loss and accuracy over the whole training set and the whole test set, with
            the weights as they are at that moment.
        traces_at: per layer, over the whole training set with the weights as they are at that
            moment (0: before training): the Euclidean norm of the gradient of the mean loss in
            the layer's W; for hidden layers the mean |h| and the standard deviation of h, over
            all points and units together (h after the residual is added).
        snapshots_at: copies of the weights (0: before training).
    """

    losses_at: tuple[int, ...] = ()
    traces_at: tuple[int, ...] = ()
    snapshots_at: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Raw:
    """What training many networks of one shape gives back.

    Attributes:
        weights: after the last epoch, leading axis networks.
        loss: (networks, epochs), the running loss: the unweighted mean of the epoch's
            mini-batch losses, each taken before its own update.
        train_loss, train_accuracy, test_loss, test_accuracy: (networks, losses_at). Accuracy is
            the share of points whose class is right (bce: all outputs right, p ≥ 1/2 is class 1;
            cross-entropy: the first largest logit; a NaN logit is wrong); NaN
            for mse. Test is NaN without a test set.
        gradient_norm: (networks, traces_at, depth + 1).
        activation_mean, activation_std: (networks, traces_at, depth).
        snapshots: one Weights for each of snapshots_at.
        diverged_at: (networks,), the first epoch whose running loss is not finite or that ends
            with a weight that is not finite; −1 for none.
    """

    weights: Weights
    loss: Floats
    train_loss: Floats
    train_accuracy: Floats
    test_loss: Floats
    test_accuracy: Floats
    gradient_norm: Floats
    activation_mean: Floats
    activation_std: Floats
    snapshots: tuple[Weights, ...]
    diverged_at: NDArray[np.int64]


def _betas(value: Any) -> tuple[float, float]:
    pair = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else ()
    if len(pair) != 2:
        raise BadSpec("Training.betas", value, "two numbers, each in [0, 1)")
    first, second = (number(f"Training.betas[{i}]", v, below=1.0) for i, v in enumerate(pair))
    return first, second


def _widths(hidden: Any) -> tuple[int, ...]:
    if not isinstance(hidden, Iterable) or isinstance(hidden, (str, bytes)):
        raise BadSpec("Net.hidden", hidden, "the widths of the hidden layers, such as (8, 8)")
    given = tuple(hidden)
    if not 1 <= len(given) <= MAX_DEPTH:
        raise BadSpec("Net.hidden", f"{len(given)} layers", f"1 to {MAX_DEPTH} hidden layers")
    return tuple(whole(f"Net.hidden[{i}]", w, 1, MAX_WIDTH) for i, w in enumerate(given))


def _activations(given: Any, depth: int) -> tuple[Activation, ...]:
    if isinstance(given, (str, Activation)):
        return (_activation("Net.activations", given),) * depth
    if not isinstance(given, Iterable):
        raise BadSpec("Net.activations", given, "a name, an Activation, or one per hidden layer")
    each = tuple(given)
    if len(each) != depth:
        raise BadSpec(
            "Net.activations", f"{len(each)} activations", f"one, or {depth}: one per hidden layer"
        )
    return tuple(_activation(f"Net.activations[{i}]", a) for i, a in enumerate(each))


def _activation(field: str, given: Any) -> Activation:
    if not isinstance(given, (str, Activation)):
        raise BadSpec(field, given, "an activation's name, a typed expression or an Activation")
    try:
        return elementwise(given)
    except InputError as error:
        raise BadSpec(field, given, f"an activation or an expression ({error})") from None
