"""The tables of this package, read once: how rules are worded and ranked, reasons, and codes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from compliance.yamltext import read_yaml
from services.consult.record import words
from services.fhir.cds import Coding
from services.fhir.cds.cards import RANK, Indicator

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


class Hazard(BaseModel):
    """What a rule means to a prescriber; ``topic`` is what it has in common with others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    indicator: Indicator | Literal["off"]
    topic: str
    phrase: str


@lru_cache(maxsize=8)
def table(name: str) -> Any:
    """A YAML table of ``data``."""
    text = resources.files("services.hospital.cds").joinpath(f"data/{name}.yaml")
    return read_yaml(text.read_text("utf-8"))


def _hazard(row: list[str]) -> Hazard:
    return Hazard.model_validate(dict(zip(("indicator", "topic", "phrase"), row, strict=True)))


@lru_cache(maxsize=1)
def _hazards() -> tuple[Mapping[str, Hazard], Mapping[str, Hazard]]:
    found = table("hazards")
    by_rule = {rule: _hazard(row) for rule, row in found["rules"].items()}
    by_effect = {effect: _hazard(row) for effect, row in found["effects"].items()}
    effects = {r["id"]: r["effect"] for r in words.data("facts/interactions") if "effect" in r}
    inherited = {rule: by_effect[e] for rule, e in effects.items() if e in by_effect}
    return inherited | by_rule, by_effect


def hazard(rule: str, terms: frozenset[str] = frozenset()) -> Hazard | None:
    """How a rule is said; None for one that is not for prescribers.

    Args:
        rule: id of the rule.
        terms: names and classes of the medicines, for rules that are graver for some.
    """
    found = _hazards()[0].get(rule)
    if found is None or found.indicator == "off":
        return None
    graver = [to for term, to in table("hazards")["graver"].get(rule, {}).items() if term in terms]
    for indicator in graver:
        found = found.model_copy(update={"indicator": indicator})
    return found


def lessened(indicator: Indicator) -> Indicator:
    """One step less urgent."""
    order = sorted(RANK, key=lambda name: RANK[name])
    return order[min(RANK[indicator] + 1, len(order) - 1)]


@lru_cache(maxsize=1)
def override_reasons() -> tuple[Coding, ...]:
    """Our reasons for setting a card aside."""
    found = table("reasons")
    return tuple(
        Coding(code=code, system=found["system"], display=display)
        for code, display in found["reasons"].items()
    )
