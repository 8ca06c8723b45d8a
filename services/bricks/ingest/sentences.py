"""Sentences that can be quoted by themselves, from text with paragraphs and lists.

A list item is often only half a statement: "you are pregnant" under "Do not take it if:". Items are
therefore joined to the words that lead to them, and what stands under a heading that forbids or
warns is quoted with that heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from services.bricks.ingest.clean import tidy
from services.bricks.knowledge import split_sentences

MAX_WORDS = 150
"""A longer sentence is no sentence (a table or a list of links run together); it is left out."""
LIST_WORDS = 60
"""Items of a list are joined up to this many words; then the lead is said again."""
LABEL_WORDS = 12
"""A line of at most this many words without a stop is a caption, not a sentence."""
MIN_WORDS = 2
"""Of a sentence that is kept."""
FRAGMENT_WORDS = 4
"""An item of a list with no more words does not stand alone; it is read with its lead."""

_WIDE = re.compile(r"[^\S\n]{3,}")
_WIDE_BULLET = re.compile(r"(?:[^\S\n]{2,}|(?<=[:.]) )[-*•▪◦‣·\u2013][^\S\n]+")
_BULLET = re.compile(r"^(?:[-*•▪◦‣·\u2013]|\(?\d{1,2}[.)])\s+")
_END = re.compile(r"[.!?][\"\u201d')\]]*$")
_ANSWER = re.compile(r"(?:yes|no|not|sí|si)\b", re.IGNORECASE)
FORBIDS = re.compile(
    r"\b(?:not|no|never|avoid|don['\u2019]?t|without|myths?|stop|wrong|unsafe|contraindicat\w*|"
    r"nunca|evit\w+)\b",
    re.IGNORECASE,
)
"""Words that forbid or deny: what stands under them is never read without them."""


def sentences_of(text: str, heading: str = "") -> list[str]:
    """The quotable sentences of a text.

    Args:
        text: paragraphs on lines of their own; items of lists begin with a bullet.
        heading: what stands above it; said with what follows where it turns its meaning.
    """
    out: list[str] = []
    caption, lead = heading, ""
    for listed, run in groupby(_lines(text), key=lambda line: line[0]):
        lines = [line for _, line in run]
        if listed:
            out += _items(lead or caption, lines)
            lead = ""
            continue
        for line in lines:
            if lead:
                out += _prose(lead, caption)
            *whole, last = split_sentences(line)
            if not whole and last.endswith("?"):
                caption, lead = last, ""
                continue
            lead = "" if _END.search(last) else last
            if lead and not whole and len(last.split()) <= LABEL_WORDS:
                caption = last
            out += _prose(" ".join(whole if lead else [*whole, last]), caption)
    return list(dict.fromkeys([*out, *_prose(lead, caption)]))


def _lines(text: str) -> Iterator[tuple[bool, str]]:
    """Each line without its bullet, and whether it had one."""
    narrow = _WIDE.sub("  ", text)  # else a run of spaces would be searched from each of them
    for line in tidy(_WIDE_BULLET.sub("\n- ", narrow)).split("\n"):
        item = _BULLET.match(line)
        rest = line[item.end() :].strip() if item else line
        if rest:
            yield item is not None, rest


def _prose(text: str, caption: str) -> list[str]:
    """Sentences; a question is no statement, but says what a bare yes or no answers."""
    said: list[str] = []
    question = ""
    for sentence in split_sentences(text):
        if sentence.endswith("?"):
            question = sentence
            continue
        full = f"{question} {sentence}" if question and _ANSWER.match(sentence) else sentence
        question = ""
        if _is_sentence(full):
            said.append(full)
    if FORBIDS.search(caption):
        return [f"{caption.rstrip(' :.?')}: {s}" for s in said]
    return said


def _items(lead: str, items: list[str]) -> list[str]:
    """Items behind their lead, as many as make a sentence of bearable length."""
    opening = lead.rstrip(" :,?")
    alone = all(_END.search(i) and len(i.split()) > FRAGMENT_WORDS for i in items)
    if not opening or (alone and not lead.endswith(":") and not FORBIDS.search(lead)):
        return [s for i in items for s in _prose(i, "")]
    groups: list[list[str]] = [[]]
    rest: list[str] = []
    for item in items:
        first, *more = split_sentences(item)
        rest += _prose(" ".join(more), opening)
        if groups[-1] and len(f"{opening} {' '.join(groups[-1])} {first}".split()) > LIST_WORDS:
            groups.append([])
        groups[-1].append(first.rstrip(" .;,"))
    said = [f"{opening}: {'; '.join(group)}." for group in groups]
    return [*(s for s in said if len(s.split()) <= MAX_WORDS), *rest]


def _is_sentence(text: str) -> bool:
    size = len(text.split())
    if not MIN_WORDS <= size <= MAX_WORDS or text.endswith(":"):
        return False
    return _END.search(text) is not None or size > LABEL_WORDS
