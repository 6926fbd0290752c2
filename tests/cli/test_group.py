"""The command line as a whole: light, one file a command, one way to fail."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actscope.cli import _group, app
from actscope.errors import InputError

HEAVY = {"numba", "matplotlib", "sklearn", "pandas", "sympy", "scipy", "torch", "jinja2"}
LIST_LOADED = (
    "import sys; print(*sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
)


def loaded(code):
    """The top-level modules that a fresh Python has imported after `code`."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stderr.split())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of commands of our own in place of the package's."""
    monkeypatch.setattr(_group, "FOLDER", tmp_path)

    def add(name, body, doc="What it is for.\n\nMore."):
        (tmp_path / f"{name}.py").write_text(f'"""{doc}"""\n{body}\n', "utf8")
        monkeypatch.delitem(sys.modules, f"actscope.cli.{name}", raising=False)
        import actscope.cli

        monkeypatch.setattr(actscope.cli, "__path__", [str(tmp_path)])

    return add


@pytest.mark.parametrize(
    "code",
    [
        "import actscope",
        "import actscope.cli",
        "from actscope.cli import main\nimport sys\nsys.argv = ['actscope', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n",
    ],
)
def test_nothing_heavy_is_imported(code):
    assert not loaded(f"{code}\n{LIST_LOADED}") & HEAVY


def test_the_heavy_list_is_seen():
    """The check above can fail."""
    assert "jinja2" in loaded(f"import jinja2\n{LIST_LOADED}") & HEAVY


def test_help_lists_every_file_of_the_folder():
    page = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert page.exit_code == 0
    files = [p.stem for p in Path(_group.FOLDER).glob("[!_]*.py")]
    assert files
    for name in files:
        assert f" {name.replace('_', '-')} " in page.output


def test_a_file_is_a_command(folder):
    folder("say_it", "def command(times: int = 1) -> None:\n    print('word ' * times)")
    assert "say-it" in CliRunner().invoke(app, ["--help"]).output
    assert "What it is for." in CliRunner().invoke(app, ["--help"]).output
    assert CliRunner().invoke(app, ["say-it", "--times", "2"]).output == "word word \n"


def test_help_does_not_import_commands(folder):
    folder("broken", "raise RuntimeError('imported')")
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0
    assert CliRunner().invoke(app, ["broken"]).exit_code == 1


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("raise InputError('wrong here')", 2, "error: wrong here"),
        ("raise KeyboardInterrupt", 130, "stopped"),
    ],
)
def test_errors_become_messages(folder, body, code, message):
    folder("fails", f"from actscope.errors import InputError\ndef command() -> None:\n    {body}")
    run = CliRunner().invoke(app, ["fails"])
    assert (run.exit_code, run.stderr.strip(), run.stdout) == (code, message, "")


def test_other_exceptions_are_not_hidden(folder):
    folder("fails", "def command() -> None:\n    raise ZeroDivisionError")
    assert isinstance(CliRunner().invoke(app, ["fails"]).exception, ZeroDivisionError)
    assert issubclass(InputError, ValueError)


def test_unknown_command_names_the_nearest():
    run = CliRunner().invoke(app, ["reprodce"])
    assert run.exit_code == 2
    assert "did you mean 'reproduce'?" in run.stderr


def test_python_dash_m():
    run = subprocess.run(
        [sys.executable, "-m", "actscope", "--version"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0
    assert run.stdout.startswith("actscope 0")
