"""What looks like a fault and is none: few rows, new batch norms, gates, small inputs."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.probe import inspect
from actscope.probe.rules import SHELF, Seen


def he(*sizes: int, act: type[nn.Module] = nn.ReLU, norm: bool = False) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(sizes[:-1]):
        linear = nn.Linear(a, b)
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        layers += [linear, *([nn.BatchNorm1d(b)] if norm else []), act()]
    return nn.Sequential(*layers, nn.Linear(*sizes[-2:]))


class Lstm(nn.Module):
    """A cell by hand: the first gates of a sequence get next to no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.all, self.out = nn.Linear(20, 48), nn.Linear(12, 4)

    def forward(self, x):
        h = c = x.new_zeros(len(x), 12)
        for part in x.split(8, 1):
            i, f, g, o = self.all(torch.cat([part, h], 1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return self.out(h)


class Excited(nn.Module):
    """Channels weighted by gates near ½, which are much the same for every image."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.down, self.up = nn.Conv2d(3, 16, 3), nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)
        self.out = nn.Linear(16, 4)

    def forward(self, x):
        x = F.relu(self.a(x.unflatten(1, (3, 4, 8)).repeat(1, 1, 2, 1)))
        gate = torch.sigmoid(self.up(F.relu(self.down(x.mean((2, 3), keepdim=True)))))
        return self.out((x * gate).mean((2, 3)))


def small_signals() -> nn.Module:
    """SiLU of inputs near 0 gives outputs as near 0 as its flat end does."""
    model = he(96, 64, 64, 4, act=nn.SiLU)
    with torch.no_grad():
        model[0].weight.mul_(0.01)
    return model


CASES = {
    "deep": lambda: he(96, *[64] * 20, 4),
    "batch norm without data": lambda: he(96, *[64] * 8, 4, act=nn.GELU, norm=True),
    "lstm": Lstm,
    "squeeze and excite": Excited,
    "small signals": small_signals,
}


@pytest.mark.parametrize("rows", [512, 64, 8, 2])
@pytest.mark.parametrize("name", CASES)
def test_no_finding_however_few_rows(name: str, rows: int) -> None:
    torch.manual_seed(2)
    x, y = torch.randn(rows, 96), torch.randint(0, 4, (rows,))
    for dtype in (torch.float32, torch.bfloat16):
        report = inspect(CASES[name]().eval().to(dtype), x.to(dtype), y, "cross_entropy")
        assert [str(f) for f in report.findings] == []


@pytest.mark.parametrize("low", [0.0, 100.0])
def test_inputs_that_are_never_negative(low: float) -> None:
    torch.manual_seed(2)
    x, model = low + torch.rand(256, 96), he(96, 64, 64, 4)
    assert [str(f) for f in inspect(model, x, torch.randint(0, 4, (256,)), "cross_entropy").findings
            if f.rule == "dead_units"] == []  # fmt: skip


def test_a_rank_near_one_is_what_two_classes_need() -> None:
    """The last layer of a trained binary classifier: 1.46 was measured on a tanh network."""
    row = {"kind": "module", "gated": False, "rank_most": 64, "rank": 1.46, "rank_in": 1.53}
    seen = Seen({"7": row}, inputs=np.random.default_rng(0).normal(size=(64, 16)).astype("f4"))
    rule = SHELF.get("rank_collapse")
    assert list(rule.check(seen, rule.thresholds)) == []
    assert [f.site for f in rule.check(seen, {**rule.thresholds, "rank": 1.5})] == ["7"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_rounding_is_no_rank(dtype: torch.dtype) -> None:
    """A rank of 1 in a coarse type: what its rounding adds does not count."""
    torch.manual_seed(0)
    model = he(64, 256, 256, 4, act=nn.GELU)
    with torch.no_grad():
        model[2].weight.copy_(torch.outer(torch.randn(256), torch.randn(256)) / 16)
    report = inspect(model.to(dtype), torch.randn(512, 64, dtype=dtype))
    assert [(f.rule, f.site) for f in report.findings] == [("rank_collapse", "3")]
    assert report.rows["3"]["rank_in"] == pytest.approx(1.0, abs=0.05)
    assert report.rows["1"]["rank"] > 50


@pytest.mark.parametrize("work", ["bfloat16", "float16", "autocast"])
def test_geometry_lost_in_the_format_that_a_model_works_in(work: str) -> None:
    """Rounding bfloat16 numbers to bfloat16 shows nothing; the finding comes all the same."""
    torch.manual_seed(0)
    dtype = torch.float16 if work == "float16" else torch.bfloat16
    model, x = he(64, 64, 64, 4, act=nn.GELU), torch.randn(256, 64)
    exact = inspect(model, x)
    with torch.no_grad():
        model[2].bias.fill_(300.0)  # bfloat16's step is 2 there, float16's .25
    lost = inspect(model, x)
    if work == "autocast":
        with torch.autocast("cpu", dtype):
            report = inspect(model, x)
    else:
        report = inspect(model.to(dtype), x.to(dtype))
    found = {f.rule: f for f in report.findings}
    assert set(found) == {"constant_part", "lost_in_format"}
    assert found["lost_in_format"].site == "3"
    assert report.rows["3"]["keeps_bfloat16"] < 0.9
    if dtype == torch.bfloat16:
        assert report.rows["3"]["bits"] == 8
        assert "has left about" in found["lost_in_format"].message
        assert report.rows["3"]["keeps_float16"] == 1.0
    # the site before is sound, and its estimate the number that the exact one has
    for site, name in [("1", "bfloat16"), ("1", "float16"), ("3", "float16")]:
        if report.rows[site]["dtype"] == name:
            want = (lost if site == "3" else exact).rows[site][f"keeps_{name}"]
            assert report.rows[site][f"keeps_{name}"] == pytest.approx(want, abs=0.05)


def test_a_fault_that_others_inherit_is_one_finding() -> None:
    torch.manual_seed(0)
    model = he(64, 64, 64, 64, 64, 4)
    with torch.no_grad():
        model[2].bias.fill_(300.0)
    found = inspect(model, torch.randn(256, 64)).findings
    assert [(f.rule, f.site) for f in found] == [("constant_part", "3"), ("lost_in_format", "3")]
    assert found[0].evidence["sites"] == 3
    assert "also at the 2 sites behind it, up to 7" in found[0].message


def test_the_same_dead_units_in_a_new_batch_norm_are_found() -> None:
    torch.manual_seed(0)
    model = he(64, 64, 64, 4, norm=True).eval()
    with torch.no_grad():
        model[4].bias[:16] = -20.0
    found = inspect(copy.deepcopy(model), torch.randn(256, 64)).findings
    assert [(f.rule, f.site) for f in found] == [("dead_units", "5")]


def test_units_stuck_at_an_end_are_saturated_and_no_constant_part() -> None:
    torch.manual_seed(0)
    model = he(64, 64, 4, act=nn.Tanh)
    with torch.no_grad():
        model[0].weight.mul_(0.1)
        model[0].bias[:24] = -20.0
    report = inspect(model, torch.randn(256, 64))
    assert report.rows["1"]["constant"] > 0.95
    found = inspect(model, torch.randn(256, 64), thresholds={"constant_part.part": 0.9}).findings
    assert [f.rule for f in found] == ["saturation"]


@pytest.mark.parametrize("planted", [False, True])
def test_a_depthwise_layer_behind_silent_channels(planted: bool) -> None:
    """A channel that a few more images would wake is not dead in the layer behind it either."""
    torch.manual_seed(0)
    first, second = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1, groups=32)
    model = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Conv2d(32, 4, 1))
    nn.init.zeros_(second.bias)
    x = torch.randn(4, 3, 8, 8)
    with torch.no_grad():
        first.bias[:8] += -1.01 * first(x)[:, :8].amax((0, 2, 3))  # silent on these, not by far
        if planted:
            second.bias[8:16] = -50.0
    report = inspect(model, x)
    assert report.rows["1"]["dead"] == 8
    assert report.rows["3"]["dead"] == (16 if planted else 8)
    found = [(f.rule, f.site, f.evidence["deeply_dead"]) for f in report.findings]
    assert found == ([("dead_units", "3", 8)] if planted else [])


def test_a_residual_sum_whose_branch_is_zero_hands_silence_on() -> None:
    """As a new ResNet's with its last batch norm of each block at 0."""

    class Block(nn.Module):
        def __init__(self, branch: nn.Module | None) -> None:
            super().__init__()
            self.branch = branch

        def forward(self, x):
            return F.relu(x if self.branch is None else x + 0.0 * self.branch(x))

    torch.manual_seed(0)
    x = torch.randn(64, 16)
    stem = nn.Linear(16, 64)
    with torch.no_grad():
        stem.bias[:8] += -1.01 * stem(x)[:, :8].amax(0)  # silent on these rows, not by far
    model = nn.Sequential(stem, Block(None), *(Block(nn.Linear(64, 64)) for _ in range(2)))
    report = inspect(model, x)
    assert report.table["dead"].tolist() == [8, 8, 8]
    assert report.table["deeply_dead"].tolist() == [0, 0, 0]
    assert report.findings == ()


@pytest.mark.parametrize("act", [nn.ReLU, nn.GELU, nn.SiLU])
def test_layers_wider_than_the_sample(act: type[nn.Module]) -> None:
    """Of 3,000 units every third is sampled; dead ones are counted, and estimated how deeply."""
    torch.manual_seed(0)
    wide = nn.Linear(16, 3000)
    model = nn.Sequential(wide, act(), nn.Linear(3000, 4))
    x = torch.randn(256, 16)
    sound = inspect(model, x)
    assert sound.findings == ()
    assert sound.rows["1"]["dead"] == 0
    with torch.no_grad():
        wide.bias[:300] = -200.0
    report = inspect(model, x)
    assert [(f.rule, f.site) for f in report.findings] == [("dead_units", "1")]
    assert report.rows["1"]["dead"] == 300
    assert report.rows["1"]["deeply_dead"] == pytest.approx(300, abs=6)


@pytest.mark.parametrize("width", [64, 2000])
@pytest.mark.parametrize("act", [nn.GELU, nn.SiLU])
def test_a_small_signal_is_not_a_dead_unit(act: type[nn.Module], width: int) -> None:
    """What SiLU and GELU give for small inputs is as near 0 as for very negative ones."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, width, bias=False), act(), nn.Linear(width, 4))
    row = inspect(model, 1e-6 * torch.randn(256, 16)).rows["1"]
    assert (row["dead"], row["nearly_dead"], row["saturated"]) == (0, 0, 0.0)
