"""A file that is there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from services.bricks.errors import BrickNotWrittenError

READABLE = 0o644
"""The engine that reads weights may run under another account."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Write beside ``path``; what stood there stays until the new file is finished.

    Yields:
        Where to write.

    Raises:
        BrickNotWrittenError: there is no room, or the folder may not be written to; nothing is
            left behind.
    """
    made = path.resolve().with_name(path.name + ".part")
    try:
        yield made
        made.chmod(READABLE)
        made.replace(path)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BrickNotWrittenError(f"{path.name} cannot be written: {reason}.") from error
    finally:
        made.unlink(missing_ok=True)
