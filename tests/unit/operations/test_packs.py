"""Packs as bricks: parts that stay the same when other topics change."""

from __future__ import annotations

import pytest
import yaml
from support.packs import said, topic

from services.bricks.errors import BrickError
from services.bricks.knowledge import PACKS, Knowledge
from services.bricks.operations.packs import (
    changed_topics,
    moved,
    pack_fields,
    parts_for,
    read_pack,
    sources_of,
    write_parts,
)

LONG = "More of it. " * 20
MANY = [topic(f"topic-{n}", what=f"Sentence number {n} is here. {LONG}") for n in range(64)]


def read(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_a_pack_in_parts_is_read_as_it_was(tmp_path):
    write_parts(tmp_path / "p", said(), MANY, 16, ["gone"])
    again, topics, retired = read_pack(tmp_path / "p")
    assert again == said()
    assert {t.head.id: t for t in topics} == {t.head.id: t for t in MANY}
    assert retired == ("gone",)
    assert len(Knowledge.load("device", tmp_path / "p").topics) == 64


def test_the_same_topics_make_the_same_bytes_in_whichever_order(tmp_path):
    write_parts(tmp_path / "a", said(), MANY, 8)
    write_parts(tmp_path / "b", said(), reversed(MANY), 8)
    assert read(tmp_path / "a") == read(tmp_path / "b")


def test_one_changed_topic_changes_one_part_and_the_card(tmp_path):
    write_parts(tmp_path / "a", said(), MANY, 16)
    write_parts(tmp_path / "b", said(), [topic("topic-7", what="Other."), *MANY[:7], *MANY[8:]], 16)
    a, b = read(tmp_path / "a"), read(tmp_path / "b")
    assert a.keys() == b.keys()
    changed = sorted(name for name in a if a[name] != b[name])
    assert len(changed) == 2
    assert changed[0] == "pack.yaml"


def test_an_update_moves_what_changed_and_not_the_pack(put):
    first = put("big", *MANY, parts=16)
    second = put("big", topic("topic-7", what="Other."), *MANY[:7], *MANY[8:], parts=16, version=2)
    assert moved(second) == second.size + len(second.canonical())
    assert moved(second, first) < moved(second) / 3


def test_the_built_in_pack_becomes_64_parts_and_a_topic_moves_a_fiftieth(tmp_path, store):
    from services.bricks.operations.packs import pack_files

    card, topics, _ = read_pack(PACKS / "primary-care")
    parts = parts_for(topics)
    assert parts == 64
    fields = {
        "id": "primary-care",
        "kind": "knowledge",
        "domain": "general",
        "created": "2026-11-25T00:00:00Z",
        "lineage": {"operation": "made"},
        **pack_fields(card, topics),
    }
    write_parts(tmp_path / "1", card, topics, parts)
    first = store.make({**fields, "version": 1}, pack_files(tmp_path / "1"))
    write_parts(tmp_path / "2", card, topics[1:], parts)
    second = store.make({**fields, "version": 2}, pack_files(tmp_path / "2"))
    assert moved(second, first) < moved(second) / 30
    assert parts_for(topics, first) == parts


def test_a_part_that_was_damaged_is_refused(tmp_path):
    write_parts(tmp_path / "p", said(), MANY, 4)
    part = tmp_path / "p" / "topics-001.jsonl"
    part.write_bytes(part.read_bytes().replace(b"number", b"nummer"))
    with pytest.raises(BrickError, match=r"not what pack\.yaml says"):
        read_pack(tmp_path / "p")


def test_a_part_that_lacks_is_noticed(tmp_path):
    write_parts(tmp_path / "p", said(), MANY, 4)
    (tmp_path / "p" / "topics-001.jsonl").unlink()
    with pytest.raises(BrickError, match=r"not what pack\.yaml says"):
        read_pack(tmp_path / "p")


def test_parts_are_kept_until_a_pack_is_of_quite_another_size(put):
    small = [topic("one", what="A sentence.")]
    assert parts_for(small) == 1
    before = put("big", *MANY, parts=4)
    assert parts_for(MANY, before) == 4
    assert parts_for(small, put("other", *MANY, parts=64)) == 1


def test_a_source_has_the_oldest_date_of_what_is_taken_from_it():
    topics = [
        topic("a", written="2026-05-01"),
        topic("b", written="2024-02-29"),
        topic("c", source="CDC", written="2025-01-01"),
    ]
    found = sources_of(topics, said())
    assert found["Leaflets"] == {"name": "Leaflets", "date": "2024-02-29", "licence": "CC BY 4.0"}
    assert found["CDC"]["licence"] == "not said"  # the pack's licence is the publisher's alone


def test_a_brick_is_for_the_lowest_tier_that_its_topics_are_for():
    topics = [topic("a", level="hospital"), topic("b", level="clinic")]
    assert pack_fields(said(), topics)["level"] == "clinic"


def test_what_changed_is_said_by_topic():
    a, b, c = topic("a"), topic("b"), topic("c")
    other = topic("b", what="Something else.")
    assert changed_topics([a, other, c], [a, b, topic("d")]) == {
        "added": ["c"],
        "changed": ["b"],
        "removed": ["d"],
    }


def test_a_pack_without_publisher_licence_and_date_is_no_brick(tmp_path):
    write_parts(tmp_path / "p", said(), MANY[:1], 1)
    card = tmp_path / "p" / "pack.yaml"
    held = yaml.safe_load(card.read_text())
    del held["licence"]
    card.write_text(yaml.safe_dump(held))
    with pytest.raises(BrickError, match="licence is not said"):
        read_pack(tmp_path / "p")
