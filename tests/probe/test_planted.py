"""Faults planted by hand are found, counted and named; a healthy network has none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.probe import inspect


def rules(report) -> list[str]:
    return [f.rule for f in report.findings]


class Functional(nn.Module):
    """An MLP whose activation is a function."""

    def __init__(self, model: nn.Sequential, function) -> None:
        super().__init__()
        self.layers = nn.ModuleList(m for m in model if isinstance(m, nn.Linear))
        self.function = function

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.function(layer(x))
        return self.layers[-1](x)


@pytest.mark.parametrize("act", [nn.ReLU, nn.GELU, nn.SiLU, nn.LeakyReLU, nn.ELU])
def test_a_healthy_network(healthy, act) -> None:
    x, y = torch.randn(256, 64), torch.randint(0, 10, (256,))
    report = inspect(healthy(act), x, y, "cross_entropy")
    assert rules(report) == []
    assert report.opaque == ()


@pytest.mark.parametrize("form", ["module", "function"])
def test_dead_relu_units(healthy, form: str) -> None:
    model = healthy(depth=2)
    with torch.no_grad():
        model[2].bias[torch.randperm(256)[:64]] = -100.0
    if form == "function":
        model = Functional(model, F.relu)
    loader = [(torch.randn(64, 64), torch.randint(0, 10, (64,))) for _ in range(4)]
    report = inspect(model, loader, loss="cross_entropy")
    site = report.table.iloc[1]
    assert site[["units", "rows"]].tolist() == [256, 256]
    assert 64 <= site["dead"] <= 66  # two more may never have been woken by 256 rows
    assert site["deeply_dead"] == 64
    assert report.table.iloc[0]["dead"] == 0
    assert rules(report) == ["dead_units"]
    (finding,) = report.findings
    assert finding.site == ("3" if form == "module" else ":relu#2")
    assert finding.evidence["deeply_dead"] == 64


def test_rare_units_are_not_dead() -> None:
    model = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 4))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(256))
        model[0].bias.zero_()
    x = torch.randn(256, 256).abs() + 0.1
    x[:, :64] = -1.0
    x[torch.arange(64), torch.arange(64)] = 1.0  # each of 64 units: one row of 256
    report = inspect(model, x)
    assert report.table.iloc[0][["dead", "nearly_dead"]].tolist() == [0, 64]
    assert rules(report) == ["nearly_dead_units"]


def test_saturated_sigmoid_units_low_and_high(healthy) -> None:
    model = healthy(nn.Sigmoid, depth=1)
    with torch.no_grad():
        model[0].weight.mul_(0.5)
        model[0].bias[:48] = -40.0
        model[0].bias[48:128] = 40.0
    report = inspect(model, torch.randn(256, 64))
    site = report.table.iloc[0]
    assert site[["units_low", "units_high"]].tolist() == [48, 80]
    assert site["saturated_low"] == pytest.approx(48 / 256, abs=1e-3)
    assert site["saturated_high"] == pytest.approx(80 / 256, abs=1e-3)
    assert math.isnan(site["dead"])
    assert "saturation" in rules(report)


def test_a_layer_of_rank_one(healthy) -> None:
    model = healthy(depth=3)
    with torch.no_grad():
        model[2].weight.copy_(torch.outer(torch.randn(256), torch.randn(256)) / 8)
        model[2].bias.normal_()
    report = inspect(model, torch.randn(256, 64))
    found = [f for f in report.findings if f.rule == "rank_collapse"]
    assert found[0].site == "3"
    assert found[0].evidence["rank_in"] == pytest.approx(1.0, abs=1e-3)
    assert "1" not in [f.site for f in found]


def test_a_layer_without_gradient(healthy) -> None:
    class Detached(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 10)

        def forward(self, x):
            h = F.relu(self.b(F.relu(self.a(x))))
            return self.c(h)

    model = Detached()
    with torch.no_grad():
        model.b.weight.zero_()
    x, y = torch.randn(128, 64), torch.randint(0, 10, (128,))
    report = inspect(model, x, y, "cross_entropy")
    found = [f.site for f in report.findings if f.rule == "zero_gradient"]
    assert found == [":relu"]
    assert report.table.loc[":relu", "gradient_zeros"] == 1.0


def test_statistics_meet_numpy(healthy) -> None:
    """Every streamed number against the whole array, over batches of different sizes."""
    model = healthy(nn.Tanh, depth=1).double()
    with torch.no_grad():
        model[0].weight.mul_(3.0)
    parts = [torch.randn(n, 64, dtype=torch.float64) for n in (50, 1, 0, 77)]
    report = inspect(model, parts, rows=2000)
    with torch.no_grad():
        y = model[:2](torch.cat(parts)).numpy()
    site, units = report.table.iloc[0], report.units["1"]
    np.testing.assert_allclose(units["mean"], y.mean(0), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(units["var"], y.var(0), rtol=1e-10)
    np.testing.assert_array_equal(units["least"], y.min(0))
    np.testing.assert_array_equal(units["most"], y.max(0))
    edge = 1 - np.sqrt(0.99)
    slope = 1 - y**2
    assert site["saturated"] == pytest.approx((slope < 0.01).mean(), abs=2e-3)
    assert edge > 0
    assert site["rows"] == 128
    np.testing.assert_allclose(site["q50"], np.median(y), atol=1e-6)
    np.testing.assert_allclose(report.samples["1"], y.astype(np.float32))


def test_a_small_spread_on_a_large_mean_keeps_its_variance() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Softplus())
    with torch.no_grad():
        model[0].weight.copy_(1e-3 * torch.eye(8))
        model[0].bias.fill_(1000.0)
    x = torch.randn(512, 8)
    report = inspect(model, [x[:100], x[100:]])
    with torch.no_grad():
        y = model(x).double().numpy()
    np.testing.assert_allclose(report.units["1"]["var"], y.var(0), rtol=1e-3)


def test_channels_are_the_units_of_a_convolution() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Conv2d(64, 16, 3), nn.ReLU(),
    )  # fmt: skip
    with torch.no_grad():
        model[1].bias[:16] = -50.0
    report = inspect(model, torch.randn(8, 3, 8, 8))
    assert report.table["units"].tolist() == [64, 16]
    assert report.table["rows"].tolist() == [512, 288]
    assert report.table["dead"].tolist() == [16, 0]


def test_units_follow_the_layer_before() -> None:
    class Mixed(nn.Module):
        """Channels last, as ConvNeXt has them, and one-dimensional convolutions."""

        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 6, 3), nn.Linear(6, 12)
            self.line = nn.Conv1d(5, 7, 1)

        def forward(self, x, s):
            y = F.gelu(self.fc(self.conv(x).permute(0, 2, 3, 1)))
            return y.mean((1, 2)), F.gelu(self.line(s))

    args = (torch.randn(2, 3, 8, 8), torch.randn(2, 5, 9))
    report = inspect(Mixed(), args)
    assert report.table["units"].tolist() == [12, 7]
    report = inspect(Mixed(), args, units={":gelu#2": -1})
    assert report.table["units"].tolist() == [12, 9]


def test_distances_and_angles_meet_scipy(healthy) -> None:
    from scipy.spatial.distance import pdist

    model = healthy(depth=2)
    x = torch.randn(40, 64)
    report = inspect(model, x)
    with torch.no_grad():
        clouds = [x.numpy(), model[:2](x).numpy(), model[:4](x).numpy()]
    d = [pdist(c) for c in clouds]
    a = [pdist(c, "cosine") for c in clouds]
    corr = lambda u, v: np.corrcoef(u, v)[0, 1]
    table = report.table
    assert table.loc["3", "distance_input"] == pytest.approx(corr(d[0], d[2]), abs=1e-5)
    assert table.loc["3", "distance_before"] == pytest.approx(corr(d[1], d[2]), abs=1e-5)
    assert table.loc["3", "angle_input"] == pytest.approx(corr(a[0], a[2]), abs=1e-5)
    assert table.loc["3", "angle_before"] == pytest.approx(corr(a[1], a[2]), abs=1e-5)


def test_gradients_meet_autograd(healthy) -> None:
    model = healthy(nn.SiLU, depth=3)
    x, y = torch.randn(32, 64), torch.randint(0, 10, (32,))
    report = inspect(model, x, y, "cross_entropy")
    h, kept = x, []
    for module in model:
        h = module(h)
        if isinstance(module, nn.SiLU):
            h.retain_grad()
            kept.append(h)
    F.cross_entropy(h, y).backward()
    norms = [float(k.grad.norm()) for k in kept]
    np.testing.assert_allclose(report.table["gradient"], norms, rtol=1e-5)
    np.testing.assert_allclose(report.table["gradient_ratio"], np.array(norms) / norms[-1], 1e-5)


def test_tiny_gradients_do_not_become_zero() -> None:
    from actscope.probe.gradients import Gradient

    gradient = Gradient()
    gradient.add(torch.full((4, 4), 1e-30))
    assert gradient.norm == pytest.approx(4e-30, rel=1e-5)
    assert gradient.zero_fraction == 0.0


def test_mean_field_beside_what_is_measured(healthy) -> None:
    report = inspect(healthy(depth=3), torch.randn(512, 64))
    table = report.table
    np.testing.assert_allclose(table["second"], table["second_expected"], rtol=0.15)
    np.testing.assert_allclose(table["correlation"], table["correlation_expected"], atol=0.06)


def test_deep_sigmoids_hurt_and_say_so(healthy) -> None:
    x, y = torch.randn(256, 64), torch.randint(0, 10, (256,))
    model = nn.Sequential(
        *[m for _ in range(8) for m in (nn.Linear(64, 64), nn.Sigmoid())],
        nn.Linear(64, 10),
    )
    report = inspect(model, x, y, "cross_entropy")
    assert {"hidden_squash", "vanishing_gradient", "constant_part"} <= set(rules(report))
    assert report.table["bits"].iloc[-1] > 7
    assert "lost_in_format" in rules(report)


def test_explosion_and_bad_init(healthy) -> None:
    model = healthy(depth=8)
    with torch.no_grad():
        for module in model:
            if isinstance(module, nn.Linear):
                module.weight.mul_(4.0)
    x, y = torch.randn(128, 64), torch.randint(0, 10, (128,))
    found = rules(inspect(model, x, y, "cross_entropy"))
    assert {"exploding_signal", "init_fit", "exploding_gradient"} <= set(found)
    with torch.no_grad():
        for module in model:
            if isinstance(module, nn.Linear):
                module.weight.div_(12.0)
    found = rules(inspect(model, x, y, "cross_entropy"))
    assert {"vanishing_signal", "init_fit", "vanishing_gradient"} <= set(found)


def test_nan_is_found_and_not_spread(healthy) -> None:
    x = torch.randn(64, 64)
    x[3, 5] = float("nan")
    report = inspect(healthy(), x)
    assert rules(report)[0] == "non_finite"
    assert report.findings[0].site == "1"
    report.to_json()


def test_duplicated_units(healthy) -> None:
    model = healthy(depth=2)
    with torch.no_grad():
        model[0].weight[100:140] = model[0].weight[:40]
    report = inspect(model, torch.randn(64, 64))
    assert rules(report) == ["duplicate_units"]
    assert report.findings[0].evidence["duplicates"] == 40


def test_outputs_and_losses() -> None:
    x, y = torch.randn(64, 8), torch.randint(0, 3, (64,))
    body = lambda *tail: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3), *tail)
    assert rules(inspect(body(), x, y, "cross_entropy")) == []
    assert rules(inspect(body(nn.Softmax(-1)), x, y, "cross_entropy")) == [
        "softmax_before_cross_entropy"
    ]
    assert rules(inspect(body(nn.LogSoftmax(-1)), x, y, F.nll_loss)) == []
    log = lambda out, labels: F.nll_loss(torch.log(out), labels)
    assert rules(inspect(body(nn.Softmax(-1)), x, y, log)) == ["softmax_before_log"]
    t = (torch.rand(64, 3) > 0.5).float()
    assert rules(inspect(body(nn.Sigmoid()), x, t, nn.BCEWithLogitsLoss())) == [
        "sigmoid_before_bce_logits"
    ]
    assert rules(inspect(body(nn.Sigmoid()), x, t, "bce")) == []
    r = torch.randn(64, 3)
    assert rules(inspect(body(nn.ReLU()), x, r, "mse")) == ["relu_at_output"]
    assert rules(inspect(body(nn.ReLU()), x, r.abs(), "mse")) == []
    assert rules(inspect(body(), x, r, "mse")) == []

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = body()

        def forward(self, x):
            weights = self.body(x).square() + 0.1
            return weights / weights.sum(-1, keepdim=True)

    assert rules(inspect(Odd(), x, y, "cross_entropy")) == ["probabilities_as_logits"]
