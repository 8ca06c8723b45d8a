r"""The templates: a line each, ``\n`` for a new line; files are named after language and genre.

``none_*`` hold no entity; ``*_lower`` are always in lower case. A template is kept out of training
by its digest, so the same ones stay kept out when others are added.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import regex

from compliance.deidentify.names.lexicons import Language, kept_out, sections
from compliance.deidentify.names.slots import ENTITY_TYPES, SLOT, TYPE_OF

FOLDER = Path(__file__).parent / "templates"
PACKS = Path(__file__).parents[3] / "services" / "bricks" / "packs"
"""Leaflets whose sentences are negatives; without them there are fewer kinds of negatives."""
LAY = Path(__file__).parents[3] / "services" / "consult" / "reader" / "corpus"
"""Made-up questions of lay people, negatives too, but for those that hold a listed name."""
_SHORTEST = 20
_SPANISH = regex.compile(r"\b(?:que|para|con|los|las|del|una|por|está|mi|me|el|la|y|tengo)\b")
_LOWER_NAMES = frozenset({"john", "mary", "maria", "jose", "anna", "tom", "juan", "peter", "sam"})
_LOOKS_NAMED = regex.compile(r"\b(?:Dr|Mr|Mrs|Ms)\.? \p{Lu}|https?:")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with slots."""

    genre: str
    text: str

    @property
    def language(self) -> Language:
        """Language of its words and fillers."""
        return "es" if "es" in self.genre.split("_") else "en"

    @property
    def lower(self) -> bool:
        """Whether it is always in lower case."""
        return self.genre.endswith("_lower")

    @property
    def named(self) -> bool:
        """Whether it has a slot of an entity."""
        return any(TYPE_OF.get(m["name"]) in ENTITY_TYPES for m in SLOT.finditer(self.text))

    @property
    def out(self) -> bool:
        """Whether it is kept out of training."""
        return kept_out(self.text)


@cache
def templates() -> tuple[Template, ...]:
    """All templates, in a fixed order."""
    return tuple(
        Template(path.stem, line.replace("\\n", "\n"))
        for path in sorted(FOLDER.glob("*.txt"))
        for line in path.read_text("utf-8").splitlines()
        if line.strip()
    )


@cache
def chosen(*, out: bool, named: bool) -> tuple[Template, ...]:
    """Templates with or without entities, either kept out or not."""
    return tuple(t for t in templates() if t.out is out and t.named is named)


@cache
def leaflet_sentences(*, out: bool) -> tuple[str, ...]:
    """Sentences of the leaflets, either kept out or not; empty where there are no leaflets."""
    found: dict[str, None] = {}
    for path in sorted(PACKS.rglob("*.md")):
        body = path.read_text("utf-8").split("\n---\n", 1)[-1]
        for line in body.splitlines():
            for sentence in regex.split(r"(?<=[.?!]) ", line) if line[:1].isalpha() else ():
                if len(sentence) >= _SHORTEST and not _LOOKS_NAMED.search(sentence):
                    found[sentence] = None
    return tuple(s for s in found if kept_out(s) is out)


@cache
def lay_lines(*, out: bool, spanish: bool) -> tuple[str, ...]:
    """Questions of lay people without a listed name, in one tongue, either kept out or not."""
    listed = {
        name.lower()
        for book in ("given", "surnames")
        for culture, names in sections(book).items()
        for name in names
        if culture not in {"wordlike", "native_american"}
    }
    found: dict[str, None] = {}
    for path in sorted(LAY.rglob("*.txt")):
        for line in path.read_text("utf-8").splitlines():
            text = line.rpartition(" | ")[2].strip()
            words = regex.findall(r"\p{L}+", text)
            if line.startswith("#") or not words or _LOOKS_NAMED.search(text):
                continue
            capitals = {w.lower() for w in words if w[0].isupper()}
            if not capitals & listed and not {w for w in words if w in _LOWER_NAMES}:
                found[text] = None
    return tuple(
        s for s in found if kept_out(s) is out and (len(_SPANISH.findall(s)) > 1) is spanish
    )
