"""Put other activations into a copy of a model: `swap`."""

from __future__ import annotations

import copy
import difflib
import fnmatch
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from actscope.activations import Activation, elementwise
from actscope.errors import InputError
from actscope.probe import modules
from actscope.probe.batches import batches_of
from actscope.probe.critical import redraw
from actscope.probe.discovering import Found, Place, guessed, routable, sites_of
from actscope.probe.routing import RAW, InTurn, Routes, Turns, route
from actscope.probe.tracker import unwrap
from actscope.probe.twins import Elementwise, with_twin

# {module's path: {how a call is written: {its place among equal ones: new activation}}}
Numbered = dict[str, dict[str, dict[int, Activation | None]]]


def swap(
    model: Any,
    changes: Mapping[str, str | Activation],
    *,
    data: Any = None,
    reinit: str | None = None,
    share: bool = False,
    seed: int = 0,
) -> Any:
    """A new model with other activations; the old one stays as it is.

    Activation modules are replaced. An activation that is called inside a forward (`F.relu`,
    `x.relu_()`, `x * torch.sigmoid(x)`) stays in the code: the module around it gets a class of
    its own, derived from the old one, whose forward sends that call to the new activation.
    Parameters, state dicts, pickles and copies stay those of the old class; torch.compile and
    torch.export trace through it, torch.jit.script does not.

    To find the calls, a copy of the model runs once, on `data` or on an input made up from the
    shape of its first layer.

    Args:
        model: any torch.nn.Module.
        changes: from a site of the report ("layers.0:relu#2"), a pattern of sites
            ("layers.*") or an activation's name ("relu", all of its sites) to the new
            activation: a name ("gelu"), one with parameters ("silu(beta=1.7)"), a typed expression
            (`x*sigmoid(1.7*x)`) or an Activation. Sites go before patterns, patterns before names.
        data: a batch, as for `inspect`; needed where no made-up input fits.
        reinit: "critical" draws the weights of every layer in front of an activation anew, at
            the edge of chaos of the activation before it (see the init of that name), so that
            inputs of mean square 1 keep it: σw² = 1/E[φ'²], and the bias takes E[φ] away. A layer
            without a bias has σw² = 1/E[φ²]; behind a normalisation or the input it is 1. None
            keeps the weights.
        share: the new model's parameters and buffers are the old one's, not copies.
        seed: of the weights drawn anew; torch's random state is not used.

    Returns:
        A module of the model's class.

    Raises:
        InputError: a change matches nothing (the message names the nearest site), no PyTorch twin
            can be made of the new activation, the call is where it cannot be routed (a scripted or
            exported part), data are needed, or reinit is unknown or given with share.
        UnknownName: there is no such activation.
        BadExpression: a typed expression is outside the language.

    Example:
        >>> from torch import nn
        >>> swap(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), {"relu": "silu"})[1]
        Elementwise(silu)

    Source: own, docs/inspect.md; critical weights: Schoenholz et al. 2017.
    """
    if reinit not in (None, "critical"):
        raise InputError(f"reinit = {reinit!r}: expected 'critical' or None")
    if reinit and share:
        raise InputError(
            "reinit with share=True would change the old model's weights: give one of them"
        )
    root = _swappable(model)
    records = {key: with_twin(elementwise(new)) for key, new in changes.items()}
    found = _found(root, data)
    idle = _idle(root, found)
    chosen, later = _chosen(found, records), _static(idle, records)
    _all_used(found, idle, records)
    if found is None and (reinit or _may_call(root, records, idle)):
        raise InputError(
            "the model has to run once, for what its forward calls and in which order to be seen, "
            "and no made-up input fits it: give data=, one batch"
        )
    new = _copied(root, share)
    if found is not None:
        _route(new, found, chosen)
    for path, record in later.items():
        _replace(new, path, Elementwise(record))
    sites = {p.path for p in found.places if p.name in chosen} if found is not None else set()
    _slow_path(new, {part for path in (*sites, *later) for part in (path, path.rpartition(".")[0])})
    if reinit and found is not None:
        redraw(new, found, chosen, seed)
    return new


def _swappable(model: Any) -> Any:
    """The model inside its wrappers."""
    if not isinstance(model, nn.Module):
        raise InputError(f"model is {type(model).__name__}: expected a torch.nn.Module")
    for what, kind, before in (
        ("a scripted model", torch.jit.ScriptModule, "torch.jit.script or trace"),
        ("an exported program", torch.fx.GraphModule, "torch.export or fx"),
    ):
        if isinstance(model, kind):
            raise InputError(f"model is {what}, whose code is fixed: swap it before {before}")
    return unwrap(model)


def _found(root: Any, data: Any) -> Found | None:
    """The sites of a model, from data or from a made-up input; None where neither is there."""
    if data is None:
        return guessed(root)
    batch = next(iter(batches_of(root, data, None, 1)), None)
    if batch is None:
        raise InputError("data holds no batch: expected at least one")
    return sites_of(root, batch.args, batch.kwargs)


def _idle(root: Any, found: Found | None) -> dict[str, str]:
    """Activation modules that did not run: {path: name of the activation}."""
    ran = {p.path for p in found.places if p.kind == "module"} if found is not None else set()
    there = {id(m) for n, m in root.named_modules() if n in ran}
    return {
        path: _name(module)
        for path, module in root.named_modules(remove_duplicate=False)
        if id(module) not in there and _is_activation(module)
    }


# -- which site goes where ----------------------------------------------------------------------


def key_of(site: str, names: set[str], changes: Mapping[str, Any]) -> str | None:
    """The key of the change that a site is meant by."""
    if site in changes:
        return site
    for key in changes:
        if key not in names and any(c in key for c in "*?[") and fnmatch.fnmatch(site, key):
            return key
    return next((key for key in changes if key in names), None)


def _names(place: Place) -> set[str]:
    identity = place.identity
    return {identity.name, *([identity.record.name] if identity.record is not None else [])}


def _chosen(found: Found | None, records: Mapping[str, Activation]) -> dict[str, Activation]:
    """{site: new activation}."""
    chosen: dict[str, Activation] = {}
    for place in found.places if found is not None else ():
        key = key_of(place.name, _names(place), records)
        if key is not None:
            chosen[place.name] = records[key]
    return chosen


def _static(idle: Mapping[str, str], records: Mapping[str, Activation]) -> dict[str, Activation]:
    """The same for activation modules that did not run, by path."""
    keys = {path: key_of(path, {name}, records) for path, name in idle.items()}
    return {path: records[key] for path, key in keys.items() if key is not None}


def _all_used(found: Found | None, idle: Mapping[str, str], changes: Mapping[str, Any]) -> None:
    """Refuse a change that matches no site, naming the nearest."""
    sites = {p.name: _names(p) for p in found.places} if found is not None else {}
    sites |= {path: {name} for path, name in idle.items()}
    used = {key_of(site, names, changes) for site, names in sites.items()}
    for key in changes:
        one = {key: changes[key]}
        if key in used or any(key_of(s, n, one) is not None for s, n in sites.items()):
            continue
        known = [*sites, *sorted({name for names in sites.values() for name in names})]
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        shown = [f"{site} ({', '.join(sorted(names))})" for site, names in list(sites.items())[:12]]
        rest = f" and {len(sites) - 12} more" if len(sites) > 12 else ""
        missing = "" if found is not None else (
            "; no made-up input fits the model, so calls inside forwards were not looked for: give "
            "data=, one batch"
        )  # fmt: skip
        raise InputError(
            f"no activation matches {key!r}: {hint}The model has "
            f"{', '.join(shown) or 'none'}{rest}{missing}"
        )


def _may_call(root: Any, changes: Mapping[str, Any], idle: Mapping[str, str]) -> bool:
    """Whether a forward names a function that a change could mean."""
    wanted = {key for key in changes if key not in idle}
    raws = {raw for raw, name in RAW.items() if name in wanted or not wanted.isdisjoint({raw})}
    for _, module in routable(root):
        forward = getattr(type(module), "forward", None)
        code = getattr(forward, "__code__", None)
        own = type(module).__module__.startswith("torch.nn.")
        if code is not None and not own and not raws.isdisjoint(code.co_names):
            return True
    return False


# -- making the new model -----------------------------------------------------------------------


def _copied(root: Any, share: bool) -> Any:
    """A copy of a model, with its own parameters or with the old one's."""
    memo: dict[int, Any] = {}
    if share:
        memo = {id(t): t for t in (*root.parameters(), *root.buffers())}
    return copy.deepcopy(root, memo)


def _route(new: Any, found: Found, chosen: Mapping[str, Activation]) -> None:
    """Replace the modules and route the calls of the chosen sites."""
    calls: Numbered = {}
    composed: Numbered = {}
    turns: dict[str, list[Activation | None]] = {}
    for place in found.places:
        record, entry = chosen.get(place.name), place.entry
        if place.kind == "module":
            turns.setdefault(place.path, []).append(record)
        elif entry is None or entry.path != place.path or not (entry.call or entry.said):
            _refuse(place, record, "is not in one place of the code")
        elif entry.call and place.kind == "function":
            calls.setdefault(entry.path, {}).setdefault(entry.call, {})[entry.number[0]] = record
        else:
            if entry.lost:
                _refuse(place, record, "overwrites its own input on the way")
            composed.setdefault(entry.path, {}).setdefault(entry.said, {})[entry.number[1]] = record
    tables = _tables(calls), _tables(composed)
    routes = Routes(*tables, _hidden(found, tables[1]))
    several = False
    for path, given in turns.items():
        first = given[0]
        if first is not None and all(r is first for r in given):
            _replace(new, path, Elementwise(first))
        elif any(given):
            several = True
            old = new.get_submodule(path)
            made = {id(r): Elementwise(r) for r in given if r is not None}
            _replace(new, path, InTurn([made.get(id(r), old) for r in given], routes))
    if routes.calls or routes.composed or several:
        for path, module in {"": new, **dict(routable(new))}.items():
            route(module, routes, path)


def _hidden(found: Found, composed: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Expressions that are no site and a part of one that is swapped."""
    sites = {(p.entry.path, p.entry.said) for p in found.places if p.entry is not None}
    hidden: dict[str, set[str]] = {}
    for e in found.entries:
        parts = e.said and (e.path, e.said) not in sites
        if parts and any(e.said in target for target in composed.get(e.path, ())):
            hidden.setdefault(e.path, set()).add(e.said)
    return {path: frozenset(said) for path, said in hidden.items()}


def _refuse(place: Place, record: Any, why: str) -> None:
    if record is not None:
        raise InputError(
            f"{place.name} {why}: make it a module (self.act = nn.ReLU()), or leave it out of the "
            "changes"
        )


def _tables(given: Numbered) -> dict[str, dict[str, Turns]]:
    """The new activations of equal calls in order; one where all are the same, none where none."""
    tables: dict[str, dict[str, Turns]] = {}
    for path, texts in given.items():
        for said, by_number in texts.items():
            turns = tuple(by_number.get(i) for i in range(max(by_number) + 1))
            if any(turns):
                same = all(t is turns[0] for t in turns)
                tables.setdefault(path, {})[said] = turns[:1] if same else turns
    return tables


def _replace(new: Any, path: str, made: Any) -> None:
    """Put a module in the place of an activation module, and of all its other names."""
    if not path:
        raise InputError("the model is itself an activation: nothing is left to swap it in")
    old = new.get_submodule(path)
    made.train(old.training)
    for name, module in list(new.named_modules(remove_duplicate=False)):
        if module is old:
            parent, _, last = name.rpartition(".")
            setattr(new.get_submodule(parent), last, made)


def _slow_path(new: Any, swapped: set[str]) -> None:
    """Let torch's transformer layers take no fused kernel: it applies the activation it was told.

    Args:
        new: the new model.
        swapped: the paths of the modules whose calls, or whose children, were swapped.
    """
    for path, module in new.named_modules():
        if isinstance(module, nn.TransformerEncoderLayer) and path in swapped:
            module.activation_relu_or_gelu = 0
    for module in new.modules():
        if isinstance(module, nn.TransformerEncoder) and not all(
            getattr(layer, "activation_relu_or_gelu", 1) for layer in module.layers
        ):
            module.use_nested_tensor = False


# -- what a module is ---------------------------------------------------------------------------


def _is_activation(module: Any) -> bool:
    if isinstance(module, Elementwise):
        return True
    return any(
        modules.kind_of(module, torch.zeros(shape)) == "activation"
        for shape in ((2, _width(module)), (2, _width(module), 2, 2))
    )


def _width(module: Any) -> int:
    """Channels that an activation with a number a channel needs."""
    sizes = [p.numel() for p in module.parameters()] if not module._modules else []
    return int(max([3, *(s for s in sizes if s > 1)]))


def _name(module: Any) -> str:
    if isinstance(module, Elementwise):
        return module.record.name
    from actscope.probe.expressions import Expression, Source
    from actscope.probe.identity import identify

    source = Expression(Source(None, False, None, 0))
    call = Expression(source.source, modules.name_of(module), modules.Caller(module), (source,))
    call.module_path = ""
    identity = identify(call, (2, _width(module)), "cpu")
    if identity is None:
        return type(module).__name__
    return identity.record.name if identity.record is not None else identity.name
