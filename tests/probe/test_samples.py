"""Samples of rows and pairs of examples, against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from actscope.maths.formats import round_to
from actscope.probe.geometry import agreement, formats, kept_before, kept_in, ranks
from actscope.probe.samples import CHUNK, UNITS, Pairs, Rows, inner_products, pairs_of, take_rows

DTYPES = [torch.float32, torch.float64, torch.bfloat16]  # the last goes through torch's own calls


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=4),
    st.integers(0, 3),
    st.integers(1, 40),
    st.sampled_from(DTYPES),
    st.integers(0, 2**31),
)
def test_rows_are_rows_of_the_tensor(shape, dim, most, dtype, seed) -> None:
    dim %= len(shape)
    y = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    rows = take_rows(y, dim, most)
    whole = np.moveaxis(y.float().numpy(), dim, -1).reshape(-1, shape[dim])
    assert rows.dtype == np.float32
    assert rows.shape == (min(most, len(whole)), shape[dim])
    index = np.linspace(0, len(whole) - 1, min(most, len(whole))).astype(int)
    np.testing.assert_array_equal(rows, whole[index] if len(whole) > most else whole)
    assert not np.shares_memory(rows, y.float().numpy())


def test_wide_layers_are_thinned_and_numbers_are_one_row() -> None:
    y = torch.arange(3000.0).repeat(2, 1)
    rows = take_rows(y, 1, 8)
    assert rows.shape == (2, UNITS)
    assert (rows[0, 0], rows[0, -1]) == (0.0, 2999.0)
    assert take_rows(torch.tensor(3.0), 0, 8).tolist() == [[3.0]]


def test_a_sample_does_not_follow_the_tensor_it_was_taken_from() -> None:
    y = torch.zeros(4, 3)
    sample = Rows(8)
    sample.add(take_rows(y, 1, 8))
    y += 1.0
    assert sample.array().max() == 0.0


def test_every_batch_has_its_share_of_a_sample() -> None:
    sample = Rows(100, seed=3)
    for k in range(10):
        sample.add(np.full((60, 2), k, np.float32))
    counts = np.bincount(sample.array()[:, 0].astype(int), minlength=10)
    assert counts.sum() == 100
    assert counts.min() >= 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(9, 5), (2, 300), (70, 4, 6), (4, 9, 5)])
def test_distances_and_cosines_meet_numpy(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    y = (torch.randn(shape) + 3.0).to(dtype)
    batch = 9 if 9 in shape else shape[0]
    first = y if y.shape[0] == batch else y.movedim(1, 0)
    x = first.double().reshape(batch, -1).numpy()[:CHUNK]
    i, j = np.triu_indices(len(x), 1)
    products = inner_products(y, batch)
    assert products is not None
    distance, cosine = pairs_of(products)
    np.testing.assert_allclose(distance, np.linalg.norm(x[i] - x[j], axis=1), rtol=1e-9)
    size = np.linalg.norm(x, axis=1)
    np.testing.assert_allclose(cosine, (x @ x.T / np.outer(size, size))[i, j], rtol=1e-9)


def test_distances_keep_their_digits_far_from_the_origin() -> None:
    x = 1e6 + torch.randn(12, 8, dtype=torch.float64)
    distance, _ = pairs_of(inner_products(x, 12))
    i, j = np.triu_indices(12, 1)
    np.testing.assert_allclose(distance, torch.linalg.norm(x[i] - x[j], dim=1), rtol=1e-8)


def test_nan_stays_in_its_pairs_and_no_batch_gives_none() -> None:
    y = torch.randn(5, 3)
    y[2] = float("nan")
    products = inner_products(y, 5)
    distance, cosine = pairs_of(products)  # the mean is NaN with it
    assert np.isnan(distance).all()
    assert np.isnan(cosine).all()
    assert inner_products(torch.randn(3, 4), 5) is None
    assert inner_products(torch.randn(1, 4), 1) is None


def test_pairs_of_batches_that_both_have() -> None:
    one, two = Pairs(), Pairs()
    batches = [torch.randn(6, 3) for _ in range(3)]
    for k in (0, 1):
        one.add(k, inner_products(batches[k], 6))
    for k in (1, 2):
        two.add(k, inner_products(2 * batches[k], 6))
    mine, theirs, angle, other = one.against(two)
    assert mine.size == 15
    np.testing.assert_allclose(theirs, 2 * mine)
    np.testing.assert_allclose(angle, other, atol=1e-12)
    assert Pairs().against(one)[0].size == 0


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.tuples(*(st.floats(-1e3, 1e3, width=32),) * 2), min_size=3, max_size=30),
    st.integers(0, 3),
)
def test_agreement_meets_numpy(values, gaps) -> None:
    a, b = np.array(values).T.copy()
    if np.ptp(a) > 1e-3 and np.ptp(b) > 1e-3:
        np.testing.assert_allclose(agreement(a, b), np.corrcoef(a, b)[0, 1], atol=1e-9)
    for k in range(gaps):  # what is not finite is left out, with its partner
        a, b = np.append(a, [np.nan, 1.0][k % 2]), np.append(b, [5.0, np.inf][k % 2])
    kept = np.isfinite(a) & np.isfinite(b)
    np.testing.assert_allclose(
        agreement(a, b), agreement(a[kept].copy(), b[kept].copy()), atol=1e-9
    )


def test_agreement_with_equal_numbers_is_nan() -> None:
    a = np.full(2016, 0.1)
    assert np.isnan(agreement(a, np.random.default_rng(0).normal(size=2016)))
    assert np.isnan(agreement(a[:2], np.array([0.1, 1.1])))


@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (3, 3)])
def test_ranks_meet_singular_values(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    rows = (5.0 + rng.normal(size=shape)).astype(np.float32)
    s = np.linalg.svd(rows - rows.astype(float).mean(0), compute_uv=False)
    s = s[s > 1e-7 * s[0]]
    p = s / s.sum()
    expected = np.exp(-(p * np.log(p)).sum()), (s**2).sum() ** 2 / (s**4).sum()
    np.testing.assert_allclose(ranks(rows), expected, rtol=1e-6)


def test_ranks_of_what_has_none() -> None:
    rows = np.ones((9, 4), np.float32)
    assert np.isnan(ranks(rows)).all()
    assert np.isnan(ranks(rows[:1])).all()
    assert np.isnan(ranks(rows * np.float32(1e8) + np.eye(9, 4, dtype=np.float32))).all()
    rows[3, 2] = np.nan
    assert np.isnan(ranks(rows)).all()
    rows[3, 2] = np.inf
    assert np.isnan(ranks(rows)).all()


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("width", [16, 256])
@pytest.mark.parametrize(("name", "step"), [("bfloat16", 1.0), ("float16", 8.0)])
def test_what_rounding_has_taken_is_estimated_from_what_it_left(name, step, width, heavy) -> None:
    rng = np.random.default_rng(0)
    for mean in (0.0, 3.0, 30.0, 100.0, 1000.0):
        x = rng.standard_normal((192, width)) * (rng.uniform(0.3, 3.0, (192, 1)) if heavy else 1)
        x += mean * step
        rounded = round_to(x, name)
        true, estimate = kept_in(x, rounded), kept_before(rounded, name)
        near = 0.02 if true > 0.95 else 0.04 if true > 0.9 else 0.1
        assert estimate == pytest.approx(true, abs=near) if true > 0.8 else estimate < 0.8
        assert kept_in(rounded, round_to(rounded, name)) == pytest.approx(1.0)  # why it is needed
        lost = estimate < 0.95
        assert (formats(rounded, name)["bits"] == (8 if name == "bfloat16" else 11)) == lost


def test_rows_that_are_equal_have_no_estimate() -> None:
    assert np.isnan(kept_before(np.full((8, 3), 100.0), "bfloat16"))
