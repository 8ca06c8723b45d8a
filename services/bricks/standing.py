"""What a running node says of its bricks: what answers with them, and which it leaves out.

The node writes it into its folder of bricks whenever it changes, so that a command in another
process (`caretier bricks list`, `caretier clinic status`) can show it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from compliance.audit.files import replace_synced

FILE = "standing.json"
"""In a node's folder of bricks."""


class Standing(BaseModel):
    """What a node uses.

    Attributes:
        at: when it was written.
        model: name of the engine's model, or None without an engine; ``base`` is its digest.
        writes: whether the model's words are used; where not, no adapter is.
        adapters: held by the engine now, as ``id@version``.
        left_out: bricks in use that do not count, with the reasons; ``*`` stands for all.
    """

    model_config = ConfigDict(frozen=True)

    at: datetime
    model: str | None = None
    base: str | None = None
    writes: bool = False
    adapters: tuple[str, ...] = ()
    left_out: dict[str, str] = {}

    def write(self, folder: Path) -> None:
        """Put it in the place of what was said before, where the folder is there.

        Raises:
            OSError: the disk failed.
        """
        if folder.is_dir():
            replace_synced(folder / FILE, self.model_dump_json(indent=1).encode())


def standing_of(folder: Path) -> Standing | None:
    """What the node of a folder last said, or None where none has, or it cannot be read."""
    try:
        return Standing.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return None
