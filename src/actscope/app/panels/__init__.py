"""The panels: one file a panel, each with its RECORD."""

from actscope.app.panels._base import Panel as Panel
from actscope.app.panels._lookup import SHELF as SHELF
