"""What the playground is asked to train: two networks on one data set, every number bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actscope.activations._lookup import elementwise
from actscope.app.request import Request
from actscope.datasets._lookup import dataset
from actscope.engine.spec import OPTIMISERS, Net, Training
from actscope.errors import ActscopeError, BadSpec
from actscope.inits._lookup import SHELF as INITS

DATA = ("moons", "circles", "spirals", "xor", "blobs", "digits", "table")
DRAWS = ("published", "actscope")
SIDES = ("a", "b")
MANY = 64  # seeds of a network, with "many"
MOST_DEPTH, MOST_WIDTH, MOST_POINTS = 20, 64, 2000
MOST_EPOCHS, MOST_CHANGES = 20_000, 100
MOST_WEIGHTS = 500_000  # of a network times its seeds
MOST_PRODUCTS = 160_000_000  # an epoch's: weights times training points times seeds
MOST_TABLE = 1_000_000  # characters of the user's table
LONGEST = 20_000  # characters of an expression; its parser says where it stops itself
TEST_SHARE = 0.25


@dataclass(frozen=True)
class Rates:
    """What may change while a network trains.

    Attributes:
        lr, optimiser, batch, decay: as in `Training`.
    """

    lr: float = 0.05
    optimiser: str = "sgd"
    batch: int = 64
    decay: float = 0.0

    def training(self, loss: str, epsilon: float) -> Training:
        """The engine's form of it."""
        return Training(
            loss=loss,
            optimiser=self.optimiser,
            lr=self.lr,
            batch=self.batch,
            weight_decay=self.decay,
            dtype="float64",
            loss_epsilon=epsilon,
        )


@dataclass(frozen=True)
class Data:
    """The points that both networks see.

    Attributes:
        name: out of DATA.
        noise: standard deviation, where the data have one.
        points: training and test points together.
        seed: of their draw.
        classes: of blobs.
        table: the user's CSV, for "table".
    """

    name: str = "moons"
    noise: float = 0.18
    points: int = 400
    seed: int = 42
    classes: int = 2
    table: str = ""


@dataclass(frozen=True)
class Own:
    """What one of the two networks has for itself.

    Attributes:
        phi: the activation of each hidden layer.
        init: name of the rule that draws the first weights.
        norm, residual: as in `Net`.
    """

    phi: tuple[str, ...]
    init: str = "article"
    norm: bool = False
    residual: bool = False


@dataclass(frozen=True)
class Setup:
    """What a training starts from.

    Attributes:
        data: the points.
        width: units of each hidden layer.
        seed: of weights and orders.
        many: whether 64 seeds are trained, from `seed` on.
        draws: "published" takes data, weights and orders from the article's own random numbers,
            where that is possible; "actscope" from the engine's.
        own: one for each network.
    """

    data: Data
    width: int
    seed: int
    many: bool
    draws: str
    own: tuple[Own, Own]

    @property
    def published(self) -> bool:
        """Whether the article's own random numbers are in use."""
        plain = all(own.init == "article" for own in self.own)
        return self.draws == "published" and self.data.name == "moons" and plain and not self.many

    @property
    def seeds(self) -> range:
        """Of the networks of one side."""
        return range(self.seed, self.seed + (MANY if self.many else 1))

    def net(self, side: int, outputs: int) -> Net:
        """The shape of one side's networks."""
        own = self.own[side]
        hidden = (self.width,) * len(own.phi)
        return Net(2, hidden, outputs, own.phi, own.norm, own.residual)

    def check_size(self, train_points: int, outputs: int) -> None:
        """Raise BadSpec if an epoch would take too long, or a state too much room."""
        weights = self.net(0, outputs).parameters * len(self.seeds)
        who = f"{len(self.seeds)} networks" if self.many else "a network"
        if weights > MOST_WEIGHTS or weights * train_points > MOST_PRODUCTS:
            raise BadSpec(
                "the playground's size",
                f"{who} of {weights // len(self.seeds):,} weights on {train_points:,} points",
                f"at most {MOST_WEIGHTS:,} weights and {MOST_PRODUCTS:,} products an epoch; give "
                "fewer layers, units, points or seeds",
            )


def setup_of(request: Request) -> Setup:
    """What a page asks for; the article's experiment where it says nothing.

    Raises:
        BadSpec, UnknownName: a setting that cannot be; the message names it.

    Example:
        >>> setup_of(Request({"depth": 3})).own[1].phi
        ('sigmoid', 'sigmoid', 'sigmoid')
    """
    depth = request.whole("depth", 1, MOST_DEPTH, default=2)
    return Setup(
        data=data_of(request),
        width=request.whole("width", 1, MOST_WIDTH, default=8),
        seed=request.whole("seed", 0, 2**32 - 1 - MANY, default=42),
        many=request.flag("many"),
        draws=request.choice("draws", DRAWS, default="published"),
        own=(own_of(request, "a", depth, "relu"), own_of(request, "b", depth, "sigmoid")),
    )


def data_of(request: Request) -> Data:
    """The points that a page asks for."""
    name = request.choice("data", DATA, default="moons")
    known = {p.name: p for p in dataset(name).params if name != "table"}
    noise = 0.0
    if "noise" in known:
        noise = request.number("noise", 0.0, 3.0, default=float(known["noise"].default))
    return Data(
        name=name,
        noise=noise,
        points=request.whole("points", 40, MOST_POINTS, default=400),
        seed=request.whole("dataSeed", 0, 2**32 - 1, default=42),
        classes=request.whole("classes", 2, 8, default=2) if name == "blobs" else 2,
        table=request.text("table", MOST_TABLE, default="") if name == "table" else "",
    )


def own_of(request: Request, side: str, depth: int, default: str) -> Own:
    """One network's own settings: `a`, `initA`, `normA`, `residualA`."""
    given = [text.strip() for text in request.texts(side, MOST_DEPTH, LONGEST, (default,))]
    if len(given) not in (1, depth):
        raise BadSpec(side, f"{len(given)} activations", f"one, or {depth}: one for each layer")
    phi = tuple(given) * depth if len(given) == 1 else tuple(given)
    for i, text in enumerate(phi if len(given) > 1 else phi[:1]):
        _elementwise(f"layer {i + 1}" if len(given) > 1 else "activation", text)
    big = side.upper()
    return Own(
        phi=phi,
        init=request.choice(f"init{big}", INITS.names(), default="article"),
        norm=request.flag(f"norm{big}"),
        residual=request.flag(f"residual{big}"),
    )


def _elementwise(where: str, text: str) -> None:
    try:
        elementwise(text)
    except ActscopeError as error:
        raise type(error).__mro__[1](f"{where}: {error}") from None  # an InputError, one sentence


def rates_of(request: Request) -> Rates:
    """The learning rate and what belongs to it."""
    return Rates(
        lr=request.number("lr", 0.0, 1e9, default=0.05),
        optimiser=request.choice("optimiser", OPTIMISERS, default="sgd"),
        batch=request.whole("batch", 1, MOST_POINTS, default=64),
        decay=request.number("decay", 0.0, 10.0, default=0.0),
    )


def past_of(request: Request, side: str, now: Rates) -> list[tuple[int, Rates]]:
    """The rates that a network was trained with, each from an epoch on: "0:0.05:sgd:64:0".

    Raises:
        BadSpec: a text that is none, or epochs that do not rise from 0.
    """
    name = f"past{side.upper()}"
    found: list[tuple[int, Rates]] = []
    for text in request.texts(name, MOST_CHANGES, 100, ()):
        parts = text.split(":")
        try:
            epoch, lr, optimiser, batch, decay = parts
            values: dict[str, Any] = {"lr": float(lr), "batch": int(batch), "decay": float(decay)}
            at = Request({"epoch": int(epoch)}).whole("epoch", 0, MOST_EPOCHS)
        except ValueError:
            raise BadSpec(name, text, "epoch:lr:optimiser:batch:decay") from None
        found.append((at, rates_of(Request({**values, "optimiser": optimiser}))))
    epochs = [epoch for epoch, _ in found]
    if found and (epochs[0] != 0 or epochs != sorted(set(epochs))):
        raise BadSpec(name, ", ".join(map(str, epochs)), "epochs that rise from 0")
    return found or [(0, now)]


def past_text(past: list[tuple[int, Rates]]) -> list[str]:
    """What `past_of` reads.

    Example:
        >>> past_text([(0, Rates())])
        ['0:0.05:sgd:64:0.0']
    """
    return [f"{at}:{r.lr!r}:{r.optimiser}:{r.batch}:{r.decay!r}" for at, r in past]


def check_init(net: Net, name: str) -> None:
    """Raise InputError if an init does not apply to a net's activations."""
    import numpy as np

    rng = np.random.default_rng(0)
    INITS.get(name).draw(net.sizes, net.activations, rng, rng.standard_normal((16, net.inputs)))
