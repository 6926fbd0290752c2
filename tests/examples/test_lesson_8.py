"""Lesson 8 reads CIFAR-10's binary files: colours, rows, columns and labels where they belong."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "lesson_8_images.py"
FILES = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]


def record(label, number):
    """One image: red counts columns, green counts rows, blue holds label and number."""
    row, column = np.mgrid[:32, :32]
    blue = np.full((32, 32), 20 * label + number % 20)
    return np.concatenate([[label], *(p.ravel() for p in (8 * column, 8 * row, blue))])


@pytest.fixture
def folder(tmp_path):
    """Six files of 10 records of 3,073 bytes, as the archive unpacks to."""
    place = tmp_path / "cifar-10-batches-bin"
    place.mkdir()
    for name in FILES:
        rows = [record(i, i) for i in range(10)]
        (place / name).write_bytes(np.array(rows, dtype=np.uint8).tobytes())
    (place / "batches.meta.txt").write_text("airplane\nautomobile\nbird\n")
    return place


def test_images_have_their_colours_rows_and_labels(folder, monkeypatch, capsys, tmp_path):
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # batches of 40 images: beside other tests, two threads wait
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(tmp_path / "f.png"), str(folder)])
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    seen = runpy.run_path(str(SCRIPT))
    torch.set_num_threads(threads)
    images, labels = seen["train"]
    assert images.shape == (40, 3, 32, 32) and len(seen["validation"][0]) == 10
    assert labels.tolist() == [i % 10 for i in range(40)]
    red, green, blue = (images[3] * 248 / images[3, 0].max()).numpy()  # in the file's numbers
    np.testing.assert_allclose(red[:, 5], 40, rtol=1e-5)  # columns run along the last axis
    np.testing.assert_allclose(green[5], 40, rtol=1e-5)
    np.testing.assert_allclose(blue, 63, rtol=1e-5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "40 images to learn from, 10 to test, 5 seeds"
    assert [line.split()[0] for line in lines[2:]] == ["ReLU", "GELU", "Swish"]
    assert (tmp_path / "f.png").stat().st_size > 10_000


def test_a_folder_that_is_not_right_is_told_in_one_line(folder):
    """The other faults: tests/datasets/test_files.py."""
    (folder / "data_batch_2.bin").write_bytes(b"\x01" * 5000)
    words = [sys.executable, str(SCRIPT), "f.png", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode
    [line] = done.stderr.splitlines()
    assert "data_batch_2.bin has 5000 bytes: expected a multiple of 3073" in line
