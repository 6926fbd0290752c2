"""The command line: one file a command; `_group.py` says how a file becomes one."""

from actscope.cli._group import app, main

__all__ = ["app", "main"]
