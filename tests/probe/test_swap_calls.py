"""Swapping activations that are called inside a forward: each model against one written anew."""

from __future__ import annotations

import copy
import inspect as reflect
import io
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from actscope.errors import InputError
from actscope.probe import inspect, swap

X = torch.randn(5, 6, generator=torch.Generator().manual_seed(3))


class Mixed(nn.Module):
    """Every form: a function, a method in place, a module called twice, a composed one."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 3)
        self.act = nn.ReLU()

    def forward(self, x):
        """What is swapped."""
        x = F.relu(self.a(x))
        x = self.b(x).relu_()
        x = self.act(self.b(x))
        h = self.b(x)
        h = h * torch.sigmoid(h)
        return self.c(self.act(self.b(h)))

    def by_hand(self, x, one, two, three, first, last):
        """The same with other functions, written out."""
        x = two(self.b(one(self.a(x))))
        h = three(self.b(first(self.b(x))))
        return self.c(last(self.b(h)))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x):
        return torch.relu(self.b(F.relu(self.a(x)))) + x


class Deep(nn.Module):
    """One block used twice, and a call of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.block, self.out = Block(), nn.Linear(6, 2)

    def forward(self, x):
        return self.out(self.block(self.block(x)).relu())


def names(model: nn.Module) -> list[tuple[str, str]]:
    rows = inspect(model, X, full=False).rows
    return [(site, row["activation"]) for site, row in rows.items()]


def check(new: nn.Module, old: Mixed, *functions) -> None:
    torch.testing.assert_close(new(X), old.by_hand(X, *functions))


def test_by_name_everywhere() -> None:
    model = Mixed()
    before = names(model)
    new = swap(model, {"relu": "gelu"})
    check(new, model, F.gelu, F.gelu, F.silu, F.gelu, F.gelu)
    assert [n for _, n in names(new)] == ["gelu", "gelu", "gelu", "silu", "gelu"]
    check(swap(model, {"relu": "gelu", "silu": "tanh"}), model, F.gelu, F.gelu, F.tanh, F.gelu,
          F.gelu)  # fmt: skip
    assert names(model) == before
    assert type(model) is Mixed


def test_by_site() -> None:
    model = Mixed()
    assert [s for s, _ in names(model)] == [":relu", ":relu#2", "act", ":silu", "act#2"]
    check(swap(model, {":relu#2": "elu"}), model, F.relu, F.elu, F.silu, F.relu, F.relu)
    check(swap(model, {":relu": "elu"}), model, F.elu, F.relu, F.silu, F.relu, F.relu)
    check(swap(model, {"act#2": "elu"}), model, F.relu, F.relu, F.silu, F.relu, F.elu)
    check(swap(model, {"act": "elu"}), model, F.relu, F.relu, F.silu, F.elu, F.relu)
    check(swap(model, {"act*": "elu"}), model, F.relu, F.relu, F.silu, F.elu, F.elu)
    check(swap(model, {":silu": "elu"}), model, F.relu, F.relu, F.elu, F.relu, F.relu)
    new = swap(model, {":*": "mish", ":relu": "tanh", "relu": "softplus"})
    check(new, model, F.tanh, F.mish, F.mish, F.softplus, F.softplus)
    assert [n for _, n in names(new)] == ["tanh", "mish", "softplus", "mish", "softplus"]


def test_one_block_used_twice() -> None:
    model = Deep()
    assert [s for s, _ in names(model)] == [
        "block:relu", "block:relu#2", "block:relu#3", "block:relu#4", ":relu",
    ]  # fmt: skip
    new = swap(model, {"block:relu#3": "gelu"})
    b = model.block
    h = torch.relu(b.b(F.relu(b.a(X)))) + X
    h = torch.relu(b.b(F.gelu(b.a(h)))) + h
    for _ in range(2):  # every forward pass counts anew
        torch.testing.assert_close(new(X), model.out(h.relu()))


@pytest.mark.parametrize("changes", [{"relu": "gelu"}, {":relu": "gelu"}, {":silu": "elu"}])
def test_copies_pickles_and_state_dicts(changes) -> None:
    model = Mixed()
    new = swap(model, changes)
    assert isinstance(new, Mixed)
    assert list(new.state_dict()) == list(model.state_dict())
    new.load_state_dict(model.state_dict())
    held = io.BytesIO()
    torch.save(new, held)
    held.seek(0)
    for other in (
        copy.deepcopy(new),
        pickle.loads(pickle.dumps(new)),
        torch.load(held, weights_only=False),
    ):
        torch.testing.assert_close(other(X), new(X))
        assert other.a.weight is not new.a.weight
        assert isinstance(other, Mixed)
    assert reflect.signature(new.forward) == reflect.signature(model.forward)


@pytest.mark.parametrize("changes", [{"relu": "gelu"}, {"silu": "relu"}])
def test_it_trains_like_the_model_written_anew(changes) -> None:
    model = Mixed()
    new = swap(model, changes, share=True)
    gelu, silu = (F.gelu, F.silu) if "relu" in changes else (F.relu, F.relu)
    new(X).square().sum().backward()
    got = [p.grad.clone() for p in model.parameters()]  # shared
    model.zero_grad()
    model.by_hand(X, gelu, gelu, silu, gelu, gelu).square().sum().backward()
    for g, p in zip(got, model.parameters(), strict=True):
        torch.testing.assert_close(g, p.grad)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_compiled_and_exported() -> None:
    model = Deep()
    for changes in ({"relu": "gelu"}, {"block:relu#3": "gelu"}):
        new = swap(model, changes)
        torch._dynamo.reset()
        whole = torch.compile(new, backend="eager", fullgraph=True)
        torch.testing.assert_close(whole(X), new(X))
        torch.testing.assert_close(torch.export.export(new, (X,)).module()(X), new(X))
    composed = swap(Mixed(), {"silu": "gelu"})
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(composed, backend="eager")(X), composed(X))
    torch._dynamo.reset()
    with pytest.raises(Exception, match="an activation of several calls is swapped here"):
        torch.compile(composed, backend="eager", fullgraph=True)(X)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
def test_layers_of_a_transformer_take_no_fused_kernel() -> None:
    def make(act):
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, activation=act)
        return nn.TransformerEncoder(layer, 2, enable_nested_tensor=act is not F.silu).eval()

    x, mask = torch.randn(2, 5, 16), torch.tensor([[0, 0, 0, 0, 1], [0] * 5]).bool()
    want = make(F.silu)
    for old in (make(F.relu), make(nn.ReLU())):
        old.load_state_dict(want.state_dict())
        new = swap(old, {"relu": "silu"})
        with torch.no_grad():
            torch.testing.assert_close(new(x), want(x))
            torch.testing.assert_close(
                new(x, src_key_padding_mask=mask), want(x, src_key_padding_mask=mask)
            )


class Checkpointed(nn.Module):
    """A checkpointed module below a call of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block()

    def forward(self, x):
        return checkpoint(self.block, F.relu(x), use_reentrant=False)


class Hidden(nn.Module):
    """A checkpointed function: what it calls runs again without the module."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(6, 6)

    def forward(self, x):
        return checkpoint(lambda x: F.relu(self.a(x)), x, use_reentrant=False)


def test_checkpointing_is_right_or_refused() -> None:
    new = swap(Checkpointed(), {"relu": "gelu"})
    new(X).sum().backward()
    b = copy.deepcopy(new.block.a.weight.grad)
    x = F.gelu(X)
    new.zero_grad()
    (F.gelu(new.block.b(F.gelu(new.block.a(x)))) + x).sum().backward()
    torch.testing.assert_close(b, new.block.a.weight.grad)
    with pytest.raises(InputError, match="checkpoint the module"):
        swap(Hidden(), {"relu": "gelu"})(X)


class TwoInputs(nn.Module):
    """No made-up input fits it."""

    def __init__(self, call: bool) -> None:
        super().__init__()
        self.a, self.act, self.call = nn.Linear(6, 6), nn.ReLU(), call

    def forward(self, x, y):
        return self.act(self.a(x) + y)


class TwoInputsCalled(TwoInputs):
    def forward(self, x, y):
        return F.relu(self.act(self.a(x)) + y)


def test_data_are_asked_for_only_where_they_are_needed() -> None:
    assert swap(TwoInputs(False), {"relu": "gelu"}).act.record.name == "gelu"
    model = TwoInputsCalled(True)
    with pytest.raises(InputError, match="give data="):
        swap(model, {"relu": "gelu"})
    new = swap(model, {"relu": "gelu"}, data=(X, X))
    torch.testing.assert_close(new(X, X), F.gelu(F.gelu(model.a(X)) + X))
    with pytest.raises(InputError, match="give data="):
        swap(TwoInputs(False), {"relu": "gelu"}, reinit="critical")


def test_unknown_sites_name_the_nearest() -> None:
    with pytest.raises(
        InputError, match=r"no activation matches ':rleu#2': did you mean ':relu#2'"
    ):
        swap(Mixed(), {":rleu#2": "gelu"})
    with pytest.raises(InputError, match=r"'blok:relu#2': did you mean 'block:relu#2'"):
        swap(Deep(), {"blok:relu#2": "gelu"})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fixed_code_is_refused() -> None:
    for fixed in (torch.fx.symbolic_trace(nn.Sequential(nn.ReLU())), torch.jit.trace(Deep(), X)):
        with pytest.raises(InputError, match=r"whose code is fixed: swap it before torch\."):
            swap(fixed, {"relu": "gelu"}, data=X)


def critical(model: nn.Module, changes, x) -> None:
    new = swap(model, changes, reinit="critical")
    report = inspect(new, x)
    assert report.table["second_in"].between(0.7, 1.4).all()
    assert not report.findings


class Plain(nn.Module):
    def __init__(self, depth: int = 6) -> None:
        super().__init__()
        sizes = [64] + [256] * depth
        self.layers = nn.ModuleList(map(nn.Linear, sizes[:-1], sizes[1:]))
        self.out = nn.Linear(256, 3)

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.out(x)


@pytest.mark.parametrize("name", ["gelu", "sigmoid", "tanh", "relu"])
def test_critical_weights_keep_the_signal_of_calls(name) -> None:
    critical(Plain(), {"relu": name}, torch.randn(512, 64))


def test_critical_weights_without_bias_and_of_convolutions() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 64, 3, bias=False), nn.ReLU(), nn.Conv2d(64, 64, 3, bias=False), nn.ReLU(),
        nn.Conv2d(64, 64, 3), nn.ReLU(),
    )  # fmt: skip
    new = swap(model, {"relu": "tanh"}, reinit="critical")
    table = inspect(new, torch.randn(32, 3, 12, 12), full=True).table
    assert table["second_in"].between(0.7, 1.4).all()
    torch.testing.assert_close(table["sigma_w"].tolist()[1], 1.5925, rtol=0.03, atol=0)  # the gain


def test_hugging_face_models() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        n_layer=2, n_embd=32, n_head=2, vocab_size=50, bos_token_id=1, eos_token_id=1
    )
    old = transformers.GPT2LMHeadModel(config).eval()
    config.activation_function = "relu"
    want = transformers.GPT2LMHeadModel(config).eval()
    want.load_state_dict(old.state_dict())
    ids = torch.randint(0, 50, (2, 9))
    new = swap(old, {"gelu_tanh": "relu"})
    torch.testing.assert_close(new(ids).logits, want(ids).logits)
    drawn = swap(old, {"gelu_tanh": "relu"}, reinit="critical")
    new_ones = dict(drawn.named_parameters())
    changed = {n for n, p in old.named_parameters() if not torch.equal(p, new_ones[n])}
    assert changed == {f"transformer.h.{i}.mlp.c_fc.weight" for i in (0, 1)}
