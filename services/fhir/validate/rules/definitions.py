"""Invariants of R4 on conformance, terminology and knowledge resources, as far as they are simple.

Left out, since they need FHIRPath or belong to authors of profiles: most of eld-*, sdf-*, tst-*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.fhir.validate.rules.forms import (
    Form,
    Node,
    Rule,
    at_most_one,
    distinct,
    exactly_one,
    has,
    needed_where,
    never_where,
    one_of,
    only_where,
    with_it,
)


def _codes(node: Node) -> Iterator[str]:
    for concept in node.get("concept", ()):
        if "code" in concept:
            yield concept["code"]
        yield from _codes(concept)


def _each_code_once(node: Node) -> bool:
    found = list(_codes(node))
    return len(found) == len(set(found))


def _explained(node: Node) -> bool:
    return has(node, "comment") or node.get("equivalence") not in {"narrower", "inexact"}


def _no_root_uuid(node: Node) -> bool:
    return node.get("kind") != "root" or all(
        item.get("type") != "uuid" for item in node.get("uniqueId", ())
    )


def _software(prefix: str, instance: str, capability: str, requirements: str) -> tuple[Rule, ...]:
    return (
        Rule(prefix, one_of("description", "software", "implementation")),
        Rule(instance, needed_where("kind", "instance", "implementation")),
        Rule(capability, never_where("kind", ("capability",), "implementation")),
        Rule(capability, needed_where("kind", "capability", "software")),
        Rule(requirements, never_where("kind", ("requirements",), "implementation", "software")),
    )


_ACTION = exactly_one("operation", "assert")

RULES: Mapping[str, tuple[Rule, ...]] = {
    "CapabilityStatement": (
        Rule("cpb-1", one_of("rest", "messaging", "document")),
        *_software("cpb-2", "cpb-14", "cpb-15", "cpb-16"),
    ),
    "CapabilityStatementRest": (
        Rule("cpb-9", distinct("resource", lambda item: item.get("type"), "resource type")),
    ),
    "CapabilityStatementRestResource": (
        Rule("cpb-12", distinct("searchParam", lambda item: item.get("name"), "search parameter")),
    ),
    "CodeSystem": (Rule("csd-1", Form("allows each code once", _each_code_once)),),
    "ConceptMapGroupElementTarget": (
        Rule("cmd-1", Form("needs a comment where it is narrower or inexact", _explained)),
    ),
    "ConceptMapGroupUnmapped": (
        Rule("cmd-2", needed_where("mode", "fixed", "code")),
        Rule("cmd-3", needed_where("mode", "other-map", "url")),
    ),
    "MeasureReport": (Rule("mrp-1", never_where("type", ("data-collection",), "group")),),
    "NamingSystem": (Rule("nsd-1", Form("allows no uuid for a root", _no_root_uuid)),),
    "OperationDefinitionParameter": (
        Rule("opd-1", one_of("type", "part")),
        Rule("opd-2", only_where("searchType", "type", "string")),
        Rule("opd-3", only_where("targetProfile", "type", "Reference", "canonical")),
    ),
    "SearchParameter": (
        Rule("spd-1", with_it("xpath", "xpathUsage")),
        Rule("spd-2", only_where("chain", "type", "reference")),
    ),
    "StructureDefinition": (Rule("sdf-6", one_of("snapshot", "differential")),),
    "StructureDefinitionMapping": (Rule("sdf-2", one_of("name", "uri")),),
    "StructureMapGroupRuleTarget": (
        Rule("smp-1", with_it("element", "context")),
        Rule("smp-2", with_it("context", "contextType")),
    ),
    "TerminologyCapabilities": _software("tcp-2", "tcp-3", "tcp-4", "tcp-5"),
    "TestReportTestAction": (Rule("inv-2", _ACTION),),
    "TestScriptSetupAction": (Rule("tst-1", _ACTION),),
    "TestScriptTestAction": (Rule("tst-2", _ACTION),),
    "ValueSetComposeInclude": (
        Rule("vsd-1", one_of("valueSet", "system")),
        Rule("vsd-2", with_it("concept", "system")),
        Rule("vsd-2", with_it("filter", "system")),
        Rule("vsd-3", at_most_one("concept", "filter")),
    ),
    "ValueSetExpansionContains": (
        Rule("vsd-6", one_of("code", "display")),
        Rule("vsd-10", with_it("code", "system")),
    ),
}
"""By type of the node."""
