"""Text that speaks to programs instead of people: it never becomes knowledge.

A source is not trusted because it is known: whoever can write into it could try to give orders to
whatever reads it. Passages are looked at as they would be quoted. A topic with one such sentence is
left out whole and shown to people; the rules are few, and each is what no leaflet says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from services.bricks.topic import Topic
from services.bricks.words import fold

_PARTS: dict[str, tuple[str, ...]] = {
    "overrides-instructions": (
        (
            r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:previous|prior|above|earlier|"
            r"preceding|all|any|your|the system|these)\b.{0,30}\b(?:instructions?|prompts?|"
            r"directives|guidelines|guardrails|messages|context|triage)\b"
        ),
        r"\b(?:ignora|olvida|omite)\w*\b.{0,30}\binstrucciones\b",
    ),
    "addresses-a-program": (
        (
            r"\b(?:you are|act as|pretend to be|behave as|eres|actua como)\b.{0,30}\b(?:assistant|"
            r"chatbot|language model|ai model|an ai|asistente|modelo de lenguaje)\b"
        ),
        r"\b(?:system|developer) (?:prompt|message)\b|\bas an ai\b|\blanguage models?\b",
        r"\bjailbreak|\bprompt injection\b",
    ),
    "dictates-answers": (
        r"\b(?:always|only|must)\s+(?:answer|respond|reply)\b|\bresponde (?:siempre|solo)\b",
        r"\b(?:answer|respond|reply)\s+(?:only|always)\s+with\b",
    ),
    "hides-from-people": (
        (
            r"\b(?:do not|don't|never)\b.{0,20}\b(?:tell|reveal|mention|show|inform|disclose|cite)"
            r"\b"
            r".{0,25}\b(?:the users?|your users?|the clinicians?|the reader|this (?:prompt|message|"
            r"instruction)|your (?:sources?|instructions?))\b"
        ),
    ),
    "markup-of-models": (
        r"<\|[a-z_]{2,30}\|>|\[/?inst\]|<</?sys>>|^\s*(?:system|assistant|developer)\s*:",
        r"^\s*#{2,}\s*(?:instruction|system|response)\b",
    ),
    "runs-something": (r"\b(?:javascript|vbscript):|\bdata:text/|<script\b|\{\{.{0,80}\}\}",),
    "no-words": (r"[a-z0-9+/=_-]{120,}",),
}
_RULES = tuple((name, re.compile("|".join(parts))) for name, parts in _PARTS.items())


@dataclass(frozen=True)
class Suspect:
    """A sentence that speaks to programs, and the rule that found it."""

    topic: str
    title: str
    section: str
    rule: str
    sentence: str

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def rule_of(text: str) -> str | None:
    """The first rule that a text breaks, or None."""
    plain = fold(unicodedata.normalize("NFKC", text))
    return next((name for name, pattern in _RULES if pattern.search(plain)), None)


def suspects(topics: Iterable[Topic]) -> Iterator[Suspect]:
    """Every sentence, title and other name that breaks a rule."""
    for topic in topics:
        head = topic.head
        for name in topic.names:
            if rule := rule_of(name):
                yield Suspect(head.id, head.title[:200], "names", rule, name[:500])
        for passage in topic.passages:
            for sentence in passage.sentences:
                if rule := rule_of(sentence):
                    yield Suspect(head.id, head.title[:200], passage.section, rule, sentence[:500])
