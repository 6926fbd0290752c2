"""Networks after training, in bfloat16 and int8: what their accuracy becomes."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.exports.onnx_file import outputs, serialised, session_of
from actscope.exports.source import Network

Floats = NDArray[np.float64]
CALIBRATION = 256  # points that set int8's scales
FORMATS = ("bfloat16", "int8")


def int8(content: bytes, points: NDArray[Any]) -> bytes:
    """An ONNX file in int8 by ONNX Runtime's static quantisation.

    Weights and the values between operators become whole numbers of 8 bits (QDQ form, one scale
    a tensor, from the smallest and largest values at the points); what ONNX Runtime has no int8
    kernel for stays in float32 between a dequantisation and a quantisation.

    Args:
        content: a float32 file as `export` writes it.
        points: (points, inputs), of which the first 256 calibrate.
    """
    from onnxruntime import quantization as q

    class Reader(q.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = iter([{"x": points[:CALIBRATION].astype(np.float32)}])

        def get_next(self) -> Any:
            return next(self.left, None)

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises a preparation step, which has been made
    try:
        with tempfile.TemporaryDirectory() as folder:
            whole, prepared, small = (str(Path(folder, name)) for name in ("a", "b", "c"))
            Path(whole).write_bytes(content)
            q.shape_inference.quant_pre_process(whole, prepared, skip_symbolic_shape=True)
            q.quantize_static(
                prepared, small, Reader(), quant_format=q.QuantFormat.QDQ,
                activation_type=q.QuantType.QUInt8, weight_type=q.QuantType.QInt8,
            )  # fmt: skip
            return Path(small).read_bytes()
    finally:
        root.setLevel(level)


def accuracy(out: NDArray[Any], y: NDArray[Any]) -> float:
    """The share of points whose class the logits say, (points, outputs); a NaN is wrong."""
    labels = out[:, 0] >= 0.0 if out.shape[1] == 1 else out.argmax(axis=1)
    right = labels == y
    return float(np.mean(right & ~np.isnan(out).any(axis=1)))


def kept(
    networks: Sequence[Network],
    points: NDArray[Any],
    x: NDArray[Any],
    y: NDArray[Any],
    formats: Sequence[str] = FORMATS,
) -> dict[str, Floats]:
    """Test accuracies of trained networks in float32 and in smaller formats.

    Args:
        networks: of one shape.
        points: (points, inputs), to calibrate int8.
        x: (tests, inputs), the test points.
        y: (tests,), their labels.
        formats: any of "bfloat16" (by PyTorch) and "int8" (by ONNX Runtime).

    Returns:
        By format, float32 first: (networks,).
    """
    x = x.astype(np.float32)
    found: dict[str, list[float]] = {"float32": [], **{kind: [] for kind in formats}}
    for network in networks:
        found["float32"].append(accuracy(outputs(network, None, x), y))
        for kind in formats:
            found[kind].append(accuracy(_outputs(network, kind, points, x), y))
    return {kind: np.array(values) for kind, values in found.items()}


def _outputs(network: Network, kind: str, points: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    if kind == "int8":
        small = session_of(int8(serialised(network), points))
        return np.asarray(small.run(None, {"x": x})[0])
    from actscope.exports.torch_module import to_torch
    from actscope.probe import running

    module = to_torch(network.net, weights=network.weights)
    return np.asarray(running.outputs(running.in_type(module, kind), x, kind))
