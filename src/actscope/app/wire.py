"""One reply as one binary frame: a JSON head, then the bytes of its arrays.

```
uint32 little endian: length of the head, a multiple of 8 less 4
head: UTF-8 JSON, padded with spaces
arrays, each padded to a multiple of 8 bytes
```

In the head an array stands as `{"@": [type, shape, offset]}`, the offset counted from the end of
the head; a number that JSON has no word for as `{"$": "NaN"}`, `"Infinity"` or `"-Infinity"`. The
page makes typed arrays of the former without a copy.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

ALIGN = 8
TYPES = {"u1": "u1", "i4": "i4", "f4": "f4", "f8": "f8"}  # what the page has typed arrays for


def encode(reply: Mapping[str, Any]) -> bytes:
    """A reply as the bytes of a frame.

    Args:
        reply: JSON values and NumPy arrays, nested as you like. Booleans become uint8, whole
            numbers int32, float16 float32; float32 and float64 stay.

    Example:
        >>> frame = encode({"loss": float("nan"), "line": np.arange(3.0)})
        >>> decode(frame)
        {'loss': nan, 'line': array([0., 1., 2.])}
    """
    parts: list[bytes] = []
    head = json.dumps(_plain(reply, parts), separators=(",", ":"), allow_nan=False).encode()
    head += b" " * (-(len(head) + 4) % ALIGN)
    return b"".join([struct.pack("<I", len(head)), head, *parts])


def decode(frame: bytes) -> dict[str, Any]:
    """What `encode` was given; the page does the same in JavaScript."""
    (length,) = struct.unpack_from("<I", frame)
    body = memoryview(frame)[4 + length :]

    def revive(entry: dict[str, Any]) -> Any:
        if "$" in entry:
            return float(entry["$"])
        if "@" in entry:
            kind, shape, offset = entry["@"]
            count = math.prod(shape)
            return np.frombuffer(body, "<" + kind, count, offset).reshape(shape)
        return entry

    found: dict[str, Any] = json.loads(frame[4 : 4 + length], object_hook=revive)
    return found


def _plain(value: Any, parts: list[bytes]) -> Any:
    """The value as JSON knows it; the bytes of arrays are added to `parts`."""
    if isinstance(value, np.ndarray):
        return {"@": _array(value, parts)}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"$": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, Mapping):
        return {str(key): _plain(entry, parts) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry, parts) for entry in value]
    return value


def _array(array: np.ndarray, parts: list[bytes]) -> list[Any]:
    """Type, shape and offset of an array whose bytes are added to `parts`."""
    kind = {"b": "u1", "u": "u1", "i": "i4"}.get(array.dtype.kind) or f"f{array.dtype.itemsize}"
    kind = "f4" if kind == "f2" else kind
    offset = sum(map(len, parts))
    content = np.ascontiguousarray(array, dtype="<" + TYPES[kind]).tobytes()
    parts.append(content + b"\0" * (-len(content) % ALIGN))
    return [kind, list(array.shape), offset]
