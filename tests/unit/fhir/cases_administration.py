"""Cases of people, organisations, visits, consent and of bundles."""

from __future__ import annotations

from collections.abc import Iterator

from tests.unit.fhir.cases_base import PATIENT, TEXT, Case, Resource, made, parts


def of_administration() -> Iterator[Case]:
    times = {"start": "2020-01-01T10:00:00Z", "end": "2020-01-01T11:00:00Z"}
    seen = {"participant": [{"actor": {"reference": "Patient/p"}, "status": "accepted"}]}
    booked = made("Appointment", status="booked", **seen, **times)
    proposed = {**made("Appointment", status="proposed"), **seen}
    yield "app-1", booked, {**booked, "participant": [{"status": "accepted"}]}
    yield "app-2", booked, {**proposed, "start": times["start"]}
    yield "app-3", proposed, {**proposed, "status": "booked"}
    yield (
        "app-4",
        {**booked, "status": "noshow", "cancelationReason": TEXT},
        {**booked, "cancelationReason": TEXT},
    )
    replied = made(
        "AppointmentResponse",
        appointment={"reference": "Appointment/a"},
        participantStatus="accepted",
    )
    yield "apr-1", {**replied, "actor": {"reference": "Patient/p"}}, replied
    event = made(
        "AuditEvent",
        type={"code": "rest"},
        recorded="2020-01-01T10:00:00Z",
        agent=[{"requestor": True}],
        source={"observer": {"reference": "Device/d"}},
    )
    yield from parts(event, "entity", ("sev-1", {"name": "x"}, {"name": "x", "query": "eA=="}))
    agreed = made("Consent", status="active", scope=TEXT, category=[TEXT])
    yield "ppc-1", {**agreed, "policyRule": TEXT}, agreed
    answered = made(
        "CoverageEligibilityResponse",
        status="active",
        purpose=["benefits"],
        created="2020",
        outcome="complete",
        request={"reference": "CoverageEligibilityRequest/r"},
        insurer={"reference": "Organization/o"},
        **PATIENT,
    )
    covered = {"coverage": {"reference": "Coverage/c"}}
    yield (
        "ces-1",
        {**answered, "insurance": [{**covered, "item": [{"category": TEXT}]}]},
        {**answered, "insurance": [{**covered, "item": [{"name": "x"}]}]},
    )
    group = made("Group", type="person", member=[{"entity": {"reference": "Patient/p"}}])
    yield "grp-1", {**group, "actual": True}, {**group, "actual": False}
    yield "ipn-1", made("InsurancePlan", name="x"), made("InsurancePlan", status="active")
    link = {"type": "source", "resource": {"reference": "Basic/b"}}
    yield "lnk-1", made("Linkage", item=[link, link]), made("Linkage", item=[link])
    yield (
        "msq-3",
        made("MolecularSequence", coordinateSystem=1),
        made("MolecularSequence", coordinateSystem=2),
    )
    chromosome = {"genomeBuild": "x", "chromosome": TEXT, "windowStart": 1, "windowEnd": 2}
    for key, broken in (
        ("msq-5", {"genomeBuild": "x"}),
        ("msq-6", {**chromosome, "referenceSeqString": "x"}),
    ):
        kept = made("MolecularSequence", coordinateSystem=0, referenceSeq=chromosome)
        yield key, kept, {**kept, "referenceSeq": broken}
    named = made("Organization", name="x")
    yield "org-1", named, made("Organization", active=True)
    yield "org-2", {**named, "address": [{"use": "work"}]}, {**named, "address": [{"use": "home"}]}
    yield (
        "org-3",
        {**named, "telecom": [{"use": "work"}]},
        {**named, "telecom": [{"use": "home"}]},
    )
    yield from parts(made("Patient"), "contact", ("pat-1", {"name": TEXT}, {"gender": "female"}))


def of_bundles() -> Iterator[Case]:
    basic = {"resource": made("Basic", code=TEXT)}
    asked = {"request": {"method": "GET", "url": "Patient/p"}}
    told = {"response": {"status": "200"}}
    versioned = {"fullUrl": "http://example.org/Patient/p/_history/1", **basic}
    once = {"fullUrl": "http://example.org/Basic/a", **basic}
    composition = made(
        "Composition",
        status="final",
        date="2020",
        title="x",
        type=TEXT,
        author=[{"reference": "Practitioner/d"}],
    )
    document = made(
        "Bundle",
        type="document",
        identifier={"system": "urn:ietf:rfc:3986", "value": "x"},
        timestamp="2020-01-01T10:00:00Z",
        entry=[{"resource": composition}],
    )
    header = made(
        "MessageHeader", eventUri="http://example.org/e", source={"endpoint": "http://example.org"}
    )
    without = {k: v for k, v in document.items() if k != "timestamp"}
    rows: list[tuple[str, Resource, Resource]] = [
        ("bdl-1", {"type": "searchset", "total": 1}, {"type": "collection", "total": 1}),
        (
            "bdl-2",
            {"type": "searchset", "entry": [{**basic, "search": {"mode": "match"}}]},
            {"type": "collection", "entry": [{**basic, "search": {"mode": "match"}}]},
        ),
        ("bdl-3", {"type": "batch", "entry": [asked]}, {"type": "batch", "entry": [basic]}),
        (
            "bdl-3",
            {"type": "collection", "entry": [basic]},
            {"type": "collection", "entry": [asked]},
        ),
        (
            "bdl-4",
            {"type": "batch-response", "entry": [told]},
            {"type": "batch-response", "entry": [basic]},
        ),
        (
            "bdl-5",
            {"type": "collection", "entry": [basic]},
            {"type": "collection", "entry": [{"fullUrl": "http://example.org/x"}]},
        ),
        (
            "bdl-7",
            {"type": "collection", "entry": [once]},
            {"type": "collection", "entry": [once, once]},
        ),
        (
            "bdl-8",
            {"type": "collection", "entry": [once]},
            {"type": "collection", "entry": [versioned]},
        ),
        (
            "bdl-12",
            {"type": "message", "entry": [{"resource": header}]},
            {"type": "message", "entry": [basic]},
        ),
    ]
    for key, kept, broken in rows:
        yield key, made("Bundle", **kept), made("Bundle", **broken)
    yield "bdl-9", document, {**document, "identifier": {"value": "x"}}
    yield "bdl-10", document, without
    yield "bdl-11", document, {**document, "entry": [basic]}
    yield from parts(
        {"resourceType": "Parameters", "id": "a"},
        "parameter",
        ("inv-1", {"name": "x", "valueString": "y"}, {"name": "x"}),
    )
