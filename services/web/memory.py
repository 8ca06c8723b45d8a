"""Keep a long-running process small, and quick to start."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Look for no garbage in what is loaded meanwhile, neither now nor later: it stays to the end.

    Libraries and models are many objects, and each collection would walk through all of them.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
