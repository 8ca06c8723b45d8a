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
        self._names = {n.identity: n for n in known.known if isinstance(n, KnownName)}
        self._surrogates = surrogates
        self._codes = codes
        self._sexes: dict[tuple[str, ...], str] = {}
        for resource in resources:
            self._learn(resource)

    def _learn(self, resource: Mapping[str, Any]) -> None:
        """Sex by the words of the name."""
        gender = resource.get("gender")
        names = resource.get("name")
        if not isinstance(gender, str) or not isinstance(names, list):
            return
        for name in names:
            if isinstance(name, Mapping):
                given = [g for g in name.get("given", ()) if isinstance(g, str)]
                for words in (_words(" ".join(given)), _words(" ".join(given[:1]))):
                    key = (*words, "/", *_words(str(name.get("family", ""))))
                    self._sexes[key] = gender

    def sex(self, given: str, family: str) -> str | None:
        """Sex of a person of the record by name, or what the given name tells."""
        return self._sexes.get((*_words(given), "/", *_words(family))) or sex_of(given)

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
            known = next((w for w in (*given, *family) if w[0] == folded), folded)
        else:
            known = next((g for g in given if g in nicknames(folded)), folded)
        whole = known.title() if initial or known != folded else word
        if known in family and known not in given:
            made = self._surrogates.family(whole)
        else:
            made = self._surrogates.given(whole, sex=person.sex, family=" ".join(family))
        if not initial:
            return made
        return made[0].upper() if word.isupper() else made[0].lower()


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
