"""The blocked matrix product against NumPy's, for every shape of block and remainder."""

from ctypes import c_int64, c_void_p

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actscope.engine.compile import Library
from actscope.engine.emit import Code
from actscope.engine.lanes import LaneType
from actscope.engine.multiply import Blocking, Strided, block_shape, column_sums, multiply
from actscope.engine.workspace import aligned

LANES = LaneType("float64", 4)


def product(a, b, c, known_rows, accumulators=16, transposed=False, unrolled=8):
    """c + a @ b for arrays (…, lanes), by an emitted function."""
    rows, steps = a.shape[:2]
    columns = b.shape[1]
    code = Code("product")
    with code.function("run", "pppi") as (pa, pb, pc, n):
        pa, pb, pc = pa.to(LANES), pb.to(LANES), pc.to(LANES)
        left = Strided(pa, 1, rows) if transposed else Strided(pa, steps, 1)

        def store(row, column, value):
            pc[row * columns + column] = value

        multiply(
            code,
            left,
            Strided(pb, columns, 1),
            (rows if known_rows else n, columns, steps),
            lambda row, column: pc[row * columns + column],
            store,
            Blocking(accumulators, unrolled),
        )
    arrays = [aligned(v.shape, v.dtype) for v in (a, b, c)]
    for mine, given_array in zip(arrays, (a, b, c), strict=True):
        mine[...] = given_array
    if transposed:
        arrays[0] = aligned((steps, rows, 4), a.dtype)
        arrays[0][...] = a.transpose(1, 0, 2)
    library = Library(str(code))
    run = library.function("run", c_void_p, c_void_p, c_void_p, c_int64)
    run(*(v.ctypes.data for v in arrays), rows)
    return arrays[2].copy()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 21),
    st.integers(1, 13),
    st.integers(1, 19),
    st.booleans(),
    st.sampled_from([8, 12, 16]),
    st.booleans(),
)
def test_products_of_any_shape(rows, columns, steps, known_rows, accumulators, transposed):
    rng = np.random.default_rng(rows * 1000 + columns * 50 + steps)
    a = rng.normal(size=(rows, steps, 4))
    b, c = rng.normal(size=(steps, columns, 4)), rng.normal(size=(rows, columns, 4))
    found = product(a, b, c, known_rows, accumulators, transposed)
    np.testing.assert_allclose(found, c + np.einsum("rkl,kcl->rcl", a, b), rtol=1e-12, atol=1e-12)


def test_the_blocking_changes_no_bit():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(14, 11, 4)), rng.normal(size=(11, 7, 4))
    c = rng.normal(size=(14, 7, 4))
    results = [
        product(a, b, c, known, accumulators, unrolled=unrolled)
        for unrolled in (0, 16)
        for known in (True, False)
        for accumulators in (4, 8, 16, 24)
    ]
    assert len({r.tobytes() for r in results}) == 1


@pytest.mark.parametrize("rows", [None, 1, 2, 3, 4, 8, 300])
@pytest.mark.parametrize("columns", [1, 2, 3, 4, 8, 300])
@pytest.mark.parametrize("accumulators", [8, 16])
def test_a_block_fits_the_registers(rows, columns, accumulators):
    high, wide = block_shape(rows, columns, accumulators)
    assert high >= 1
    assert 1 <= wide <= columns
    assert rows is None or high <= rows
    assert high * wide <= accumulators
    assert 2 * high * wide > accumulators or high == rows


@pytest.mark.parametrize("columns", [1, 7, 8, 9, 20])
def test_column_sums(columns):
    rng = np.random.default_rng(columns)
    a, start = rng.normal(size=(5, columns, 4)), rng.normal(size=(columns, 4))
    code = Code("sums")
    with code.function("run", "ppi") as (pa, into, rows):
        column_sums(code, pa.to(LANES), rows, columns, into.to(LANES))
    given_array, total = aligned(a.shape, a.dtype), aligned(start.shape, a.dtype)
    given_array[...], total[...] = a, start
    library = Library(str(code))
    run = library.function("run", c_void_p, c_void_p, c_int64)
    run(given_array.ctypes.data, total.ctypes.data, len(a))
    np.testing.assert_allclose(total, start + a.sum(axis=0), rtol=1e-13)
