"""The last look: whether a string still holds an identifier of the record.

Names count as whole words (ordinary words among them only beside another name of the person), codes
and telephone numbers without their separators, ids as wholes, towns and streets as phrases. Dates
are not looked for here: one date moved can be another date of the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import regex

from compliance.deidentify.known import KnownIdentifiers
from compliance.deidentify.normalise import fold
from compliance.deidentify.record import KnownName, KnownValue
from compliance.deidentify.vocabulary import common_words, eponyms

_MIN_CODE = 6
_MIN_ID = 4
_MIN_WORD = 3
_MIN_PHRASE = 4
_PHRASES = frozenset({"ADDRESS", "LOCATION", "ORGANIZATION"})
_NOT_HERE = frozenset({"DATE", "ZIP"})
_WORD = regex.compile(r"[\p{L}\d]+")
_ID = regex.compile(r"[A-Za-z0-9][A-Za-z0-9\-.]*")


class Needles:
    """What must not be in what is given out.

    Args:
        known: the record's identifiers.
        ids: logical ids of the resources.
    """

    def __init__(self, known: KnownIdentifiers, ids: Iterable[str] = ()) -> None:
        self._ids = frozenset(i for i in ids if len(i) >= _MIN_ID and not i.isalpha())
        self._words: set[str] = set()
        self._codes: set[str] = set()
        self._phrases: set[str] = set()
        self._every: set[str] = set()
        for item in known.known:
            if isinstance(item, KnownName):
                self._add_name(item)
            else:
                self._add_value(item)
        self.found = lru_cache(maxsize=100_000)(self._found)

    @property
    def words(self) -> frozenset[str]:
        """Every folded word of a name, place or organisation: surrogates keep clear of them."""
        return frozenset(self._every)

    def _add_name(self, name: KnownName) -> None:
        """Words that are names and nothing else, and the whole name."""
        words = (*name.given, *name.family)
        self._every.update(words)
        self._words |= {w for w in words if len(w) >= _MIN_WORD and w not in _ordinary()}
        if len(words) > 1:
            self._phrases |= {" ".join(words), f"{name.given[0] if name.given else ''} "
                              f"{' '.join(name.family)}".strip()}  # fmt: skip

    def _add_value(self, item: KnownValue) -> None:
        """A phrase or a code."""
        if item.type in _NOT_HERE:
            return
        words = _WORD.findall(fold(item.value))
        if item.type in _PHRASES:
            self._every.update(words)
            phrase = " ".join(words)
            if len(phrase) >= _MIN_PHRASE and phrase not in _ordinary():
                self._phrases.add(phrase)
        elif len(code := "".join(words)) >= _MIN_CODE and not code.isalpha():
            self._codes.add(code[-10:] if item.type == "PHONE_NUMBER" else code)

    def _found(self, text: str) -> str | None:
        """The kind of the first identifier in ``text``, or None."""
        words = _WORD.findall(fold(text))
        if not self._words.isdisjoint(words):
            return "a name"
        joined = f" {' '.join(words)} "
        if any(f" {phrase} " in joined for phrase in self._phrases if phrase):
            return "a name, place or organisation"
        if any(i.rstrip(".") in self._ids for i in _ID.findall(text)):
            return "an id"
        squeezed = "".join(words)
        if len(squeezed) >= _MIN_CODE and any(code in squeezed for code in self._codes):
            return "a number"
        return None


def _ordinary() -> frozenset[str]:
    """Words that are no proof of a name by themselves."""
    return common_words() | eponyms()
