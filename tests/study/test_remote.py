"""A study at a URL answers as the folder does; what cannot be done there is said."""

import contextlib
import functools
import http.server
import os
import shutil
import threading
import zipfile

import fsspec
import pytest
from typer.testing import CliRunner

import actscope
from actscope.cli import app
from actscope.errors import InputError, OutputError
from actscope.study import StudyResult
from actscope.study.remote import RemoteStore, readable, writable
from actscope.study.store import Store


def run(*words):
    return CliRunner().invoke(app, [str(w) for w in words], env={"COLUMNS": "100"})


@contextlib.contextmanager
def served(folder):
    """The folder over HTTP on this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def at(kind, stored, place):
    """The URL of a study that lies in the folder `stored`."""
    if kind == "http":
        with served(stored.parent) as url:
            yield f"{url}/{stored.name}"
    elif kind == "zip":
        with zipfile.ZipFile(place / "a.zip", "w") as archive:
            for path in stored.rglob("*"):
                archive.write(path, path.relative_to(stored.parent))
        yield f"zip://{stored.name}::{place / 'a.zip'}"
    elif kind == "file":
        yield f"file://{stored}"
    else:
        memory = fsspec.filesystem("memory")
        memory.put(str(stored), "/there", recursive=True)
        yield "memory://there"
        memory.rm("/there", recursive=True)


@pytest.mark.parametrize("kind", ["memory", "http", "zip", "file"])
def test_a_url_answers_as_the_folder_does(stored, tmp_path, kind):
    here = StudyResult(stored)
    with at(kind, stored, tmp_path) as url:
        there = StudyResult(url)
        assert there.table().equals(here.table())
        assert there.traces().equals(here.traces())
        assert there.study == here.study
        assert repr(there) == repr(here)
        with pytest.raises(InputError, match="expected one SELECT"):
            there.query("DROP VIEW trials")
        asked = run("query", url, "SELECT count(*) AS n FROM trials", "--csv")
        assert asked.stdout == "n\n24\n", asked.output
        done = run("export", url, "--csv", tmp_path / "a.csv")
        assert done.exit_code == 0, done.output
        assert (tmp_path / "a.csv").read_text() == here.table().to_csv(index=False)


def test_a_report_says_the_url(stored, tmp_path):
    with at("zip", stored, tmp_path) as url:
        page = actscope.study_report(url, tmp_path / "page")
        assert f"actscope report {url}" in page.read_text()


def test_what_comes_and_goes_there_is_seen(stored, tmp_path):
    shutil.copytree(stored, tmp_path / "s")
    with at("http", tmp_path / "s", tmp_path) as url:
        there = StudyResult(url)
        assert len(there) == 24
        path = there.store.files()[0].name
        (tmp_path / "s" / "trials" / path).unlink()
        assert len(there) < 24


def test_a_copy_that_is_not_whole_is_named_and_fetched_again(stored, tmp_path):
    shutil.copytree(stored, tmp_path / "s")
    path = Store(tmp_path / "s").files()[0]
    content = path.read_bytes()
    with at("http", tmp_path / "s", tmp_path) as url:
        there = StudyResult(url)
        os.truncate(path, 100)
        with pytest.raises(InputError, match=rf"{path.name}: it is cut short. Copy the study"):
            there.table()
        path.write_bytes(content)
        assert len(there.table()) == 24


def test_copies_go_with_the_result(stored, tmp_path):
    with at("zip", stored, tmp_path) as url:
        there = StudyResult(url)
        there.table()
        folder = there.folder
        assert any(folder.rglob("*.parquet"))
        del there
        assert not folder.exists()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://nothing-there", "memory://nothing-there is no study folder"),
        ("nosuch://a/b", "nosuch://a/b cannot be read: Protocol not known: nosuch"),
        ("zip://s::/no/such.zip", "is no study folder|No such file"),
        ("http://127.0.0.1:1/s", "http://127.0.0.1:1/s cannot be read"),
    ],
)
def test_a_url_that_cannot_be_read_is_one_message(url, message):
    done = run("query", url, "SELECT 1")
    assert done.exit_code == 2, done.output
    with pytest.raises(InputError, match=message):
        StudyResult(url)


def test_nothing_is_written_to_a_url(study, tmp_path, stored):
    with pytest.raises(OutputError, match="studies are written to a folder of this machine"):
        study().run("memory://a-study")
    with pytest.raises(OutputError, match="then copy it there"):
        readable("memory://a-study").prepare()
    (tmp_path / "a.toml").write_text("epochs = 1\nseeds = 1\n")
    done = run("study", tmp_path / "a.toml", "--out", "memory://a-study")
    assert done.exit_code == 2
    assert "memory://a-study: studies are written to a folder" in done.stderr
    with pytest.raises(OutputError, match="a report is written to a folder"):
        actscope.study_report(stored, "memory://page")


def test_what_is_a_url():
    assert isinstance(readable("s-study"), Store)
    assert not isinstance(readable("/a/b:c"), RemoteStore)
    assert str(writable("file:///a%20b/c").folder) == "/a b/c"
    assert isinstance(readable("memory://x"), RemoteStore)
