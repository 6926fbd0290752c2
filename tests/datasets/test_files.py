"""CIFAR-10 and tables from the user's files: the formats, and what is said when they are wrong."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from actscope.datasets import cifar10, dataset
from actscope.errors import InputError


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def folder(tmp_path):
    """Six small files in the real format: a label, 1024 red, 1024 green, 1024 blue."""
    bytes_ = rng(1).integers(0, 256, (6, 20, 3073), dtype=np.uint8)
    bytes_[..., 0] = np.arange(20) % 10
    for name, rows in zip([*cifar10.TRAIN, *cifar10.TEST], bytes_, strict=True):
        (tmp_path / name).write_bytes(rows.tobytes())
    return tmp_path, bytes_


def small(folder, **settings):
    return dataset("cifar10", folder=str(folder), check=False, **settings)


def test_cifar_reads_labels_and_pixels_in_order(folder):
    path, expected = folder
    x, y = small(path).draw(None, rng())
    assert x.shape == (100, 3072) and x.dtype == np.float64
    np.testing.assert_array_equal(y, np.tile(np.arange(20) % 10, 5))
    np.testing.assert_allclose(x * 255, expected[:5].reshape(-1, 3073)[:, 1:], atol=1e-12)
    x, _ = small(path, split="test").draw(None, rng())
    np.testing.assert_allclose(x * 255, expected[5][:, 1:], atol=1e-12)


def test_cifar_draws_across_files_without_replacement(folder):
    path, _ = folder
    whole, labels = small(path).draw(None, rng())
    x, y = small(path).draw(70, rng(3))
    places = [int(np.flatnonzero((whole == row).all(axis=1))[0]) for row in x]
    assert len(set(places)) == 70
    np.testing.assert_array_equal(labels[places], y)
    with pytest.raises(InputError, match="holds 100"):
        small(path).draw(101, rng())


def test_cifar_checks_the_originals_sums(folder, monkeypatch):
    path, _ = folder
    with pytest.raises(InputError, match=r"data_batch_1.bin.*not the original.*check=False"):
        dataset("cifar10", folder=str(path)).draw(5, rng())
    for table in (cifar10.TRAIN, cifar10.TEST):  # as if these were the originals
        for name in table:
            digest = hashlib.md5((path / name).read_bytes()).hexdigest()
            monkeypatch.setitem(table, name, digest)
    record = dataset("cifar10", folder=str(path))
    assert record.draw(5, rng())[0].shape == (5, 3072)
    broken = bytearray((path / "data_batch_4.bin").read_bytes())
    broken[5000] ^= 1
    (path / "data_batch_4.bin").write_bytes(bytes(broken))
    with pytest.raises(InputError, match=r"data_batch_4.bin.*not the original"):
        record.draw(5, rng())


def test_cifar_names_the_archive_when_files_are_missing(folder, tmp_path):
    path, _ = folder
    with pytest.raises(InputError, match=r"cifar-10-binary\.tar\.gz"):
        dataset("cifar10", folder=str(tmp_path / "nowhere")).draw(5, rng())
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "data_batch_1").write_bytes(b"a pickle")
    for check in (True, False):
        with pytest.raises(InputError, match=r"holds the Python version.*cifar-10-binary"):
            dataset("cifar10", folder=str(tmp_path / "python"), check=check).draw(5, rng())
    (path / "data_batch_2.bin").unlink()
    with pytest.raises(InputError, match=r"no data_batch_2\.bin"):
        dataset("cifar10", folder=str(path)).draw(5, rng())
    assert small(path).draw(None, rng())[0].shape == (80, 3072)  # check=False: what is there


def test_cifar_refuses_parts_of_records_bad_labels_and_bad_splits(folder):
    path, _ = folder
    file = path / "test_batch.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match="61459 bytes: expected a multiple of 3073"):
        small(path, split="test").draw(1, rng())
    file.write_bytes(b"")
    with pytest.raises(InputError, match="0 bytes"):
        small(path, split="test").draw(1, rng())
    file.write_bytes(bytes([7] + [0] * 3072 + [10] + [0] * 3072))
    with pytest.raises(InputError, match="record 1 has label 10"):
        small(path, split="test").draw(1, rng())
    with pytest.raises(InputError, match="'train' or 'test'"):
        small(path, split="valid").draw(1, rng())


def table(path, text=None, **settings):
    if text is not None:
        path.write_text(text, encoding="utf-8")
    return dataset("table", path=str(path), **settings)


def test_csv_with_a_header_words_and_a_named_label(tmp_path):
    file = tmp_path / "p.csv"
    record = table(file, "kind,a,b\ncat,1,2\ndog,3,4\ncat,5,-6e1\n", label="kind")
    assert (record.dim, record.classes) == (2, 2)
    x, y = record.draw(None, rng())
    np.testing.assert_array_equal(x, [[1, 2], [3, 4], [5, -60]])
    np.testing.assert_array_equal(y, [0, 1, 0])


def test_csv_without_a_header_takes_the_last_column(tmp_path):
    record = table(tmp_path / "p.csv", "1,2,7\n\n3,4,5\n")
    x, y = record.draw(None, rng())
    np.testing.assert_array_equal(x, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(y, [1, 0])  # 7 and 5, in ascending order of the labels
    assert record.classes == 2


def test_fractions_are_a_regression(tmp_path):
    record = table(tmp_path / "p.tsv", "a\tb\n1\t0.5\n2\t1.5\n")
    assert record.classes == 0
    np.testing.assert_array_equal(record.draw(None, rng())[1], [0.5, 1.5])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", r"line 3: 1 cells: expected 2"),
        ("a,b\n1,2\nx,4\n", r"line 3, column 'a': 'x' is not a finite number"),
        ("a,b\n1,2\n\nnan,4\n", r"line 4, column 'a': 'nan'"),
        ("", "is empty"),
        ("a,b\n", "holds no points"),
        ("a\n1\n", "holds no points"),
    ],
)
def test_csv_errors_name_the_place(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        table(tmp_path / "p.csv", text)


def test_table_errors_name_the_file_and_the_columns(tmp_path):
    with pytest.raises(InputError, match="no file"):
        table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="no column 'c': it has a, b"):
        table(tmp_path / "p.csv", "a,b\n1,2\n", label="c")
    with pytest.raises(InputError, match="ends in"):
        table(tmp_path / "p.xls", "a,b\n1,2\n")
    (tmp_path / "q.csv").write_bytes(b"\xff\xfe\x00,1\n")
    with pytest.raises(InputError, match="UTF-8"):
        table(tmp_path / "q.csv")
    for suffix, kind in (("npz", "NPZ"), ("parquet", "Parquet")):
        with pytest.raises(InputError, match=f"is no {kind}"):
            table(tmp_path / f"p.{suffix}", "not a table")


def test_table_settings_are_read_anew_when_the_file_changes(tmp_path):
    import os

    file = tmp_path / "p.csv"
    assert table(file, "1,2,0\n").dim == 2
    file.write_text("1,2,3,0\n")
    os.utime(file, ns=(1, 1))
    assert table(file).dim == 3


def test_npz(tmp_path):
    file = tmp_path / "p.npz"
    np.savez(file, x=np.arange(6.0).reshape(3, 2), y=np.array(["b", "a", "b"]))
    x, y = table(file).draw(None, rng())
    np.testing.assert_array_equal(x, np.arange(6.0).reshape(3, 2))
    np.testing.assert_array_equal(y, [1, 0, 1])
    with pytest.raises(InputError, match="no array 'z': it holds x, y"):
        table(file, label="z")
    np.savez(file, x=np.zeros(3), y=np.zeros(3))
    with pytest.raises(InputError, match=r"expected numbers \(n, dim\)"):
        table(tmp_path / "p.npz")
    np.savez(tmp_path / "r.npz", x=np.array([[np.inf]]), y=np.zeros(1))
    with pytest.raises(InputError, match="not a finite number"):
        table(tmp_path / "r.npz")


def test_parquet(tmp_path):
    file = tmp_path / "p.parquet"
    pd.DataFrame({"a": [1, 2], "kind": ["u", "v"], "b": [0.5, 1.5]}).to_parquet(file)
    x, y = table(file, label="kind").draw(None, rng())
    np.testing.assert_array_equal(x, [[1, 0.5], [2, 1.5]])
    np.testing.assert_array_equal(y, [0, 1])
    with pytest.raises(InputError, match="column 'kind' holds"):
        table(file)
    pd.DataFrame({"a": [1.0, np.nan], "y": [0, 1]}).to_parquet(tmp_path / "q.parquet")
    with pytest.raises(InputError, match="row 1, column 'a'"):
        table(tmp_path / "q.parquet")


def test_mnist1d_follows_its_recipe():
    from actscope.datasets import mnist1d

    shapes = mnist1d.shapes()
    np.testing.assert_allclose(shapes.std(axis=1), 1 / 6, atol=1e-14)
    np.testing.assert_allclose(shapes[:, [0, -1]], 0.0, atol=1e-14)
    x, y = mnist1d.draw(20_000, rng())
    assert x.mean() == pytest.approx(0.0, abs=0.02)
    assert x.std() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(np.bincount(y), 2000)


def test_mnist1d_is_as_hard_for_a_line_as_published():
    """The paper's linear classifier has 32 % on 1,000 test points after 4,000."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.neighbors import KNeighborsClassifier

    from actscope.datasets import mnist1d

    x, y = mnist1d.draw(5000, rng(2))
    line = RidgeClassifier().fit(x[:4000], y[:4000]).score(x[4000:], y[4000:])
    near = KNeighborsClassifier().fit(x[:4000], y[:4000]).score(x[4000:], y[4000:])
    assert 0.25 < line < 0.40 < near
