"""Which adapters are held, and how many requests use each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.engines.errors import AdapterUnknownError
from services.engines.protocol import AdapterFile


@dataclass
class Held:
    """One version of an adapter at the server.

    Attributes:
        model: its name there, which tells its content too, so that no other version answers to it.
        digest: of its copy's content; path: of the copy, as the server sees it.
        running: requests that use it; idle: set while there is none.
        lost: why the server, started anew, does not take it any more; empty while it does.
    """

    adapter: AdapterFile
    model: str
    digest: str
    path: Path
    running: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    lost: str = ""

    def __post_init__(self) -> None:
        self.idle.set()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Count a request as long as this lasts."""
        self.running += 1
        self.idle.clear()
        try:
            yield
        finally:
            self.running -= 1
            if not self.running:
                self.idle.set()


class Roster:
    """The adapters by name, one version each; older versions may still be in use elsewhere."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}

    def __iter__(self) -> Iterator[Held]:
        return iter([self._held[name] for name in sorted(self._held)])

    def get(self, name: str) -> Held:
        """The version that new requests use.

        Raises:
            AdapterUnknownError: there is none.
        """
        try:
            return self._held[name]
        except KeyError:
            raise AdapterUnknownError("The engine holds no adapter of this name.") from None

    def swap(self, held: Held) -> Held | None:
        """Let new requests use this version; returns the one that they used before."""
        before = self._held.get(held.adapter.name)
        self._held[held.adapter.name] = held
        return before

    def drop(self, name: str) -> Held | None:
        """Let no new request use it; returns it, or None where there was none."""
        return self._held.pop(name, None)
