"""The catalogue of inits: one file each."""

from actscope.inits._base import Init
from actscope.inits._lookup import SHELF, init

__all__ = ["SHELF", "Init", "init"]
