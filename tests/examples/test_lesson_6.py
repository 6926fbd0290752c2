"""The three ways of lesson 6 agree with each other and with the catalogue."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import actscope

SCRIPT = Path(__file__).parents[2] / "examples" / "lesson_6_three_ways.py"


@pytest.fixture(scope="module")
def ways():
    return runpy.run_path(str(SCRIPT))


@pytest.mark.parametrize("name", ["sigmoid", "relu"])
def test_the_three_ways_are_equal(ways, name):
    import torch

    points = np.concatenate([ways["POINTS"], np.linspace(-40, 40, 401)])
    f, df = ways["PYTHON"][name]
    g, dg = ways["NUMPY"][name]
    t = torch.tensor(points, requires_grad=True)
    value = ways["TORCH"][name](t)
    value.sum().backward()
    one = actscope.activation(name)
    for mine in ([f(p) for p in points], g(points), value.detach().numpy()):
        np.testing.assert_allclose(mine, one(points), rtol=1e-12, atol=0)
    # PyTorch's sigmoid slope is s(1 - s), which is 0 once s rounds to 1
    for mine, floor in ((([df(p) for p in points]), 0), (dg(points), 0), (t.grad.numpy(), 1e-15)):
        np.testing.assert_allclose(mine, one.slope_at(points), rtol=1e-12, atol=floor)


def test_the_script_prints_the_same_line_three_times(capsys):
    runpy.run_path(str(SCRIPT))
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 6
    for rows in (lines[:3], lines[3:]):
        numbers = {tuple(row[2].split()) for row in rows}
        assert len({row[0] for row in rows}) == 1
        assert len(numbers) == 1, rows
