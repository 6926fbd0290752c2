"""Listen to a tracker and keep what each site showed, in constant memory."""

from __future__ import annotations

import contextlib
import fnmatch
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from actscope.errors import InputError
from actscope.probe import samples
from actscope.probe.calls import Call, Opaque
from actscope.probe.dense import has_memory
from actscope.probe.expressions import text
from actscope.probe.gradients import Gradient
from actscope.probe.identity import Identity, identify, plain
from actscope.probe.moments import Moments, unit_dim
from actscope.probe.nested import leaves

Units = int | Mapping[str, int] | None


@dataclass(frozen=True)
class Measures:
    """What to measure at every site.

    Attributes:
        moments: sums per unit.
        gradients: the norm and the zeros of the gradient at the site's output.
        rows: rows of output kept for spectra and quantiles; 0 keeps none.
        inputs: rows of what goes into an activation too.
        pairs: distances and angles between the examples of a batch.
        pooled: examples kept for the probe, averaged over space or tokens; 0 keeps none.
        units: the dimension of the units, or one for every pattern of site names.
        seed: of the samples.
    """

    moments: bool = True
    gradients: bool = True
    rows: int = 512
    inputs: bool = True
    pairs: bool = True
    pooled: int = 0
    units: Units = None
    seed: int = 0


@dataclass(eq=False)
class Site:
    """One call site and everything measured there.

    Attributes:
        name: the module's path, ":" and the function, "#k" from the second call on.
        path: the path of the module around the call (its own, for an activation module).
        kind: "module", "function", "composed" or "softmax".
        identity: what it computes.
        gated: whether its output is multiplied by another tensor, of its shape or broadcast.
        order: its place in the first forward pass.
        calls: how often it was called, over all batches.
        shape: of the last output that was not empty.
        dim: the dimension of its units in that output.
        dtype: of that output.
        weight: the name of the weight of the layer before, or "".
        sigma_w: standard deviation of that weight times √fan_in.
        seconds: time spent in it.
        pooled: examples kept for the probe, by number of the batch.
    """

    name: str
    path: str
    kind: str
    identity: Identity
    gated: bool
    order: int
    moments: Moments
    gradient: Gradient
    pooled: dict[int, Any]
    calls: int = field(default=0, init=False)
    shape: tuple[int, ...] = field(default=(), init=False)
    dim: int = field(default=-1, init=False)
    dtype: Any = field(default=None, init=False)
    weight: str = field(default="", init=False)
    sigma_w: float = field(default=float("nan"), init=False)
    seconds: float = field(default=0.0, init=False)
    rows_in: Any = field(default=None, init=False)
    rows_out: Any = field(default=None, init=False)
    pairs: Any = field(default=None, init=False)


@dataclass(frozen=True, slots=True)
class LossCall:
    """A loss function that was called: on what, and how its input was made."""

    name: str
    squashed: str | None
    shape: tuple[int, ...]
    least: float
    most: float
    row_sum: float  # the largest distance of a row's sum from 1


class Collector:
    """A tracker's listener that measures.

    Args:
        measures: what to measure.
        weights: name of every parameter, by id, for naming the layer before a site.
        identities: what sites compute, from a collector on the same model, or None.
    """

    def __init__(
        self,
        measures: Measures,
        weights: Mapping[int, str] | None = None,
        identities: dict[tuple[str, str, int], Identity | None] | None = None,
    ) -> None:
        self.measures, self.weights = measures, weights or {}
        self.sites: dict[str, Site] = {}
        self.opaques: dict[tuple[str, str], Opaque] = {}
        self.losses: dict[tuple[str, str | None], LossCall] = {}
        self.seconds = 0.0
        self.batches = self.examples = 0
        self.input_pairs = samples.Pairs()
        self.input_rows = samples.Rows(measures.rows, measures.seed)
        self.output_site = ""  # the site whose output is the model's
        self.opening: set[str] = set()  # factors at 0 that get a gradient (see `gates`)
        self.identities = {} if identities is None else identities
        self._local = threading.local()
        self._lock = threading.Lock()
        self.handles: list[Any] = []

    # -- what a tracker calls ------------------------------------------------------------------

    def begin(self, root: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A forward pass starts: find the number of examples and the network's input."""
        first = args[0] if args else None
        if not isinstance(first, torch.Tensor) or not first.dim():
            first = next((t for t in leaves((args, kwargs)) if t.dim()), None)
        self._local.counts = {}
        self._local.batch = int(first.size(0)) if first is not None else 0
        self._local.input_seen = False
        with self._lock:
            self._local.number = self.batches
            self.batches += 1
            self.examples += self._local.batch
        if first is not None and first.is_floating_point() and has_memory(first):
            self._input(first)

    def _input(self, tensor: Any) -> None:
        """The network's input was found: keep rows of it, and what lies between its examples."""
        self._local.input_seen = True
        if tensor.numel() and (self.measures.rows or self.measures.pairs):
            with torch.no_grad():
                self._sample_input(tensor)

    def _sample_input(self, tensor: Any) -> None:
        if self.measures.rows:
            flat = tensor.reshape(tensor.shape[0], -1) if tensor.ndim != 3 else tensor
            with self._lock:
                rows = samples.take_rows(flat, flat.ndim - 1, self.measures.rows)
                self.input_rows.add(rows, flat.numel() // max(1, flat.shape[-1]))
        if self.measures.pairs:
            products = samples.inner_products(tensor, self._local.batch)
            with self._lock:
                self.input_pairs.add(self._local.number, products)

    def embedded(self, tensor: Any) -> None:
        """The first embedding stands for the input of a network that takes numbers of words."""
        if not self._local.input_seen and has_memory(tensor):
            with _exact(tensor):
                self._input(tensor)

    def rows(self, tensor: Any, dim: int | None) -> Any:
        """Rows of a tensor that is about to be overwritten."""
        if not self.measures.rows or not self.measures.inputs or tensor.numel() == 0:
            return None
        if not has_memory(tensor):
            return None
        return samples.take_rows(tensor, unit_dim(tuple(tensor.shape), dim), self.measures.rows)

    def opaque(self, found: Opaque) -> None:
        """Something cannot be looked into: kept once a place."""
        self.opaques.setdefault((found.path, found.what), found)

    def loss(self, name: str, tensor: Any, squashed: str | None) -> None:
        """A loss function is called: keep the range of its input."""
        if not tensor.is_floating_point() or not has_memory(tensor) or tensor.numel() == 0:
            return
        with torch.no_grad(), _exact(tensor):
            x = tensor.detach().float()
            sums = x.sum(1 if x.ndim > 1 else 0) - 1.0
            seen = LossCall(
                name,
                squashed,
                tuple(x.shape),
                float(x.min()),
                float(x.max()),
                float(sums.abs().max()),
            )
        with self._lock:
            self.losses.setdefault((name, squashed), seen)

    def end(self, seconds: float) -> None:
        """The forward pass ended."""
        self.seconds += max(seconds, 0.0)

    def site(self, call: Call) -> Site | None:
        """An activation was applied: find its site and measure.

        Returns:
            The site if its gradient is wanted and the output has none.
        """
        if not torch._C._is_any_autocast_enabled():
            return self._taken(call)
        with _exact(call.output):
            return self._taken(call)

    def _taken(self, call: Call) -> Site | None:
        """Find the site and measure, autocast off."""
        made = call.expression
        call = self.chosen(call)
        output = call.output
        shape = tuple(output.shape)
        with self._lock:
            site = self._site(call, shape)
            if site is None:
                return None
            if made is not None:
                made.site = site.name
                if call.expression is not made and call.expression is not None:
                    call.expression.site = site.name
            site.calls += 1
            site.seconds += call.seconds
            if 0 in shape:
                return None
            if shape:
                self._measure(site, call, shape)
            if not self.measures.gradients:
                return None
            if not output.requires_grad:
                return site
            self.gradient(site, output)
            return None

    def gradient(self, site: Site, tensor: Any) -> None:
        """Measure the gradient that will reach this tensor, the site's output."""
        self.handles.append(tensor.register_hook(site.gradient.add))

    def chosen(self, call: Call) -> Call:
        """The whole of an expression where it has a name of its own, else the activation in it."""
        core = call.core
        if core is None:
            return call
        whole = self._identity(call, tuple(call.output.shape))
        if whole is None or not whole.named:
            alone = self._identity(core, tuple(core.output.shape))
            call.cored = core.kind != "composed" or (alone is not None and alone.named)
        return core if call.cored else call

    # -- which site -----------------------------------------------------------------------------

    def _site(self, call: Call, shape: tuple[int, ...]) -> Site | None:
        identity = self._identity(call, shape)
        if identity is None:
            return None
        named = call.kind == "module" or call.module is not None
        base = call.path if named else f"{call.path}:{identity.name}"
        counts = self._local.counts
        count = counts[base] = counts.get(base, 0) + 1
        name = base if count == 1 else f"{base}#{count}"
        site = self.sites.get(name)
        if site is None:
            site = self.sites[name] = self._new(name, call, identity)
        return site

    def _new(self, name: str, call: Call, identity: Identity) -> Site:
        """A site that is met for the first time."""
        m = self.measures
        moments, order = Moments(identity.low, identity.high), len(self.sites)
        site = Site(
            name, call.path, call.kind, identity, call.gated, order, moments, Gradient(), {}
        )
        if self.weights:
            self._weight(site, call)
        if m.rows:
            site.rows_in, site.rows_out = (samples.Rows(m.rows, m.seed) for _ in range(2))
        if m.pairs:
            site.pairs = samples.Pairs()
        return site

    def _identity(self, call: Call, shape: tuple[int, ...]) -> Identity | None:
        if call.expression is None:
            return plain(call.label)
        said = call.expression.name if call.kind == "module" else text(call.expression)
        key = (call.path, said, len(shape))
        if key not in self.identities:
            self.identities[key] = identify(call.expression, shape, call.output.device)
        return self.identities[key]

    def _weight(self, site: Site, call: Call) -> None:
        """Name the weight of the layer before, and its standard deviation times √fan_in."""
        layer = call.source.layer if call.source else None
        weight = layer.weight() if layer is not None else None
        if layer is None or weight is None or id(weight) not in self.weights:
            return
        site.weight = self.weights[id(weight)]
        full = self.measures.inputs and layer.plain and layer.fan_in  # work for a full look only
        if full and has_memory(weight):
            flat = weight.detach().float().reshape(-1)
            size = float(torch.dot(flat, flat)) ** 0.5
            site.sigma_w = size * (layer.fan_in / weight.numel()) ** 0.5

    # -- measuring ------------------------------------------------------------------------------

    def _dim(self, site: Site, call: Call, shape: tuple[int, ...]) -> int:
        units = self.measures.units
        if isinstance(units, Mapping):
            told = next((d for p, d in units.items() if fnmatch.fnmatch(site.name, p)), None)
        else:
            told = units
        if told is None:
            return unit_dim(shape, call.dim)
        if not -len(shape) <= told < len(shape):
            raise InputError(
                f"units = {told} for site {site.name!r}: its output has shape {shape}; "
                f"expected a dimension from {-len(shape)} to {len(shape) - 1}"
            )
        return told % len(shape)

    def _measure(self, site: Site, call: Call, shape: tuple[int, ...]) -> None:
        m, y = self.measures, call.output
        dim = site.dim = (
            unit_dim(shape, call.dim) if m.units is None else self._dim(site, call, shape)
        )
        site.shape, site.dtype = shape, y.dtype
        if m.moments:
            site.moments.add(y, dim)
        if m.rows or m.pairs or m.pooled:
            self._sample(site, call, y.detach(), dim)

    def _sample(self, site: Site, call: Call, y: Any, dim: int) -> None:
        """Keep rows, examples and what lies between them."""
        m = self.measures
        if m.rows:
            site.rows_out.add(samples.take_rows(y, dim, m.rows), y.numel() // y.shape[dim])
            if m.inputs:
                self._input_rows(site, call, dim)
        if m.pairs and site.kind != "softmax":
            site.pairs.add(self._local.number, samples.inner_products(y, self._local.batch))
        if m.pooled and y.shape[0] == self._local.batch:
            kept = sum(p.shape[0] for p in site.pooled.values())
            if kept < m.pooled:
                over = tuple(i for i in range(1, y.ndim) if i != dim)
                pooled = (y.float().mean(over) if over else y)[: m.pooled - kept]
                site.pooled[self._local.number] = pooled.reshape(len(pooled), -1).cpu().float()

    def _input_rows(self, site: Site, call: Call, dim: int) -> None:
        kept = call.source.rows if call.source else None
        fits = call.z is not None and has_memory(call.z) and call.z.shape == call.output.shape
        if kept is None and fits:
            kept = samples.take_rows(call.z, dim, self.measures.rows)
        if kept is not None:
            site.rows_in.add(kept, call.output.numel() // call.output.shape[dim])

    def release(self) -> None:
        """Take the gradient hooks off the tensors that are still alive."""
        for handle in self.handles:
            handle.remove()
        self.handles = []


_NOTHING = contextlib.nullcontext()


def _exact(tensor: Any) -> Any:
    """Autocast off: what is measured is measured in the type it has."""
    if not torch._C._is_any_autocast_enabled():
        return _NOTHING
    return torch.autocast(tensor.device.type, enabled=False)
