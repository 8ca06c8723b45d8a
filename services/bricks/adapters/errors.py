"""What can go wrong with models and adapters beyond a file that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compliance.errors import CaretierError
from services.bricks.errors import BrickDamagedError, BrickError


class EffectLostError(BrickError):
    """Quantising took away what an adapter had changed; the file is not to be used."""

    kind = "brick-effect-lost"
    remedy = "Use Q4_K_M, Q5_K_M or Q8_0, or keep the adapter beside the base model."


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Let nothing but errors with a sentence come out of reading what others wrote.

    A value can have any type in a configuration or header, and each would fail at its own place.

    Raises:
        BrickDamagedError: in the place of any other error.
    """
    try:
        yield
    except CaretierError:
        raise
    except Exception as error:
        raise BrickDamagedError(
            f"{path.name} holds a value that makes no sense ({type(error).__name__}: "
            f"{str(error)[:200]})."
        ) from error
