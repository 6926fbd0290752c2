"""Put together what several processes measured, through torch.distributed."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch

from actscope.errors import InputError
from actscope.probe.collector import Collector, Site
from actscope.probe.gradients import Gradient
from actscope.probe.moments import Moments
from actscope.probe.samples import Pairs, Rows

RANK = 1 << 32  # batches of another process are numbered from here, times its rank


def gathered(
    collector: Collector, targets: dict[int, Any], group: Any
) -> tuple[Collector, dict[int, Any]]:
    """One collector over all processes, the same in each, and all labels by number of the batch.

    Every process has to call this, or `failed`. Only numbers are sent: sums, samples, distances.

    Args:
        collector: of this process.
        targets: labels of its batches, by their number.
        group: of processes.

    Raises:
        InputError: another process could not run its data.
    """
    states = _exchanged((state_of(collector), targets), group)
    errors = [(rank, s) for rank, s in enumerate(states) if isinstance(s, str)]
    if errors:
        rank, said = errors[0]
        raise InputError(f"process {rank} of {len(states)} could not run its data: {said}")
    labels = {
        rank * RANK + number: part
        for rank, (_, parts) in enumerate(states)
        for number, part in parts.items()
    }
    return merged([state for state, _ in states], collector), labels


def failed(error: Exception, group: Any) -> None:
    """Tell the other processes, which wait in `gathered`, that this one could not run its data."""
    _exchanged(f"{type(error).__name__}: {error}", group)


def _exchanged(mine: Any, group: Any) -> list[Any]:
    """What each of the processes says."""
    said: list[Any] = [None] * torch.distributed.get_world_size(group)
    torch.distributed.all_gather_object(said, mine, group=group)
    return said


def state_of(collector: Collector) -> dict[str, Any]:
    """What a collector kept, without anything that lives in its process."""
    sites = {}
    for name, site in collector.sites.items():
        fixed = {
            f.name: getattr(site, f.name)
            for f in dataclasses.fields(Site)
            if f.name not in _LIVE and f.name != "identity"
        }
        key = site.identity.record.key if site.identity.record is not None else None
        sites[name] = {
            "fixed": fixed,
            "identity": (dataclasses.replace(site.identity, record=None), key),
            "moments": site.moments.state(),
            "gradient": site.gradient.state(),
            "rows_in": _sample_of(site.rows_in),
            "rows_out": _sample_of(site.rows_out),
            "pairs": site.pairs.parts if site.pairs is not None else {},
            "pooled": {number: part.numpy() for number, part in site.pooled.items()},
        }
    return {
        "sites": sites,
        "counts": (collector.batches, collector.examples, collector.seconds),
        "input_pairs": collector.input_pairs.parts,
        "input_rows": _sample_of(collector.input_rows),
        "opaques": collector.opaques,
        "losses": collector.losses,
        "output_site": collector.output_site,
        "opening": collector.opening,
    }


_GIVEN = ("name", "path", "kind", "gated", "order")
_LIVE = frozenset(["moments", "gradient", "rows_in", "rows_out", "pairs", "pooled"])


def merged(states: list[dict[str, Any]], like: Collector) -> Collector:
    """A collector that has seen what all of these saw, in the order of the list.

    Args:
        states: from `state_of`.
        like: whose measures and records of the catalogue are taken.
    """
    result = Collector(like.measures, like.weights)
    for rank, state in enumerate(states):
        batches, examples, seconds = state["counts"]
        result.batches += batches
        result.examples += examples
        result.seconds += seconds
        _join_pairs(result.input_pairs, state["input_pairs"], rank)
        result.opaques = {**state["opaques"], **result.opaques}
        result.losses = {**state["losses"], **result.losses}
        result.output_site = result.output_site or state["output_site"]
        result.opening |= state["opening"]
        for name, theirs in state["sites"].items():
            if name not in result.sites:
                result.sites[name] = _fresh(theirs, like)
            _join(result.sites[name], theirs, rank)
    most = like.measures.rows
    result.input_rows = _sampled([s["input_rows"] for s in states], most)
    for name, site in result.sites.items():
        parts = [s["sites"][name] for s in states if name in s["sites"]]
        site.rows_in = _sampled([p["rows_in"] for p in parts], most)
        site.rows_out = _sampled([p["rows_out"] for p in parts], most)
    return result


def _fresh(state: dict[str, Any], like: Collector) -> Site:
    """An empty site of the same name; its record is looked up in the catalogue again."""
    from actscope.activations import activation
    from actscope.errors import ActscopeError

    identity, key = state["identity"]
    if key is not None:
        known = like.sites.get(state["fixed"]["name"])
        try:
            record = known.identity.record if known is not None else activation(key)
        except ActscopeError:  # a record with parameters is found by the process that met it
            record = None
        identity = dataclasses.replace(identity, record=record)
    name, path, kind, gated, order = (state["fixed"][k] for k in _GIVEN)
    moments = Moments(identity.low, identity.high)
    site = Site(name, path, kind, identity, gated, order, moments, Gradient(), {})
    for name in ("shape", "dim", "dtype", "weight", "sigma_w"):
        setattr(site, name, state["fixed"][name])
    site.pairs = Pairs()
    return site


def _join(site: Site, state: dict[str, Any], rank: int) -> None:
    site.calls += state["fixed"]["calls"]
    site.seconds += state["fixed"]["seconds"]
    site.moments.merge(state["moments"])
    site.gradient.merge(state["gradient"])
    _join_pairs(site.pairs, state["pairs"], rank)
    site.pooled |= {rank * RANK + n: torch.as_tensor(p) for n, p in state["pooled"].items()}
    if state["moments"]["rows"]:  # the last process that saw any
        for name in ("shape", "dim", "dtype"):
            setattr(site, name, state["fixed"][name])


def _join_pairs(pairs: Pairs, parts: dict[int, Any], rank: int) -> None:
    pairs.parts |= {rank * RANK + number: part for number, part in parts.items()}


def _sample_of(rows: Rows | None) -> tuple[Any, int]:
    """Sampled rows, and how many they stand for."""
    return (rows.array(), rows.seen) if rows is not None else (np.empty((0, 0)), 0)


def _sampled(parts: list[tuple[Any, int]], most: int) -> Rows:
    """A sample of the samples; of each as much as its rows are of all."""
    rows = Rows(most)
    parts = [(p, seen) for p, seen in parts if p.size]
    if len({p.shape[1] for p, _ in parts}) == 1:
        for part, seen in parts:
            rows.add(part.astype(np.float32), seen)
    return rows
