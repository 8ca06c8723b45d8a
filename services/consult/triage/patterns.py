"""The little language in which concepts and cues are written, and its matcher.

A pattern is one or more sequences joined by ``&``. A sequence is a row of words::

    cant ~2 breathe          words in order, up to two more words between (fillers not counted)
    @chest @pain             ``@name`` stands for any word of a word class
    heart|cardiac attack*    ``|`` alternatives, ``*`` any ending
    very? dizzy              ``?`` the word may be missing
    #                        any number; ``#year`` a year
    @chest & @pain           both within six words of each other, in any order

Filler words (*the, my, very, …*) between neighbours are skipped, and nothing reaches across the
end of a sentence or a *but*. A text's words become sets of positions kept as bits of one integer,
so that a pattern costs a few shifts whatever the text says, and time is linear in its length.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from services.consult.triage.normalise import SENTENCE_ENDS
from services.consult.triage.spelling import Speller

_FILLERS_SKIPPED = 3
_NEAR = 6
_YEAR = re.compile(r"(?:19[3-9]|20[0-9])\d$")
NUMBER = "#"
YEAR = "#year"


@dataclass(frozen=True)
class Row:
    """Elements by number, and before each the count of free words (None: fillers only)."""

    elements: tuple[int, ...]
    gaps: tuple[int | None, ...]


@dataclass(frozen=True)
class Pattern:
    """Sequences that must all match near the first one."""

    name: str
    parts: tuple[Row, ...]
    needs: frozenset[int]


class Hit(NamedTuple):
    """A named pattern found at tokens ``start`` to ``end``, both included."""

    start: int
    end: int
    name: str


def _bits(positions: Iterable[int], size: int) -> int:
    """Make one integer with the bits at ``positions`` set, in linear time."""
    buffer = bytearray(size // 8 + 1)
    for position in positions:
        buffer[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(buffer, "little")


def _positions(bits: int) -> list[int]:
    """List the set bits, lowest first, in linear time."""
    found: list[int] = []
    for index, byte in enumerate(bits.to_bytes((bits.bit_length() + 7) // 8, "little")):
        if byte:
            found.extend(index * 8 + b for b in range(8) if byte >> b & 1)
    return found


class TokenText:
    """One message: its tokens, and where each element of the book stands in it."""

    def __init__(self, tokens: Sequence[str], book: PatternBook) -> None:
        self.tokens = tuple(tokens)
        size = len(self.tokens) + 1
        places: dict[int, list[int]] = {}
        cache: dict[str, tuple[int, ...]] = {}
        for position, token in enumerate(self.tokens):
            if token not in cache:
                cache[token] = book.elements_of(token)
            for element in cache[token]:
                places.setdefault(element, []).append(position)
        self.masks = {element: _bits(found, size) for element, found in places.items()}
        everything = (1 << size) - 1
        stops = (i for i, t in enumerate(self.tokens) if t in SENTENCE_ENDS or t in book.barriers)
        self.open = everything & ~_bits(stops, size)
        fillers = (i for i, t in enumerate(self.tokens) if t in book.fillers)
        self.filler = _bits(fillers, size)

    def onward(self, bits: int, gap: int | None) -> int:
        """Where the next word may stand: ``gap`` words after ``bits``, fillers not counted."""
        reach = current = self._skip_on(bits << 1)
        for _ in range(gap or 0):
            current = self._skip_on((current & self.open) << 1)
            reach |= current
        return reach

    def backward(self, bits: int, gap: int | None) -> int:
        """Where the word before may stand; the mirror of :meth:`onward`."""
        reach = current = self._skip_back(bits >> 1)
        for _ in range(gap or 0):
            current = self._skip_back((current & self.open) >> 1)
            reach |= current
        return reach

    def _skip_on(self, bits: int) -> int:
        for _ in range(_FILLERS_SKIPPED):
            bits |= (bits & self.filler) << 1
        return bits

    def _skip_back(self, bits: int) -> int:
        for _ in range(_FILLERS_SKIPPED):
            bits |= (bits & self.filler) >> 1
        return bits

    def near(self, bits: int) -> int:
        """Every position at most ``_NEAR`` words from one of ``bits``."""
        return self.onward(bits, _NEAR - 1) | self.backward(bits, _NEAR - 1) | bits


class PatternBook:
    """Compiles patterns once and finds them in any number of texts.

    Args:
        classes: word classes by name; a member ``@other`` includes another class.
        fillers: words that may stand between neighbours.
        barriers: words that, like the end of a sentence, nothing reaches across.

    Raises:
        ValueError: a pattern names an unknown class or is empty.
    """

    def __init__(
        self, classes: Mapping[str, Sequence[str]], fillers: Iterable[str], barriers: Iterable[str]
    ) -> None:
        self._classes = classes
        self.fillers = frozenset(fillers)
        self.barriers = frozenset(barriers)
        self._element_ids: dict[frozenset[str], int] = {}
        self._by_word: dict[str, list[int]] = {}
        self._by_prefix: dict[str, list[int]] = {}
        self._by_need: dict[int, list[Pattern]] = {}
        self._spell: Speller | None = None
        self._prefix_lengths: tuple[int, ...] = ()

    @property
    def vocabulary(self) -> frozenset[str]:
        """Every literal word of every pattern."""
        return frozenset(self._by_word)

    def use(self, speller: Speller) -> None:
        """Correct unknown words with ``speller`` from now on; call it when all is added."""
        self._spell = speller

    def add(self, name: str, text: str) -> None:
        """Add one pattern under ``name``.

        Raises:
            ValueError: the text is not a pattern.
        """
        parts = [self._sequences(part.split()) for part in text.split("&")]
        for chosen in product(*parts):
            needs = frozenset(e for part in chosen for e in part.elements)
            pattern = Pattern(name, tuple(chosen), needs)
            # The first word of the first sequence decides whether the pattern is looked at.
            self._by_need.setdefault(chosen[0].elements[0], []).append(pattern)

    def elements_of(self, token: str) -> tuple[int, ...]:
        """Return the elements that ``token`` can stand for, spelling slips included."""
        found = set(self._by_word.get(token, ()))
        known = bool(found)
        for length in self._prefix_lengths:
            if length > len(token):
                break
            found.update(self._by_prefix.get(token[:length], ()))
        if token[0].isdigit():
            found.update(self._by_word.get(NUMBER, ()))
            if _YEAR.match(token):
                found.update(self._by_word.get(YEAR, ()))
        elif not known and not found and token not in self.fillers and self._spell:
            for word in self._spell.readings(token):
                found.update(self._by_word[word])
        return tuple(found)

    def find(self, text: TokenText) -> list[Hit]:
        """Return every pattern found in ``text``, in order of place; equal hits once."""
        hits: set[Hit] = set()
        present = text.masks.keys()
        for element in present:
            for pattern in self._by_need.get(element, ()):
                if pattern.needs <= present:
                    hits.update(self._match(pattern, text))
        return sorted(hits)

    def _sequences(self, words: Sequence[str]) -> list[Row]:
        """Compile one sequence; each ``?`` doubles the readings."""
        readings: list[tuple[list[int], list[int | None]]] = [([], [])]
        gap: int | None = None
        for word in words:
            if word.startswith("~"):
                gap = int(word[1:] or 3)
                continue
            element = self._element(word.rstrip("?"))
            taken = [([*e, element], [*g, gap if e else None]) for e, g in readings]
            readings = taken + readings if word.endswith("?") else taken
            if not word.endswith("?"):
                gap = None
        if not readings[0][0] or any(not e for e, _ in readings):
            raise ValueError("a pattern needs at least one word that must be there")
        return [Row(tuple(e), tuple(g)) for e, g in readings]

    def _element(self, text: str) -> int:
        words = frozenset(self._expand(text, ()))
        if words not in self._element_ids:
            number = self._element_ids[words] = len(self._element_ids)
            for word in words:
                table = self._by_prefix if word.endswith("*") else self._by_word
                table.setdefault(word.rstrip("*"), []).append(number)
            self._prefix_lengths = tuple(sorted({len(p) for p in self._by_prefix}))
        return self._element_ids[words]

    def _expand(self, text: str, above: tuple[str, ...]) -> Iterable[str]:
        for word in text.split("|"):
            if not word:
                raise ValueError("an alternative is empty")
            if not word.startswith("@"):
                yield word
                continue
            if word[1:] not in self._classes or word in above:
                raise ValueError(f"unknown or circular word class {word}")
            for member in self._classes[word[1:]]:
                yield from self._expand(member, (*above, word))

    @staticmethod
    def _ends(part: Row, text: TokenText) -> tuple[list[int], list[int]]:
        """Return where ``part`` starts and where it ends, two sorted lists."""
        masks = [text.masks[part.elements[0]]]
        for element, gap in zip(part.elements[1:], part.gaps[1:], strict=True):
            masks.append(text.onward(masks[-1], gap) & text.masks[element])
            if not masks[-1]:
                return [], []
        start = masks[-1]
        for mask, gap in zip(masks[-2::-1], part.gaps[:0:-1], strict=True):
            start = text.backward(start, gap) & mask
        return _positions(start), _positions(masks[-1])

    def _match(self, pattern: Pattern, text: TokenText) -> Iterable[Hit]:
        starts, ends = self._ends(pattern.parts[0], text)
        if not ends:
            return
        spans = [(starts[max(bisect_right(starts, end) - 1, 0)], end) for end in ends]
        size = len(text.tokens) + 1
        for part in pattern.parts[1:]:
            other_starts, other_ends = self._ends(part, text)
            if not other_ends:
                return
            reach = text.near(_bits(other_ends, size)) & _bits([e for _, e in spans], size)
            allowed = set(_positions(reach))
            spans = [_widen(span, other_starts, other_ends) for span in spans if span[1] in allowed]
        for start, end in spans:
            yield Hit(start, end, pattern.name)


def _widen(span: tuple[int, int], starts: list[int], ends: list[int]) -> tuple[int, int]:
    """Stretch ``span`` over the nearest of the other sequence's matches."""
    index = bisect_left(ends, span[1])
    candidates = ends[max(index - 1, 0) : index + 1]
    end = min(candidates, key=lambda e: abs(e - span[1]))
    start = starts[max(bisect_right(starts, end) - 1, 0)]
    return min(span[0], start), max(span[1], end)
