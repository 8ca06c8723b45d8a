"""Keep a long-running process small."""

from __future__ import annotations

import ctypes
import sys

_M_ARENA_MAX = -8
_ARENAS = 2


def limit_arenas() -> None:
    """Let glibc keep two heaps instead of eight a core: threads here are many, and mostly wait.

    Does nothing on other C libraries.
    """
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, _ARENAS)
    except (OSError, AttributeError):
        return
