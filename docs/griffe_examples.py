"""Show a docstring's "Example:" as a code example: griffe knows the heading only in the plural."""

from typing import Any

import griffe


class Examples(griffe.Extension):
    """Rename the heading while the reference is built."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called for every object of the package."""
        if obj.docstring is not None:
            obj.docstring.value = obj.docstring.value.replace("Example:\n", "Examples:\n")
