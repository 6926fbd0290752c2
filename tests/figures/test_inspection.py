"""Names of sites below the panels of an inspection."""

from __future__ import annotations

import pytest

from actscope.figures.inspection import _short


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("layers.0:relu#2", "layers.0:relu#2"),
        ("transformer.h.11.mlp.act", "t.h.11.m.act"),
        ("encoder.layers.3:silu(beta=1.702)", "e.l.3:silu(beta=1.702)"),
    ],
)
def test_what_is_kept_of_a_name(name: str, short: str) -> None:
    assert _short(name) == short


def test_layers_of_a_deep_model_stay_apart() -> None:
    names = [
        f"bert.encoder.layer.{layer}.{part}.intermediate_act_fn{call}"
        for layer in range(12)
        for part in ("attention", "intermediate")
        for call in ("", "#2")
    ]
    short = [_short(name) for name in names]
    assert len(set(short)) == len(names)
    assert max(map(len, short)) <= 22
