"""From what a collector kept to one row of numbers a site."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.probe import geometry
from actscope.probe.collector import Collector, Site
from actscope.probe.samples import kept_units

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
ROUNDING = {"float16": 2.0**-11, "bfloat16": 2.0**-8}  # of the types that are coarse
NEARLY_DEAD = 0.01  # active on fewer rows than this
SEVERAL = 8  # different outputs of a unit
SATURATED_UNIT = 0.99  # in one tail on at least this part of its rows
DEEP = 3.0  # standard deviations, and sizes of the inputs of units that live

# column -> what it says; the docs and the JSON output read this
COLUMNS = {
    "kind": "module, function, composed or softmax",
    "activation": "the catalogue's name, or the formula",
    "gated": "its output multiplies another tensor",
    "calls": "times it was called",
    "shape": "of the last output",
    "units": "size of the unit dimension",
    "rows": "rows measured, over all batches",
    "mean": "mean over rows and units",
    "std": "standard deviation over rows and units",
    "spread": "root mean over units of the variance over rows",
    "least": "smallest output",
    "most": "largest output",
    "q01": "1 % quantile (of the sample)",
    "q25": "25 % quantile",
    "q50": "median",
    "q75": "75 % quantile",
    "q99": "99 % quantile",
    "second": "mean square",
    "constant": "part of the mean square that is the same for every row",
    "zeros": "part of the outputs that is exactly 0",
    "dead": "units that were silent on every row",
    "deeply_dead": "dead units whose input stays far below where they wake (more than 3 standard "
    "deviations, and 3 times the size of the living units' inputs); of more than 1,024 units "
    "worked out from every k-th",
    "nearly_dead": "units active on fewer than 1 % of the rows, and on at least one",
    "saturated": "part of the outputs where the slope is below 1 % of its largest (of the sample "
    "for functions that turn, such as GELU)",
    "saturated_low": "the same, on the low side",
    "saturated_high": "the same, on the high side",
    "units_low": "units on the low side on 99 % of the rows (not counted for rectifiers)",
    "units_high": "units on the high side on 99 % of the rows",
    "duplicates": "units whose sampled outputs equal another unit's",
    "rank": "effective rank of the sampled rows (Roy & Vetterli 2007)",
    "rank_in": "effective rank of the rows in front of the activation",
    "participation": "participation ratio of the sampled rows",
    "rank_most": "the largest rank that the sample can have",
    "distance_input": "correlation of distances between examples with those of the input",
    "angle_input": "correlation of cosines between examples with those of the input",
    "distance_before": "the same against the site before",
    "angle_before": "the same against the site before",
    "probe": "cross-validated accuracy of a ridge classifier on the outputs",
    "keeps_bfloat16": "R² of distances after rounding to bfloat16; where the site works in it, of "
    "distances before and after (estimated)",
    "keeps_float16": "the same for float16",
    "keeps_fp8_e4m3": "R² of distances after rounding to fp8 e4m3",
    "keeps_fp8_e5m2": "R² of distances after rounding to fp8 e5m2",
    "keeps_int8": "R² of distances after rounding to int8, one scale for the tensor",
    "bits": "smallest mantissa that keeps 95 % of the distances' variation; where the format that "
    "the site works in does not, one bit more than it has (at least)",
    "second_in": "mean square in front of the activation (sample)",
    "correlation_in": "correlation of rows in front of the activation",
    "correlation": "correlation of rows behind it",
    "second_expected": "mean square that mean field expects behind it",
    "correlation_expected": "correlation that mean field expects behind it",
    "gradient": "norm of the gradient at the output (root mean square over batches)",
    "gradient_ratio": "that norm over the last site's",
    "gradient_zeros": "part of the gradient that is exactly 0",
    "weight": "the weight of the layer before",
    "sigma_w": "standard deviation of that weight times √fan_in",
    "share": "part of the forward time",
    "dtype": "number type of the output",
}  # fmt: skip


def rows_of(
    collector: Collector, labels: Any = None, full: bool = True
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Floats]]]:
    """One row of numbers a site, and its numbers per unit.

    Args:
        collector: after the last batch.
        labels: {number of the batch: (n,) of its examples}, for the probe, or None.
        full: number formats and mean field too.

    Returns:
        {site: {column: value}} in the order of COLUMNS, and {site: {name: (units,)}}.
    """
    sites = sorted(collector.sites.values(), key=lambda s: s.order)
    table: dict[str, dict[str, Any]] = {}
    units: dict[str, dict[str, Floats]] = {}
    before = None
    silent: list[NDArray[np.bool_]] = []  # units of the sites so far
    norms = [s.gradient.norm for s in sites if s.kind != "softmax"]
    last = next((n for n in reversed(norms) if not math.isnan(n)), math.nan)
    for site in sites:
        row, per_unit = _row(collector, site, before, full)
        row["gradient_ratio"] = row["gradient"] / last if last > 0.0 else math.nan
        if full and site.identity.rectifies and site.identity.low is not None:
            row["deeply_dead"] = _deeply_dead(site, silent)
            silent.append(_silent(site))
        if labels is not None:
            row["probe"] = _probe(site, labels)
        table[site.name] = {name: row.get(name, math.nan) for name in COLUMNS}
        units[site.name] = per_unit
        if site.kind != "softmax" and site.pairs is not None:
            before = site.pairs
    return table, units


def _row(
    collector: Collector, site: Site, before: Any, full: bool
) -> tuple[dict[str, Any], dict[str, Floats]]:
    row: dict[str, Any] = {
        "kind": site.kind,
        "activation": site.identity.name,
        "gated": site.gated,
        "calls": site.calls,
        "shape": "×".join(map(str, site.shape)),
        "units": site.moments.units,
        "rows": site.moments.rows,
        "gradient": site.gradient.norm,
        "gradient_zeros": site.gradient.zero_fraction,
        "weight": site.weight,
        "sigma_w": site.sigma_w,
        "share": site.seconds / collector.seconds if collector.seconds > 0.0 else math.nan,
        "dtype": str(site.dtype).removeprefix("torch.") if site.dtype is not None else "",
    }
    per_unit = site.moments.numbers()
    if site.moments.rows:
        row |= _of_moments(site, per_unit)
    if site.rows_out is not None and site.rows_out.array().size:
        row |= _of_rows(site, site.rows_out.array(), full)
    if site.pairs is not None and site.pairs.parts:
        there = geometry.preserved(site.pairs, collector.input_pairs)
        row["distance_input"], row["angle_input"] = there
        if before is not None:
            row["distance_before"], row["angle_before"] = geometry.preserved(site.pairs, before)
    return row, per_unit


def _probe(site: Site, labels: dict[int, Any]) -> float:
    """Accuracy of the probe, over the batches of which labels are known."""
    both = [(p.numpy(), labels[n][: len(p)]) for n, p in site.pooled.items() if n in labels]
    both = [(p, y) for p, y in both if len(p) == len(y)]
    if not both or len({p.shape[1] for p, _ in both}) > 1:
        return math.nan
    features, targets = (np.concatenate(parts) for parts in zip(*both, strict=True))
    return geometry.probe(features.astype(float), targets)


def _of_moments(site: Site, n: dict[str, Floats]) -> dict[str, Any]:
    whole = site.moments.whole()
    mean, var, constant = whole["mean"], whole["var"], whole["mean_squared"]
    square = constant + var
    finite = math.isfinite(square)
    row: dict[str, Any] = {
        "mean": mean,
        "std": math.sqrt(max(square - mean**2, 0.0)) if finite else math.nan,
        "spread": math.sqrt(var) if finite else math.nan,
        "least": whole["least"],
        "most": whole["most"],
        "second": square,
        "constant": constant / square if square > 0.0 else math.nan,
        "zeros": site.moments.zero_fraction,
    }
    low, high = site.identity.low, site.identity.high
    if site.identity.table is None:
        return row
    if site.identity.rectifies:
        active = 1.0 - n["low"]
        row["dead"] = int(_silent(site).sum()) if low is not None else 0
        row["nearly_dead"] = int(((active > 0.0) & (active < NEARLY_DEAD)).sum())
    row["saturated_low"], row["saturated_high"] = whole["low"], whole["high"]
    row["saturated"] = row["saturated_low"] + row["saturated_high"]
    if not site.identity.rectifies:
        row["units_low"] = int((n["low"] >= SATURATED_UNIT).sum()) if low is not None else 0
    row["units_high"] = int((n["high"] >= SATURATED_UNIT).sum()) if high is not None else 0
    return row


def _of_rows(site: Site, rows: Singles, full: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"rank_most": min(rows.shape[0] - 1, rows.shape[1])}
    quantiles = geometry.quantiles(rows, QUANTILES, full)
    row |= {f"q{round(100 * q):02d}": v for q, v in zip(QUANTILES, quantiles, strict=True)}
    row["rank"], row["participation"] = geometry.ranks(rows, _unit(site))
    return row | _in_full(site, rows) if full else row


def _unit(site: Site) -> float:
    """The rounding unit of the type that a site works in, where that is coarse; else 0."""
    return ROUNDING.get(_format(site), 0.0)


def _format(site: Site) -> str:
    """The number type that a site works in: "float32"."""
    return str(site.dtype).removeprefix("torch.")


def _in_full(site: Site, sample: Singles) -> dict[str, Any]:
    """What a quick look leaves out."""
    rows = sample.astype(np.float64)
    row: dict[str, Any] = {
        "duplicates": _duplicates(rows),
        "correlation": geometry.correlation(rows),
    }
    if site.kind != "softmax":
        own = _format(site)
        row |= geometry.formats(rows, own if own in ROUNDING else "")
    rows_in = site.rows_in.array().astype(np.float64)
    if not rows_in.size or not np.isfinite(rows_in).all():
        return row
    expected = geometry.predicted(site.identity, rows_in)
    row["second_expected"], row["correlation_expected"] = expected
    return (
        row
        | _by_inputs(site, rows_in)
        | {
            "rank_in": geometry.ranks(site.rows_in.array(), _unit(site))[0],
            "second_in": geometry.second_moment(rows_in),
            "correlation_in": geometry.correlation(rows_in),
        }
    )


def _by_inputs(site: Site, rows_in: Floats) -> dict[str, Any]:
    """What outputs cannot tell of a function that comes back to its low limit (SiLU, GELU).

    An output near that limit is one of a small input too; the sampled inputs tell them apart.
    """
    low, units = site.identity.low, site.moments.units
    if low is None or low.side != "around" or rows_in.shape[1] != len(kept_units(units)):
        return {}
    left, right = (float(flat.mean()) for flat in site.identity.flat(rows_in))
    row: dict[str, Any] = {
        "saturated_low": left,
        "saturated_high": right,
        "saturated": left + right,
    }
    if site.identity.rectifies and rows_in.shape[1] == units:
        part, active = (rows_in > low.edge).mean(0), 1.0 - site.moments.numbers()["low"]
        few = part < NEARLY_DEAD
        row["dead"] = int(((active <= 0.0) & (part == 0.0)).sum())
        row["nearly_dead"] = int((few & (active < NEARLY_DEAD)).sum()) - row["dead"]
    return row


def _silent(site: Site) -> NDArray[np.bool_]:
    """The units of a rectifier whose output never left its low end, (units,).

    SiLU and GELU are about 0 for inputs about 0 too: there a unit that was ever above 0 is not
    silent.
    """
    numbers, low = site.moments.numbers(), site.identity.low
    assert low is not None
    ended: NDArray[np.bool_] = numbers["low"] >= 1.0
    return ended & (numbers["most"] <= low.limit) if low.side == "around" else ended


def _deeply_dead(site: Site, before: list[NDArray[np.bool_]]) -> float:
    """Dead units that a few more rows would not wake.

    Where rows are alike, every unit is many standard deviations from waking or from falling
    silent: far is what is also far beside the inputs of the units that live. A unit whose input
    never moves is far too, but where silence is handed on: by a depthwise layer, or a residual sum
    whose branch is 0.

    Args:
        site: a rectifier.
        before: the silent units of the sites before it.
    """
    low, units = site.identity.low, site.moments.units
    rows_in = site.rows_in.array().astype(np.float64)
    sample = kept_units(units)
    if low is None or not len(rows_in) or rows_in.shape[1] != len(sample):
        return math.nan
    if not np.isfinite(rows_in).all():
        return math.nan
    silent = _silent(site)
    handed = np.any([s for s in before if s.size == units] or [np.zeros(units, bool)], axis=0)
    silent, handed = silent[sample], handed[sample]
    mean, std = rows_in.mean(0), rows_in.std(0)
    alive = np.mean(mean[~silent] ** 2 + std[~silent] ** 2) if not silent.all() else 0.0
    unsure = 1.0 + 3.0 / math.sqrt(len(rows_in))  # a spread over few rows says little
    far = low.edge - mean >= DEEP * np.maximum(unsure * std, math.sqrt(alive))
    fixed = (std == 0.0) & (std > 0.0).any() & (low.edge >= mean) & ~handed
    return float(round((silent & (far | fixed)).sum() * units / len(sample)))


def _duplicates(rows: Floats) -> int:
    """Units that vary and whose column equals an earlier one's.

    Columns with few values (a unit that is active on one row, or always at an end) are soon equal
    by chance: they do not count.
    """
    alive = rows[:, np.ptp(rows, axis=0) > 0.0]
    if not alive.shape[1]:
        return 0
    _, first, counts = np.unique(alive, axis=1, return_index=True, return_counts=True)
    repeated = zip(first[counts > 1], counts[counts > 1], strict=True)
    return sum(int(n) - 1 for i, n in repeated if np.unique(alive[:, i]).size >= SEVERAL)
