"""Records of the sandbox, with identifiers wherever FHIR lets them be, come out without them."""

from __future__ import annotations

import base64
import copy
import json
import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.deidentify import DeidentificationError, Deidentifier
from compliance.deidentify.dateshift import DateShift
from compliance.deidentify.fhir import Exported, FhirDeidentifier
from compliance.deidentify.pseudonyms import StudyKey
from compliance.deidentify.reversal import ReversalMap
from services.fhir.sandbox import SANDBOX_DAY, generate
from services.fhir.validate import check

KEY = StudyKey.from_root(bytes(range(32)), "asthma-2026")
Resource = dict[str, Any]
CASES = int(os.environ.get("CARETIER_RECORD_CASES", "30"))
"""Records of the property test; thousands of them take an hour, so not each time."""
SHARED = {"Organization", "Location", "Practitioner", "PractitionerRole"}


def sandbox(patient: str | None = None, seed: int = 1) -> list[Resource]:
    """The whole sandbox, or one patient's record with the clinic's."""
    every = generate(seed)
    return [r for r in every if patient is None or r["resourceType"] in SHARED
            or r["id"] == patient or r["id"].startswith(f"{patient}-")]  # fmt: skip


@pytest.fixture(scope="session")
def export(detector: Deidentifier) -> FhirDeidentifier:
    return FhirDeidentifier(detector, KEY, today=SANDBOX_DAY)


@pytest.fixture(scope="session")
def whole(export: FhirDeidentifier) -> Exported:
    """The whole sandbox, exported once."""
    return export.resources(sandbox())


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value, and what base64 data holds."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "data" and isinstance(inner, str) and "contentType" in value:
                yield base64.b64decode(inner).decode()
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def bare(text: str) -> str:
    return regex.sub(r"[^\p{L}\d]", "", text.casefold())


def secrets(record: list[Resource]) -> set[str]:
    """What names somebody in a record, without separators: read apart from the code under test."""
    found: set[str] = set()
    for resource in record:
        kind = resource["resourceType"]
        found.add(f"{kind}/{resource['id']}")
        if len(resource["id"]) > 4 and kind not in {"Location", "Organization"}:
            found.add(resource["id"])
        for name in resource.get("name", []) if isinstance(resource.get("name"), list) else []:
            found.add(" ".join([*name.get("given", [])[:1], name.get("family", "")]))
            found |= {w for w in regex.split(r"[\s-]", name.get("family", "")) if len(w) > 5}
        if kind in {"Organization", "Location"}:
            found.add(resource["name"])
        for part in (resource, *resource.get("contact", [])):
            found |= {t["value"] for t in part.get("telecom", [])}
            found |= {i["value"] for i in part.get("identifier", [])}
        addresses = resource.get("address", [])
        for address in addresses if isinstance(addresses, list) else [addresses]:
            found |= {*address["line"], address["postalCode"]}
    return {bare(text) for text in found if text.strip()}


def assert_clean(made: Any, record: list[Resource]) -> None:
    """No identifier of the record in any string."""
    everything = [bare(text) for text in strings(made)]
    for secret in secrets(record):
        where = [text for text in everything if secret in text]
        assert not where, (secret, where[:3])


NOTE = (
    "{given} {family} (MRN {mrn}) was seen on {day:%m/%d/%Y}; call {phone} or write to {mail}. "
    "Lives at {line}. {family}, {given} has asthma; pressure 120/80."
)


def facts(record: list[Resource]) -> dict[str, Any]:
    """The identifiers of the one patient of a record, for writing them into places."""
    patient = next(r for r in record if r["resourceType"] == "Patient")
    name, contact = patient["name"][0], patient["telecom"]
    return {
        "given": name["given"][0],
        "family": name["family"],
        "mrn": patient["identifier"][0]["value"],
        "phone": contact[0]["value"],
        "mail": contact[1]["value"],
        "line": patient["address"][0]["line"][0],
        "day": SANDBOX_DAY - timedelta(days=400),
    }


def _note(r: Resource, text: str) -> None:
    r["note"] = [{"text": text, "authorString": "Adaeze Okafor", "time": "2025-03-04"}]


def _narrative(r: Resource, text: str) -> None:
    r["text"] = {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>',
    }


def _extension(r: Resource, text: str) -> None:
    r["extension"] = [{"url": "http://example.org/said", "valueString": text}]


def _primitive(r: Resource, text: str) -> None:
    r["_status"] = {"extension": [{"url": "http://example.org/said", "valueString": text}]}


def _identifier(r: Resource, text: str) -> None:
    r["identifier"] = [{"system": "http://example.org/x", "value": text, "type": {"text": text},
                        "assigner": {"display": text}}]  # fmt: skip


def _display(r: Resource, text: str) -> None:
    r["encounter"] = {"reference": "Encounter/p01-visit-1", "display": text}


def _meta(r: Resource, text: str) -> None:
    r["meta"] = {"source": text, "tag": [{"display": text}], "lastUpdated": "2025-01-01T00:00:00Z",
                 "profile": ["http://example.org/whitcombe"]}  # fmt: skip


def _code(r: Resource, text: str) -> None:
    r["code"] = {"text": text, "coding": [{"system": "http://loinc.org", "code": "1-2",
                                           "display": text}]}  # fmt: skip


def _coded(r: Resource, text: str) -> None:
    mrn = regex.search(r"MRN-\d+", text)
    r["code"] = {"coding": [{"code": mrn[0] if mrn else "x", "system": "http://example.org/l"}]}


def _house_code(r: Resource, text: str) -> None:
    mail = regex.search(r"\S+@\S+", text)
    assert mail is not None
    r["code"] = {"coding": [{"code": mail[0], "system": f"http://example.org/{mail[0]}"}]}


def _number(r: Resource, text: str) -> None:
    digits = regex.sub(r"\D", "", text.partition("call ")[2].partition(" or")[0])
    for key in [key for key in r if key.startswith("value")]:
        del r[key]
    r["valueQuantity"] = {"value": int(digits), "unit": text}


def _contained(r: Resource, text: str) -> None:
    r["contained"] = [{"resourceType": "Condition", "id": "c1", "code": {"text": text},
                       "subject": r["subject"]}]  # fmt: skip
    r["focus"] = [{"reference": "#c1"}]


def _attached(kind: str, wrap: str = "{}") -> Callable[[Resource, str], None]:
    def put(r: Resource, text: str) -> None:
        data = base64.b64encode(wrap.format(text).encode()).decode()
        r["resourceType"] = "Media"
        for name in set(r) - {"resourceType", "id", "subject", "meta"}:
            del r[name]
        r |= {"status": "completed",
              "content": {"contentType": kind, "data": data, "title": text,
                          "url": f"http://example.org/{facts(sandbox('p01'))['mrn']}"}}  # fmt: skip

    return put


PLACES: list[Callable[[Resource, str], None]] = [
    _note,
    _narrative,
    _extension,
    _primitive,
    _identifier,
    _display,
    _meta,
    _code,
    _coded,
    _house_code,
    _number,
    _contained,
    _attached("text/plain"),
    _attached("text/html", "<p>{}</p><script>1</script>"),
    _attached("application/pdf"),
    _attached("text/plain; charset=nonsense"),
]


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(patient=st.integers(1, 18), seed=st.integers(1, 2**32), places=st.permutations(PLACES))
def test_no_identifier_of_a_record_survives_anywhere(
    detector: Deidentifier, patient: int, seed: int, places: list[Any]
) -> None:
    record = sandbox(f"p{patient:02d}", seed)
    said = NOTE.format(**facts(record))
    clinical = [r for r in record if r["resourceType"] == "Observation"][: len(places)]
    for resource, put in zip(clinical, places, strict=False):
        put(resource, said)
    told = {"Patient", "RelatedPerson", "DocumentReference", *SHARED}
    record = [r for r in record if r["resourceType"] in told or r in clinical]
    key = StudyKey.from_root(seed.to_bytes(32, "big"), "any")
    made = FhirDeidentifier(detector, key, today=SANDBOX_DAY).resources(record)
    assert_clean(made.resources, record)
    assert_clean([note.path + note.reason for note in made.notes], record)
    for resource in made.resources:
        check(resource)


@pytest.mark.parametrize("put", PLACES)
def test_the_search_for_survivors_finds_them_in_the_record_itself(
    put: Callable[[Resource, str], None],
) -> None:
    record = sandbox("p01")
    observation = {"resourceType": "Observation", "id": "o", "subject": {"reference": "x"}}
    put(observation, NOTE.format(**facts(record)))
    observation.pop("id")
    with pytest.raises(AssertionError):
        assert_clean(observation, record)


def test_the_sandbox_comes_out_whole_and_clean(whole: Exported) -> None:
    record = sandbox()
    assert [r["resourceType"] for r in whole.resources] == [r["resourceType"] for r in record]
    for resource in whole.resources:
        check(resource)
    assert_clean(whole.resources, record)


def test_every_resource_is_labelled_as_pseudonymised_and_keeps_its_other_labels(
    whole: Exported,
) -> None:
    for resource in whole.resources:
        codes = {label["code"] for label in resource["meta"]["security"]}
        assert codes == {"PSEUDED", "HTEST"}


def test_references_lead_where_they_led(whole: Exported) -> None:
    record = sandbox()
    new_name = {
        f"{old['resourceType']}/{old['id']}": f"{new['resourceType']}/{new['id']}"
        for old, new in zip(record, whole.resources, strict=True)
    }
    assert len(set(new_name.values())) == len(record)

    def references(value: Any) -> Iterator[str]:
        for inner in value.values() if isinstance(value, dict) else value:
            if isinstance(inner, dict | list):
                yield from references(inner)
        if isinstance(value, dict) and isinstance(value.get("reference"), str):
            yield value["reference"]

    for old, new in zip(record, whole.resources, strict=True):
        assert [new_name[r] for r in references(old)] == list(references(new))


_DATE = regex.compile(r"\d{4}-\d\d-\d\d(?:T.*)?")


def test_days_between_the_dates_of_a_patient_stay(whole: Exported) -> None:
    moved: dict[str, set[timedelta]] = {}
    for old, new in zip(sandbox(), whole.resources, strict=True):
        owner = old["id"].split("-")[0]
        if old["resourceType"] in SHARED or owner == "p10":  # p10 is over 89
            continue
        before = [s for s in strings(old) if _DATE.fullmatch(s)]
        after = [s for s in strings(new) if _DATE.fullmatch(s)]
        assert len(before) == len(after)
        for one, other in zip(sorted(before), sorted(after), strict=True):
            assert one[10:] == other[10:]
            days = date.fromisoformat(other[:10]) - date.fromisoformat(one[:10])
            moved.setdefault(owner, set()).add(days)
    assert len(moved) == 17
    assert all(len(shifts) == 1 and shifts.pop().days % 7 == 0 for shifts in moved.values())


def test_dates_in_a_note_move_as_those_of_the_record(export: FhirDeidentifier) -> None:
    record = sandbox("p01")
    made = export.resources(record).resources
    note = next(r for r in made if r["resourceType"] == "DocumentReference")
    text = base64.b64decode(note["content"][0]["attachment"]["data"]).decode()
    patient = next(r for r in made if r["resourceType"] == "Patient")
    assert f"born {patient['birthDate']}" in text
    assert f"Progress note, {note['date'][:10]}" in text
    assert " ".join([*patient["name"][0]["given"], patient["name"][0]["family"]]) in text


def test_everybody_is_called_the_same_in_notes_as_in_the_record(whole: Exported) -> None:
    names, notes = {}, {}
    for old, new in zip(sandbox(), whole.resources, strict=True):
        if old["resourceType"] == "Patient":
            name = new["name"][0]
            names[old["id"]] = " ".join([*name["given"], name["family"]])
        if old["resourceType"] == "DocumentReference":
            data = new["content"][0]["attachment"]["data"]
            notes[old["id"].partition("-")[0]] = base64.b64decode(data).decode()
    assert len(names) == len(notes) == 18
    assert [p for p, name in names.items() if f"Patient: {name}, born" not in notes[p]] == []


def test_a_short_name_and_a_mail_address_follow_their_person(export: FhirDeidentifier) -> None:
    record = sandbox("p01")
    record.append({"resourceType": "Flag", "id": "f-1", "status": "active",
                   "code": {"text": "harry whitcombe wrote from harold.whitcombe@example.org"},
                   "subject": {"reference": "Patient/p01"}})  # fmt: skip
    made = export.resources(record).resources
    patient = next(r for r in made if r["resourceType"] == "Patient")
    name, mail = patient["name"][0], patient["telecom"][1]["value"]
    assert made[-1]["code"]["text"] == (
        f"{name['given'][0]} {name['family']}".lower() + f" wrote from {mail}"
    )


def test_an_age_over_89_is_told_as_90_or_older(whole: Exported) -> None:
    old = next(
        new for old, new in zip(sandbox(), whole.resources, strict=True) if old["id"] == "p10"
    )
    assert "birthDate" not in old
    urls = {e["url"]: e for e in old["_birthDate"]["extension"]}
    assert urls["urn:caretier:fhir:age-group"]["valueString"] == "90 or older"


def test_an_age_in_a_quantity_is_aggregated(export: FhirDeidentifier) -> None:
    def onset(years: int) -> Any:
        condition = {
            "resourceType": "Condition",
            "id": "c",
            "subject": {"reference": "Patient/x"},
            "onsetAge": {"value": years, "system": "http://unitsofmeasure.org", "code": "a"},
        }
        return export.resources([condition]).resources[0]["onsetAge"]

    assert onset(89)["value"] == 89
    assert onset(93) == onset(90) | {"value": 90, "comparator": ">="}


def test_a_study_is_stable_and_two_studies_have_nothing_in_common(
    detector: Deidentifier, whole: Exported
) -> None:
    one = {r["id"] for r in whole.resources}
    alone = FhirDeidentifier(detector, KEY, today=SANDBOX_DAY).resources(sandbox("p07"))
    assert {r["id"] for r in alone.resources} <= one
    other = FhirDeidentifier(detector, StudyKey.from_root(bytes(range(32)), "x"), today=SANDBOX_DAY)
    there = other.resources(sandbox("p07"))
    assert not {r["id"] for r in there.resources} & one


def test_the_way_back_is_sealed_and_opens_with_the_key(whole: Exported) -> None:
    assert b"Whitcombe" not in whole.reversal
    back = ReversalMap.unseal(whole.reversal, KEY)
    patient = next(r for r in whole.resources if r["resourceType"] == "Patient")
    assert back.originals(patient["id"]) == ("Patient/p01",)
    assert "Whitcombe".casefold() in [
        o.casefold() for o in back.originals(patient["name"][0]["family"])
    ]
    assert "reversal" not in repr(whole)


def test_a_bundle_stays_linked_by_its_own_names(export: FhirDeidentifier) -> None:
    urn = "urn:uuid:5a0f3b1e-0000-4000-8000-000000000001"
    bundle = {
        "resourceType": "Bundle",
        "id": "whitcombe-export",
        "type": "transaction",
        "timestamp": "2025-01-01T00:00:00Z",
        "identifier": {"value": "whitcombe"},
        "link": [{"relation": "self", "url": "http://ehr.example.org/fhir/Patient/77821-a"}],
        "entry": [
            {
                "fullUrl": urn,
                "resource": {"resourceType": "Patient", "id": "77821-a", "birthDate": "1980-02-03",
                             "name": [{"family": "Whitcombe", "given": ["Harold"]}]},
                "request": {"method": "PUT", "url": "Patient/77821-a", "ifMatch": "W/1"},
            },
            {
                "fullUrl": "http://ehr.example.org/fhir/Observation/o-1",
                "resource": {"resourceType": "Observation", "id": "o-1", "status": "final",
                             "code": {"text": "Weight"}, "subject": {"reference": urn},
                             "effectiveDateTime": "2020-02-03"},
                "response": {"status": "200", "location": "Observation/o-1/_history/1"},
            },
        ],
    }  # fmt: skip
    made = export.bundle(bundle).resource
    assert made is not None
    first, second = made["entry"]
    assert second["resource"]["subject"]["reference"] == first["fullUrl"]
    assert first["fullUrl"].startswith("urn:uuid:")
    assert second["fullUrl"].endswith(f"/Observation/{second['resource']['id']}")
    assert first["request"]["url"] == f"Patient/{first['resource']['id']}"
    years = int(second["resource"]["effectiveDateTime"][:4]) - int(
        first["resource"]["birthDate"][:4]
    )
    assert years == 40
    text = json.dumps(made).casefold()
    for left in ("whitcombe", "77821", "ehr.example.org", 'o-1"', urn, "1980-02-03", "harold"):
        assert left not in text


def test_a_contained_resource_stays_linked(export: FhirDeidentifier) -> None:
    record = {
        "resourceType": "Condition",
        "id": "c-1",
        "subject": {"reference": "Patient/p-1"},
        "asserter": {"reference": "#whitcombe"},
        "contained": [
            {"resourceType": "Practitioner", "id": "whitcombe", "name": [{"family": "Whitcombe"}]},
            {"resourceType": "Contract", "id": "k"},
        ],
    }
    made = export.resources([record])
    inner = made.resources[0]["contained"]
    assert [r["resourceType"] for r in inner] == ["Practitioner"]
    assert made.resources[0]["asserter"]["reference"] == f"#{inner[0]['id']}"
    assert "hitcombe" not in json.dumps(made.resources)


@pytest.mark.parametrize(
    "kind", ["Basic", "Parameters", "AuditEvent", "Person", "MolecularSequence"]
)
def test_a_type_that_may_hold_anything_is_withheld_with_a_note(
    export: FhirDeidentifier, kind: str
) -> None:
    made = export.resources([{"resourceType": kind, "id": "x", "code": {"text": "Harold"}}])
    assert made.resources == ()
    assert made.notes[0].path == kind
    assert made.notes[0].reason.startswith("withheld")


@pytest.mark.parametrize("extra", [{"modifierExtension": [{"url": "http://example.org/not"}]},
                                   {"implicitRules": "http://example.org/rules"}])  # fmt: skip
def test_a_resource_whose_meaning_would_change_is_withheld(
    export: FhirDeidentifier, extra: Resource
) -> None:
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/x"}}
    assert export.resources([condition | extra]).resources == ()
    assert export.resources([condition]).resources


def test_an_element_of_another_type_than_its_own_is_not_given_out(export: FhirDeidentifier) -> None:
    odd = {
        "resourceType": "Observation", "id": "o", "status": ["final", {"x": "Harold"}],
        "code": {"text": {"deep": "Harold"}}, "subject": "Harold",
        "valueString": ["Harold"], "Harold": "Harold", "identifier": "Harold",
    }  # fmt: skip
    made = export.resources([odd])
    assert "Harold" not in json.dumps(made.resources) + repr(made.notes)


def test_a_failing_detector_gives_nothing_but_removed_texts(
    detector: Deidentifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise DeidentificationError("The detector is down.")

    monkeypatch.setattr(detector, "deidentify", fail)
    record = sandbox("p01")
    made = FhirDeidentifier(detector, KEY, today=SANDBOX_DAY).resources(record)
    texts = {s for r in made.resources for s in strings(r.get("code", {}).get("text", []))}
    assert texts == {"[REMOVED]"}
    assert any("could not be shown" in note.reason for note in made.notes)


def test_a_record_is_not_changed_by_its_export(export: FhirDeidentifier) -> None:
    record = sandbox("p02")
    before = copy.deepcopy(record)
    export.resources(record)
    assert record == before


def test_the_shift_of_a_record_is_that_of_its_patient(export: FhirDeidentifier) -> None:
    shift = DateShift.of(KEY, "Patient/p03", SANDBOX_DAY)
    record = sandbox("p03")
    made = export.resources(record).resources
    old = next(r for r in record if r["resourceType"] == "Encounter")
    new = next(r for r in made if r["resourceType"] == "Encounter")
    assert new["period"]["start"] == shift.fhir(old["period"]["start"])


def test_a_composition_keeps_its_sections_as_masked_prose(export: FhirDeidentifier) -> None:
    record = [*sandbox("p01"), {
        "resourceType": "Composition", "id": "comp-1", "status": "final", "date": "2025-01-02",
        "type": {"text": "Summary"}, "title": "Summary of Harold Whitcombe",
        "author": [{"display": "Dr. Adaeze Okafor"}], "subject": {"reference": "Patient/p01"},
        "section": [{"text": {"status": "additional", "div":
            '<div xmlns="http://www.w3.org/1999/xhtml"><p>Harold Whitcombe &amp; wife</p>'
            '<p onclick="x">Asthma &lt; 5</p><img alt="Whitcombe" src="w.png"/></div>'},
            "section": [{"text": {"status": "generated", "div": "<div>Rest</div>"}}]}],
    }]  # fmt: skip
    made = export.resources(record).resources[-1]
    assert_clean(made, sandbox("p01"))
    check(made)
    div = made["section"][0]["text"]["div"]
    assert "<p>Asthma &lt; 5</p>" in div
    assert "&amp;" in div
    assert "onclick" not in div
    assert "Rest" in made["section"][0]["section"][0]["text"]["div"]


def test_a_pseudonym_of_the_record_stands_in_its_texts_too(export: FhirDeidentifier) -> None:
    record = sandbox("p01")
    mrn = facts(record)["mrn"]
    record.append({"resourceType": "Flag", "id": "f-1", "status": "active",
                   "code": {"text": f"See chart {mrn}."},
                   "subject": {"reference": "Patient/p01"}})  # fmt: skip
    made = export.resources(record).resources
    patient = next(r for r in made if r["resourceType"] == "Patient")
    assert patient["identifier"][0]["value"] in made[-1]["code"]["text"]
