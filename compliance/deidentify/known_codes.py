"""Find a record's codes, whatever separates their characters, and its runs of words (streets)."""

from __future__ import annotations

import regex

from compliance.deidentify.known_near import deletion_table, near
from compliance.deidentify.known_page import Hit, Page
from compliance.deidentify.known_tables import MIN_FREE_CODE, MIN_TYPO, KnownIndex, Owner
from compliance.deidentify.known_words import ABBREVIATIONS, SPOKEN, canonical
from compliance.deidentify.vocabulary import common_words

_GRAM = 4
_AROUND = regex.compile(r"[\p{L}\p{M}\d]")

_KINDS = deletion_table(word for word in ABBREVIATIONS if len(word) >= MIN_TYPO)
"""Kinds of street, to forgive a wrong letter in them too."""

_Stretch = list[tuple[int, int]]
"""Where each character of a squeezed text stands: start and end in the page."""


def find_codes(index: KnownIndex, page: Page) -> list[Hit]:
    """Codes, whatever separates their characters, also with digits as words."""
    written = [(i, i + 1) for token in page.tokens for i in range(token.start, token.end)]
    found = _in_run(index, page, "".join(page.folded[i] for i, _ in written), written)
    if any(token.word in SPOKEN for token in page.tokens):
        run, places = _spoken(page)
        found += _in_run(index, page, run, places)
    return found


def _spoken(page: Page) -> tuple[str, _Stretch]:
    """The page squeezed, with digits for their words, and without "dash" and "dot"."""
    run, places = "", []
    for token in page.tokens:
        said = SPOKEN.get(token.word)
        if said is None:
            run += page.folded[token.start : token.end]
            places += [(i, i + 1) for i in range(token.start, token.end)]
        elif said:
            run += said
            places += [(token.start, token.end)] * len(said)
    return run, places


def _in_run(index: KnownIndex, page: Page, run: str, places: _Stretch) -> list[Hit]:
    """Codes in a squeezed text."""
    grams = {run[i : i + _GRAM] for i in range(len(run))}
    found: list[Hit] = []
    for code, owner in index.codes.items():
        at = run.find(code) if code[:_GRAM] in grams else -1
        while at >= 0:
            start, stop = places[at][0], places[at + len(code) - 1][1]
            free = len(code) >= MIN_FREE_CODE and not code.isalpha()
            if free or _stands_alone(page.folded, start, stop, len(code)):
                found.append(Hit(*_whole_words(page.folded, start, stop), *owner))
            at = run.find(code, at + 1)
    return found


def _stands_alone(folded: str, start: int, stop: int, length: int) -> bool:
    """A short code with nothing at its sides and few separators inside."""
    inside = (start == 0 or not _AROUND.match(folded[start - 1])) and (
        stop == len(folded) or not _AROUND.match(folded[stop])
    )
    return inside and stop - start - 1 <= 2 * length


def _whole_words(folded: str, start: int, stop: int) -> tuple[int, int]:
    """Stretch over the letters and digits that go on at both sides."""
    while start and _AROUND.match(folded[start - 1]):
        start -= 1
    while stop < len(folded) and _AROUND.match(folded[stop]):
        stop += 1
    return start, stop


def find_runs(index: KnownIndex, page: Page) -> list[Hit]:
    """Runs of words: organisations, streets, towns of several words; a wrong letter is forgiven."""
    if not index.runs:
        return []
    words = [_corrected(index, token.word) for token in page.tokens]
    found: list[Hit] = []
    for number, word in enumerate(words):
        for run, owner in index.runs.get(word, ()):
            if tuple(words[number : number + len(run)]) == run:
                last = page.tokens[number + len(run) - 1]
                found.append(Hit(page.tokens[number].start, last.end, *owner))
                break
    return found


def _corrected(index: KnownIndex, written: str) -> str:
    """The word of a run that ``written`` stands for."""
    word = canonical(written)
    if len(word) < MIN_TYPO - 1 or word in index.run_words:
        return word
    known = sorted(w for w in near(index.typos, word) if w in index.run_words)
    kinds = sorted(near(_KINDS, word))
    return known[0] if known else canonical(kinds[0]) if kinds else word


def find_words(index: KnownIndex, page: Page) -> list[Hit]:
    """Towns of one word, and telling words of organisations and streets, in any case."""
    found: list[Hit] = []
    for token in page.tokens:
        owner = _owner(index, token.word)
        if owner:
            found.append(Hit(token.start, token.end, *owner))
    return found


def _owner(index: KnownIndex, word: str) -> Owner | None:
    """Whose town or telling word it is."""
    if word in index.words:
        return index.words[word]
    if len(word) < MIN_TYPO - 1 or word in common_words():
        return None
    known = [w for w in near(index.typos, word) if w in index.words and w not in common_words()]
    return index.words[min(known)] if known else None
