"""The sign of the product as PNG, for the home screens that take no SVG.

Drawn from the same boxes as ``favicon.svg`` and written with the standard library alone.

Example:
    >>> draw("icon-192").startswith(PNG)
    True
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PNG = b"\x89PNG\r\n\x1a\n"
UNITS = 64.0
"""Width of the drawing in its own units."""
SAFE = 0.78
"""Share of a maskable icon that the sign takes up: no mask cuts into it."""


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    width: float
    height: float
    radius: float
    colour: tuple[int, int, int]


_GROUND = _Box(0, 0, 64, 64, 15, (12, 91, 94))
_BARS = (
    _Box(14, 38, 10, 12, 4, (255, 255, 255)),
    _Box(27, 27, 10, 23, 4, (207, 231, 227)),
    _Box(40, 14, 10, 36, 4, (143, 202, 195)),
)

ICONS: dict[str, tuple[int, bool]] = {
    "icon-180": (180, True),
    "icon-192": (192, False),
    "icon-512": (512, False),
    "maskable-192": (192, True),
    "maskable-512": (512, True),
}
"""Name of an icon: its size in pixels, and whether the system cuts its own shape out of it."""


@lru_cache
def draw(name: str) -> bytes:
    """The icon as PNG.

    Raises:
        KeyError: there is none of this name.
    """
    size, maskable = ICONS[name]
    image = np.zeros((size, size, 4))
    if maskable:
        image[:] = (*_GROUND.colour, 255)
    else:
        _paint(image, _GROUND, UNITS / size, 0.0)
    share = SAFE if maskable else 1.0
    unit = UNITS / (size * share)
    for bar in _BARS:
        _paint(image, bar, unit, UNITS * (1 / share - 1) / 2)
    return _png(image.round().astype(np.uint8))


def _paint(image: NDArray[np.float64], box: _Box, unit: float, margin: float) -> None:
    """Lay a box with round corners over the image; ``unit``: drawing units in a pixel."""
    at = (np.arange(image.shape[0]) + 0.5) * unit - margin
    across = np.abs(at - box.x - box.width / 2) - (box.width / 2 - box.radius)
    down = np.abs(at - box.y - box.height / 2) - (box.height / 2 - box.radius)
    outside = np.hypot(np.maximum(across, 0)[None, :], np.maximum(down, 0)[:, None])
    inside = np.minimum(np.maximum(across[None, :], down[:, None]), 0)
    cover = np.clip(0.5 - (outside + inside - box.radius) / unit, 0, 1)[:, :, None]
    image[:] = image * (1 - cover) + np.array([*box.colour, 255.0]) * cover


def _png(pixels: NDArray[np.uint8]) -> bytes:
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return PNG + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
