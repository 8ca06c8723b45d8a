"""Knowledge packs: what a topic file must be, and that the real ones are."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from services.bricks.errors import BrickError
from services.bricks.knowledge import PACKS, TIERS, Knowledge, parse_topic, split_sentences
from services.bricks.words import stems
from services.consult.route import MATRIX

GOOD = """---
id: flu
title: Flu
kind: disease
aliases: [influenza, grippe]
level: device
written: 2026-11-21
sources:
  - name: MedlinePlus
    url: https://medlineplus.gov/flu.html
    checked: 2026-11-20
  - name: CDC
    url: https://www.cdc.gov/flu
---
## what
Flu is an infection of the nose, throat and lungs. It spreads easily.

## treatment
source: CDC
- Rest and drink fluids.
- Some people need antiviral medicine.
"""


def test_a_topic_has_sections_sentences_sources_and_dates():
    topic = parse_topic(GOOD, "flu.md")
    assert [p.id for p in topic.passages] == ["flu#what", "flu#treatment"]
    what, treatment = topic.passages
    assert what.sentences == (
        "Flu is an infection of the nose, throat and lungs.",
        "It spreads easily.",
    )
    assert (what.source.name, what.date) == ("MedlinePlus", "2026-11-20")
    assert (treatment.source.name, treatment.date) == ("CDC", "2026-11-21")
    assert treatment.text == "Rest and drink fluids. Some people need antiviral medicine."
    assert topic.names == ("Flu", "influenza", "grippe")
    assert topic.passage("what") is what
    assert topic.passage("diet") is None


BAD = {
    "no front matter": ("---\nid", "id", "no front matter"),
    "nothing at all": (GOOD, "", "no front matter"),
    "yaml that breaks": ("title: Flu", "title: [Flu", "front matter is not valid"),
    "front matter that is a list": (
        GOOD.split("## what", maxsplit=1)[0],
        "---\n- a\n---\n",
        "not valid",
    ),
    "an id with a space": ("id: flu", "id: the flu", "not valid"),
    "an id with capitals": ("id: flu", "id: Flu", "not valid"),
    "an unknown kind": ("kind: disease", "kind: illness", "not valid"),
    "an unknown tier": ("level: device", "level: cloud", "not valid"),
    "an unknown field": ("level: device", "levle: device", "not valid"),
    "no title": ("title: Flu\n", "", "not valid"),
    "no date": ("written: 2026-11-21\n", "", "not valid"),
    "a source without https": ("https://medline", "http://medline", "not valid"),
    "no sections": (GOOD.split("---\n", 2)[2], "Flu is bad.\n", "no sections"),
    "an empty section": (
        "Flu is an infection of the nose, throat and lungs. It spreads easily.",
        "",
        "section what is empty",
    ),
    "only a source line": (
        "- Rest and drink fluids.\n- Some people need antiviral medicine.\n",
        "",
        "section treatment is empty",
    ),
    "a source that is not listed": ("source: CDC", "source: WHO", "not listed"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_its_name_and_the_rule(case):
    old, new, message = BAD[case]
    assert old in GOOD
    with pytest.raises(BrickError, match=message) as raised:
        parse_topic(GOOD.replace(old, new), "flu.md")
    assert raised.value.message.startswith("flu.md: ")


def test_a_topic_without_sources_is_refused():
    text = re.sub(r"sources:\n(  .*\n)+", "sources: []\n", GOOD)
    with pytest.raises(BrickError, match="not valid"):
        parse_topic(text, "flu.md")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two. Three.", 3),
        ("Is it? Yes! It is.", 3),
        ("See Dr. Smith today. Then rest.", 2),
        ("Take pills, e.g. Tylenol, with water.", 1),
        ("Take it at 8 a.m. Do not skip it.", 1),
        ("Blood pressure below 120.5 is fine.", 1),
        ("In the U.S. Many people have it.", 1),
        ("¿Qué es? ¡Ayuda! Sí.", 3),
        ("no capital. so one sentence", 1),
        ("Over 90%. 5 mg is enough.", 2),
        ("", 0),
        ("   ", 0),
    ],
)
def test_sentences_are_split_where_they_end(text, count):
    assert len(split_sentences(text)) == count


def test_splitting_loses_no_word():
    text = 'See Dr. Smith. Take 5 mg at 8 a.m. Then rest! Why? "Because." 7 days.'
    assert " ".join(split_sentences(text)).split() == text.split()


def write(folder, **topics: str):
    for name, level in topics.items():
        text = GOOD.replace("id: flu", f"id: {name}").replace("level: device", f"level: {level}")
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def test_a_tier_holds_its_own_topics_and_those_below(tmp_path):
    write(tmp_path, a="device", b="clinic", c="hospital")
    held = {level: Knowledge.load(level, tmp_path) for level in TIERS}
    assert [set(k.by_id) for k in held.values()] == [{"a"}, {"a", "b"}, {"a", "b", "c"}]
    above = [{h.id for h in k.directory} for k in held.values()]
    assert above == [{"b", "c"}, {"c"}, set()]


def test_the_digest_changes_with_text_and_tier_only(tmp_path):
    write(tmp_path, a="device")
    first = Knowledge.load("device", tmp_path).digest
    assert Knowledge.load("device", tmp_path).digest == first
    assert Knowledge.load("clinic", tmp_path).digest != first
    (tmp_path / "a.md").write_text(GOOD.replace("easily", "fast"), encoding="utf-8")
    assert Knowledge.load("device", tmp_path).digest != first


def test_two_topics_of_one_name_are_refused(tmp_path):
    write(tmp_path, a="device")
    (tmp_path / "b.md").write_text((tmp_path / "a.md").read_text())
    with pytest.raises(BrickError, match="Two topics are called a"):
        Knowledge.load("device", tmp_path)


def test_no_packs_give_empty_knowledge(tmp_path):
    assert Knowledge.load("device", tmp_path).passages == ()


@pytest.fixture(scope="module")
def knowledge():
    return Knowledge.load("hospital")


class TestRealPack:
    """Every file that ships."""

    @pytest.mark.parametrize("path", sorted(PACKS.rglob("*.md")), ids=lambda p: p.stem)
    def test_a_file_parses_and_its_sentences_can_be_quoted(self, path):
        topic = parse_topic(path.read_text(encoding="utf-8"), path.name)
        assert topic.head.id == path.stem
        assert len({p.section for p in topic.passages}) == len(topic.passages)
        for passage in topic.passages:
            assert passage.sentences
            for sentence in passage.sentences:
                assert len(sentence.split()) <= 60, (passage.id, sentence)
                assert sentence[-1] in '.!?"', (passage.id, sentence)
                assert not sentence.startswith(("-", "#", "source:")), (passage.id, sentence)

    def test_no_name_stands_for_two_topics_of_one_kind(self, knowledge):
        names = Counter(
            (t.head.kind, form)
            for t in knowledge.topics
            for form in {tuple(stems(name)) for name in t.names}
        )
        assert [n for n, count in names.items() if count > 1] == []

    def test_ids_are_unique(self, knowledge):
        assert len(knowledge.by_id) == len(knowledge.topics)

    def test_every_kind_has_an_expert(self, knowledge):
        assert {t.head.kind for t in knowledge.topics} <= set(MATRIX)

    def test_nobody_claims_a_review_that_has_no_name(self, knowledge):
        assert all(t.head.reviewed_by is None or t.head.reviewed_by for t in knowledge.topics)

    def test_each_tier_adds_topics(self):
        sizes = [len(Knowledge.load(level).topics) for level in TIERS]
        assert sizes == sorted(set(sizes))
