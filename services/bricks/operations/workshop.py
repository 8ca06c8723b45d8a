"""Where operations work: the store that they read and add to, and what they measure with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from services.bricks.retrieval import Embeds
from services.bricks.store import BrickStore

Say = Callable[[str], None]
"""Is told, in a line, how far a piece of work has come."""


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _silent(_line: str) -> None:
    pass


@dataclass(frozen=True)
class Workshop:
    """What an operation needs.

    Attributes:
        store: where bricks are read from and added to.
        embedder: gives the embedding model when knowledge is measured or looked for.
        cache: folder of the vectors of packs, or None.
        model: the base model of adapters in Transformers' form, or None where none is measured.
        say: is told of progress.
        now: the time that manifests bear.
    """

    store: BrickStore
    embedder: Callable[[], Embeds]
    cache: Path | None = None
    model: Path | None = None
    say: Say = _silent
    now: Callable[[], dt.datetime] = _utc_now

    def draft(self) -> AbstractContextManager[str]:
        """A folder for what is being made, gone afterwards."""
        return TemporaryDirectory(prefix="caretier-brick-")
