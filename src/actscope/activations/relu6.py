"""ReLU6: min(max(x, 0), 6)."""

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx


def f(x: Floats) -> Floats:
    return np.minimum(np.maximum(x, 0.0), 6.0)


def df(x: Floats) -> Floats:
    y: Floats = np.heaviside(x, 0.0) * np.heaviside(6.0 - x, 0.0)
    return y


RECORD = Activation(
    name="relu6",
    label="ReLU6",
    formula="min(max(x, 0), 6)",
    derivative="where(x > 0, where(x < 6, 1, 0), 0)",
    f=f,
    df=df,
    range=Interval(0.0, 6.0, True, True),
    kinks=(0.0, 6.0),
    zero_centred=False,
    monotonic=True,
    use_case="mobile and quantised networks, where a bounded range saves bits",
    source="Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10",
    torch=lambda torch, x: torch.nn.functional.relu6(x),
    onnx=Onnx("Clip", inputs=lambda: (0.0, 6.0)),
)
