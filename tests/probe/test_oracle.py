"""Every column of the table against NumPy in float64 on activations stored by plain hooks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.special
import torch
import torch.nn.functional as F
from torch import nn

from actscope.probe import inspect
from actscope.probe.samples import Rows, take_rows
from actscope.probe.table import COLUMNS

PARTS = {"q01": 0.01, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q99": 0.99}
CASTS = {
    "keeps_bfloat16": torch.bfloat16,
    "keeps_float16": torch.float16,
    "keeps_fp8_e4m3": torch.float8_e4m3fn,
    "keeps_fp8_e5m2": torch.float8_e5m2,
}
sigmoid = scipy.special.expit
normal = lambda z: np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
# the function and its slope, written here anew
FUNCTIONS = {
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float), 1.0),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2, 1.0),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z)), 0.25),
    "gelu": (
        lambda z: z * scipy.special.ndtr(z),
        lambda z: scipy.special.ndtr(z) + z * normal(z),
        1.1289,
    ),
}
LAYERS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


class Tokens(nn.Module):
    """(n, time, 5) through an MLP for every token, and a mean over time."""

    def __init__(self, acts) -> None:
        super().__init__()
        sizes = [5, 12, 12, 12, 12]
        self.fc = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.act = nn.ModuleList(LAYERS[a]() for a in acts)
        self.out = nn.Linear(12, 2)

    def forward(self, x):
        for fc, act in zip(self.fc, self.act, strict=True):
            x = act(fc(x))
        return self.out(x.mean(1))


def model_of(kind: str, acts) -> tuple[nn.Module, torch.Tensor, int]:
    """A model, its data, and the dimension of the units."""
    torch.manual_seed(3)
    if kind == "tokens":
        model, x, dim = Tokens(acts), torch.randn(24, 3, 5), -1
    elif kind == "convolution":
        layers = [m for a in acts for m in (nn.Conv2d(4, 4, 3, padding=1), LAYERS[a]())]
        layers[0] = nn.Conv2d(2, 4, 3, padding=1)
        model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 9, 2))
        x, dim = torch.randn(20, 2, 3, 3), 1
    else:
        layers = [m for a in acts for m in (nn.Linear(16, 16), LAYERS[a]())]
        layers[0] = nn.Linear(6, 16)
        model, x, dim = nn.Sequential(*layers, nn.Linear(16, 2)), torch.randn(180, 6), -1
    weights = [p for p in model.parameters() if p.ndim > 1]
    with torch.no_grad():
        for weight in weights:
            weight.mul_(3.0)
        first = next(p for p in model.parameters() if p.ndim == 1)
        first[:2] = -60.0  # two dead units
        first[2] = -2.2  # and one that seldom wakes
    return model, x, dim


def stored(model: nn.Module, batches, labels) -> dict[str, dict[str, list[np.ndarray]]]:
    """Inputs, outputs and gradients of every activation module, batch by batch."""
    kept: dict[str, dict[str, list]] = {}
    handles = []
    for name, module in model.named_modules():
        if isinstance(module, tuple(LAYERS.values())):
            held = kept[name] = {"in": [], "out": [], "grad": []}

            def hook(module, args, out, held=held) -> None:
                out.retain_grad()
                held["in"].append(args[0])
                held["out"].append(out)

            handles.append(module.register_forward_hook(hook))
    for x, y in zip(batches, labels, strict=True):
        F.cross_entropy(model(x), y).backward()
    for handle in handles:
        handle.remove()
    for held in kept.values():
        held["grad"] = [out.grad for out in held["out"]]
        for key in held:
            held[key] = [t.detach().double().numpy() for t in held[key]]
    model.zero_grad()
    return kept


def as_rows(parts: list[np.ndarray], dim: int) -> np.ndarray:
    moved = [np.moveaxis(p, dim, -1) for p in parts]
    return np.concatenate([p.reshape(-1, p.shape[-1]) for p in moved])


def distances(rows: np.ndarray) -> np.ndarray:
    i, j = np.triu_indices(len(rows), 1)
    return np.linalg.norm(rows[i] - rows[j], axis=1)


def cosines(rows: np.ndarray) -> np.ndarray:
    i, j = np.triu_indices(len(rows), 1)
    size = np.linalg.norm(rows, axis=1)
    with np.errstate(invalid="ignore"):
        return (rows[i] * rows[j]).sum(1) / (size[i] * size[j])


def pairs(parts: list[np.ndarray], measure) -> np.ndarray:
    """Of the first 64 examples of a batch, batch by batch, until there are 4,096 pairs."""
    found: list[np.ndarray] = []
    for part in parts:
        if len(part) > 1 and sum(map(len, found)) < 4096:
            found.append(measure(part.reshape(len(part), -1)[:64]))
    return np.concatenate(found)


def agree(a: np.ndarray, b: np.ndarray) -> float:
    good = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(a[good], b[good])[0, 1])


def ranks(rows: np.ndarray) -> tuple[float, float]:
    s = np.linalg.svd(rows - rows.mean(0), compute_uv=False)
    s = s[s > 1e-7 * s[0]]
    p = s / s.sum()
    return float(np.exp(-(p * np.log(p)).sum())), float((s**2).sum() ** 2 / (s**4).sum())


def correlation(rows: np.ndarray) -> float:
    i, j = np.triu_indices(len(rows), 1)
    return float((rows[i] * rows[j]).sum(1).mean() / (rows**2).sum(1).mean())


def keeps(rows: np.ndarray, rounded: np.ndarray) -> float:
    return max(agree(distances(rows), distances(rounded)), 0.0) ** 2


def rounded_to(rows: np.ndarray, column: str) -> np.ndarray:
    if column == "keeps_int8":
        low, high = min(rows.min(), 0.0), max(rows.max(), 0.0)
        step = (high - low) / 255
        zero = np.rint(-low / step)
        return (np.clip(np.rint(rows / step) + zero, 0, 255) - zero) * step
    return torch.as_tensor(rows, dtype=torch.float32).to(CASTS[column]).double().numpy()


def bits(rows: np.ndarray) -> int:
    mantissa, exponent = np.frexp(rows)
    for m in range(25):
        short = np.ldexp(np.round(mantissa * 2.0 ** (m + 1)) / 2.0 ** (m + 1), exponent)
        if keeps(rows, short) >= 0.95:
            return m
    return 24


def expected(name: str, q: float, c: float) -> tuple[float, float]:
    """E f(√q u)², and E f(√q u) f(√q v) over it for u, v of correlation c, by quadrature."""
    if name == "relu":  # Cho & Saul 2009
        angle = math.acos(c)
        return q / 2, (math.sin(angle) + (math.pi - angle) * c) / math.pi
    f = FUNCTIONS[name][0]
    x = np.linspace(-8.0, 8.0, 801)
    w = normal(x) / normal(x).sum()
    u, v = x[:, None], c * x[:, None] + math.sqrt(1 - c**2) * x[None]
    second = float(w @ f(math.sqrt(q) * x) ** 2)
    both = (w[:, None] * w[None] * f(math.sqrt(q) * u) * f(math.sqrt(q) * v)).sum()
    return second, float(both) / second


def oracle(name: str, held, x, before, dim: int, weight: np.ndarray) -> dict[str, float]:
    """The columns of one site."""
    y, z = as_rows(held["out"], dim), as_rows(held["in"], dim)
    slope, top = (part for part in FUNCTIONS[name][1:])
    flat = np.abs(slope(z)) < 0.01 * top
    rate = (y != 0).mean(0) if name == "relu" else np.ones(y.shape[1])
    low, high = (flat & (z < 0)).mean(0), (flat & (z > 0)).mean(0)
    second = (y**2).mean()
    row = {
        "activation": name, "calls": len(held["out"]), "units": y.shape[1], "rows": len(y),
        "mean": y.mean(), "std": y.std(), "spread": math.sqrt(y.var(0).mean()),
        "least": y.min(), "most": y.max(), "second": second,
        "constant": (y.mean(0) ** 2).mean() / second, "zeros": (y == 0).mean(),
        "saturated": flat.mean(), "saturated_low": low.mean(), "saturated_high": high.mean(),
        "units_high": (high >= 0.99).sum(),
        "rank_most": min(len(y) - 1, y.shape[1]), "rank_in": ranks(z)[0],
        "correlation": correlation(y), "correlation_in": correlation(z),
        "second_in": (z**2).mean(), "bits": bits(y), "keeps_int8": None,
        "gradient": math.sqrt(np.mean([(g**2).sum() for g in held["grad"]])),
        "gradient_zeros": np.mean(np.concatenate([g.ravel() for g in held["grad"]]) == 0),
        "sigma_w": math.sqrt((weight**2).sum(tuple(range(1, weight.ndim))).mean()),
        "duplicates": 0,
    }  # fmt: skip
    if name in ("relu", "gelu"):
        row |= {"dead": (low >= 1).sum(), "nearly_dead": ((rate > 0) & (rate < 0.01)).sum()}
    if name in ("tanh", "sigmoid"):
        row["units_low"] = (low >= 0.99).sum()
    row |= {column: np.quantile(y, part) for column, part in PARTS.items()}
    row["rank"], row["participation"] = ranks(y)
    for column in (*CASTS, "keeps_int8"):
        row[column] = keeps(y, rounded_to(y, column))
    for place, others in (("input", x), ("before", before)):
        for what, measure in (("distance", distances), ("angle", cosines)):
            if others is not None:
                mine, theirs = pairs(held["out"], measure), pairs(others, measure)
                row[f"{what}_{place}"] = agree(mine, theirs)
    row["second_expected"], row["correlation_expected"] = expected(
        name, row["second_in"], row["correlation_in"]
    )
    return row


# what is left: words, times, and what other tests look at
OTHERS = {"kind", "gated", "shape", "deeply_dead", "probe", "gradient_ratio", "weight", "share",
          "dtype", "nearly_dead", "dead", "units_low", "distance_before",
          "angle_before"}  # fmt: skip
# sums in float32, and rounding in a cloud's distances
CLOSE = {"keeps_fp8_e4m3": 1e-4, "keeps_fp8_e5m2": 1e-4, "keeps_int8": 1e-4, "constant": 1e-4,
         "second_expected": 1e-3, "correlation_expected": 1e-3}  # fmt: skip


@pytest.mark.parametrize("acts", [["relu"] * 4, ["tanh", "sigmoid", "gelu", "relu"]], ids=str)
@pytest.mark.parametrize("kind", ["mlp", "tokens", "convolution"])
def test_every_column(kind: str, acts: list[str]) -> None:
    model, data, dim = model_of(kind, acts)
    labels = torch.arange(len(data)) % 2
    cut = [len(data) // 3, len(data) // 3 - 1, 1, len(data) - 2 * (len(data) // 3)]
    batches, parts = data.split(cut), labels.split(cut)
    held = stored(model, batches, parts)
    report = inspect(model, list(zip(batches, parts, strict=True)), loss="cross_entropy", rows=5000)
    assert list(report.rows) == list(held)
    x = [b.double().numpy() for b in batches]
    weights = [p.detach().double().numpy() for p in model.parameters() if p.ndim > 1]
    before, norms = None, []
    for name, site, weight in zip(acts, held, weights, strict=False):
        row = oracle(name, held[site], x, before, dim, weight)
        assert set(COLUMNS) <= set(row) | OTHERS
        for column, value in row.items():
            got = report.rows[site][column]
            if not isinstance(value, str):
                # a slope of 1 % lies between two points of the probe's table of GELU
                near = 1e-3 if name == "gelu" and column.startswith("saturated") else 2e-6
                value = pytest.approx(float(value), rel=CLOSE.get(column, 2e-5), abs=near)
            assert got == value, (site, column, got, value)
        before = held[site]["out"]
        norms.append(row["gradient"])
    ratios = report.table["gradient_ratio"].to_numpy(float)
    np.testing.assert_allclose(ratios, np.array(norms) / norms[-1], rtol=1e-5)
    assert report.table["share"].between(0, 1).all()
    assert report.table["share"].sum() < 1


def test_batches_cut_elsewhere_give_the_same() -> None:
    """All but pairs (within a batch) and gradients (of a batch's loss)."""
    model, data, _ = model_of("tokens", ["relu", "tanh", "gelu", "sigmoid"])
    columns = [c for c in COLUMNS if c.partition("_")[0] not in ("distance", "angle", "calls",
               "gradient", "shape", "share", "probe")]  # fmt: skip
    tables = [
        inspect(model, list(data.split(size)), rows=5000).table[columns]
        for size in (len(data), 7, [1, 20, 3])
    ]
    for other in tables[1:]:
        for column in columns:
            for a, b in zip(tables[0][column], other[column], strict=True):
                near = a == b or a == pytest.approx(b, rel=1e-5, nan_ok=True)
                assert near, (column, a, b)


@pytest.mark.parametrize("sizes", [[10_000, 500, 0, 1], [500, 10_000], [1] * 3_000, [9, 2_000]])
def test_samples_are_fair_to_batches_of_all_sizes(sizes: list[int]) -> None:
    """The k-th row holds k: its share, its spread and its halves are those of all rows."""
    whole = np.arange(sum(sizes))
    ends = np.cumsum(sizes)
    means = []
    for seed in range(20):
        sample = Rows(256, seed)
        for size, end in zip(sizes, ends, strict=True):
            batch = torch.arange(end - size, end).float()[:, None]
            sample.add(take_rows(batch, 1, 256), size)
        kept = np.sort(sample.array()[:, 0])
        assert len(kept) == 256
        assert np.unique(kept).size == 256
        means.append([kept.mean(), *np.quantile(kept, [0.1, 0.5, 0.9])])
    expected = [whole.mean(), *np.quantile(whole, [0.1, 0.5, 0.9])]
    assert np.abs(np.mean(means, 0) - expected).max() < 0.02 * len(whole)


def test_the_probe_is_right_on_planted_labels() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(4, 32), nn.GELU()), torch.randn(400, 4)
    planted, chance = (x @ torch.randn(4) > 0).long(), torch.randint(0, 2, (400,))
    score = lambda y: inspect(model, [(x[:150], y[:150]), (x[150:], y[150:])]).rows["1"]["probe"]
    assert score(planted) > 0.9
    assert 0.4 < score(chance) < 0.6
