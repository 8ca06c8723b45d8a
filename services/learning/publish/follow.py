"""The hospital's own expert follows what is released: in its place when a release has got through.

What was followed last is noted in a file, so that an expert that an operator popped or pushed since
is left alone until the next release. A release that was rolled back is no parent any more: the one
before it comes back, or nobody.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Protocol

from compliance.errors import CaretierError
from services.experts import Expert
from services.experts.errors import ExpertsUnsupportedError
from services.learning.publish.publisher import brick_of
from services.learning.rounds import Rounds

FILE = "followed.json"
_LOG = logging.getLogger("caretier.learning")


class Pushes(Protocol):
    """The experts of a node (`services.experts.Experts`)."""

    def all(self) -> tuple[Expert, ...]:
        """Every expert that is pushed."""
        ...

    async def push(self, ref: str) -> Expert:
        """Put one in place."""
        ...

    async def pop(self, id_: str) -> Expert:
        """Take one away."""
        ...


class Followed:
    """Brings the experts of a parent to what is released.

    Args:
        rounds: say what is released.
        experts: of the hospital.
        folder: of learning.
    """

    def __init__(self, rounds: Rounds, experts: Pushes, folder: Path) -> None:
        self._rounds, self._experts, self._file = rounds, experts, folder / FILE

    async def follow(self) -> None:
        """Look once; what cannot be done now is tried at the next look."""
        seen = await asyncio.to_thread(self._read)
        for domain in self._rounds.policy.domains:
            released = (await asyncio.to_thread(self._rounds.standing, domain)).parent
            if seen.get(domain) == released:
                continue
            try:
                await self._bring(brick_of(domain), released)
            except ExpertsUnsupportedError:
                _LOG.debug("the engine holds no adapters: %s is not used here", released)
            except CaretierError as error:
                _LOG.warning("the expert of %s stays as it was: %s", domain, error.message)
            else:
                seen[domain] = released
                await asyncio.to_thread(self._write, seen)

    async def _bring(self, name: str, released: str | None) -> None:
        if released is not None:
            await self._experts.push(released)
            _LOG.info("%s answers at the hospital", released)
        elif any(expert.id == name for expert in self._experts.all()):
            await self._experts.pop(name)
            _LOG.info("%s answers no more: it was rolled back", name)

    def _read(self) -> dict[str, str | None]:
        try:
            held = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return held if isinstance(held, dict) else {}

    def _write(self, seen: dict[str, str | None]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self._file.with_name(f".{FILE}.part")
        part.write_text(json.dumps(seen, sort_keys=True) + "\n", encoding="utf-8")
        part.replace(self._file)
