"""The word lists of the generator, and which of their names are kept for choosing.

Files of names have headings ``# culture`` and entries between commas; the others have headings
``# slot`` and an entry a line. All were compiled by hand or composed from word parts for this
project; nobody real is meant.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent / "lexicons"
Language = Literal["en", "es"]
KEPT_OUT = 8
"""One name, template or sentence of so many is kept out of training."""
_IBERIAN = ("hispanic", "hispanic", "hispanic", "hispanic", "hispanic", "portuguese")


def kept_out(text: str) -> bool:
    """Whether a text is for choosing, not for training; by its digest, so that it never moves."""
    return hashlib.sha256(text.encode()).digest()[0] % KEPT_OUT == 0


@cache
def sections(name: str) -> dict[str, tuple[str, ...]]:
    """Entries of ``name``.txt by heading."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in (FOLDER / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("# "):
            heading = line.removeprefix("# ").strip()
            found[heading] = []
        elif line.strip():
            found[heading].append(line.strip())
    return {key: _split(name, key, lines) for key, lines in found.items()}


def _split(name: str, heading: str, lines: list[str]) -> tuple[str, ...]:
    """Single entries of a section's lines."""
    by_line = (
        name.startswith("fillers")
        or (name, heading) == ("coined", "layout")
        or (
            name == "organizations" and heading.partition("_")[0] not in {"virtue", "creek", "tree"}
        )
    )
    if by_line:
        return tuple(lines)
    return tuple(x.strip() for x in " ".join(lines).split(",") if x.strip())


@dataclass(frozen=True, slots=True)
class Names:
    """Given and family names by culture, either those of training or those kept out."""

    given: dict[str, tuple[str, ...]]
    last: dict[str, tuple[str, ...]]

    @classmethod
    @cache
    def load(cls, *, out: bool) -> Names:
        """The names kept out, or the others."""

        def part(name: str) -> dict[str, tuple[str, ...]]:
            chosen = {
                key: tuple(n for n in names if kept_out(n) is out)
                for key, names in sections(name).items()
            }
            return {key: names for key, names in chosen.items() if names}

        return cls(part("given"), part("surnames"))

    def culture(self, language: Language, dice: random.Random) -> str:
        """A culture, mostly one of the language's own; word-like names come often, being hard."""
        if language == "es" and dice.random() < 0.8:  # noqa: PLR2004 - a share
            return dice.choice(_IBERIAN)
        if dice.random() < 0.4:  # noqa: PLR2004 - a share
            return dice.choice(("english", "english", "wordlike", "irish_scottish", "hispanic"))
        return dice.choice(list(self.last))
