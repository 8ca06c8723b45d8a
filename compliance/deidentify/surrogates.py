"""Realistic surrogates: other people's names, towns, streets and numbers in the place of the real.

Each is chosen by HMAC under the study's key (``pseudonyms``) from the generator's word lists, so it
is the same in a document, a record and a study, and another in the next study. A given name keeps
its sex and culture where they can be told; a family name keeps its culture and does not depend on
the given one, so relatives stay relatives. No surrogate is a word of the record that it stands in.

    >>> surrogates = Surrogates(key, avoid={"harold", "whitcombe"})
    >>> surrogates.family("Whitcombe")
    'Arkwright'

The price of a surrogate for each family name is that a very common name stays common. Where that
matters, export with pseudonyms. Surrogates are not unique; ``pseudonyms`` are.

Telephone numbers are of the range 555-0100 to 555-0199, which no exchange gives out, mail is at
example.org, and numbers of nine digits or more begin with 000, as no social security number, NPI
or payment card does.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal, cast

import regex

from compliance.deidentify.names.lexicons import sections
from compliance.deidentify.normalise import fold
from compliance.deidentify.pseudonyms import StudyKey
from compliance.yamltext import read_yaml

Sex = Literal["male", "female"]
_TRIES = 64
_LONG = 9
_PLAIN_STREETS = 30  # the first of the list have no numbers or people in them
_AREAS = ("202", "303", "404", "505", "606", "707", "808", "909")
_LABELS = frozenset({"mrn", "mr", "id", "no", "acct", "acc", "hc", "nhc"})
_SPAN = 2


class Surrogates:
    """Surrogates of one study.

    Args:
        key: the study's.
        avoid: folded words (``normalise.fold``) of the record; no surrogate is one of them.

    Attributes:
        given_out: surrogate and original of everything replaced so far; protected data.
    """

    def __init__(self, key: StudyKey, avoid: Collection[str] = ()) -> None:
        self._key = key
        self._avoid = frozenset(avoid)
        self.given_out: set[tuple[str, str]] = set()

    def family(self, name: str) -> str:
        """A family name for ``name`` (one word or several), each word of its culture."""
        return self._each(name, self._family)

    def given(self, name: str, *, sex: str | None = None, family: str = "") -> str:
        """A given name for ``name``.

        Args:
            name: one word or several.
            sex: ``male`` or ``female`` where the record says so.
            family: the family name; it tells the culture where the given name is of several.
        """
        among = culture_of("surnames", family)
        owner = canonical_name(family)

        def choose(word: str) -> str:
            culture = culture_of("given", word, among) or among or "english"
            known = cast("Sex | None", sex) if sex in {"male", "female"} else sex_of(word)
            return self._choose(given_names(culture, known), f"g/{known or ''}/{owner}", word)

        return self._each(name, choose)

    def _family(self, word: str) -> str:
        """A family name for one word."""
        names = sections("surnames")[culture_of("surnames", word) or "english"]
        return self._choose(names, "f", word)

    def town(self, name: str, *, spanish: bool = False) -> str:
        """A town for a town or any other place."""
        return self._choose(sections("places")["city_es" if spanish else "city"], "town", name)

    def organization(self, name: str) -> str:
        """A hospital's name for the name of an organisation."""
        chosen = self._choose(sections("surnames")["english"], "organization", name)
        return self._out(f"{chosen} Medical Center", name)

    def street(self, line: str) -> str:
        """A street address for one line of an address."""
        places = sections("places")
        number = self._key.number(899, "surrogate", "number", fold(line)) + 100
        name = self._choose(places["street_name"][:_PLAIN_STREETS], "street", line)
        kind = self._choose(places["street_kind"][::3], "kind", line)
        return self._out(f"{number} {name} {kind}", line)

    def phone(self, number: str) -> str:
        """A telephone number that nobody has."""
        digits = _digits(number)[-10:]
        drawn = self._key.number(100 * len(_AREAS), "surrogate", "phone", digits)
        made = f"{_AREAS[drawn % len(_AREAS)]}-555-01{drawn // len(_AREAS):02d}"
        return self._out(made, number)

    def email(self, address: str) -> str:
        """A mail address at example.org."""
        made = self._key.pseudonym("mail", fold(address).strip())
        return self._out(f"{made}@example.org", address)

    def code(self, code: str) -> str:
        """A record number or other code of the same shape: digits for digits, letters for letters.

        A label in front ("MRN-") stays. Two codes can get one surrogate, rarely.
        """
        for attempt in range(_TRIES):
            made = self._shape(code, attempt)
            if made != code:
                return self._out(made, code)
        return self._out(self._key.pseudonym("code", code), code)

    def _shape(self, code: str, attempt: int) -> str:
        """One draw for ``code``."""
        label = regex.match(r"\p{L}+(?=[\W_\d])", code)
        keep = len(label[0]) if label and label[0].lower() in _LABELS else 0
        bare = regex.sub(r"[^\p{L}\d]", "", fold(code))
        out, place, digits = [code[:keep]], 0, len(_digits(code))
        for character in code[keep:]:
            drawn = self._key.number(26 * 10, "surrogate", "code", bare, f"{attempt}/{len(out)}")
            if character.isdecimal():
                out.append("0" if digits >= _LONG and place < 3 else str(drawn % 10))  # noqa: PLR2004 - 000
                place += 1
            elif character.isalpha():
                letter = string.ascii_lowercase[drawn % 26]
                out.append(letter.upper() if character.isupper() else letter)
            else:
                out.append(character)
        return "".join(out)

    def _each(self, name: str, choose: Callable[[str], str]) -> str:
        """``name`` with each word chosen anew; initials become initials, particles stay."""
        return regex.sub(r"[\p{L}\d]+(?:['’][\p{L}\d]+)*", lambda m: _like(m[0], choose), name)  # noqa: RUF001 - an apostrophe people type

    def _choose(self, options: Sequence[str], purpose: str, original: str) -> str:
        """One of ``options`` that shares no word with the original or the record."""
        folded = canonical_name(original)
        mine = set(_words(original)) | self._avoid
        for attempt in range(_TRIES):
            drawn = self._key.number(len(options), "surrogate", purpose, folded, str(attempt))
            if not mine & set(_words(options[drawn])):
                return self._out(options[drawn], original)
        return self._out(self._key.pseudonym("name", folded), original)

    def _out(self, made: str, original: str) -> str:
        """``made``, remembered as what stands for ``original``."""
        self.given_out.add((made, original))
        return made


def canonical_name(name: str) -> str:
    """Folded words of a name without particles: what its surrogate follows from."""
    words = (w.replace("'", "") for w in regex.findall(r"[\p{L}\d']+", fold(name)))
    return " ".join(word for word in words if word and word not in _PARTICLES)


def culture_of(lists: str, name: str, likely: str | None = None) -> str | None:
    """A culture in whose list (``given`` or ``surnames``) a word of ``name`` is.

    Args:
        lists: which lists.
        name: the name; accents do not matter, since notes leave them out.
        likely: the culture to prefer where the name is of several.
    """
    table = _cultures(lists)
    for word in _words(name):
        if found := table.get(word):
            return likely if likely in found else found[0]
    return None


def sex_of(name: str) -> Sex | None:
    """The sex that a given name tells, by the word lists."""
    found = (_sexes().get(word) for word in _words(name))
    return next((sex for sex in found if sex), None)


@cache
def given_names(culture: str, sex: Sex | None) -> tuple[str, ...]:
    """Given names of a culture, of one sex where the lists tell it."""
    names = sections("given").get(culture) or sections("given")["english"]
    spans = _table().get(culture, {}).get(sex) if sex else None
    if not spans:
        return names
    return tuple(n for a, b in spans for n in names[names.index(a) : names.index(b) + 1])


@cache
def _table() -> Mapping[str, Any]:
    """Spans of the lists by culture and sex."""
    text = files(__package__).joinpath("surrogates.yaml").read_text("utf-8")
    return cast("Mapping[str, Any]", read_yaml(text))


@cache
def _sexes() -> Mapping[str, Sex]:
    """Folded given name to its sex; names of both are left out."""
    sexes: tuple[Sex, Sex] = ("male", "female")
    by_sex = {
        sex: {fold(n) for culture in _table() for n in given_names(culture, sex)} for sex in sexes
    }
    both = by_sex["male"] & by_sex["female"]
    return {n: sex for sex, names in by_sex.items() for n in names - both}


@cache
def _cultures(lists: str) -> Mapping[str, tuple[str, ...]]:
    """Folded name to the cultures that have it."""
    found: dict[str, dict[str, None]] = {}
    for culture, names in sections(lists).items():
        for name in names:
            found.setdefault(fold(name), {})[culture] = None
    return {form: tuple(cultures) for form, cultures in found.items()}


_PARTICLES = frozenset("de del la las los y e van von der den da do dos di jr sr ii iii iv".split())


def _like(word: str, choose: Callable[[str], str]) -> str:
    """A word for ``word``: an initial for an initial, in its case; particles stay."""
    if fold(word) in _PARTICLES:
        return word
    chosen = choose(fold(word))
    if len(word) == 1:
        return chosen[0].upper() if word.isupper() else chosen[0].lower()
    if word.isupper() and len(word) >= _SPAN:
        return chosen.upper()
    return chosen.lower() if word.islower() else chosen


@lru_cache(maxsize=50_000)
def _words(text: str) -> tuple[str, ...]:
    """Folded words, those of hyphened names too."""
    folded = fold(text)
    whole = regex.findall(r"[\p{L}\d'-]+", folded)
    return (*whole, *regex.findall(r"[\p{L}\d]{2,}", folded))


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdecimal())
