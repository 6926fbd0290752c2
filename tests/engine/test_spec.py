import dataclasses

import numpy as np
import pytest

from actscope.activations import activation
from actscope.engine.spec import Net, Training, Weights
from actscope.errors import BadSpec


def test_a_net_knows_its_sizes_and_parameters():
    net = Net(3, hidden=[5, 5, 2], outputs=4, activations="sigmoid", norm=True, residual=True)
    assert net.sizes == (3, 5, 5, 2, 4)
    assert net.depth == 3
    assert net.parameters == (3 + 1) * 5 + (5 + 1) * 5 + (5 + 1) * 2 + (2 + 1) * 4 + 2 * (5 + 5 + 2)
    assert net.skips == (False, True, False)
    assert [a.name for a in net.activations] == ["sigmoid"] * 3


def test_the_input_layer_counts_for_residuals_when_the_widths_are_equal():
    assert Net(4, hidden=(4, 4, 3), residual=True).skips == (True, True, False)
    assert Net(4, hidden=(4, 4, 3)).skips == (False, False, False)


def test_names_records_and_expressions_are_one_activation_each():
    net = Net(
        2, hidden=(4, 4, 4), activations=("relu", activation("leaky_relu", slope=0.2), "relu")
    )
    assert net.phi == "relu/leaky_relu(slope=0.2)/relu"
    assert Net(2, activations="relu").phi == "relu"


def test_equal_settings_are_equal_and_hash_alike():
    a, b = Net(2, hidden=[8, 8]), Net(np.int64(2), hidden=(8, 8), activations=["relu", "relu"])
    assert a == b
    assert hash(a) == hash(b)
    assert a != Net(2, hidden=(8, 8), norm=True)
    assert Training(lr=0.1) == Training(lr=np.float64(0.1))
    assert hash(Training(betas=[0.9, 0.99])) == hash(Training(betas=(0.9, 0.99)))
    assert (
        Training(dtype=np.float32).dtype == Training(dtype=np.dtype("float32")).dtype == "float32"
    )


def test_settings_are_frozen_and_replaceable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Net(2).inputs = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        Training().lr = 1.0
    assert dataclasses.replace(Net(2), hidden=(3, 3)).sizes == (2, 3, 3, 1)
    with pytest.raises(BadSpec, match=r"Training\.lr"):
        dataclasses.replace(Training(), lr=-1)


def test_the_limits_themselves_are_allowed():
    Net(512, hidden=(512,) * 64, outputs=512)
    Net(1, hidden=(1,), outputs=1)
    Training(lr=0, momentum=0, betas=(0, 0), eps=0, epochs=1, batch=1)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"inputs": 0}, "Net.inputs"),
        ({"inputs": 2.0}, "Net.inputs"),
        ({"inputs": True}, "Net.inputs"),
        ({"inputs": 513}, "Net.inputs"),
        ({"outputs": 0}, "Net.outputs"),
        ({"outputs": 513}, "Net.outputs"),
        ({"hidden": ()}, "Net.hidden"),
        ({"hidden": (4,) * 65}, "Net.hidden"),
        ({"hidden": 8}, "Net.hidden"),
        ({"hidden": "88"}, "Net.hidden"),
        ({"hidden": (8, 8, 0)}, "Net.hidden[2]"),
        ({"hidden": (8, 513)}, "Net.hidden[1]"),
        ({"hidden": (8, "8")}, "Net.hidden[1]"),
        ({"hidden": (-1,)}, "Net.hidden[0]"),
        ({"activations": ("relu",)}, "Net.activations"),
        ({"activations": ("relu",) * 3}, "Net.activations"),
        ({"activations": 3}, "Net.activations"),
        ({"activations": ("relu", 3)}, "Net.activations[1]"),
        ({"activations": ("relu", "rellu")}, "Net.activations[1]"),
        ({"activations": "sigmid"}, "Net.activations"),
        ({"norm": 1}, "Net.norm"),
        ({"residual": "yes"}, "Net.residual"),
    ],
)
def test_a_net_that_cannot_be_names_its_field(settings, field):
    with pytest.raises(BadSpec) as caught:
        Net(**{"inputs": 2, **settings})
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field} = ")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"loss": "bse"}, "Training.loss"),
        ({"loss": 3}, "Training.loss"),
        ({"optimiser": "adm"}, "Training.optimiser"),
        ({"optimiser": None}, "Training.optimiser"),
        ({"lr": -0.1}, "Training.lr"),
        ({"lr": float("nan")}, "Training.lr"),
        ({"lr": float("inf")}, "Training.lr"),
        ({"lr": "0.1"}, "Training.lr"),
        ({"lr": True}, "Training.lr"),
        ({"momentum": 1.0}, "Training.momentum"),
        ({"momentum": -0.1}, "Training.momentum"),
        ({"betas": 0.9}, "Training.betas"),
        ({"betas": (0.9,)}, "Training.betas"),
        ({"betas": (0.9, 1.0)}, "Training.betas[1]"),
        ({"betas": (-0.9, 0.9)}, "Training.betas[0]"),
        ({"eps": -1e-8}, "Training.eps"),
        ({"weight_decay": -1}, "Training.weight_decay"),
        ({"epochs": 0}, "Training.epochs"),
        ({"epochs": 1.5}, "Training.epochs"),
        ({"epochs": 10**30}, "Training.epochs"),
        ({"batch": 0}, "Training.batch"),
        ({"shuffle": 1}, "Training.shuffle"),
        ({"dtype": "float16"}, "Training.dtype"),
        ({"dtype": np.float16}, "Training.dtype"),
        ({"loss_epsilon": -1e-9}, "Training.loss_epsilon"),
        ({"loss_epsilon": 1.0}, "Training.loss_epsilon"),
        ({"loss": "mse", "loss_epsilon": 1e-9}, "Training.loss_epsilon"),
    ],
)
def test_a_training_that_cannot_be_names_its_field(settings, field):
    with pytest.raises(BadSpec) as caught:
        Training(**settings)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda: Training(optimiser="adamm"), "'adam'"),
        (lambda: Training(loss="crossentropy"), "'cross_entropy'"),
        (lambda: Training(dtype="float"), "'float"),
        (lambda: Net(2, activations="rellu"), "'relu'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(make, hint):
    with pytest.raises(BadSpec, match=f"did you mean {hint}"):
        make()


def test_weights_of_one_network_of_many():
    many = Weights((np.arange(12.0).reshape(3, 2, 2),), (np.zeros((3, 2)),))
    np.testing.assert_array_equal(many.network(1).W[0], [[4, 5], [6, 7]])
    assert many.network(slice(0, 2)).b[0].shape == (2, 2)
    assert len(many.arrays()) == 2
