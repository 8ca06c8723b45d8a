"""Hybrid retrieval over knowledge: BM25 (SQLite FTS5) joined with MiniLM vectors.

Vectors are kept in the cache folder under the digest of each passage, so that a start computes only
those of passages that are new or changed.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Protocol
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from services.bricks.knowledge import Knowledge, Passage, Topic, TopicHead
from services.bricks.meaning import Meanings
from services.bricks.words import Mention, NameFinder, content_stems, stems
from services.engines.embed import DIMENSIONS

_log = logging.getLogger(__name__)
CACHE_FILE = "passages.npz"
"""Vectors of the passages, beside what they were computed of."""
WHOLE = -1
"""Start of the unit that is a whole passage."""
VECTORS = "all-MiniLM-L6-v2"
"""Whose vectors the cache holds; another model has other keys."""
PARTS = 12
"""Parts of a passage that are compared by themselves, at the most."""
POOL = 24
"""How many passages each of the two retrievers proposes."""


class Embeds(Protocol):
    """Turns sentences into float32 unit vectors of shape (n, 384)."""

    def encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Embed ``texts``."""
        ...


@dataclass(frozen=True)
class Hit:
    """A passage with its cosine to the query and its share of the best BM25 score (both 0-1)."""

    passage: Passage
    cosine: float
    keyword: float

    @property
    def score(self) -> float:
        """Joint score; vectors count for more than words."""
        return 0.65 * max(self.cosine, 0.0) + 0.35 * self.keyword


@dataclass(frozen=True)
class Unit:
    """What is compared with a question: a whole passage, or a few sentences of it.

    ``passage`` is its place in `KnowledgeIndex.passages`; ``start`` and ``end`` are sentences.
    """

    passage: int
    start: int
    end: int


class KnowledgeIndex:
    """Passages of a tier, searchable by meaning, by words and by the names of topics.

    ``units`` and ``unit_vectors`` (float32, shape (units, 384)) are passages and their sentences;
    ``first_units`` holds the place of each passage's first unit, which is the passage whole.
    """

    def __init__(self, knowledge: Knowledge, embedder: Embeds, cache: Path | None = None) -> None:
        self.knowledge = knowledge
        self.embedder = embedder
        self._passages = knowledge.passages
        self._row = {p.id: i for i, p in enumerate(self._passages)}
        self.units = _units(self._passages)
        self._cache = cache
        self.unit_vectors = self._kept([self._unit_text(u) for u in self.units])
        self.first_units = [i for i, unit in enumerate(self.units) if unit.start == WHOLE]
        self._vectors = self.unit_vectors[self.first_units]
        self._words = self._build_words()
        self.meanings = Meanings(self._passages, self._kept, self.embed)
        self._frequency = Counter(
            w for t in knowledge.topics for w in set(content_stems(_topic_text(t)))
        )
        self.names = NameFinder({t.head.id: t.names for t in knowledge.topics}, self._frequency)
        above = {h.id: (h.title, *h.aliases) for h in knowledge.directory}
        self._above = NameFinder(above, self._frequency)
        self._heads = {h.id: h for h in knowledge.directory}

    def _kept(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of a pack's texts; those not in the cache are computed and added to it.

        For what packs hold only: nothing of a question is ever kept.
        """
        keys = [hashlib.sha256(f"{VECTORS}:{t}".encode()).hexdigest()[:32] for t in texts]
        cache = self._cache
        kept = _read_cache(cache)
        lacking = [i for i, key in enumerate(keys) if key not in kept]
        if lacking:
            fresh = self.embedder.encode([texts[i] for i in lacking])
            kept |= {keys[i]: row for i, row in zip(lacking, fresh, strict=True)}
            _write_cache(cache, kept)
        if not keys:
            return np.zeros((0, DIMENSIONS), np.float32)
        return np.array([kept[key] for key in keys], np.float32)

    @property
    def passages(self) -> tuple[Passage, ...]:
        """All passages, in the order that units count them."""
        return self._passages

    def _unit_text(self, unit: Unit) -> str:
        passage = self._passages[unit.passage]
        said = (
            passage.sentences if unit.start == WHOLE else passage.sentences[unit.start : unit.end]
        )
        return f"{passage.topic.title}: {passage.section.replace('-', ' ')}. {' '.join(said)}"

    def _build_words(self) -> sqlite3.Connection:
        base = sqlite3.connect(":memory:", check_same_thread=False)
        base.execute(
            "CREATE VIRTUAL TABLE passage USING fts5"
            "(names, body, tokenize='porter unicode61 remove_diacritics 2')"
        )
        base.executemany(
            "INSERT INTO passage(rowid, names, body) VALUES (?, ?, ?)",
            (
                (i, " ; ".join((p.topic.title, *p.topic.aliases)), p.text)
                for i, p in enumerate(self._passages)
            ),
        )
        return base

    def of_sentences(self, row: int, units: npt.NDArray[np.float32]) -> tuple[float, ...]:
        """What each sentence of a passage has, of what every unit has."""
        first, *later = self.first_units[row : row + 2]
        parts = range(first + 1, later[0] if later else len(self.units)) or [first]
        held = ((self.units[at], float(units[at])) for at in parts)
        return tuple(has for u, has in held for _ in range(max(u.start, 0), u.end))

    def mentions(self, text: str) -> list[Mention]:
        """Topics of this tier that the text names."""
        return self.names.find(text)

    def held_above(self, text: str) -> TopicHead | None:
        """The first topic named in the text that only a tier above can answer, if any."""
        found = self._above.find(text)
        return self._heads[found[0].topic] if found else None

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Vectors of ``texts``, shape (n, 384)."""
        return self.embedder.encode(texts)

    def search(self, query: str, *, k: int = 8, within: Iterable[str] | None = None) -> list[Hit]:
        """The ``k`` best passages, of the topics ``within`` when given, best first."""
        allowed = None if within is None else set(within)
        rows = [i for i, p in enumerate(self._passages) if allowed is None or p.topic.id in allowed]
        if not rows:
            return []
        cosines = self._vectors[rows] @ self.embedder.encode([query])[0]
        keyword = self._keyword_scores(query)
        best = [rows[j] for j in np.argsort(-cosines)[:POOL]]
        pool = set(best) | {r for r in keyword if allowed is None or r in set(rows)}
        by_row = dict(zip(rows, cosines.tolist(), strict=True))
        hits = [Hit(self._passages[r], by_row[r], keyword.get(r, 0.0)) for r in pool]
        return sorted(hits, key=lambda h: (-h.score, h.passage.id))[:k]

    def _keyword_scores(self, query: str) -> dict[int, float]:
        terms = content_stems(query)
        if not terms:
            return {}
        match = " OR ".join(f'"{t}"' for t in terms)
        found = self._words.execute(
            "SELECT rowid, -bm25(passage, 4.0, 1.0) AS s FROM passage WHERE passage MATCH ?"
            " ORDER BY s DESC LIMIT ?",
            (match, POOL),
        ).fetchall()
        top = max((s for _, s in found), default=0.0)
        return {row: s / top for row, s in found} if top > 0 else {}

    def unknown(self, query: str, topic: Topic) -> list[str]:
        """Words of a query that neither its topic nor any other holds, misspellings forgiven."""
        own = {w for name in topic.names for w in stems(name)}
        return [
            w
            for w in content_stems(query)
            if w not in self._frequency and w not in own and self.names.correct(w) is None
        ]

    def strange(self, word: str) -> bool:
        """Whether no source holds a word, misspellings forgiven."""
        found = content_stems(word)
        return bool(found) and all(
            w not in self._frequency and self.names.correct(w) is None for w in found
        )

    def weight(self, stem: str) -> float:
        """How much a word tells apart: the fewer topics hold it, the more."""
        return log(1 + (len(self.knowledge.topics) + 1) / (1 + self._frequency[stem]))


def _read_cache(cache: Path | None) -> dict[str, npt.NDArray[np.float32]]:
    file = cache / CACHE_FILE if cache else None
    if file is None or not file.is_file():
        return {}
    try:
        with file.open("rb") as raw, np.load(raw) as held:
            keys, vectors = held["keys"].tolist(), held["vectors"]
            whole = vectors.ndim == 2 and bool(np.isfinite(vectors).all())  # noqa: PLR2004
            return dict(zip(keys, vectors, strict=True)) if whole else {}
    except (OSError, EOFError, ValueError, KeyError, AttributeError, BadZipFile, zlib.error):
        return {}  # damaged: it is made anew


def _write_cache(cache: Path | None, kept: dict[str, npt.NDArray[np.float32]]) -> None:
    if cache is None:
        return
    partial = cache / f"{uuid4().hex}.partial.npz"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(partial, keys=np.array(list(kept)), vectors=np.stack(list(kept.values())))
        partial.replace(cache / CACHE_FILE)
    except OSError:
        _log.warning("the vectors' cache cannot be written; they are computed at each start")
        partial.unlink(missing_ok=True)


def _units(passages: Iterable[Passage]) -> tuple[Unit, ...]:
    """Each passage whole, then its sentences, a few at once where there are many."""
    found: list[Unit] = []
    for row, passage in enumerate(passages):
        count = len(passage.sentences)
        step = -(-count // PARTS)
        found.append(Unit(row, WHOLE, count))
        if count > 1:
            found += [Unit(row, i, min(i + step, count)) for i in range(0, count, step)]
    return tuple(found)


def _topic_text(topic: Topic) -> str:
    return " ".join((*topic.names, *(p.text for p in topic.passages)))
