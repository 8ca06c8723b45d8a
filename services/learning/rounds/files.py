"""A round's files: the candidate, what was seen of it, and how far a step is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file
from sqlalchemy.orm import Session

from services.engines.digest import file_digest
from services.learning.aggregate import Delta, Factors
from services.learning.rounds.states import FencedOffError

CANDIDATE = "candidate.safetensors"
EVIDENCE = "evidence.json"


class RoundFiles:
    """The files below ``<data>/hospital/learning``.

    Args:
        folder: that folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def contribution(self, id_: str) -> Path:
        """Where the file of a contribution lies."""
        return self._folder / "contributions" / f"{id_}.safetensors"

    def of(self, round_: str) -> Path:
        """The folder of a round; made where it is not there."""
        folder = self._folder / "rounds" / round_
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def candidate(self, round_: str) -> Path:
        """Where the candidate of a round lies."""
        return self.of(round_) / CANDIDATE

    def holds(self, round_: str, digest: str | None) -> bool:
        """Whether the candidate that lies there is the one that a round names."""
        path = self.candidate(round_)
        return path.is_file() and file_digest(path) == digest

    def write_candidate(
        self, round_: str, fence: int, delta: Delta
    ) -> tuple[str, Callable[[Session], object]]:
        """Write a change beside its place; returns its digest, and what puts it there.

        That is called inside the transaction that checks the fence: so no attempt that was fenced
        off ever replaces the candidate of a later one.

        Raises:
            FencedOffError: a later attempt put its own there and swept this one away.
        """
        target = self.candidate(round_)
        part = target.with_name(f"{CANDIDATE}.{fence}.part")
        try:
            write_delta(part, delta)
            digest = file_digest(part)
        except FileNotFoundError as swept:
            raise FencedOffError from swept

        def put(_session: Session) -> None:
            part.replace(target)
            for left in target.parent.glob(f"{CANDIDATE}.*.part"):  # by who was fenced off
                left.unlink(missing_ok=True)

        return digest, put

    def write_evidence(self, round_: str, held: Mapping[str, Any]) -> Callable[[Session], object]:
        """Return what writes the evidence as a file, for people and for the release."""
        text = json.dumps(held, indent=2, sort_keys=True) + "\n"

        def put(_session: Session) -> None:
            replace_text(self.of(round_) / EVIDENCE, text)

        return put

    def say(self, round_: str, text: str) -> None:
        """Note how far a step is."""
        replace_text(self.of(round_) / "progress.txt", text)

    def said(self, round_: str) -> str:
        """How far the last step was."""
        path = self.of(round_) / "progress.txt"
        return path.read_text(encoding="utf-8") if path.is_file() else ""


def write_delta(path: Path, delta: Delta) -> None:
    """Write a change as safetensors, ``<module>.up`` and ``<module>.down``, to the disk."""
    tensors = {
        f"{module}.{side}": np.ascontiguousarray(getattr(factors, side), np.float32)
        for module, factors in sorted(delta.items())
        for side in ("up", "down")
    }
    save_file(tensors, path)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def read_delta(path: Path) -> dict[str, Factors]:
    """Read a change that `write_delta` wrote."""
    with safe_open(path, framework="np") as file:
        modules = sorted({name.rpartition(".")[0] for name in file.keys()})  # noqa: SIM118
        return {
            module: Factors(file.get_tensor(f"{module}.up"), file.get_tensor(f"{module}.down"))
            for module in modules
        }


def replace_text(path: Path, text: str) -> None:
    """Write a small file, whole or not at all."""
    part = path.with_name(f"{path.name}.{uuid4()}.part")  # two hands may be at one round
    part.write_text(text, encoding="utf-8")
    part.replace(path)
