"""Real models of several libraries, from configs: every call site, counted by hand.

The counts are read off the classes: for each model, how many activation calls of which kind one
forward pass makes. Attention is eager where it can be, so that its softmax is a site; where the
library fuses it, it is opaque.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from probe_nets import GatedCell, Maxout, Snake, UNet
from torch import nn

from actscope.probe.collector import Collector, Measures
from actscope.probe.tracker import Tracker

transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore")

T, B = 7, 2  # tokens, examples
IDS = torch.arange(B * T).reshape(B, T) % 40 + 3
LAYERS = 3


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, what it is called with, and {activation: calls} of one forward pass."""

    make: Callable[[], nn.Module]
    inputs: Any
    counts: dict[str, int]
    gated: int = 0
    opaque: int = 0


def hf(name: str, config: str, **settings: Any) -> Callable[[], nn.Module]:
    """A model of transformers with eager attention."""

    def make() -> nn.Module:
        kind, own = getattr(transformers, name), getattr(transformers, config)
        return kind._from_config(own(**settings), attn_implementation="eager")

    return make


TINY = {"vocab_size": 50, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
DEEP = {**TINY, "num_hidden_layers": LAYERS}
LLAMA = {**DEEP, "num_key_value_heads": 2}
IMAGE = {"pixel_values": torch.randn(B, 3, 32, 32)}


def _whisper() -> Case:
    settings = {
        "vocab_size": 50, "d_model": 16, "encoder_layers": LAYERS, "decoder_layers": 2,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 32,
        "decoder_ffn_dim": 32, "num_mel_bins": 8, "max_source_positions": 10,
        "max_target_positions": 12, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
        "decoder_start_token_id": 1,
    }  # fmt: skip
    inputs = {"input_features": torch.randn(B, 8, 20), "decoder_input_ids": IDS}
    # GELU: two convolutions and every layer; softmax: self-attention, and across in the decoder
    counts = {"gelu": 2 + LAYERS + 2, "softmax": LAYERS + 2 * 2}
    return Case(hf("WhisperModel", "WhisperConfig", **settings), inputs, counts)


def _wav2vec2() -> Case:
    settings = {
        **DEEP, "conv_dim": (8, 8), "conv_kernel": (4, 3), "conv_stride": (3, 2),
        "num_feat_extract_layers": 2, "num_conv_pos_embeddings": 4,
        "num_conv_pos_embedding_groups": 2, "mask_time_prob": 0.0, "layerdrop": 0.0,
    }  # fmt: skip
    # GELU: two convolutions, the position convolution, every layer
    counts = {"gelu": 2 + 1 + LAYERS, "softmax": LAYERS}
    return Case(
        hf("Wav2Vec2Model", "Wav2Vec2Config", **settings),
        {"input_values": torch.randn(B, 100)},
        counts,
    )


def _mamba() -> Case:
    settings = {
        "vocab_size": 50, "hidden_size": 16, "state_size": 4, "num_hidden_layers": LAYERS,
        "expand": 2, "conv_kernel": 3, "time_step_rank": 4,
    }  # fmt: skip
    # a mixer: SiLU behind the convolution and as the gate, softplus of the time step
    counts = {"silu": 2 * LAYERS, "softplus": LAYERS}
    return Case(hf("MambaModel", "MambaConfig", **settings), {"input_ids": IDS}, counts, LAYERS)


def mlp(act: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(
        nn.Linear(8, 8), act(), nn.Sequential(nn.Linear(8, 8), act()), nn.Linear(8, 2)
    )


def transformer(activation: str) -> Callable[[], nn.Module]:
    layer = lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation=activation)
    return lambda: nn.TransformerEncoder(layer(), LAYERS, enable_nested_tensor=False).eval()


CASES = {
    "gpt2": Case(
        hf("GPT2Model", "GPT2Config", n_layer=LAYERS, n_embd=16, n_head=2, vocab_size=50),
        {"input_ids": IDS},
        {"gelu_tanh": LAYERS, "softmax": LAYERS},
    ),
    "bert": Case(  # the pooler is a tanh
        hf("BertModel", "BertConfig", **DEEP),
        {"input_ids": IDS},
        {"gelu": LAYERS, "softmax": LAYERS, "tanh": 1},
    ),
    "bert for masked words": Case(
        hf("BertForMaskedLM", "BertConfig", **DEEP),
        {"input_ids": IDS},
        {"gelu": LAYERS + 1, "softmax": LAYERS},
    ),
    "distilbert": Case(
        hf("DistilBertModel", "DistilBertConfig", vocab_size=50, dim=16, n_heads=2, hidden_dim=32,
           n_layers=LAYERS),
        {"input_ids": IDS},
        {"gelu": LAYERS, "softmax": LAYERS},
    ),
    "roberta": Case(
        hf("RobertaForSequenceClassification", "RobertaConfig", **DEEP),
        {"input_ids": IDS},
        {"gelu": LAYERS, "softmax": LAYERS, "tanh": 1},
    ),
    "llama": Case(
        hf("LlamaForCausalLM", "LlamaConfig", **LLAMA),
        {"input_ids": IDS},
        {"silu": LAYERS, "softmax": LAYERS},
        gated=LAYERS,
    ),
    "gemma": Case(
        hf("GemmaModel", "GemmaConfig", **LLAMA, head_dim=8),
        {"input_ids": IDS},
        {"gelu_tanh": LAYERS, "softmax": LAYERS},
        gated=LAYERS,
    ),
    "gemma 2": Case(  # attention scores are squashed too
        hf("Gemma2Model", "Gemma2Config", **LLAMA, head_dim=8),
        {"input_ids": IDS},
        {"gelu_tanh": LAYERS, "softmax": LAYERS, "tanh": LAYERS},
        gated=LAYERS,
    ),
    "phi": Case(
        hf("PhiModel", "PhiConfig", **DEEP),
        {"input_ids": IDS},
        {"gelu_tanh": LAYERS, "softmax": LAYERS},
    ),
    "t5": Case(  # an encoder and a decoder, which looks at itself and across
        hf("T5Model", "T5Config", vocab_size=50, d_model=16, d_kv=8, d_ff=32, num_layers=LAYERS,
           num_heads=2),
        {"input_ids": IDS, "decoder_input_ids": IDS},
        {"relu": 2 * LAYERS, "softmax": 3 * LAYERS},
    ),
    "t5, gated": Case(
        hf("T5EncoderModel", "T5Config", vocab_size=50, d_model=16, d_kv=8, d_ff=32,
           num_layers=LAYERS, num_heads=2, feed_forward_proj="gated-gelu"),
        {"input_ids": IDS},
        {"gelu_tanh": LAYERS, "softmax": LAYERS},
        gated=LAYERS,
    ),
    "vit": Case(
        hf("ViTModel", "ViTConfig", **DEEP, image_size=32, patch_size=16),
        IMAGE,
        {"gelu": LAYERS, "softmax": LAYERS, "tanh": 1},
    ),
    "clip vision": Case(
        hf("CLIPVisionModel", "CLIPVisionConfig", hidden_size=16, intermediate_size=32,
           num_hidden_layers=LAYERS, num_attention_heads=2, image_size=32, patch_size=16),
        IMAGE,
        {"quick_gelu": LAYERS, "softmax": LAYERS},
    ),
    "resnet": Case(  # the stem, and two of every basic layer
        hf("ResNetModel", "ResNetConfig", layer_type="basic", depths=[2, 1], hidden_sizes=[8, 8],
           embedding_size=8),
        IMAGE,
        {"relu": 1 + 2 * 3},
    ),
    "mobilenet": Case(  # the stem, and depthwise and pointwise of 13 layers
        hf("MobileNetV1Model", "MobileNetV1Config", depth_multiplier=0.1, min_depth=8),
        IMAGE,
        {"relu6": 1 + 2 * 13},
    ),
    "convnext": Case(
        hf("ConvNextModel", "ConvNextConfig", hidden_sizes=[8, 8, 8, 8], depths=[1, 2, 1, 1]),
        IMAGE,
        {"gelu": 5},
    ),
    "albert": Case(  # one layer, called again and again
        hf("AlbertModel", "AlbertConfig", **DEEP, embedding_size=8),
        {"input_ids": IDS},
        {"gelu_tanh": LAYERS, "softmax": LAYERS, "tanh": 1},
    ),
    "bloom": Case(  # GELU is an autograd function of its own
        hf("BloomModel", "BloomConfig", vocab_size=50, hidden_size=16, n_head=2, n_layer=LAYERS),
        {"input_ids": IDS},
        {"gelu_tanh": LAYERS, "softmax": LAYERS},
    ),
    "nemotron": Case(
        hf("NemotronModel", "NemotronConfig", **LLAMA),
        {"input_ids": IDS},
        {"squared_relu": LAYERS, "softmax": LAYERS},
    ),
    "esm": Case(  # GELU from erf, by hand
        hf("EsmModel", "EsmConfig", **DEEP, pad_token_id=1, mask_token_id=2),
        {"input_ids": IDS},
        {"gelu": LAYERS, "softmax": LAYERS, "tanh": 1},
    ),
    "rwkv": Case(  # a sigmoid gate each in time and channel mixing, and a squared ReLU
        hf("RwkvModel", "RwkvConfig", vocab_size=50, hidden_size=16, num_hidden_layers=LAYERS),
        {"input_ids": IDS},
        {"sigmoid": 2 * LAYERS, "squared_relu": LAYERS},
        gated=2 * LAYERS,
    ),
    "recurrent gemma": Case(
        # two recurrent blocks (a GELU branch, two gates) and one of attention, a gated MLP each;
        # the logits are squashed
        hf("RecurrentGemmaForCausalLM", "RecurrentGemmaConfig", **{**DEEP, "num_hidden_layers": 3}),
        {"input_ids": IDS},
        {"gelu_tanh": 2 + 3, "sigmoid": 2 * 2, "softmax": 1, "tanh": 1},
        gated=5 + 2,
    ),
    "jamba": Case(  # a Mamba layer (SiLU twice, softplus), one of attention, a gated MLP each
        hf("JambaModel", "JambaConfig", **{**LLAMA, "num_hidden_layers": 2}, num_experts=1,
           mamba_d_state=4, attn_layer_period=2, attn_layer_offset=1),
        {"input_ids": IDS},
        {"silu": 2 + 2, "softplus": 1, "softmax": 1},
        gated=3,
    ),
    "dinov2, swiglu": Case(
        hf("Dinov2Model", "Dinov2Config", hidden_size=16, num_hidden_layers=LAYERS,
           num_attention_heads=2, image_size=28, patch_size=14, use_swiglu_ffn=True),
        {"pixel_values": torch.randn(B, 3, 28, 28)},
        {"silu": LAYERS, "softmax": LAYERS},
        gated=LAYERS,
    ),
    "swin 2": Case(  # a small net gives the bias of positions, by ReLU and 16 * sigmoid
        hf("Swinv2Model", "Swinv2Config", image_size=32, patch_size=4, embed_dim=8, depths=[1, 1],
           num_heads=[1, 2], window_size=4),
        IMAGE,
        {"relu": 2, "sigmoid": 2, "gelu": 2, "softmax": 2},
    ),
    "glpn": Case(  # decoder: two ReLU and a sigmoid of three fusions; head: ReLU, 10 * sigmoid
        hf("GLPNForDepthEstimation", "GLPNConfig", hidden_sizes=[8] * 4, depths=[1] * 4,
           num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=8),
        {"pixel_values": torch.randn(B, 3, 64, 64)},
        {"gelu": 4, "softmax": 4, "relu": 3 * 2 + 1, "sigmoid": 3 + 1},
    ),
    "encodec": Case(  # each way: two ELU a residual block, one a scale, one at the end
        hf("EncodecModel", "EncodecConfig", num_filters=4, hidden_size=8, codebook_dim=8,
           codebook_size=16, upsampling_ratios=[4, 2]),
        {"input_values": torch.randn(1, 1, 400)},
        {"elu": 2 * (2 * 2 + 2 + 1)},
        opaque=2,
    ),
    "conformer": Case(  # convolutions in front; two MLP, a GLU and the activation behind it a layer
        hf("Wav2Vec2ConformerModel", "Wav2Vec2ConformerConfig", **DEEP, conv_dim=(8, 8),
           conv_kernel=(4, 3), conv_stride=(3, 2), num_feat_extract_layers=2,
           num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, mask_time_prob=0.0,
           layerdrop=0.0, conv_depthwise_kernel_size=3),
        {"input_values": torch.randn(B, 100)},
        {"gelu": 2 + 3 * LAYERS, "glu": LAYERS, "softmax": LAYERS},
        gated=LAYERS,
    ),
    "whisper": _whisper(),
    "wav2vec2": _wav2vec2(),
    "mamba": _mamba(),
    "mlp": Case(mlp(nn.Mish), torch.randn(B, 8), {"mish": 2}),
    "mlp, an own module": Case(mlp(lambda: Snake(8)), torch.randn(B, 8), {"Snake": 2}),
    "mlp, prelu": Case(mlp(nn.PReLU), torch.randn(B, 8), {"prelu": 2}),
    "mlp, glu": Case(
        lambda: nn.Sequential(nn.Linear(8, 16), nn.GLU(), nn.Linear(8, 8)),
        torch.randn(B, 8),
        {"glu": 1},
        gated=1,
    ),
    "transformer, relu": Case(
        transformer("relu"), torch.randn(B, T, 8), {"relu": LAYERS}, opaque=LAYERS
    ),
    "transformer, gelu": Case(
        transformer("gelu"), torch.randn(B, T, 8), {"gelu": LAYERS}, opaque=LAYERS
    ),
    "seq2seq transformer": Case(
        lambda: nn.Transformer(8, 2, 2, 1, 16, batch_first=True),
        (torch.randn(B, T, 8), torch.randn(B, 4, 8)),
        {"relu": 2 + 1},
        opaque=2 + 2 * 1,
    ),
    "lstm": Case(
        lambda: nn.Sequential(nn.LSTM(5, 8, num_layers=2, batch_first=True)),
        torch.randn(B, T, 5),
        {},
        opaque=1,
    ),
    "gru by hand": Case(  # one of the sigmoids is used as 1 - z first; all are gates
        GatedCell, torch.randn(B, T, 5), {"sigmoid": 2 * T, "tanh": T}, 3 * T
    ),
    "u-net": Case(UNet, torch.randn(B, 3, 16, 16), {"silu": 5}),
    "maxout": Case(Maxout, torch.randn(B, 8), {}),
}  # fmt: skip


def _call(model: nn.Module, inputs: Any) -> Any:
    if isinstance(inputs, dict):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


def _tensors(out: Any) -> list[torch.Tensor]:
    if isinstance(out, torch.Tensor):
        return [out]
    parts = out.values() if isinstance(out, dict) else out
    return [t for t in parts if isinstance(t, torch.Tensor)]


@pytest.mark.parametrize("name", CASES)
def test_every_site_of_a_real_model(name: str) -> None:
    """The counts, the same names at the second run, and not a bit of the output changed."""
    case = CASES[name]
    model = case.make()
    model = model if name == "seq2seq transformer" else model.eval()
    torch.manual_seed(1)
    plain = _tensors(_call(model, case.inputs))
    listener = Collector(Measures(rows=0, pairs=False))
    tracker = Tracker(model, listener)
    tracker.attach()
    try:
        for _ in range(2):  # the first pass is checked from below, the second is not
            torch.manual_seed(1)
            looked = _tensors(_call(model, case.inputs))
            for a, b in zip(plain, looked, strict=True):
                assert a.detach().numpy().tobytes() == b.detach().numpy().tobytes()
    finally:
        tracker.detach()
    found = Counter(s.identity.name for s in listener.sites.values())
    assert dict(found) == case.counts
    assert {s.calls for s in listener.sites.values()} <= {2}  # names are stable
    assert sum(s.gated for s in listener.sites.values()) == case.gated
    assert len(listener.opaques) == case.opaque
