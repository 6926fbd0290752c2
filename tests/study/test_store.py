"""A study folder keeps what it is given, or says what is wrong with it."""

import errno
import json
import os
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from actscope.errors import InputError, OutputError
from actscope.study import StudyResult
from actscope.study.store import Store


@pytest.fixture
def copy(stored, tmp_path):
    """A study folder to break."""
    return Path(shutil.copytree(stored, tmp_path / "copy"))


def chunk_files(folder):
    return sorted((folder / "trials").iterdir())


def rows(folder):
    return StudyResult(folder).table()


def test_a_chunk_reads_back_as_it_was_written(tmp_path, stored):
    given = pq.read_table(chunk_files(stored)[0])
    store = Store(tmp_path / "new")
    store.prepare()
    path = store.add(given)
    assert pq.read_table(path).equals(given)
    assert store.add(given) == path  # the same rows are the same bytes and the same file
    assert store.files() == [path]
    assert list(store.stored()) == given.column("id").to_pylist()
    assert sorted(p.name for p in store.trials.iterdir()) == [path.name]


@pytest.mark.parametrize("keep", [0, 3, 0.5, 0.999])
def test_a_file_cut_short_is_named(copy, keep):
    path = chunk_files(copy)[0]
    size = path.stat().st_size
    os.truncate(path, int(size * keep) if isinstance(keep, float) else keep)
    with pytest.raises(InputError, match=f"1 damaged: {path.name}: it is cut short"):
        rows(copy)


@pytest.mark.parametrize("place", [0, 4, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, -1])
def test_one_bit_changed_anywhere_is_named(copy, place):
    path = chunk_files(copy)[0]
    content = bytearray(path.read_bytes())
    content[int(len(content) * place) if isinstance(place, float) else place] ^= 4
    path.write_bytes(content)
    with pytest.raises(InputError, match=path.name):
        rows(copy)


def damage(folder, how):
    path = chunk_files(folder)[0]
    if how == "truncated":
        os.truncate(path, 1000)
    elif how == "changed":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "lost":
        path.unlink()
    else:  # its rows, under another name, a second time
        table = pq.read_table(path)
        Store(folder).add(table.slice(0, 5))
    return path


@pytest.mark.parametrize("how", ["truncated", "changed", "empty", "lost", "twice"])
def test_a_damaged_folder_is_mended_by_running_the_study_again(copy, stored, how):
    from actscope.study.run import run

    path = damage(copy, how)
    said = []
    study = StudyResult(copy).study
    again = run(study, copy, on_damage=said.append).table()
    assert again.equals(rows(stored))
    if how == "lost":
        assert said == []
    else:
        assert len(said) == 1
        aside = [p.name for p in (copy / "damaged").iterdir()]
        assert aside == [said[0].path.name]
        assert how == "twice" or aside == [path.name]
    assert rows(copy).id.is_unique


def test_half_written_files_of_a_killed_writer_are_removed(copy, stored):
    for place in ("trials/.part-abc", ".part-xyz"):
        (copy / place).write_bytes(b"half")
    StudyResult(copy).study.run(copy)
    assert not list(copy.rglob(".part-*"))
    assert rows(copy).equals(rows(stored))


def test_a_kill_before_the_first_record_leaves_a_folder_that_can_be_used(tmp_path, study):
    (tmp_path / "new" / "trials").mkdir(parents=True)
    (tmp_path / "new" / ".part-half").write_bytes(b"{")
    (tmp_path / "new" / "lock").touch()
    assert len(study(seeds=2).run(tmp_path / "new")) == 8


def test_a_full_disk_leaves_what_was_stored(copy, stored, monkeypatch):
    """As if the disk filled up at the second chunk."""
    for path in chunk_files(copy):
        path.unlink()
    before, count = os.fsync, []

    def full(handle):
        count.append(handle)
        if len(count) == 3:  # the record, its folder, the first chunk
            raise OSError(errno.ENOSPC, "No space left on device")
        before(handle)

    monkeypatch.setattr(os, "fsync", full)
    study = StudyResult(copy).study
    with pytest.raises(OutputError, match=r"No space left on device.*stays whole.*make room"):
        study.run(copy)
    monkeypatch.undo()
    assert not list(copy.rglob(".part-*"))
    assert Store(copy).check() == []
    assert study.run(copy).table().equals(rows(stored))


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="mounting needs root")
def test_a_disk_that_is_really_full(tmp_path, study):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no tmpfs here")
    try:
        made = study(lr=[0.05, 0.1, 0.2, 0.3], seeds=200)
        with pytest.raises(OutputError, match="No space left on device"):
            made.run(disk / "s")
        assert not list(disk.rglob(".part-*"))
        assert Store(disk / "s").check() == []
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        done = made.run(disk / "s")
        assert done.table().equals(made.run().table())
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_of_something_else_is_refused(tmp_path, study):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="holds other files and is no study"):
        study().run(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(OutputError, match="cannot write"):
        study().run(tmp_path / "thesis.txt")
    with pytest.raises(InputError, match="no study folder"):
        StudyResult(tmp_path)


def test_a_record_that_is_no_record_is_named(copy):
    (copy / "study.json").write_text("{")
    with pytest.raises(InputError, match=r"study\.json is no record"):
        StudyResult(copy)
    (copy / "study.json").write_text("[]")
    with pytest.raises(InputError, match="expected the keys spec and runs"):
        StudyResult(copy)


def test_columns_of_another_version_are_named(copy):
    path = chunk_files(copy)[0]
    table = pq.read_table(path)
    path.unlink()
    Store(copy).add(table.drop_columns(["loss"]))
    for use in (rows, lambda folder: StudyResult(folder).study.run(folder)):
        with pytest.raises(InputError, match="another version of actscope"):
            use(copy)


def test_the_folder_says_what_was_run_where_and_with_what(stored):
    record = json.loads((stored / "study.json").read_text())
    assert (record["cells"], record["trials"]) == (4, 24)
    run = record["runs"][0]
    assert (run["executor"], run["trained"], run["errors"]) == ("local", 24, 0)
    assert {"python", "actscope", "numpy", "numba"} <= set(run["versions"])
    assert {"system", "processor", "cores", "memory_gib"} <= set(run["machine"])
    assert run["commit"] is None or len(run["commit"].rstrip("+")) == 40
    assert run["began"] <= run["ended"]
    head = subprocess.run(
        ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
    )
    if head.returncode == 0 and run["commit"]:
        assert len(head.stdout.strip()) == len(run["commit"].rstrip("+"))
