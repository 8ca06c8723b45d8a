"""Scores that were found once and are looked up afterwards, each by what it is a score of."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from services.engines.digest import file_digest
from services.engines.torch_side import Say
from services.learning.evaluate.forms import Worn
from services.learning.evaluate.suite import Suite
from services.learning.evaluate.worker import ask

HOW = "2"
"""Of the way of scoring: raised when equal files may give other scores than before."""
KEPT_DAYS = 90
_DAY = 86_400
Ask = Callable[..., tuple[float, ...]]


class ScoreBook:
    """Scores of one model with adapters, in a folder: numbers alone, no question and no answer.

    Args:
        folder: of the scores.
        model: a GGUF file.
        threads: of the CPU.
        ask: how a suite is scored; see `services.learning.evaluate.worker.ask`.
    """

    def __init__(self, folder: Path, model: Path, *, threads: int = 1, ask: Ask = ask) -> None:
        self._folder, self._model, self._threads, self._ask = folder, model, threads, ask

    def scores(self, worn: Worn, suite: Suite, say: Say) -> tuple[float, ...]:
        """Scores of a suite's items with an adapter; asked for once, whoever died meanwhile.

        Raises:
            BrickError: the adapter does not fit the model, or an item is too long.
            EngineError: the model could not be asked.
        """
        place = self._folder / f"{self._key(worn, suite)}.json"
        found = _read(place, len(suite.items))
        if found is None:
            found = self._ask(self._model, worn.path, suite, threads=self._threads, say=say)
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = place.with_name(f".{uuid4()}.part")
            part.write_text(json.dumps({"suite": suite.name, "scores": found}), encoding="utf-8")
            part.replace(place)
        return found

    def tidy(self) -> None:
        """Forget what nobody has looked up for long."""
        for path in self._folder.glob("*"):
            if path.stat().st_mtime < time.time() - KEPT_DAYS * _DAY:
                path.unlink(missing_ok=True)

    def _key(self, worn: Worn, suite: Suite) -> str:
        told = "|".join((HOW, file_digest(self._model), worn.digest, suite.digest))
        return hashlib.sha256(told.encode()).hexdigest()


def _read(place: Path, count: int) -> tuple[float, ...] | None:
    try:
        scores = json.loads(place.read_text(encoding="utf-8"))["scores"]
        place.touch()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    good = isinstance(scores, list) and len(scores) == count
    return tuple(map(float, scores)) if good else None
