"""Invariants of R4 on what is observed, ordered, given and planned."""

from __future__ import annotations

from collections.abc import Mapping

from services.fhir.validate.rules.datatypes import codings, ordered
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

_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-"
_ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_UCUM = "http://unitsofmeasure.org"
_OVER = frozenset({"resolved", "remission", "inactive"})
_PERCENT = 100


def _is(node: Node, name: str, system: str, *codes: str) -> bool:
    return any((system, code) in codings(node.get(name, {})) for code in codes)


def _withdrawn(system: str) -> Form:
    def holds(node: Node) -> bool:
        withdrawn = _is(node, "verificationStatus", system, "entered-in-error")
        return not (withdrawn and has(node, "clinicalStatus"))

    return Form("must be absent when entered in error", holds)


def _over(node: Node) -> bool:
    return not has(node, "abatement[x]") or _is(
        node, "clinicalStatus", f"{_CONDITION}clinical", *_OVER
    )


def _allergy_status(node: Node) -> bool:
    withdrawn = _is(node, "verificationStatus", _ALLERGY, "entered-in-error")
    return withdrawn or has(node, "clinicalStatus")


def _component_not_itself(node: Node) -> bool:
    own = {pair for pair in codings(node.get("code", {})) if pair[1]}
    if not own or not has(node, "value[x]"):
        return True
    return not any(own & set(codings(part.get("code", {}))) for part in node.get("component", ()))


def _member_may_act(node: Node) -> bool:
    target = str(node.get("member", {}).get("reference", "Practitioner/"))
    kinds = ("Patient/", "RelatedPerson/", "PractitionerRole/", "Organization/", "CareTeam/")
    return not (has(node, "onBehalfOf") and target.startswith(kinds))


def _probable(node: Node) -> bool:
    return bool(node.get("probabilityDecimal", 0) <= _PERCENT)


def _probability_unit(node: Node) -> bool:
    ends = [node.get("probabilityRange", {}).get(end) for end in ("low", "high")]
    return all((e.get("system"), e.get("code")) == (_UCUM, "%") for e in ends if e)


def _entries_only_where(name: str, mode: str) -> Form:
    return Form(
        f"allows {name} of an entry only where mode is {mode}",
        lambda node: (
            node.get("mode") == mode or not any(has(e, name) for e in node.get("entry", ()))
        ),
    )


RULES: Mapping[str, tuple[Rule, ...]] = {
    "AllergyIntolerance": (
        Rule("ait-1", Form("is required", _allergy_status), "clinicalStatus"),
        Rule("ait-2", _withdrawn(_ALLERGY), "clinicalStatus"),
    ),
    "CarePlanActivity": (Rule("cpl-3", at_most_one("detail", "reference")),),
    "CareTeamParticipant": (
        Rule("ctm-1", Form("allows onBehalfOf only of a Practitioner", _member_may_act)),
    ),
    "CompositionSection": (
        Rule("cmp-1", one_of("text", "entry", "section")),
        Rule("cmp-2", at_most_one("emptyReason", "entry")),
    ),
    "Condition": (
        Rule("con-4", Form("must be inactive when abatement is given", _over), "clinicalStatus"),
        Rule("con-5", _withdrawn(f"{_CONDITION}ver-status"), "clinicalStatus"),
    ),
    "ConditionEvidence": (Rule("con-2", one_of("code", "detail")),),
    "ConditionStage": (Rule("con-1", one_of("summary", "assessment")),),
    "FamilyMemberHistory": (
        Rule("fhs-1", at_most_one("age[x]", "born[x]")),
        Rule("fhs-2", with_it("estimatedAge", "age[x]")),
    ),
    "GoalTarget": (Rule("gol-1", with_it("detail[x]", "measure")),),
    "ImmunizationEducation": (Rule("imm-1", one_of("documentType", "reference")),),
    "ImmunizationRecommendationRecommendation": (
        Rule("imr-1", one_of("vaccineCode", "targetDisease")),
    ),
    "List": (
        Rule("lst-1", at_most_one("emptyReason", "entry")),
        Rule("lst-2", _entries_only_where("deleted", "changes")),
        Rule("lst-3", _entries_only_where("date", "working")),
    ),
    "MedicationAdministrationDosage": (Rule("mad-1", one_of("dose", "rate[x]")),),
    "MedicationDispense": (Rule("mdd-1", ordered("whenPrepared", "whenHandedOver")),),
    "Observation": (
        Rule(
            "obs-6",
            Form(
                "must be absent when there is a value",
                at_most_one("dataAbsentReason", "value[x]").holds,
            ),
            "dataAbsentReason",
        ),
        Rule("obs-7", Form("allows no component with its own code", _component_not_itself)),
    ),
    "ObservationReferenceRange": (Rule("obs-3", one_of("low", "high", "text")),),
    "RequestGroupAction": (Rule("rqg-1", exactly_one("resource", "action")),),
    "RiskAssessmentPrediction": (
        Rule("ras-1", Form("needs a probability in per cent", _probability_unit)),
        Rule("ras-2", Form("needs a probability of 100 or less", _probable)),
    ),
    "ServiceRequest": (Rule("prr-1", with_it("orderDetail", "code")),),
}
"""By type of the node."""
