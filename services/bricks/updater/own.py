"""The hospital's own bricks out of its own repository.

A hospital makes the bricks that it publishes, and keeps their former versions. What it takes back
goes out of use at the hospital too.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from compliance.errors import CaretierError
from services.bricks.repository import REPOSITORY
from services.bricks.updater.download import Progress, silent
from services.bricks.updater.source import FolderSource
from services.bricks.updater.updater import Updater

LOOK_SECONDS = 30.0
"""Between two looks at whether the hospital's repository has changed."""
_log = logging.getLogger("caretier.bricks")


def own_updater(data: Path, progress: Progress = silent) -> Updater:
    """Takes bricks out of the repository in a hospital's data folder, which is trusted as it is.

    Raises:
        BrickUntrustedError: its first root does not hold.
    """
    repository = data / REPOSITORY
    made = Updater(data / "bricks", FolderSource(repository), progress=progress, tidy=False)
    first = repository / "metadata" / "1.root.json"
    if not made.client.trusts and first.is_file():
        made.client.trust(first.read_bytes())
    return made


async def follow_own(data: Path) -> None:
    """Look at the repository whenever it has changed, until cancelled."""
    stamp = data / REPOSITORY / "metadata" / "timestamp.json"
    seen: tuple[int, int] | None = None
    while True:
        try:
            if stamp.is_file():
                status = stamp.stat()
                now = (status.st_ino, status.st_mtime_ns)
                if now != seen:
                    await asyncio.to_thread(own_updater(data).check)
                    seen = now
        except (CaretierError, OSError) as error:
            _log.warning("The hospital's own repository: %s", error)
        await asyncio.sleep(LOOK_SECONDS)
