"""The red flags that the offline page names: the rules' own advice, for when nothing else answers.

They are read from the files of triage, so the page never says anything that triage does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from compliance.yamltext import read_yaml
from services import consult

DATA = Path(consult.__file__).parent / "triage" / "data"
SHOWN = (
    "heart-attack-signs",
    "stroke-signs",
    "severe-breathlessness",
    "choking",
    "anaphylaxis",
    "severe-bleeding",
    "seizure",
    "overdose-or-poisoning",
    "suicide-or-self-harm",
)
"""Rules in the order of the page; the words that name them stand in the catalogue."""


@dataclass(frozen=True)
class RedFlag:
    """One rule as it is shown; ``advice`` holds the places of telephone numbers."""

    id: str
    advice: str
    source: str


@lru_cache
def red_flags(language: str) -> tuple[RedFlag, ...]:
    """What to do now, in a language.

    Raises:
        KeyError: the rules have lost one that the page names.
    """
    rules = _rules()
    return tuple(
        RedFlag(id_, rules[id_]["advice"][language], rules[id_]["source"]["name"]) for id_ in SHOWN
    )


@lru_cache
def lines(language: str) -> dict[str, dict[str, str]]:
    """By country: ``emergency_number``, ``crisis_line`` and ``poison_line`` in words."""
    countries = read_yaml((DATA / "countries.yaml").read_text("utf-8"))["countries"]
    return {
        code: {name: said[language] for name, said in numbers.items()}
        for code, numbers in countries.items()
    }


@lru_cache
def _rules() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in DATA.glob("*.yaml"):
        read = read_yaml(path.read_text("utf-8"))
        found |= {rule["id"]: rule for rule in read.get("rules", [])}
    return found
