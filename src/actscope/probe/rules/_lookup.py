"""The shelf of rules."""

from __future__ import annotations

from actscope.probe.rules._base import Rule
from actscope.shelf import Shelf

SHELF: Shelf[Rule] = Shelf("actscope.probe.rules", "rule")
