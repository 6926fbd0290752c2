"""CIFAR-10: 60,000 photographs of 32×32 pixels, read from a folder in the binary format."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actscope.datasets._base import Dataset, Param, Points, choose
from actscope.errors import InputError

RECORD_BYTES, CLASSES = 3073, 10  # one label, then 1024 red, 1024 green, 1024 blue pixels
ARCHIVE = "cifar-10-binary.tar.gz"
ADDRESS = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
PICKLED = ", which holds the Python version of the set; this reads the binary one"
# MD5 of the archive's files, each of 10,000 records
TRAIN = {
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
}
TEST = {"test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d"}


def draw(
    n: int | None,
    rng: np.random.Generator,
    folder: str = "cifar-10-batches-bin",
    split: str = "train",
    check: bool = True,
) -> Points:
    """That many photographs without replacement, or all in the files' order; pixels 0 to 1.

    Args:
        n: how many, or None for all. All 50,000 as float64 take 1.2 GB.
        rng: a NumPy generator.
        folder: where data_batch_1.bin … data_batch_5.bin and test_batch.bin lie.
        split: "train", the five batches (or those of them that are there, with check=False), or
            "test".
        check: compare every file with the original's MD5. False takes any files of whole
            records, such as a part of the set.

    Raises:
        InputError: a file is missing, is not the original, or holds no whole records.
    """
    parts = _parts(Path(folder).expanduser(), split, check)
    ends = np.cumsum([0, *(len(p) for p in parts)])
    chosen = choose(n, int(ends[-1]), rng, "cifar10")
    rows = np.empty((len(chosen), RECORD_BYTES), dtype=np.uint8)
    for part, start, end in zip(parts, ends[:-1], ends[1:], strict=True):
        mine = (chosen >= start) & (chosen < end)
        rows[mine] = part[chosen[mine] - start]
    return rows[:, 1:] / 255.0, rows[:, 0].astype(np.int64)


def _parts(folder: Path, split: str, check: bool) -> list[NDArray[np.uint8]]:
    """The split's files as (records, 3073) arrays that stay on disk."""
    if split not in ("train", "test"):
        raise InputError(f"cifar10: split = {split!r}: expected 'train' or 'test'")
    files = TRAIN if split == "train" else TEST
    missing = [name for name in files if not (folder / name).is_file()]
    if missing and (check or len(missing) == len(files)):
        python = (folder / missing[0]).with_suffix("").is_file()  # data_batch_1, a pickle
        raise InputError(
            f"cifar10: no {missing[0]} in {str(folder)!r}{PICKLED if python else ''}: download "
            f"{ADDRESS}, unpack {ARCHIVE}, "
            "and pass the folder it makes: dataset('cifar10', folder='…/cifar-10-batches-bin')"
        )
    return [_records(folder / f, md5, check) for f, md5 in files.items() if f not in missing]


def _records(path: Path, md5: str, check: bool) -> NDArray[np.uint8]:
    """One file as (records, 3073)."""
    stat = path.stat()
    if check and _md5(path, stat.st_size, stat.st_mtime_ns) != md5:
        raise InputError(
            f"cifar10: {path.name} ({stat.st_size} bytes) is not the original file, whose MD5 is "
            f"{md5}: unpack {ARCHIVE} ({ADDRESS}) anew, or pass check=False to read it as it is"
        )
    if stat.st_size == 0 or stat.st_size % RECORD_BYTES:
        raise InputError(
            f"cifar10: {path.name} has {stat.st_size} bytes: expected a multiple of "
            f"{RECORD_BYTES}, one record being a label and 3072 pixels; is it the Python version "
            f"of the set? This reads the binary version, {ARCHIVE}"
        )
    rows = np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, RECORD_BYTES)
    bad = np.flatnonzero(rows[:, 0] >= CLASSES)
    if len(bad):
        raise InputError(
            f"cifar10: {path.name}: record {bad[0]} has label {rows[bad[0], 0]}: expected 0 to 9"
        )
    return rows


@functools.lru_cache(maxsize=64)
def _md5(path: Path, size: int, changed: int) -> str:
    """The file's MD5; size and time of change make a changed file a new question."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


RECORD = Dataset(
    name="cifar10",
    label="CIFAR-10",
    summary="photographs of 32×32 pixels in ten classes, from a folder in the binary format",
    draw=draw,
    dim=3072,
    classes=CLASSES,
    params=(
        Param("folder", "cifar-10-batches-bin", "where the .bin files lie"),
        Param("split", "train", "'train' or 'test'"),
        Param("check", True, "compare the files with the originals' MD5"),
    ),
    source="Krizhevsky 2009, Learning multiple layers of features from tiny images",
)
