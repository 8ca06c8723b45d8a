"""What changed since last time, topic by topic and sentence by sentence.

A sentence that became another one is shown as one line, its words marked. A line whose numbers
moved, or that now says "not", turns what is said around; such lines come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from services.bricks.ingest.claims import Claim, contradiction
from services.bricks.topic import Passage, Topic

ALIKE = 0.5
"""Share of common words from which one sentence became the other."""
MOST_PAIRS = 4000
"""Pairs of sentences of one passage that are compared; beyond it, all count as new and gone."""
Kind = Literal["added", "changed", "removed"]


@dataclass(frozen=True)
class Line:
    """One sentence that came, went or became another.

    ``turns`` says how the new one contradicts the old one (``numbers: mass``), if it does.
    """

    kind: Kind
    old: str = ""
    new: str = ""
    turns: str = ""

    def as_json(self) -> dict[str, Any]:
        """As plain values, with the words of both sentences marked."""
        words = marked(self.old, self.new) if self.kind == "changed" else []
        return {
            "kind": self.kind,
            "old": self.old,
            "new": self.new,
            "turns": self.turns,
            "words": words,
        }


def difference(new: Sequence[Topic], old: Sequence[Topic]) -> list[dict[str, Any]]:
    """Every topic that is not the same, as plain values; those that turn something come first."""
    before = {topic.head.id: topic for topic in old}
    after = {topic.head.id: topic for topic in new}
    found = []
    for id_ in sorted(before.keys() | after.keys()):
        one = _topic(after.get(id_), before.get(id_))
        if one is not None:
            found.append(one)
    order = {"changed": 0, "removed": 1, "added": 2}
    return sorted(found, key=lambda one: (-one["turns"], order[one["kind"]], one["title"].lower()))


def _topic(new: Topic | None, old: Topic | None) -> dict[str, Any] | None:
    topic = new or old
    if topic is None:
        return None
    kind: Kind = "added" if old is None else "removed" if new is None else "changed"
    sections: list[dict[str, Any]] = []
    names = {p.section: None for t in (new, old) if t is not None for p in t.passages}
    for section in names:
        lines = _lines(new.passage(section) if new else None, old.passage(section) if old else None)
        if lines:
            sections.append({"section": section, "lines": [line.as_json() for line in lines]})
    renamed = _names(new, old)
    if not sections and not renamed:
        return None
    source = topic.head.sources[0]
    return {
        "id": topic.head.id,
        "title": topic.head.title,
        "kind": kind,
        "turns": sum(bool(line["turns"]) for one in sections for line in one["lines"]),
        "source": source.name,
        "url": source.url,
        "date": (topic.passages[0].date if topic.passages else topic.head.written.isoformat()),
        "names": renamed,
        "sections": sections,
    }


def _names(new: Topic | None, old: Topic | None) -> list[str]:
    """Names that a topic which stays gained (``+``) or lost (``-``)."""
    if new is None or old is None:
        return []
    gained = [f"+ {name}" for name in new.names if name not in old.names]
    return [*gained, *(f"- {name}" for name in old.names if name not in new.names)]


def _lines(new: Passage | None, old: Passage | None) -> list[Line]:
    """Lines of one passage, in the order of what is said now, then what is gone."""
    held: Sequence[str] = old.sentences if old else ()
    said: Sequence[str] = new.sentences if new else ()
    gone = [sentence for sentence in held if sentence not in said]
    come = [sentence for sentence in said if sentence not in held]
    pairs = _pairs(come, gone) if len(come) * len(gone) <= MOST_PAIRS else {}
    lines = [
        Line("changed", pairs[s], s, turned(pairs[s], s)) if s in pairs else Line("added", new=s)
        for s in come
    ]
    taken = set(pairs.values())
    lines += [Line("removed", s) for s in gone if s not in taken]
    return sorted(lines, key=lambda line: not line.turns)


def _pairs(come: Sequence[str], gone: Sequence[str]) -> dict[str, str]:
    """New sentence to the old one that it came of: the most alike first, each once."""
    likeness = sorted(
        ((_alike(new, old), new, old) for new in come for old in gone),
        key=lambda one: (-one[0], one[1], one[2]),
    )
    pairs: dict[str, str] = {}
    taken: set[str] = set()
    for share, new, old in likeness:
        if share >= ALIKE and new not in pairs and old not in taken:
            pairs[new] = old
            taken.add(old)
    return pairs


def _alike(one: str, other: str) -> float:
    a, b = set(one.casefold().split()), set(other.casefold().split())
    return len(a & b) / max(1, len(a | b))


def turned(old: str, new: str) -> str:
    """How the new sentence contradicts the old one; empty when it does not."""
    found = contradiction(Claim.of(old), Claim.of(new))
    return f"{found[0]}: {found[1]}" if found else ""


def marked(old: str, new: str) -> list[list[str]]:
    """Both sentences in one: runs of words, each ``same``, ``old`` or ``new``."""
    a, b = old.split(), new.split()
    out: list[list[str]] = []
    for op, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if op == "equal":
            out.append(["same", " ".join(a[i:j])])
            continue
        if j > i:
            out.append(["old", " ".join(a[i:j])])
        if m > k:
            out.append(["new", " ".join(b[k:m])])
    return out


def totals(topics: Iterable[dict[str, Any]]) -> dict[str, int]:
    """How many topics and sentences came, changed and went, and how many lines turn something."""
    counts = dict.fromkeys(
        ("topics_added", "topics_changed", "topics_removed", "added", "changed", "removed"), 0
    )
    turns = 0
    for topic in topics:
        counts[f"topics_{topic['kind']}"] += 1
        turns += topic["turns"]
        for section in topic["sections"]:
            for line in section["lines"]:
                counts[line["kind"]] += 1
    return counts | {"turns": turns}
