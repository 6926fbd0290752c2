"""The longest test goes first, so that no process is left alone with it at the end."""

FIRST = "test_clone.py"
collect_ignore = ["surface/bare.py"]  # a script of `make packaging`, and no module of doctests


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name != FIRST)
