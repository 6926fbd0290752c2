"""What `import actscope` offers: light, complete, documented."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import actscope

INIT = Path(actscope.__file__)


@pytest.mark.parametrize("name", actscope.__all__)
def test_a_public_name_is_there_and_says_how_to_use_it(name):
    thing = getattr(actscope, name)
    assert name in dir(actscope)
    assert ">>>" in (inspect.getdoc(thing) or ""), f"{name} shows no example"


def test_every_public_name_is_known_to_type_checkers_too():
    tree = ast.parse(INIT.read_text(encoding="utf-8"))
    block = next(n for n in tree.body if isinstance(n, ast.If))
    typed = {alias.asname for n in block.body for alias in n.names}
    assert typed == set(actscope.__all__) == set(actscope._PUBLIC)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'activations_of_god'"):
        actscope.activations_of_god  # noqa: B018


def test_importing_loads_nothing_heavy():
    heavy = ["numpy", "scipy", "numba", "matplotlib", "pandas", "sympy", "sklearn", "torch"]
    code = f"import sys, actscope; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
