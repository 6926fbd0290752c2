"""`export`: a network of the engine as an ONNX file."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.activations._base import Activation
from actscope.activations._lookup import activation
from actscope.activations._steps import trees
from actscope.activations.vectors._base import VectorActivation
from actscope.engine import reference
from actscope.engine.spec import NORM_EPSILON, Net, Weights
from actscope.errors import InputError, OutputError
from actscope.exports.nodes import OPSET, TABLE, Graph, Value, apply, normalise
from actscope.exports.source import Network, network_of
from actscope.guests import guest, need

TOLERANCE = 1e-6  # of the largest output
# times what rounding does to a plain forward pass: deep networks in float32 magnify it, and another
# order of the same sums comes out several times as far away; a wrong operator, far beyond that
ROUNDING = 64.0
CHECKED = 256  # points at which a file is run before it is given its name
Output = Activation | VectorActivation | None


def export(
    source: Any,
    path: str | Path,
    *,
    network: int = 0,
    weights: Weights | None = None,
    seed: int = 0,
    init: str = "article",
    data: Any = None,
    output: str = "logits",
    dtype: str | None = None,
) -> Path:
    """Write a network as an ONNX file (opset 20) that gives the engine's outputs.

    An activation becomes ONNX's own operator where there is one, and the nodes of its formula,
    composed so that they neither overflow nor cancel, where there is none. The file is run with
    ONNX Runtime before it gets its name: its outputs differ from the network's by at most 1e-6
    of the largest, or by what rounding explains where a deep network magnifies it.

    Args:
        source: a Result of train(), whose trained network is written; a Net, with `weights` or
            with the first weights that `init` and `seed` give; or a study of one cell (a Study,
            a mapping of its fields, or the path of its TOML file), whose network is trained from
            `seed` first.
        path: the file; one of the same name is replaced, once the new one is whole.
        network: which network of a Result.
        weights: of a Net.
        seed: of a Net's first weights, or of a study's training.
        init: the rule for a Net's first weights.
        data: (points, inputs), for an init that looks at points.
        output: what the file gives: "logits", as the engine computes them, or an activation of
            them: "softmax", "log_softmax", "sigmoid", …
        dtype: "float32", "float64", or None for the type that it was trained in.

    Returns:
        The path. The model has an input x, (batch, inputs), and an output y, (batch, outputs),
        of any batch; its metadata say what it is (`actscope`, JSON). The weights of a file that
        a study's network was trained for are bit for bit those of the study.

    Raises:
        InputError: the source is none of these, the network diverged, or weights do not fit.
        OutputError: the file cannot be written.
        MissingExtra: onnx or onnxruntime is not installed.

    Example:
        >>> import tempfile, actscope
        >>> net = actscope.Net(2, hidden=(8, 8), activations=("silu", "x*tanh(x)"))
        >>> path = actscope.export(net, f"{tempfile.mkdtemp()}/model.onnx")
        >>> import onnxruntime
        >>> session = onnxruntime.InferenceSession(path)
        >>> [y] = session.run(None, {"x": np.zeros((5, 2), dtype=np.float32)})
        >>> y.shape
        (5, 1)

    Source: the operators of ONNX, opset 20.
    """
    need("onnx")
    target = Path(path)
    chosen = network_of(
        source, network=network, weights=weights, seed=seed, init=init, data=data, dtype=dtype,
        trained=True,
    )  # fmt: skip
    if not target.parent.is_dir():
        raise OutputError(f"cannot write {target}: there is no folder {target.parent}: make it")
    head = None if output == "logits" else activation(output)
    content = serialised(chosen, head)
    _check(content, chosen, head, target)
    _write(target, content)
    return target


def serialised(chosen: Network, head: Output = None) -> bytes:
    """The bytes of the ONNX file of a network, not yet run.

    Raises:
        MissingExtra: onnx is not installed.
    """
    onnx = guest("onnx", "onnx")
    graph = Graph(chosen.dtype)
    x = Value(graph, "x")
    y = _network(graph, chosen.net, chosen.weights, x)
    if head is not None:
        y = apply(head, y)
    shapes = ["batch", chosen.net.inputs], ["batch", chosen.net.outputs]
    model = _model(graph, y, *shapes)
    onnx.helper.set_model_props(model, {"actscope": json.dumps(_about(chosen, head))})
    return bytes(model.SerializeToString())


def alone(phi: Activation, dtype: str = "float32", *, slope: bool = False) -> bytes:
    """The bytes of an ONNX file of one activation, or of its slope: x to y, each (elements,).

    Example:
        >>> found = session_of(alone(activation("silu")))
        >>> found.run(None, {"x": np.zeros(3, dtype=np.float32)})
        [array([0., 0., 0.], dtype=float32)]
    """
    graph = Graph(dtype)
    x = Value(graph, "x")
    y = trees(phi).df(x, TABLE) if slope else apply(phi, x)
    return bytes(_model(graph, y, ["elements"], ["elements"]).SerializeToString())


def _model(graph: Graph, y: Any, inputs: list[Any], outputs: list[Any]) -> Any:
    """The model from x to y, of these shapes, checked."""
    onnx = guest("onnx", "onnx")
    graph.add("Identity", y, output="y")
    kind = onnx.helper.np_dtype_to_tensor_dtype(graph.dtype)
    ends = [
        onnx.helper.make_tensor_value_info(name, kind, shape)
        for name, shape in (("x", inputs), ("y", outputs))
    ]
    body = onnx.helper.make_graph(
        graph.nodes, "actscope", ends[:1], ends[1:], list(graph.constants.values())
    )
    opset = onnx.helper.make_opsetid("", OPSET)
    # the oldest that knows the operators, so that old runtimes can read the file
    version = onnx.helper.find_min_ir_version_for([opset])
    model = onnx.helper.make_model(
        body, producer_name="actscope", opset_imports=[opset], ir_version=version
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _network(graph: Graph, net: Net, weights: Weights, x: Value) -> Value:
    """The layers, by the conventions of `engine.spec`."""

    def linear(l: int, h: Value) -> Value:
        W = graph.constant(f"W{l}", weights.W[l])
        return graph.add("Gemm", h, W, graph.constant(f"b{l}", weights.b[l]))

    h = x
    for l, phi in enumerate(net.activations):
        z = linear(l, h)
        if net.norm:
            scale = graph.constant(f"gamma{l}", weights.gamma[l])
            z = normalise(z, scale, graph.constant(f"beta{l}", weights.beta[l]), NORM_EPSILON)
        out = apply(phi, z)
        h = out + h if net.skips[l] else out
    return linear(net.depth, h)


def _about(chosen: Network, head: Output) -> dict[str, Any]:
    net = chosen.net
    return {
        "version": importlib.metadata.version("actscope"),
        "inputs": net.inputs,
        "hidden": list(net.hidden),
        "outputs": net.outputs,
        "activations": [a.key for a in net.activations],
        "norm": net.norm,
        "residual": net.residual,
        "output": "logits" if head is None else head.name,
        "dtype": chosen.dtype,
        **chosen.about,
    }


def session_of(content: bytes | str, threads: int = 1) -> Any:
    """A model ready to run on the CPU.

    Args:
        content: the file's bytes, or its path.
        threads: how many one operator may use.

    Raises:
        MissingExtra: onnxruntime is not installed.
    """
    runtime = guest("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def outputs(chosen: Network, head: Output, x: NDArray[Any]) -> NDArray[Any]:
    """What the network gives for points, in their type, by plain NumPy."""
    cast = (tuple(a.astype(x.dtype) for a in part) for part in (
        chosen.weights.W, chosen.weights.b, chosen.weights.gamma, chosen.weights.beta
    ))  # fmt: skip
    with np.errstate(all="ignore"):
        y = reference.forward(chosen.net, Weights(*cast), x)[1]
        return np.asarray(y if head is None else head(y))


def _check(content: bytes, chosen: Network, head: Output, target: Path) -> None:
    """Refuse a file whose outputs are not the network's, by more than rounding explains."""
    rng = np.random.default_rng(0)
    x = (
        rng.standard_normal((CHECKED, chosen.net.inputs))
        * np.geomspace(0.01, 3.0, CHECKED)[:, None]
    )
    x = x.astype(chosen.dtype)
    [found] = session_of(content).run(None, {"x": x})
    wide = outputs(chosen, head, x.astype(np.float64))
    plain = outputs(chosen, head, x)  # what the same sums give in the file's own type
    known = np.isfinite(wide) & np.isfinite(plain)
    if not known.any():
        return
    rounding = np.abs(plain[known] - wide[known]).max()
    allowed = max(TOLERANCE * np.abs(wide[known]).max(), ROUNDING * rounding)
    worst = np.abs(found[known] - wide[known]).max()
    if not worst <= allowed:
        raise InputError(
            f"{target} is not written: run with ONNX Runtime its outputs differ from the "
            f"network's by {worst:.2g} (allowed: {allowed:.2g}). Does the formula of each of "
            f"{', '.join(sorted({a.key for a in chosen.net.activations}))} say what its f does?"
        )


def _write(target: Path, content: bytes) -> None:
    # by name, because pages and files stand on a floor above this one
    importlib.import_module("actscope.report.files").write_files(
        target.parent, {target.name: content}
    )
