"""Find every activation of a model by running it once, and where in its code each one stands."""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from actscope.probe import functions, modules
from actscope.probe.collector import Collector, Measures
from actscope.probe.expressions import Expression, text, version_of
from actscope.probe.held import Held
from actscope.probe.identity import Identity
from actscope.probe.keep import random_kept
from actscope.probe.nested import leaves
from actscope.probe.routing import (
    CONSTANTS,
    NOTHING,
    RAW,
    Route,
    Routes,
    expression_of,
    route,
    written,
)
from actscope.probe.tracker import Call, Tracker

Tag = tuple["Entry | None", str]
NO_TAG: Tag = (None, "")
NORMS = functions.words("layer_norm rms_norm batch_norm group_norm instance_norm")
LAYERS = functions.words(
    """linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d addmm matmul
    mm __matmul__"""
)


@dataclass(eq=False)
class Entry:
    """One elementwise call that was seen.

    Attributes:
        result: of the call, held so that its id stays its own.
        path: of the module whose forward called.
        call: as one call of a function ("relu(x)"); "" where it has several tensors.
        said: as an expression ("x * sigmoid(x)"); "" where it has several sources.
        number: of the equal calls before it, (by call, by expression).
        above: the elementwise call that its input went through last, or None.
        weight: the name of the weight of the layer before, or "".
        lost: its source was overwritten before it was complete.
    """

    result: Any
    path: str
    call: str
    said: str
    number: tuple[int, int]
    above: Entry | None
    weight: str
    lost: bool


@dataclass(eq=False)
class Place:
    """An activation site and where it stands.

    Attributes:
        name: as in a report.
        kind: "module", "function" or "composed".
        path: of the module whose forward calls it; its own for a module.
        identity: what it computes.
        weight: the name of the weight in front of it, or "".
        entry: the call that completes it, or None where it was not seen.
    """

    name: str
    kind: str
    path: str
    identity: Identity
    weight: str
    entry: Entry | None


@dataclass(eq=False)
class Layer:
    """A layer with weights: what its input went through last, and its shape.

    Attributes:
        above: the elementwise call that its input went through; None after a normalisation.
        bias: the name of its bias, or "".
        kind: "linear", "conv", "transposed" (a convolution) or "matrix" (x @ w).
    """

    above: Entry | None
    bias: str
    kind: str


@dataclass
class Found:
    """Every site of a model, every elementwise call, and every layer with weights, by name."""

    places: list[Place] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    layers: dict[str, Layer] = field(default_factory=dict)

    def site_of(self, entry: Entry | None) -> Place | None:
        """The site that an elementwise call, or one before it, completes."""
        by_entry = {id(p.entry): p for p in self.places if p.entry is not None}
        while entry is not None:
            if id(entry) in by_entry:
                return by_entry[id(entry)]
            entry = entry.above
        return None


class _Recorder(Route):
    """Follows a forward pass beside the tracker and notes each elementwise call."""

    def __init__(self, routes: Routes, names: dict[int, str]) -> None:
        super().__init__(routes)
        self.names = names
        self.entries: dict[int, Entry] = {}  # id of the result -> the last call that gave it
        self.all: list[Entry] = []
        # id of a tensor -> it, and what it went through last: an elementwise call, a weight
        self.tags: dict[int, tuple[Any, Tag]] = {}
        self.counts: dict[Any, int] = {}
        self.layers: dict[str, Layer] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        raw = getattr(func, "__name__", "")
        name = RAW.get(raw)
        tensors = [v for v in (*args, *kwargs.values()) if isinstance(v, torch.Tensor)]
        tags = [self._tag(v) for v in tensors]
        above = next((e for e, _ in tags if e is not None), None)
        weight = next((w for _, w in tags if w), "")
        noted = None
        if name is not None and self.routes.here.path is not None:
            noted = self._noted(name, func, args, kwargs, tensors)
        result = func(*args, **kwargs)
        if isinstance(result, (tuple, list)):  # chunk, split, …
            for part in result:
                self.put(part, (above, weight))
        if not isinstance(result, torch.Tensor):
            return result
        if noted is not None:
            call, said, origin, expression, lost = noted
            path = self.routes.here.path or ""
            number = (self._count(path, call, 0), self._count(path, said, 1))
            above = Entry(result, path, call, said, number, above, weight, lost)
            self.entries[id(result)] = above
            self.all.append(above)
            if expression is not None:
                self.routes.here.known[id(result)] = (result, origin, expression)
            self.put(result, (above, weight))
            return result
        if raw in CONSTANTS:
            self.routes.here.known[id(result)] = (result, None, Expression(NOTHING))
        called = functions.plan_of(func).name if name is None else ""
        made = called in NORMS or called in LAYERS
        self.put(result, (None, self._layer(called, args)) if made else (above, weight))
        return result

    def _noted(self, name: str, func: Any, args: Any, kwargs: Any, tensors: list[Any]) -> Any:
        found = expression_of(self.routes.here.known, name, func, args, kwargs)
        alone = len([t for t in tensors if not isinstance(t, nn.Parameter)]) == 1
        first = args[0] if args else kwargs.get("input")
        call = written(name, args, kwargs) if alone and isinstance(first, torch.Tensor) else ""
        if found is None:
            return (call, "", None, None, False) if call else None
        origin, expression = found
        lost = version_of(origin) != expression.source.version
        return call, text(expression), origin, expression, lost

    def _count(self, path: str, said: str, which: int) -> int:
        key = (path, said, which)
        self.counts[key] = self.counts.get(key, -1) + 1
        return self.counts[key]

    def _tag(self, tensor: Any) -> Tag:
        held = self.tags.get(id(tensor))
        return held[1] if held is not None and held[0] is tensor else NO_TAG

    def put(self, tensor: Any, tag: Tag) -> None:
        """Note what a tensor went through last."""
        if isinstance(tensor, torch.Tensor):
            self.tags[id(tensor)] = (tensor, tag)

    def _layer(self, name: str, args: tuple[Any, ...]) -> str:
        """Note a layer with weights; the name of its weight, "" where it has none."""
        if name not in LAYERS:
            return ""
        own = [self.names.get(id(a), "") if isinstance(a, torch.Tensor) else "" for a in args]
        at = 2 if name == "addmm" else 1
        if len(own) <= at or not own[at]:
            return ""
        kind = "conv" if name.startswith("conv") else "linear" if name == "linear" else "matrix"
        bias = own[0] if name == "addmm" else own[2] if len(own) > 2 else ""
        above = self._tag(args[1 if name == "addmm" else 0])[0]
        kind = "transposed" if "transpose" in name else kind
        self.layers.setdefault(own[at], Layer(above, bias, kind))
        return own[at]


class _Everything(Routes):
    """Routes that send nothing anywhere and let a recorder see every call."""

    recorder: _Recorder

    def __init__(self) -> None:
        super().__init__({}, {}, {})

    def mode(self) -> Any:
        """The recorder."""
        return self.recorder

    def run(self, path: str, forward: Any, module: Any, args: Any, kwargs: Any) -> Any:
        """Run a forward with the recorder on."""
        before = self.here.path
        self.here.path = path
        try:
            if before is None and not self.here.on:
                self.here.on = True
                with self.mode():
                    return forward(module, *args, **kwargs)
            result = forward(module, *args, **kwargs)
            if "norm" in type(module).__name__.lower():
                self.recorder.put(result, NO_TAG)  # a normalisation written by hand
            return result
        finally:
            self.here.path = before
            self.here.on = before is not None


class _Namer(Collector):
    """A tracker's listener that keeps the name of each call and measures nothing."""

    def __init__(self, weights: dict[int, str], recorder: _Recorder) -> None:
        super().__init__(Measures(moments=False, gradients=False, rows=0, pairs=False), weights)
        self.recorder = recorder
        self.places: list[Place] = []

    def site(self, call: Call) -> None:
        """Keep the site's name and the call that completed it."""
        super().site(call)
        call = self.chosen(call)
        if call.expression is None or call.expression.site not in self.sites:
            return
        site = self.sites[call.expression.site]
        entry = self.recorder.entries.get(id(call.output))
        seen = entry is not None
        if site.kind == "composed" and entry is not None and entry.said != text(call.expression):
            entry = None  # partly in an activation module: not one place in the code
        weight = self.recorder.entries[id(call.output)].weight if seen else site.weight
        self.places.append(Place(site.name, site.kind, site.path, site.identity, weight, entry))


def routable(model: Any) -> Iterator[tuple[str, Any]]:
    """The modules whose forward may call an activation, by path: all but torch's plain layers."""
    for path, module in model.named_modules():
        plain = isinstance(module, modules._NEVER) and type(module).__module__.startswith("torch.")
        if not plain and not isinstance(module, (torch.jit.ScriptModule, torch.fx.GraphModule)):
            yield path, module


def sites_of(root: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Found:
    """Run a copy of a model once and find its sites.

    The copy has the model's parameters and its own buffers; random states are put back.

    Args:
        root: a module, without wrappers.
        args: what it is called with.
        kwargs: the same, by name.
    """
    twin = copy.deepcopy(root, {id(p): p for p in root.parameters()})
    routes = _Everything()
    names = {id(p): n for n, p in twin.named_parameters()}
    routes.recorder = recorder = _Recorder(routes, names)
    for path, module in list(routable(twin)):
        route(module, routes, path)
    namer = _Namer(names, recorder)
    tracker = Tracker(twin, namer)
    given = Held((), leaves((args, kwargs)))
    tracker.known.held = (given,)
    with random_kept(), torch.no_grad():
        tracker.attach()
        try:
            twin(*args, **kwargs)
        finally:
            tracker.detach()
            given.restore()
    return Found(namer.places, recorder.all, recorder.layers)


def guessed(root: Any) -> Found | None:
    """The sites of a model, found on a made-up input; None where no guess fits.

    Tried: the model's own `dummy_inputs` (Hugging Face) or `example_input_array` (Lightning), and
    random numbers of the shape that its first layer takes.
    """
    for args, kwargs in _guesses(root):
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sites_of(root, args, kwargs)
    return None


def _guesses(root: Any) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    with contextlib.suppress(Exception):
        own = root.dummy_inputs
        yield (), {k: v for k, v in own.items() if k != "labels"}
    own = getattr(root, "example_input_array", None)
    if own is not None:
        yield (own if isinstance(own, tuple) else (own,)), {}
    first = next((m for m in root.modules() if _shapes(m)), None)
    weight = next((p for p in root.parameters() if p.is_floating_point()), None)
    device = weight.device if weight is not None else "cpu"
    rng = torch.Generator().manual_seed(0)
    for shape in _shapes(first) if first is not None else [(4, 16)]:
        if isinstance(first, (nn.Embedding, nn.EmbeddingBag)):
            yield (torch.randint(0, first.num_embeddings, shape, generator=rng).to(device),), {}
            continue
        x = torch.randn(shape, generator=rng)
        yield (x.to(device, weight.dtype if weight is not None else x.dtype),), {}


def _shapes(module: Any) -> list[tuple[int, ...]]:
    """Shapes of input that a first layer may take."""
    if isinstance(module, nn.Linear):
        return [(4, module.in_features), (4, 8, module.in_features)]
    if isinstance(module, nn.modules.conv._ConvNd):
        sizes = (32, 28, 64, 96, 224) if len(module.kernel_size) == 2 else (32, 64, 16)
        channels = module.in_channels
        return [(2, channels, *(n,) * len(module.kernel_size)) for n in sizes]
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        return [(2, 8)]
    if isinstance(module, nn.RNNBase):
        return [(4, 8, module.input_size)]
    return []
