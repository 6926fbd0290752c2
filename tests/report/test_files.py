"""Files are written whole or not at all."""

from pathlib import Path

import pytest

from actscope.errors import OutputError
from actscope.report import files
from actscope.report.files import ready_folder, write_files


def test_written_and_replaced(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "other.txt").write_text("mine")
    paths = write_files(tmp_path, {"a.txt": b"new", "b.bin": bytes(range(256))})
    assert [p.name for p in paths] == ["a.txt", "b.bin"]
    assert (tmp_path / "a.txt").read_bytes() == b"new"
    assert (tmp_path / "b.bin").read_bytes() == bytes(range(256))
    assert (tmp_path / "other.txt").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3
    assert paths[0].stat().st_mode & 0o444 == 0o444  # as readable as any new file


@pytest.mark.parametrize("stage", ["write", "rename"])
def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch, stage):
    (tmp_path / "a.txt").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes" if stage == "write" else "replace", full)
    with pytest.raises(OutputError, match=r"a\.txt: No space left"):
        write_files(tmp_path, {"a.txt": b"new"})
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_ends_between_two_files_leaves_all_the_old_ones(tmp_path, monkeypatch, error):
    (tmp_path / "a.txt").write_text("old")
    fill = files._fill

    def fail_at_b(path, content):
        if content == b"b":
            raise error
        fill(path, content)

    monkeypatch.setattr(files, "_fill", fail_at_b)
    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt):
        write_files(tmp_path, {"a.txt": b"new", "b.txt": b"b"})
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_in_the_way_is_found_before_anything_is_replaced(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "b.txt").mkdir()
    with pytest.raises(OutputError, match=r"b\.txt: Is a directory"):
        write_files(tmp_path, {"a.txt": b"new", "b.txt": b"new"})
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_files(tmp_path, {"a.txt": b"new"})
    assert not list(tmp_path.iterdir())


def test_folder_is_made(tmp_path):
    folder = ready_folder(tmp_path / "one" / "two")
    assert folder.is_dir()
    assert folder.is_absolute()
    assert not list(folder.iterdir())
    assert ready_folder(folder) == folder


def test_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match=r"cannot write to .*file"):
            ready_folder(folder)
    assert (tmp_path / "file").read_text() == "x"
