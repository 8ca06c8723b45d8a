"""Find a record's codes, whatever separates their characters, and its runs of words (streets)."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.deidentify.known_index import MIN_FREE_CODE, KnownIndex
from compliance.deidentify.known_words import canonical


@dataclass(frozen=True, slots=True)
class Hit:
    """A known identifier at ``text[start:end]`` of the plain text."""

    start: int
    end: int
    type: str
    identity: str


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the folded text and where it stands."""

    start: int
    end: int
    word: str


def find_codes(index: KnownIndex, folded: str, tokens: list[Token]) -> list[Hit]:
    """Codes, whatever separates their characters."""
    places = [i for token in tokens for i in range(token.start, token.end)]
    run = "".join(token.word for token in tokens)
    first = {p for p, place in enumerate(places) if place == 0 or not folded[place - 1].isalnum()}
    last = {
        p
        for p, place in enumerate(places)
        if place + 1 == len(folded) or not folded[place + 1].isalnum()
    }
    found: list[Hit] = []
    for code, owner in index.codes.items():
        at = run.find(code)
        while at >= 0:
            end = at + len(code) - 1
            if len(code) >= MIN_FREE_CODE or (
                at in first and end in last and _tight(folded[places[at] : places[end]], code)
            ):
                start, stop = places[at], places[end] + 1
                while start and folded[start - 1].isalnum():
                    start -= 1
                while stop < len(folded) and folded[stop].isalnum():
                    stop += 1
                found.append(Hit(start, stop, *owner))
            at = run.find(code, at + 1)
    return found


def _tight(stretch: str, code: str) -> bool:
    """A short code with few separators inside."""
    return len(stretch) <= 2 * len(code)


def find_runs(index: KnownIndex, tokens: list[Token]) -> list[Hit]:
    """Runs of words: organisations, streets, towns of several words."""
    words = [canonical(token.word) for token in tokens]
    found: list[Hit] = []
    for number, word in enumerate(words):
        for run, owner in index.runs.get(word, ()):
            if tuple(words[number : number + len(run)]) == run:
                found.append(Hit(tokens[number].start, tokens[number + len(run) - 1].end, *owner))
                break
    return found
