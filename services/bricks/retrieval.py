"""Hybrid retrieval over knowledge: BM25 (SQLite FTS5) joined with MiniLM vectors.

Vectors are kept in the cache folder under the digest of each passage, so that a start computes only
those of passages that are new or changed.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from services.bricks.knowledge import Knowledge, Passage, Topic, TopicHead
from services.bricks.words import Mention, NameFinder, content_stems

CACHE_FILE = "passages.npz"
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


class KnowledgeIndex:
    """Passages of a tier, searchable by meaning, by words and by the names of topics."""

    def __init__(self, knowledge: Knowledge, embedder: Embeds, cache: Path | None = None) -> None:
        self.knowledge = knowledge
        self._embedder = embedder
        self._passages = knowledge.passages
        self._row = {p.id: i for i, p in enumerate(self._passages)}
        self._vectors = self._load_vectors(cache)
        self._words = self._build_words()
        self._frequency = Counter(
            w for t in knowledge.topics for w in set(content_stems(_topic_text(t)))
        )
        self.names = NameFinder({t.head.id: t.names for t in knowledge.topics}, self._frequency)
        above = {h.id: (h.title, *h.aliases) for h in knowledge.directory}
        self._above = NameFinder(above, self._frequency)
        self._heads = {h.id: h for h in knowledge.directory}

    def _load_vectors(self, cache: Path | None) -> npt.NDArray[np.float32]:
        """Vectors of all passages; those not in the cache are computed and added to it."""
        texts = [_passage_text(p) for p in self._passages]
        keys = [hashlib.sha256(t.encode()).hexdigest()[:32] for t in texts]
        kept = _read_cache(cache)
        lacking = [i for i, key in enumerate(keys) if key not in kept]
        if lacking:
            fresh = self._embedder.encode([texts[i] for i in lacking])
            kept |= {keys[i]: row for i, row in zip(lacking, fresh, strict=True)}
            _write_cache(cache, kept)
        return np.array([kept[key] for key in keys], np.float32)

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

    def mentions(self, text: str) -> list[Mention]:
        """Topics of this tier that the text names."""
        return self.names.find(text)

    def held_above(self, text: str) -> TopicHead | None:
        """The first topic named in the text that only a tier above can answer, if any."""
        found = self._above.find(text)
        return self._heads[found[0].topic] if found else None

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Vectors of ``texts``, shape (n, 384)."""
        return self._embedder.encode(texts)

    def search(self, query: str, *, k: int = 8, within: Iterable[str] | None = None) -> list[Hit]:
        """The ``k`` best passages, of the topics ``within`` when given, best first."""
        allowed = None if within is None else set(within)
        rows = [i for i, p in enumerate(self._passages) if allowed is None or p.topic.id in allowed]
        if not rows:
            return []
        cosines = self._vectors[rows] @ self._embedder.encode([query])[0]
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

    def coverage(self, query: str, topic: Topic) -> float:
        """Share of the query's meaning (inverse document frequency of its words) in a topic, 0-1.

        A word that no topic holds weighs most: what is missing matters more than what matches.
        """
        wanted = content_stems(query)
        if not wanted:
            return 0.0
        held = set(content_stems(_topic_text(topic)))
        total = len(self.knowledge.topics) + 1
        weights = {w: log(1 + total / (1 + self._frequency[w])) for w in wanted}
        return sum(v for w, v in weights.items() if w in held) / sum(weights.values())


def _read_cache(cache: Path | None) -> dict[str, npt.NDArray[np.float32]]:
    file = cache / CACHE_FILE if cache else None
    if file is None or not file.is_file():
        return {}
    try:
        with file.open("rb") as raw, np.load(raw) as held:
            return dict(zip(held["keys"].tolist(), held["vectors"], strict=True))
    except (OSError, EOFError, ValueError, KeyError, AttributeError, BadZipFile):
        return {}  # damaged: it is made anew


def _write_cache(cache: Path | None, kept: dict[str, npt.NDArray[np.float32]]) -> None:
    if cache is None:
        return
    cache.mkdir(parents=True, exist_ok=True)
    partial = cache / f"{os.getpid()}.partial.npz"
    np.savez(partial, keys=np.array(list(kept)), vectors=np.stack(list(kept.values())))
    partial.replace(cache / CACHE_FILE)


def _passage_text(passage: Passage) -> str:
    return f"{passage.topic.title}: {passage.section.replace('-', ' ')}. {passage.text}"


def _topic_text(topic: Topic) -> str:
    return " ".join((*topic.names, *(p.text for p in topic.passages)))
