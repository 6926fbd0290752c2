"""Every public name says what it promises: arguments, returns, errors, an example, a source."""

import inspect
import re

import griffe
import pytest

import actscope

PARTS = {"text", "examples"}


def sections(doc):
    """The parts of a Google docstring by kind; the heading of an example in griffe's spelling."""
    text = doc.replace("Example:\n", "Examples:\n")
    found = griffe.Docstring(text, parser_options={"warnings": False}).parse("google")
    return {part.kind.value: part for part in found}


def lacking(thing):
    """What the docstring of a public name lacks, in words."""
    doc = inspect.getdoc(thing) or ""
    parts = sections(doc)
    first, _, rest = doc.partition("\n")
    lacks = [part for part in PARTS if part not in parts]
    if not first.endswith((".", "?")) or (rest.strip() and not rest.startswith("\n")):
        lacks.append("a first line that stands alone")
    if not re.search(r"^Source:", doc, re.M):
        lacks.append("a source")
    named = {
        entry.name.lstrip("*")
        for kind in ("parameters", "attributes")
        if kind in parts
        for entry in parts[kind].value
    }
    wanted = set(inspect.signature(thing).parameters)
    lacks += sorted(wanted - named)
    if not inspect.isclass(thing) and "returns" not in parts:
        lacks.append("returns")
    return lacks


def members(thing):
    """The public methods and properties that a class defines itself."""
    held = vars(thing).items()
    return {k: v for k, v in held if not k.startswith("_") and (callable(v) or is_property(v))}


def is_property(thing):
    return isinstance(thing, property) or hasattr(thing, "func")


@pytest.mark.parametrize("name", actscope.__all__)
def test_a_public_name_has_every_part(name):
    assert lacking(getattr(actscope, name)) == []


CLASSES = [name for name in actscope.__all__ if inspect.isclass(getattr(actscope, name))]


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_class_says_what_each_of_its_methods_does(name):
    for member, value in members(getattr(actscope, name)).items():
        doc = inspect.getdoc(value)
        assert doc, f"{name}.{member}"
        if callable(value) and "Args:" in doc:
            named = {e.name.lstrip("*") for e in sections(doc)["parameters"].value}
            wanted = set(inspect.signature(value).parameters) - {"self", "cls"}
            assert wanted <= named, f"{name}.{member} lacks {sorted(wanted - named)}"


def test_what_lacks_a_part_is_noticed():
    def bare(x, width):
        """Do something.

        Args:
            x: an array.
        """

    assert lacking(bare) == ["examples", "a source", "width", "returns"]
