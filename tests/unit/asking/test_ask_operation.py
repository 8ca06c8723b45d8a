"""``$ask``: a question to one record, answered from it and the sources, or not at all."""

from __future__ import annotations

import json

import httpx
import pytest
from fhir.resources.R4B.parameters import Parameters
from support.trail import Trail

from services.consult.messages import Answer, Citation, Level, ModelCardRef, Sentence, Status
from services.consult.node import Node, Outcome
from services.hospital.app import create
from services.hospital.asking.request import Asked
from services.hospital.asking.service import ask, reference_of
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.hospital.writing import labels

PASSWORD = "a long enough password"
HOST = "http://localhost"


@pytest.fixture
def hospital(tmp_path, node_of, sandbox_url, monkeypatch):
    settings = HospitalSettings(
        data=tmp_path / "hospital", database=sandbox_url, second_factor="optional"
    )
    made = Hospital(settings, node_of("hospital"))
    made.records.put(
        {
            "resourceType": "ServiceRequest", "id": "theirs", "status": "active",
            "intent": "order", "subject": {"reference": "Patient/p07"},
            "performer": [{"reference": "Practitioner/me"}],
        }
    )  # fmt: skip
    made.accounts.add_user("ana", PASSWORD, "Ana", "clinician", acts_as=["Practitioner/me"])
    made.intake.audit = Trail()
    yield made
    made.database.close()


@pytest.fixture
def key(hospital):
    return hospital.accounts.new_key("app", "patient/*.rs ask", patient="p07")


def question(text, **more):
    parts = [{"name": "question", "valueString": text}]
    parts += [{"name": name, **value} for name, value in more.items()]
    return {"resourceType": "Parameters", "parameter": parts}


async def post(hospital, body, key=None, patient="p07", **headers):
    sent = {"authorization": f"Bearer {key}"} if key else {}
    transport = httpx.ASGITransport(app=create(hospital.settings, hospital))
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
        path = f"/fhir/Patient/{patient}/$ask"
        kind = {"content-type": "application/fhir+json"}
        return await client.post(path, content=json.dumps(body), headers=kind | sent | headers)


def named(answer, name):
    return [part for part in answer.json()["parameter"] if part["name"] == name]


def value(part, name):
    for one in part["part"]:
        if one["name"] == name:
            return next(v for k, v in one.items() if k != "name")
    return None


async def test_the_record_answers_with_the_resources_that_say_it(hospital, key):
    answer = await post(hospital, question("What medicines am I taking?"), key)
    assert answer.status_code == 200
    Parameters.model_validate(answer.json())
    assert answer.json()["meta"]["security"] == [labels.AIAST]
    assert named(answer, "outcome")[0]["valueCode"] == "answered"
    sentences = named(answer, "sentence")
    sources = [value(s, "source")["reference"] for s in sentences]
    assert sources
    for reference in sources:
        assert hospital.records.belongs(*reference.split("/"), "p07"), reference


async def test_triage_comes_first_and_an_emergency_says_nothing_else(hospital, key):
    answer = await post(hospital, question("I have crushing chest pain and cannot breathe"), key)
    first = answer.json()["parameter"][0]
    assert first["name"] == "triage"
    assert value(first, "level") == "emergency"
    assert value(first, "advice")
    assert named(answer, "outcome")[0]["valueCode"] == "emergency"
    assert named(answer, "sentence") == []


async def test_a_general_question_cites_the_sources(hospital, key):
    answer = await post(hospital, question("What is asthma?"), key)
    cited = named(answer, "citation")
    assert named(answer, "outcome")[0]["valueCode"] == "answered"
    assert any(value(c, "url") and value(c, "quote") for c in cited)
    assert {value(s, "citation") for s in named(answer, "sentence")} <= {
        value(c, "id") for c in cited
    }


async def test_what_no_source_says_is_not_answered_and_said_as_an_outcome(hospital, key):
    answer = await post(hospital, question("Who will win the football cup?"), key)
    assert answer.status_code == 200
    assert named(answer, "outcome")[0]["valueCode"] == "abstained"
    assert named(answer, "reason")[0]["valueCode"]
    assert named(answer, "sentence") == []
    issue = named(answer, "issues")[0]["resource"]["issue"][0]
    assert issue["severity"] == "information"


async def test_spanish_is_answered_in_spanish(hospital, key):
    text = "Tengo un dolor fuerte en el pecho y no puedo respirar"
    answer = await post(hospital, question(text, language={"valueCode": "es-MX"}), key)
    assert "Llame" in named(answer, "text")[0]["valueString"]


async def test_the_question_is_written_down_before_and_its_words_are_not(hospital, key):
    trail = hospital.intake.audit
    answer = await post(hospital, question("What medicines am I taking, dear zebra?"), key)
    event = trail.events[-1]
    said = {e["what"].get("reference") or e["what"]["identifier"]["value"] for e in event["entity"]}
    assert said == {"Patient/p07", named(answer, "consult")[0]["valueString"]}
    assert event["subtype"][-1]["code"] == "chat"
    assert "zebra" not in str(trail.events)


async def test_when_it_cannot_be_written_down_nothing_is_answered(hospital, key):
    hospital.intake.audit.fails = True
    answer = await post(hospital, question("What medicines am I taking?"), key)
    assert answer.status_code >= 500
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("scopes", "patient", "status"),
    [
        ("patient/*.rs", "p07", 403),
        ("patient/*.rs chat", "p07", 403),
        ("ask", None, 403),
        ("patient/Observation.rs ask", "p07", 403),
        ("patient/*.r ask", "p07", 403),
        ("patient/*.rs ask", "p01", 404),
        ("system/*.rs ask", None, 200),
        ("patient/*.rs ask", "p07", 200),
    ],
)
async def test_only_who_may_read_all_and_ask_is_answered(hospital, scopes, patient, status):
    key = hospital.accounts.new_key("app", scopes, patient=patient)
    answer = await post(hospital, question("What medicines am I taking?"), key)
    assert answer.status_code == status
    kind = "Parameters" if status == 200 else "OperationOutcome"
    assert answer.json()["resourceType"] == kind


async def test_without_a_credential_nothing_is_answered(hospital):
    assert (await post(hospital, question("What is asthma?"))).status_code == 401
    forged = await post(hospital, question("What is asthma?"), "ctk_forged")
    assert forged.status_code == 401


async def test_a_clinician_asks_of_people_whom_they_treat(hospital):
    cookie = f"caretier_portal={hospital.accounts.sign_in('ana', PASSWORD)}"
    own = {"cookie": cookie, "sec-fetch-site": "same-origin"}
    body = question("What medicines am I taking?")
    assert (await post(hospital, body, **own)).status_code == 200
    assert (await post(hospital, body, patient="p01", **own)).status_code == 403
    foreign = {"cookie": cookie, "sec-fetch-site": "cross-site"}
    assert (await post(hospital, body, **foreign)).status_code == 403


@pytest.mark.parametrize("patient", ["nobody", "x y", "%2e%2e"])
async def test_an_unknown_patient_is_not_found(hospital, patient):
    key = hospital.accounts.new_key("app", "system/*.rs ask")
    answer = await post(hospital, question("What is asthma?"), key, patient=patient)
    assert answer.status_code == 404


async def test_an_encounter_must_be_of_this_patient(hospital, key):
    mine = next(
        r["id"] for r in hospital.records.everything("p07") if r["resourceType"] == "Encounter"
    )
    theirs = next(
        r["id"] for r in hospital.records.everything("p01") if r["resourceType"] == "Encounter"
    )
    for id_, status in ((mine, 200), (theirs, 404), ("none", 404)):
        encounter = {"valueReference": {"reference": f"Encounter/{id_}"}}
        body = question("What is asthma?", encounter=encounter)
        assert (await post(hospital, body, key)).status_code == status


BAD = {
    "no question": {"resourceType": "Parameters", "parameter": []},
    "empty": question("  "),
    "too long": question("x" * 8001),
    "half a character": question("\ud800"),
    "two questions": {"resourceType": "Parameters", "parameter": [
        {"name": "question", "valueString": "a"}, {"name": "question", "valueString": "b"}]},
    "wrong type": {"resourceType": "Parameters", "parameter": [
        {"name": "question", "valueInteger": 3}]},
    "other language": question("a", language={"valueCode": "fr"}),
    "other reference": question("a", encounter={"valueReference": {"reference": "Patient/p07"}}),
    "another resource": {"resourceType": "Patient"},
    "no list": {"resourceType": "Parameters", "parameter": {"name": "question"}},
    "a text": "question",
    "unknown": question("a", verbose={"valueBoolean": True}),
}  # fmt: skip


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
async def test_parameters_that_cannot_be_used_are_refused_by_name(hospital, key, body):
    answer = await post(hospital, body, key)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"][0].startswith("Parameters")


async def test_prefer_is_honoured(hospital, key):
    body = question("What is asthma?", verbose={"valueBoolean": True})
    lenient = await post(hospital, body, key, prefer="handling=lenient, return=minimal")
    assert lenient.status_code == 200
    assert lenient.headers["preference-applied"] == "handling=lenient, return=minimal"
    assert named(lenient, "more") == []
    assert (await post(hospital, body, key, prefer="handling=strict")).status_code == 422


@pytest.mark.parametrize(
    ("citation", "reference"),
    [
        ("Observation/a1c-2", "Observation/a1c-2"),
        ("Patient/p01#no-a1c", "Patient/p01"),
        ("flu#care", None),
        ("rule:change-x", None),
    ],
)
def test_a_citation_names_a_resource_only_where_it_is_one(citation, reference):
    assert reference_of(citation) == reference


class Liar(Node):
    """A node that cites what is not in the record, or nothing."""

    def __init__(self, cited, known):
        self._cited, self._known = cited, known

    async def consult(self, question):
        yield Outcome(
            Answer(
                id=question.id,
                status=Status.ANSWERED,
                text="You take warfarin.",
                tier=Level.HOSPITAL,
                model=ModelCardRef(name="m", digest="d"),
                sentences=(Sentence(text="You take warfarin.", citations=(self._cited,)),),
                citations=tuple(
                    Citation(id=i, title="t", source="s", quote="q") for i in self._known
                ),
            )
        )


@pytest.mark.parametrize(
    ("cited", "known"),
    [
        ("MedicationRequest/other", ["MedicationRequest/other"]),
        ("flu#care", []),
        ("Patient/me", ["Patient/me", "Observation/other"]),
    ],
)
async def test_a_sentence_that_nothing_of_this_record_carries_is_not_given_out(cited, known):
    record = [{"resourceType": "Patient", "id": "me"}]
    answer, reason = await ask(Liar(cited, known), Asked("What do I take?"), record)
    assert (answer.status, reason) == (Status.ABSTAINED, "low-confidence")
    assert "warfarin" not in answer.model_dump_json()
