"""The people of a run: one surrogate for each, in structured names and in running text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import regex

from compliance.deidentify.known import KnownIdentifiers
from compliance.deidentify.normalise import fold
from compliance.deidentify.record import KnownName
from compliance.deidentify.surrogates import Surrogates, canonical_name, culture_of, sex_of
from compliance.deidentify.vocabulary import nicknames

_TITLES = frozenset(
    "dr dra mr mrs ms miss prof md do rn np pa phd sr sra srta don dona doctor doctora nurse "
    "jr ii iii iv".split()
)
_Split = tuple[tuple[str, ...], tuple[str, ...]]
"""Folded given names and family names."""
_WORD = regex.compile(r"[\p{L}\d]+(?:['’][\p{L}\d]+)*")  # noqa: RUF001 - an apostrophe people type


class People:
    """Names of the record and how each is written anew.

    Args:
        known: the record's identifiers.
        resources: the record, for the sex of its people.
        surrogates: those of the study.
        codes: squeezed identifier values to the pseudonyms that stand for them.
    """

    def __init__(
        self,
        known: KnownIdentifiers,
        resources: Iterable[Mapping[str, Any]],
        surrogates: Surrogates,
        codes: Mapping[str, str],
    ) -> None:
        self._surrogates = surrogates
        self._codes = codes
        self._sexes: dict[_Split, str] = {}
        self._splits: set[_Split] = set()
        for resource in resources:
            self._learn(resource, None)
        self._names: dict[str, KnownName] = {}
        for name in known.known:
            if isinstance(name, KnownName):
                sure = (name.given, name.family) in self._splits
                if sure or name.identity not in self._names:
                    self._names[name.identity] = name

    def _learn(self, value: Any, gender: str | None) -> None:
        """Which words are given and which family names, and the sex, of every structured name."""
        if isinstance(value, list):
            for inner in value:
                self._learn(inner, gender)
            return
        if not isinstance(value, Mapping):
            return
        own = value.get("gender")
        gender = own if isinstance(own, str) else gender
        if isinstance(value.get("family"), str):
            given = value.get("given")
            parts = [g for g in given if isinstance(g, str)] if isinstance(given, list) else []
            family = tuple(_words(value["family"]))
            for some in (parts, parts[:1]):
                split = (tuple(_words(" ".join(some))), family)
                self._splits.add(split)
                if gender:
                    self._sexes[split] = gender
        for key, inner in value.items():
            self._learn(inner, gender if key == "name" else None)

    def sex(self, given: str, family: str) -> str | None:
        """Sex of a person of the record by name, or what the given name tells."""
        split = (tuple(_words(given)), tuple(_words(family)))
        return self._sexes.get(split) or sex_of(given)

    def human(self, given: Iterable[str], family: str) -> tuple[list[str], str]:
        """Given names and family name of the surrogate of a person."""
        parts = list(given)
        sex = self.sex(" ".join(parts), family)
        canonical = " ".join(_words(family))
        return (
            [self._surrogates.given(part, sex=sex, family=canonical) for part in parts],
            self._surrogates.family(family) if family else "",
        )

    def code(self, surface: str) -> str | None:
        """Pseudonym of an identifier of the record, however it is punctuated."""
        return self._codes.get(squeezed(surface))

    def written(self, surface: str, identity: str) -> str:
        """A name in running text, in the form of ``surface``.

        Args:
            surface: as written: whole, one part, "Last, First", initials, with a title.
            identity: whose name it is, as the pipeline says; "" when it is nobody's of the record.
        """
        known = self._names.get(identity)
        family = " ".join(known.family) if known else _family_of(surface)
        given = known.given if known else ()
        person = _Person(given, tuple(_words(family)), self.sex(" ".join(given) or surface, family))
        return _WORD.sub(lambda match: self._word(match[0], person), surface)

    def _word(self, word: str, person: _Person) -> str:
        """One word of a name; a title stays, an initial is that of the surrogate."""
        folded = fold(word).replace("'", "")
        if folded in _TITLES:
            return word
        given, family = person.given, person.family
        initial = len(folded) == 1
        if initial:
            meant = next((w for w in (*given, *family) if w[0] == folded), folded)
        else:
            meant = next((g for g in given if g in nicknames(folded)), word)
        if fold(meant) in family and fold(meant) not in given:
            made = self._surrogates.family(meant.title())
        else:
            made = self._surrogates.given(meant.title(), sex=person.sex, family=" ".join(family))
        made = made[0] if initial else made
        return made.upper() if word.isupper() else made.lower() if word.islower() else made


@dataclass(frozen=True, slots=True)
class _Person:
    """Folded words of a person's names, and their sex."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    sex: str | None


def squeezed(value: str) -> str:
    """Letters and digits of a number, in lower case."""
    return "".join(regex.findall(r"[\p{L}\d]+", fold(value)))


def _words(text: str) -> list[str]:
    """Folded words of a name, without particles."""
    return [w for w in canonical_name(text).split() if w]


def _family_of(surface: str) -> str:
    """The family name in a name that is not of the record."""
    before, comma, _ = surface.partition(",")
    words: list[str] = [w for w in _WORD.findall(surface) if fold(w) not in _TITLES]
    if comma and _WORD.search(before):
        return before
    if len(words) > 1:
        return words[-1]
    titled = len(words) < len(_WORD.findall(surface))
    return words[0] if words and (titled or not culture_of("given", words[0])) else ""
