"""Recognising what a question names: tests, medicines, conditions, by lay or medical word.

Text is folded (lower case, no accents, only letters, digits and spaces) and the longest phrase
wins, so that "hemoglobin a1c" is one test and not two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

from compliance.yamltext import read_yaml

LONGEST_PHRASE = 6
"""Words of the longest phrase that is looked up."""


@lru_cache(maxsize=64)
def data(name: str) -> Any:
    """Return a YAML table of ``services/consult/record/data``."""
    text = resources.files("services.consult.record").joinpath(f"data/{name}.yaml")
    return read_yaml(text.read_text("utf-8"))


def fold(text: str) -> str:
    """Return ``text`` in lower case without accents and punctuation, words one space apart."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not _mark(c))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", re.sub(r"['’`]", "", plain)).split())  # noqa: RUF001  # typed quotes


def _mark(character: str) -> bool:
    return unicodedata.category(character) == "Mn"


@dataclass
class Phrases:
    """Phrases and the keys that they stand for.

    ``apart`` are keys named by words that stand apart: one word of each set somewhere in the text.
    """

    keys: dict[str, set[str]] = field(default_factory=dict)
    apart: list[tuple[str, tuple[frozenset[str], ...]]] = field(default_factory=list)

    def add(self, key: str, phrases: Iterable[str]) -> None:
        """Let every one of ``phrases`` stand for ``key``."""
        for phrase in phrases:
            self.keys.setdefault(fold(str(phrase)), set()).add(key)

    def find(self, text: str) -> dict[str, str]:
        """Return the keys named in ``text`` (folded here) with the phrase found, in order."""
        found: dict[str, str] = {}
        for phrase, keys in self.mentions(text):
            for key in keys:
                found.setdefault(key, phrase)
        said = fold(text).split()
        for key, sets in self.apart:
            parts = [next((word for word in said if word in one), "") for one in sets]
            if all(parts):
                found.setdefault(key, " ".join(parts))
        return found

    def mentions(self, text: str) -> list[tuple[str, tuple[str, ...]]]:
        """Return every phrase of ``text`` (folded here) that is known, with its keys, in order."""
        words, found, at = fold(text).split(), list[tuple[str, tuple[str, ...]]](), 0
        while at < len(words):
            step = 1
            for size in range(min(LONGEST_PHRASE, len(words) - at), 0, -1):
                phrase = " ".join(words[at : at + size])
                if matched := self._lookup(phrase):
                    found.append((phrase, tuple(sorted(matched))))
                    step = size
                    break
            at += step
        return found

    def _lookup(self, phrase: str) -> set[str]:
        exact = self.keys.get(phrase)
        if exact is None and phrase.endswith("s") and len(phrase) > 4:  # noqa: PLR2004  # plural
            exact = self.keys.get(phrase[:-1])
        return exact or set()


def _phrases(name: str, table: Mapping[str, Mapping[str, Any]], field_name: str) -> Phrases:
    """The phrases of a table, and what ``lay.yaml`` adds to them under ``name``."""
    lay = data("lay")
    made = Phrases()
    for key, entry in table.items():
        made.add(key, entry.get(field_name, ()))
        made.add(key, lay.get(name, {}).get(key, ()))
    for key, lists in lay["together"].get(name, {}).items():
        made.apart.append((key, tuple(frozenset(one) for one in lists)))
    return made


@lru_cache(maxsize=1)
def medicine_phrases() -> Phrases:
    """Medicines by generic name, brand, Spanish name and common misspelling."""
    made = _phrases("medicines", data("medicines"), "names")
    for name, entry in data("medicines").items():
        made.add(name, [name, *entry.get("wide", ())])
    return made


@lru_cache(maxsize=1)
def wide_phrases() -> frozenset[str]:
    """Names of medicines, folded, that mean other substances too ("iron", "hormone patch")."""
    told = (entry.get("wide", ()) for entry in data("medicines").values())
    return frozenset(fold(str(phrase)) for phrases in told for phrase in phrases)


@lru_cache(maxsize=1)
def class_phrases() -> Phrases:
    """Classes of medicines that a person names as such ("antibiotics")."""
    return _phrases("classes", data("classes"), "names")


@lru_cache(maxsize=1)
def test_phrases() -> Phrases:
    """Tests; the words of a group stand for all its tests."""
    made = _phrases("tests", data("tests")["tests"], "words")
    for group in data("tests")["groups"]:
        for key in group["tests"]:
            made.add(key, group["words"])
    return made


@lru_cache(maxsize=1)
def condition_phrases() -> Phrases:
    """Conditions."""
    return _phrases("conditions", data("conditions"), "words")


@lru_cache(maxsize=1)
def vaccine_phrases() -> Phrases:
    """Vaccines, and the diseases they are named after."""
    return _phrases("vaccines", data("vaccines")["vaccines"], "words")


@lru_cache(maxsize=1)
def procedure_phrases() -> Phrases:
    """Procedures."""
    return _phrases("procedures", data("vaccines")["procedures"], "words")


def classes_of(medicine: str) -> frozenset[str]:
    """Return the classes of a generic name; empty for one that is not in the table."""
    return frozenset(data("medicines").get(medicine, {}).get("is", ()))


@lru_cache(maxsize=1)
def loinc_tests() -> Mapping[str, str]:
    """Return the key of the test for each LOINC code."""
    table = data("tests")["tests"]
    return {code: key for key, entry in table.items() for code in entry["loinc"]}


def titled(phrase: str) -> str:
    """Write a brand as a name: "claritin d" is "Claritin D"."""
    return " ".join(word.capitalize() for word in phrase.split())


def translated(name: str, language: str) -> str:
    """Return a reaction or another recorded word in the person's language, where it is known."""
    table: dict[str, str] = data("translations")
    return table.get(name.lower(), name) if language == "es" else name


def condition_in(name: str, language: str) -> str:
    """Name a condition in Spanish too, where the table knows it."""
    entries = data("conditions")
    known = [entries[key]["es"] for key in condition_phrases().find(name) if key in entries]
    return f"{known[0]} ({name})" if language == "es" and known else name
