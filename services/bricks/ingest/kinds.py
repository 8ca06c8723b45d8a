"""What a topic is about, told from its title and its sections where the material does not say."""

from __future__ import annotations

import re
from collections.abc import Collection

from services.bricks.topic import Kind
from services.bricks.words import fold

_TITLES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("first-aid", re.compile(r"\bfirst aid\b|\bcpr\b|\bprimeros auxilios\b")),
    (
        "prevention",
        re.compile(r"\b(vaccin\w*|immunization|prevention|screening|safety|vacunas?)\b"),
    ),
    (
        "test",
        re.compile(
            r"\b(tests?|testing|scans?|biops\w+|x-?rays?|mri|ultrasound|endoscop\w+|colonoscop\w+|"
            r"\w+ography|\w*(mammo|cardio|angio|cephalo|sono)gram|a1c|blood count|exam|prueba)\b"
        ),
    ),
    (
        "medicine",
        re.compile(r"\b(tablets?|capsules?|injections?|ointment|syrup|inhaler|medicines|drugs)\b"),
    ),
)
_BY_SECTION: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("medicine", frozenset({"uses", "dose", "side-effects", "how-to-take", "overdose"})),
    ("disease", frozenset({"symptoms", "causes", "treatment", "outlook", "complications"})),
    ("test", frozenset({"procedure", "preparation", "results"})),
)


def kind_of(title: str, sections: Collection[str], default: Kind | None = None) -> Kind:
    """The kind by the title, else the pack's default, else by the sections, else ``care``."""
    plain = fold(title)
    named = next((kind for kind, pattern in _TITLES if pattern.search(plain)), None)
    if named or default:
        return named or default or "care"
    counts = [(len(names & set(sections)), kind) for kind, names in _BY_SECTION]
    most, kind = max(counts, key=lambda pair: pair[0])
    return kind if most else "care"
