"""Models of transformers, made from configs: counts of sites, and planted faults."""

from __future__ import annotations

import pytest
import torch

transformers = pytest.importorskip("transformers")

from actscope.probe import inspect  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", ["relu", "gelu_new"])
def test_gpt2_with_dead_units(name: str) -> None:
    config = transformers.GPT2Config(
        n_layer=3, n_embd=256, n_head=4, vocab_size=500, activation_function=name
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        model.transformer.h[1].mlp.c_fc.bias[torch.randperm(1024)[:128]] = -50.0
    ids = torch.randint(0, 500, (4, 32))
    report = inspect(model, {"input_ids": ids, "labels": ids}, rows=128)
    assert report.table["deeply_dead"].tolist() == [0, 128, 0]
    # a few more of 3,072 units may not have been woken by 128 tokens
    assert (report.table["dead"] - report.table["deeply_dead"]).between(0, 4).all()
    assert report.table["units"].tolist() == [1024] * 3
    assert report.table["activation"].unique().tolist() == [name.replace("_new", "_tanh")]
    assert [(f.rule, f.site) for f in report.findings] == [
        ("dead_units", "transformer.h.1.mlp.act")
    ]
    assert report.table["gradient"].gt(0).all()
    assert [o.path for o in report.opaque] == [f"transformer.h.{i}.attn" for i in range(3)]


def test_eager_attention_shows_its_softmax() -> None:
    config = transformers.GPT2Config(n_layer=2, n_embd=32, n_head=2, vocab_size=50)
    model = transformers.GPT2Model._from_config(config, attn_implementation="eager").eval()
    report = inspect(model, {"input_ids": torch.randint(0, 50, (2, 7))}, full=False)
    assert report.opaque == ()
    assert report.table["kind"].tolist() == ["softmax", "module"] * 2


def test_resnet_with_dead_channels() -> None:
    config = transformers.ResNetConfig(
        layer_type="basic", depths=[2, 2], hidden_sizes=[64, 128], embedding_size=64
    )
    model = transformers.ResNetForImageClassification(config)
    with torch.no_grad():
        norm = model.resnet.encoder.stages[0].layers[0].layer[0].normalization
        norm.bias[:16] = -100.0
    x, y = torch.randn(4, 3, 64, 64), torch.randint(0, 2, (4,))
    report = inspect(model, {"pixel_values": x, "labels": y}, rows=128)
    assert len(report.rows) == 9
    site = "resnet.encoder.stages.0.layers.0.layer.0.activation"
    assert report.table.loc[site, ["units", "dead"]].tolist() == [64, 16]
    assert report.table["dead"].sum() == 16
    assert [(f.rule, f.site) for f in report.findings] == [("dead_units", site)]
    assert report.table["gradient"].gt(0).all()


def test_gated_units_of_llama() -> None:
    config = transformers.LlamaConfig(
        vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2,
    )  # fmt: skip
    model = transformers.LlamaModel(config).eval()
    report = inspect(model, {"input_ids": torch.randint(0, 50, (2, 7))}, full=False)
    assert report.table["activation"].tolist() == ["silu", "silu"]
    assert report.table["gated"].all()
