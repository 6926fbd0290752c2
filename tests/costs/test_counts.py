"""Counted work against arithmetic by hand, and a walk over the operations of the exported file."""

import onnx
import pytest

import actscope
from actscope.costs.counts import counts
from actscope.exports.onnx_file import serialised
from actscope.exports.source import network_of


def test_the_articles_network_by_hand():
    """2-8-8-1: 16 + 64 + 8 multiply-adds; each layer reads its inputs and writes its outputs."""
    work = counts(actscope.Net(2, (8, 8)))
    assert work.parameters == (16 + 8) + (64 + 8) + (8 + 1) == 105
    assert work.multiply_adds == 88
    assert work.calls == 16
    assert work.numbers_moved == (2 + 8) + (8 + 8) + (8 + 8) + (8 + 8) + (8 + 1)
    assert work.bytes_moved(1) == 4 * (105 + 67)
    assert work.bytes_moved(256, size=2) == 2 * (105 + 256 * 67)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("hidden", [(1,), (4, 4), (3, 3, 5, 5)])
def test_against_the_operators_of_the_file(norm, residual, hidden):
    """The exported graph, walked with its shapes: what each operator takes and gives."""
    net = actscope.Net(3, hidden, 2, "relu", norm=norm, residual=residual)
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(serialised(network_of(net))))
    graph = model.graph
    width = {
        v.name: v.type.tensor_type.shape.dim[-1].dim_value
        for v in (*graph.value_info, *graph.input, *graph.output)
    }
    constants = {t.name: list(t.dims) for t in graph.initializer}
    nodes = [n for n in graph.node if n.op_type != "Identity"]
    moved = sum(
        sum(width[i] for i in n.input if i in width) + width.get(n.output[0], net.outputs)
        for n in nodes
    )
    work = counts(net)
    assert work.numbers_moved == moved
    products = [constants[n.input[1]] for n in nodes if n.op_type == "Gemm"]
    assert work.multiply_adds == sum(i * o for i, o in products)
    assert work.calls == sum(width[n.output[0]] for n in nodes if n.op_type == "Relu")
    sizes = [dims[0] * (dims[1] if len(dims) > 1 else 1) for dims in constants.values()]
    assert work.parameters == sum(sizes)
