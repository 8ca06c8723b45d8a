"""Cases of conformance, terminology and knowledge resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.unit.fhir.cases_base import TEXT, Case, Resource, made, parts


def of_definitions() -> Iterator[Case]:
    for kind, keys in (
        ("CapabilityStatement", ("cpb-2", "cpb-14", "cpb-15", "cpb-16")),
        ("TerminologyCapabilities", ("tcp-2", "tcp-3", "tcp-4", "tcp-5")),
    ):
        own = {"fhirVersion": "4.0.1", "format": ["json"], "rest": [{"mode": "server"}]}
        base = made(kind, status="active", date="2020") | (own if keys[0] == "cpb-2" else {})
        software, instance = {"software": {"name": "x"}}, {"implementation": {"description": "x"}}
        asked = {**base, "kind": "requirements", "description": "x"}
        yield keys[0], asked, {**base, "kind": "requirements"}
        yield (
            keys[1],
            {**base, "kind": "instance", **instance},
            {**base, "kind": "instance", **software},
        )
        yield (
            keys[2],
            {**base, "kind": "capability", **software},
            {**base, "kind": "capability", "description": "x"},
        )
        yield keys[3], asked, {**asked, **software}
    statement = made(
        "CapabilityStatement",
        status="active",
        date="2020",
        kind="requirements",
        description="x",
        fhirVersion="4.0.1",
        format=["json"],
    )
    served = {"type": "Patient", "searchParam": [{"name": "_id", "type": "token"}]}
    twice = {"type": "Patient", "searchParam": served["searchParam"] * 2}
    kept = {**statement, "rest": [{"mode": "server", "resource": [served]}]}
    yield "cpb-1", kept, statement
    yield "cpb-9", kept, {**statement, "rest": [{"mode": "server", "resource": [served] * 2}]}
    yield "cpb-12", kept, {**statement, "rest": [{"mode": "server", "resource": [twice]}]}
    codes = made("CodeSystem", status="active", content="complete", concept=[{"code": "x"}])
    yield "csd-1", codes, {**codes, "concept": [{"code": "x", "concept": [{"code": "x"}]}]}
    mapped = made("ConceptMap", status="active")

    def target(**elements: Any) -> Resource:
        return {**mapped, "group": [{"element": [{"target": [elements]}]}]}

    def unmapped(**elements: Any) -> Resource:
        return {**mapped, "group": [{"element": [{"code": "x"}], "unmapped": elements}]}

    narrower = {"code": "x", "equivalence": "narrower"}
    yield "cmd-1", target(**narrower, comment="x"), target(**narrower)
    yield "cmd-2", unmapped(mode="fixed", code="x"), unmapped(mode="fixed")
    yield (
        "cmd-3",
        unmapped(mode="other-map", url="http://example.org/m"),
        unmapped(mode="other-map"),
    )
    yield from _measures_and_operations()
    yield from _structures()
    yield from _tests_and_values()


def _measures_and_operations() -> Iterator[Case]:
    report = made(
        "MeasureReport",
        status="complete",
        type="summary",
        measure="http://example.org/m",
        period={"start": "2020"},
        group=[{"code": TEXT}],
    )
    yield "mrp-1", report, {**report, "type": "data-collection"}
    unique = {"type": "oid", "value": "1.2"}
    system = made(
        "NamingSystem", name="X", status="active", kind="root", date="2020", uniqueId=[unique]
    )
    yield "nsd-1", system, {**system, "uniqueId": [{**unique, "type": "uuid"}]}
    operation = made(
        "OperationDefinition",
        name="X",
        status="active",
        kind="operation",
        code="x",
        system=True,
        type=False,
        instance=False,
    )
    parameter = {"name": "x", "use": "in", "min": 0, "max": "1"}
    yield from parts(
        operation,
        "parameter",
        ("opd-1", {**parameter, "type": "string"}, parameter),
        (
            "opd-2",
            {**parameter, "type": "string", "searchType": "token"},
            {**parameter, "type": "code", "searchType": "token"},
        ),
        (
            "opd-3",
            {**parameter, "type": "Reference", "targetProfile": ["http://example.org/p"]},
            {**parameter, "type": "code", "targetProfile": ["http://example.org/p"]},
        ),
    )
    search = made(
        "SearchParameter",
        url="http://example.org/s",
        name="X",
        status="active",
        description="x",
        code="x",
        base=["Patient"],
        type="token",
    )
    yield "spd-1", {**search, "xpath": "x", "xpathUsage": "normal"}, {**search, "xpath": "x"}
    yield "spd-2", {**search, "type": "reference", "chain": ["x"]}, {**search, "chain": ["x"]}


def _structures() -> Iterator[Case]:
    structure = made(
        "StructureDefinition",
        url="http://example.org/s",
        name="X",
        status="active",
        kind="resource",
        abstract=False,
        type="Patient",
    )
    full = {**structure, "differential": {"element": [{"path": "Patient", "id": "Patient"}]}}
    yield "sdf-6", full, structure
    yield (
        "sdf-2",
        {**full, "mapping": [{"identity": "x", "name": "y"}]},
        {**full, "mapping": [{"identity": "x"}]},
    )

    def rule(**target: Any) -> Resource:
        rules = [{"name": "x", "source": [{"context": "s"}], "target": [target]}]
        inputs = [{"name": "s", "mode": "source"}]
        group = {"name": "x", "typeMode": "none", "input": inputs, "rule": rules}
        return made(
            "StructureMap", url="http://example.org/m", name="X", status="active", group=[group]
        )

    context = {"context": "t", "contextType": "variable"}
    yield "smp-1", rule(**context, element="x"), rule(element="x")
    yield "smp-2", rule(**context), rule(context="t")


def _tests_and_values() -> Iterator[Case]:
    operate, claim = {"operation": {"encodeRequestUrl": True}}, {"assert": {"warningOnly": True}}
    script = made("TestScript", url="http://example.org/t", name="X", status="active")
    for key, part in (("tst-1", "setup"), ("tst-2", "test")):

        def acting(action: Resource, part: str = part) -> Resource:
            steps = {"action": [action]}
            return {**script, part: steps if part == "setup" else [steps]}

        yield key, acting(operate), acting({**operate, **claim})
    outcome = made(
        "TestReport", status="completed", testScript={"reference": "TestScript/t"}, result="pass"
    )
    done = {"operation": {"result": "pass"}}
    yield from parts(
        outcome,
        "test",
        (
            "inv-2",
            {"action": [done]},
            {"action": [{**done, "assert": {"result": "pass"}}]},
        ),
    )
    values = made("ValueSet", status="active")

    def including(**include: Any) -> Resource:
        return {**values, "compose": {"include": [include]}}

    system_url = {"system": "http://example.org/c"}
    concept = {"concept": [{"code": "x"}]}
    chosen = {"filter": [{"property": "x", "op": "=", "value": "y"}]}
    yield "vsd-1", including(**system_url), including(version="1")
    for part_of in (concept, chosen):
        yield (
            "vsd-2",
            including(**system_url, **part_of),
            including(valueSet=["http://example.org/v"], **part_of),
        )
    yield "vsd-3", including(**system_url, **concept), including(**system_url, **concept, **chosen)

    def expanded(**item: Any) -> Resource:
        return {**values, "expansion": {"timestamp": "2020", "contains": [item]}}

    yield "vsd-6", expanded(display="x"), expanded(abstract=True)
    yield "vsd-10", expanded(**system_url, code="x"), expanded(code="x")
