"""Cases of what is observed, ordered, given and planned."""

from __future__ import annotations

from collections.abc import Iterator

from tests.unit.fhir.cases_base import PATIENT, SUBJECT, TEXT, UCUM, YEARS, Case, coded, made, parts


def of_clinical() -> Iterator[Case]:
    allergy = {"clinicalStatus": coded("allergyintolerance-clinical", "active"), **PATIENT}
    withdrawn = coded("allergyintolerance-verification", "entered-in-error")
    wrong = coded("condition-ver-status", "entered-in-error")
    active, resolved = (coded("condition-clinical", c) for c in ("active", "resolved"))
    yield "ait-1", made("AllergyIntolerance", **allergy), made("AllergyIntolerance", **PATIENT)
    yield (
        "ait-2",
        made("AllergyIntolerance", verificationStatus=withdrawn, **PATIENT),
        made("AllergyIntolerance", verificationStatus=withdrawn, **allergy),
    )
    yield from parts(
        made("CarePlan", status="active", intent="plan", **SUBJECT),
        "activity",
        (
            "cpl-3",
            {"detail": {"status": "scheduled"}},
            {"detail": {"status": "scheduled"}, "reference": {"reference": "Task/t"}},
        ),
    )
    doctor = {"onBehalfOf": {"reference": "Organization/o"}}
    yield from parts(
        made("CareTeam"),
        "participant",
        (
            "ctm-1",
            {"member": {"reference": "Practitioner/d"}, **doctor},
            {"member": {"reference": "Patient/p"}, **doctor},
        ),
    )
    author = {"author": [{"reference": "Practitioner/d"}], "title": "x", "type": TEXT}
    yield from parts(
        made("Composition", status="final", date="2020", **author),
        "section",
        ("cmp-1", {"entry": [{"reference": "Basic/b"}]}, {"title": "x"}),
        (
            "cmp-2",
            {"emptyReason": TEXT, "section": [{"entry": [{"reference": "Basic/b"}]}]},
            {"emptyReason": TEXT, "entry": [{"reference": "Basic/b"}]},
        ),
    )
    condition = made("Condition", **SUBJECT)
    yield from parts(
        condition,
        "stage",
        ("con-1", {"summary": TEXT}, {"type": TEXT}),
    )
    yield from parts(condition, "evidence", ("con-2", {"code": [TEXT]}, {"id": "e"}))
    over = {"abatementString": "x"}
    yield (
        "con-4",
        {**condition, "clinicalStatus": resolved, **over},
        {**condition, "clinicalStatus": active, **over},
    )
    yield (
        "con-5",
        {**condition, "verificationStatus": wrong},
        {**condition, "verificationStatus": wrong, "clinicalStatus": active},
    )
    family = made("FamilyMemberHistory", status="completed", relationship=TEXT, **PATIENT)
    yield "fhs-1", {**family, "ageString": "x"}, {**family, "ageString": "x", "bornDate": "2020"}
    yield (
        "fhs-2",
        {**family, "ageString": "x", "estimatedAge": True},
        {**family, "estimatedAge": True},
    )
    yield from parts(
        made("Goal", lifecycleStatus="active", description=TEXT, **SUBJECT),
        "target",
        ("gol-1", {"measure": TEXT, "detailString": "x"}, {"detailString": "x"}),
    )
    yield from parts(
        made("Immunization", status="completed", vaccineCode=TEXT, occurrenceString="x", **PATIENT),
        "education",
        ("imm-1", {"documentType": "x"}, {"publicationDate": "2020"}),
    )
    yield from parts(
        made("ImmunizationRecommendation", date="2020", **PATIENT),
        "recommendation",
        ("imr-1", {"vaccineCode": [TEXT], "forecastStatus": TEXT}, {"forecastStatus": TEXT}),
    )
    entry = {"item": {"reference": "Basic/b"}}
    listed = {"resourceType": "List", "id": "a", "status": "current"}
    yield (
        "lst-1",
        {**listed, "mode": "working", "entry": [entry]},
        {**listed, "mode": "working", "entry": [entry], "emptyReason": TEXT},
    )
    for key, name, value, mode in (
        ("lst-2", "deleted", True, "changes"),
        ("lst-3", "date", "2020", "working"),
    ):
        entries = [{**entry, name: value}]
        yield (
            key,
            {**listed, "mode": mode, "entry": entries},
            {**listed, "mode": "snapshot", "entry": entries},
        )
    given = made(
        "MedicationAdministration",
        status="completed",
        medicationCodeableConcept=TEXT,
        effectiveDateTime="2020",
        **SUBJECT,
    )
    yield "mad-1", {**given, "dosage": {"dose": YEARS}}, {**given, "dosage": {"text": "x"}}
    dispensed = made("MedicationDispense", status="completed", medicationCodeableConcept=TEXT)
    yield (
        "mdd-1",
        {**dispensed, "whenPrepared": "2020", "whenHandedOver": "2021"},
        {**dispensed, "whenPrepared": "2021", "whenHandedOver": "2020"},
    )
    code = {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}
    observed = made("Observation", status="final", code=code)
    yield (
        "obs-6",
        {**observed, "dataAbsentReason": TEXT},
        {**observed, "dataAbsentReason": TEXT, "valueString": "x"},
    )
    yield (
        "obs-7",
        {**observed, "component": [{"code": code, "valueString": "x"}]},
        {**observed, "component": [{"code": code, "valueString": "x"}], "valueString": "x"},
    )
    yield from parts(
        observed,
        "referenceRange",
        ("obs-3", {"low": {"value": 1}}, {"type": TEXT}),
        ("sqty-1", {"low": {"value": 1}}, {"low": {"value": 1, "comparator": "<"}}),
    )
    yield from parts(
        made("RequestGroup", status="active", intent="plan"),
        "action",
        ("rqg-1", {"resource": {"reference": "Task/t"}}, {"title": "x"}),
    )
    percent = {"value": 5, "system": UCUM, "code": "%"}
    yield from parts(
        made("RiskAssessment", status="final", **SUBJECT),
        "prediction",
        ("ras-1", {"probabilityRange": {"low": percent}}, {"probabilityRange": {"low": YEARS}}),
        ("ras-2", {"probabilityDecimal": 100}, {"probabilityDecimal": 101}),
    )
    order = made("ServiceRequest", status="active", intent="order", **SUBJECT)
    yield "prr-1", {**order, "orderDetail": [TEXT], "code": TEXT}, {**order, "orderDetail": [TEXT]}
    yield (
        "binding",
        {**condition, "clinicalStatus": active},
        {**condition, "clinicalStatus": coded("condition-clinical", "over")},
    )
