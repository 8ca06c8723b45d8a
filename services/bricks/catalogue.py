"""The packs that are there: whose they are, of when, under which licence, how much they hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.bricks.compact import MANIFEST, compact_folders, read_manifest
from services.bricks.knowledge import PACKS, Knowledge, Topic


@dataclass(frozen=True)
class PackCard:
    """One pack.

    ``licence`` and ``publisher`` are None where no manifest says them; ``oldest`` and ``newest``
    are the dates of its passages; ``levels`` counts topics by tier.
    """

    id: str
    title: str
    publisher: str | None
    licence: str | None
    date: str | None
    language: str
    form: str
    folder: str
    topics: int
    passages: int
    oldest: str | None
    newest: str | None
    levels: dict[str, int]


def pack_cards(folders: Iterable[Path]) -> list[PackCard]:
    """A card for every pack at or below the folders.

    Raises:
        BrickError: a pack cannot be read.
    """
    return [_card(pack) for folder in folders for pack in packs_in(folder)]


def packs_in(folder: Path) -> list[Path]:
    """The packs at or below a folder: compact ones, and what is left of it in Markdown."""
    compact = list(compact_folders(folder))
    if folder.resolve() == PACKS.resolve():
        return [*(p for p in sorted(folder.iterdir()) if p.is_dir() and p not in compact), *compact]
    return compact or [folder]


def pack_topics(pack: Path) -> tuple[Topic, ...]:
    """Every topic of a pack, whatever its tier.

    Raises:
        BrickError: naming the file and the rule.
    """
    return Knowledge.load("hospital", pack).topics


def _card(pack: Path) -> PackCard:
    said: dict[str, Any] = read_manifest(pack) if (pack / MANIFEST).is_file() else {}
    topics = pack_topics(pack)
    dates = sorted(p.date for t in topics for p in t.passages)
    levels: dict[str, int] = {}
    for topic in topics:
        levels[topic.head.level] = levels.get(topic.head.level, 0) + 1
    return PackCard(
        id=str(said.get("id") or pack.name),
        title=str(said.get("title") or pack.name.replace("-", " ")),
        publisher=said.get("publisher"),
        licence=said.get("licence"),
        date=str(said["date"]) if said.get("date") else None,
        language=str(said.get("language") or "en"),
        form="compact" if compact_folders(pack) else "markdown",
        folder=str(pack),
        topics=len(topics),
        passages=sum(len(t.passages) for t in topics),
        oldest=dates[0] if dates else None,
        newest=dates[-1] if dates else None,
        levels=levels,
    )
