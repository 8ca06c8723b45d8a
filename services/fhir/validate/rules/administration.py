"""Invariants of R4 on people, organisations, visits, money, consent and the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.fhir.validate.rules.forms import (
    Form,
    Node,
    Rule,
    at_most_one,
    exactly_one,
    has,
    one_of,
    only_where,
)

_WITHOUT_TIMES = frozenset({"proposed", "cancelled", "waitlist"})


def _not_at_home(name: str) -> Form:
    return Form(
        "must not have use home",
        lambda node: all(item.get("use") != "home" for item in node.get(name, ())),
    )


def _both_or_neither(first: str, second: str) -> Form:
    return Form(
        f"needs {first} and {second} together",
        lambda node: has(node, first) == has(node, second),
    )


def _timed(node: Node) -> bool:
    return (has(node, "start") and has(node, "end")) or node.get("status") in _WITHOUT_TIMES


def _sequence_named(node: Node) -> bool:
    names = ("genomeBuild", "referenceSeqId", "referenceSeqPointer", "referenceSeqString")
    return sum(has(node, name) for name in names) == 1


def _starts_at(node: Node) -> bool:
    start: Any = node.get("coordinateSystem")
    return start in {0, 1}


RULES: Mapping[str, tuple[Rule, ...]] = {
    "Appointment": (
        Rule("app-2", _both_or_neither("start", "end")),
        Rule("app-3", Form("needs start and end at this status", _timed)),
        Rule("app-4", only_where("cancelationReason", "status", "noshow", "cancelled")),
    ),
    "AppointmentParticipant": (Rule("app-1", one_of("type", "actor")),),
    "AppointmentResponse": (Rule("apr-1", one_of("participantType", "actor")),),
    "AuditEventEntity": (Rule("sev-1", at_most_one("name", "query")),),
    "Consent": (Rule("ppc-1", one_of("policy", "policyRule")),),
    "CoverageEligibilityResponseInsuranceItem": (
        Rule("ces-1", exactly_one("category", "productOrService")),
    ),
    "Group": (Rule("grp-1", only_where("member", "actual", True)),),
    "InsurancePlan": (Rule("ipn-1", one_of("identifier", "name")),),
    "Linkage": (
        Rule("lnk-1", Form("needs two items or more", lambda node: len(node["item"]) > 1)),
    ),
    "MolecularSequence": (Rule("msq-3", Form("needs coordinateSystem 0 or 1", _starts_at)),),
    "MolecularSequenceReferenceSeq": (
        Rule("msq-5", _both_or_neither("chromosome", "genomeBuild")),
        Rule("msq-6", Form("needs exactly one way to name the sequence", _sequence_named)),
    ),
    "Organization": (
        Rule("org-1", one_of("identifier", "name")),
        Rule("org-2", _not_at_home("address"), "address"),
        Rule("org-3", _not_at_home("telecom"), "telecom"),
    ),
    "PatientContact": (Rule("pat-1", one_of("name", "telecom", "address", "organization")),),
}
"""By type of the node; ppc-2 to ppc-5 name a code system that does not exist and cannot fail."""
