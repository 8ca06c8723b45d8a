"""Retrieval over the real pack, and the cache of vectors."""

from __future__ import annotations

import numpy as np
import pytest

from services.bricks.knowledge import Knowledge
from services.bricks.retrieval import CACHE_FILE, KnowledgeIndex

TOPIC = """---
id: {id}
title: {title}
kind: disease
level: {level}
written: 2026-11-21
sources:
  - name: MedlinePlus
    url: https://medlineplus.gov/x.html
---
## what
{text}
"""


class Counting:
    """Embeds by letters, and counts what it was asked to embed."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts):
        self.texts += texts
        rows = np.array([[t.lower().count(c) + 0.01 for c in "abcdefghij"] for t in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    @property
    def passages(self) -> list[str]:
        """What was embedded but for single words."""
        return [t for t in self.texts if " " in t]


@pytest.fixture
def packs(tmp_path):
    folder = tmp_path / "packs"
    folder.mkdir()
    for id_, level in (("asthma", "device"), ("gout", "device"), ("lupus", "hospital")):
        text = TOPIC.format(id=id_, title=id_.title(), level=level, text=f"{id_.title()} is bad.")
        (folder / f"{id_}.md").write_text(text)
    return folder


@pytest.fixture
def index(node_of):
    return node_of("device").index


@pytest.mark.parametrize(
    ("query", "topic"),
    [
        ("what are the signs of asthma", "asthma"),
        ("how do I treat a migraine", "migraine"),
        ("can I drink alcohol with metformin", "metformin"),
    ],
)
def test_the_best_passage_is_of_the_topic_that_is_asked_for(index, query, topic):
    assert index.search(query, k=1)[0].passage.topic.id == topic


def test_hits_are_the_best_first_and_no_more_than_asked_for(index):
    hits = index.search("swollen joints and a rash", k=5)
    assert len(hits) == 5
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert all(-1 <= h.cosine <= 1.001 and 0 <= h.keyword <= 1 for h in hits)


def test_a_search_within_topics_stays_there(index):
    hits = index.search("signs of asthma", k=20, within=["migraine"])
    assert {h.passage.topic.id for h in hits} == {"migraine"}
    assert index.search("asthma", within=[]) == []


@pytest.mark.parametrize("query", ["", "the of and", '" OR 1', "*", "a AND", "NEAR(", "\x00", "ñ"])
def test_any_query_is_answered(index, query):
    assert len(index.search(query, k=3)) == 3


def test_a_topic_of_this_tier_is_named(index):
    assert [m.topic for m in index.mentions("Is asthma serious?")] == ["asthma"]
    assert index.mentions("What is the capital of France?") == []


@pytest.mark.parametrize("text", ["I took a single dose", "my monthly meals", "I feel fine"])
def test_plain_words_name_no_topic(index, text):
    assert index.mentions(text) == []


def test_a_topic_that_only_a_tier_above_holds_is_known_by_name(index, node_of):
    above = index.knowledge.directory[0]
    head = index.held_above(f"tell me about {above.title}")
    assert head is not None
    assert head.level in {"clinic", "hospital"}
    assert index.held_above("tell me about asthma") is None
    assert node_of("hospital").index.held_above(above.title) is None


def test_vectors_are_computed_once(packs, tmp_path):
    knowledge, first, second = Knowledge.load("hospital", packs), Counting(), Counting()
    KnowledgeIndex(knowledge, first, tmp_path / "cache")
    assert len(first.passages) == 3
    index = KnowledgeIndex(knowledge, second, tmp_path / "cache")
    assert second.texts == []
    assert index.search("gout", k=1)[0].passage.topic.id == "gout"


def test_only_a_changed_passage_is_computed_anew(packs, tmp_path):
    KnowledgeIndex(Knowledge.load("hospital", packs), Counting(), tmp_path / "cache")
    file = packs / "gout.md"
    file.write_text(file.read_text().replace("is bad", "is painful"))
    embedder = Counting()
    KnowledgeIndex(Knowledge.load("hospital", packs), embedder, tmp_path / "cache")
    assert embedder.passages == ["Gout: what. Gout is painful."]


def test_tiers_share_the_cache(packs, tmp_path):
    embedder = Counting()
    KnowledgeIndex(Knowledge.load("hospital", packs), embedder, tmp_path / "cache")
    KnowledgeIndex(Knowledge.load("device", packs), embedder, tmp_path / "cache")
    assert len(embedder.passages) == 3


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04" + bytes(50)])
def test_a_damaged_cache_is_made_anew(packs, tmp_path, content):
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / CACHE_FILE).write_bytes(content)
    embedder = Counting()
    KnowledgeIndex(Knowledge.load("hospital", packs), embedder, cache)
    assert len(embedder.passages) == 3
    again = Counting()
    KnowledgeIndex(Knowledge.load("hospital", packs), again, cache)
    assert again.texts == []


def test_without_a_cache_everything_is_computed(packs):
    embedder = Counting()
    KnowledgeIndex(Knowledge.load("device", packs), embedder)
    assert len(embedder.passages) == 2


def test_no_knowledge_at_all_finds_nothing(tmp_path):
    index = KnowledgeIndex(Knowledge.load("device", tmp_path), Counting())
    assert index.search("asthma") == []
    assert index.mentions("asthma") == []
