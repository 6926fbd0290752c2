"""The rules of `actscope inspect`: one file each, its docstring is its page."""

from actscope.probe.rules._base import Found, Rule, Seen
from actscope.probe.rules._lookup import SHELF

__all__ = ["SHELF", "Found", "Rule", "Seen"]
