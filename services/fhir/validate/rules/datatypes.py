"""Invariants of the data types of R4: extensions, quantities, periods, timing and the like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from services.fhir.validate.rules.forms import (
    Form,
    Node,
    Rule,
    at_most_one,
    exactly_one,
    has,
    one_of,
    with_it,
)

_UCUM = "http://unitsofmeasure.org"
_TO_DAY = 10
_MEALS = frozenset({"C", "CM", "CD", "CV"})
_WITH_CODE = Rule("qty-3", with_it("code", "system"))


SIMPLE = Form("is not allowed in a SimpleQuantity", lambda node: "comparator" not in node)
ABSOLUTE = Form("must be absolute outside of other extensions", lambda node: ":" in node["url"])


def coded(system: str, codes: Iterable[str]) -> Form:
    """A CodeableConcept has one of ``codes`` of ``system`` (or of none)."""
    allowed = {(own, code) for code in codes for own in (system, None)}
    return Form(
        "has no code of the required value set",
        lambda node: any(pair in allowed for pair in codings(node)),
    )


def codings(concept: Node) -> Iterator[tuple[Any, Any]]:
    """Yield system and code of each coding of a CodeableConcept."""
    for coding in concept.get("coding", ()):
        yield coding.get("system"), coding.get("code")


def in_order(first: str, second: str) -> bool:
    """Whether date or dateTime ``first`` is not after ``second``, as far as both are precise."""
    if "T" in first and "T" in second:
        return _moment(first) <= _moment(second)
    size = min(len(first), len(second), _TO_DAY)
    return first[:size] <= second[:size]


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace(":60", ":59"))
        return moment.astimezone(UTC)
    except OverflowError:
        return moment


def ordered(first: str, second: str) -> Form:
    """Dates ``first`` and ``second`` of a node are in this order where both are given."""

    def holds(node: Node) -> bool:
        one, other = node.get(first), node.get(second)
        return one is None or other is None or in_order(one, other)

    return Form(f"needs {second} not before {first}", holds)


def _range_in_order(node: Node) -> bool:
    low, high = node.get("low", {}), node.get("high", {})
    alike = all(low.get(name) == high.get(name) for name in ("system", "code", "unit"))
    comparable = alike and "value" in low and "value" in high
    return not comparable or bool(low["value"] <= high["value"])


def _ratio_whole(node: Node) -> bool:
    both = has(node, "numerator") == has(node, "denominator")
    return both and (has(node, "numerator") or has(node, "extension"))


def _measured(unit_needed: bool = True) -> Form:
    def holds(node: Node) -> bool:
        coded = not unit_needed or "code" in node or "value" not in node
        return coded and node.get("system", _UCUM) == _UCUM

    return Form("needs a UCUM code for its value", holds)


def _not_negative(name: str) -> Form:
    return Form(f"needs {name} of 0 or more", lambda node: bool(node.get(name, 0) >= 0))


def _offset(node: Node) -> bool:
    when = node.get("when", ())
    return not has(node, "offset") or (bool(when) and not _MEALS & set(when))


def _trigger(node: Node) -> bool:
    kind = str(node.get("type", ""))
    needed = {"named-event": "name", "periodic": "timing[x]"}.get(kind)
    needed = "data" if kind.startswith("data-") else needed
    return needed is None or has(node, needed)


def _whole_count(node: Node) -> bool:
    value: Any = node.get("value", 0)
    return bool(value == int(value)) and node.get("code", "1") == "1"


RULES: Mapping[str, tuple[Rule, ...]] = {
    "Age": (
        _WITH_CODE,
        Rule("age-1", _measured()),
        Rule("age-1", Form("needs a value above 0", lambda node: node.get("value", 1) > 0)),
    ),
    "Attachment": (Rule("att-1", with_it("data", "contentType")),),
    "ContactPoint": (Rule("cpt-2", with_it("value", "system")),),
    "Count": (
        _WITH_CODE,
        Rule("cnt-3", _measured()),
        Rule("cnt-3", Form("needs a whole number with code 1", _whole_count)),
    ),
    "DataRequirementCodeFilter": (Rule("drq-1", exactly_one("path", "searchParam")),),
    "DataRequirementDateFilter": (Rule("drq-2", exactly_one("path", "searchParam")),),
    "Distance": (_WITH_CODE, Rule("dis-1", _measured())),
    "Duration": (
        _WITH_CODE,
        Rule("drt-1", _measured(unit_needed=False)),
        Rule("drt-1", with_it("code", "value")),
    ),
    "Expression": (Rule("exp-1", one_of("expression", "reference")),),
    "Extension": (Rule("ext-1", exactly_one("value[x]", "extension")),),
    "Period": (Rule("per-1", ordered("start", "end")),),
    "Quantity": (_WITH_CODE,),
    "Range": (Rule("rng-2", Form("needs low not above high", _range_in_order)),),
    "Ratio": (Rule("rat-1", Form("needs both numerator and denominator", _ratio_whole)),),
    "TimingRepeat": (
        Rule("tim-1", with_it("duration", "durationUnit")),
        Rule("tim-2", with_it("period", "periodUnit")),
        Rule("tim-4", _not_negative("duration")),
        Rule("tim-5", _not_negative("period")),
        Rule("tim-6", with_it("periodMax", "period")),
        Rule("tim-7", with_it("durationMax", "duration")),
        Rule("tim-8", with_it("countMax", "count")),
        Rule("tim-9", Form("needs when, without a meal itself, for an offset", _offset)),
        Rule("tim-10", at_most_one("timeOfDay", "when")),
    ),
    "TriggerDefinition": (
        Rule("trd-1", at_most_one("data", "timing[x]")),
        Rule("trd-2", with_it("condition", "data")),
        Rule("trd-3", Form("needs what its type of trigger asks for", _trigger)),
    ),
}
"""By type; ele-1 and the forms of primitive values are checked by the walk itself."""
