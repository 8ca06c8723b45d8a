"""A red flag in what a patient writes is told at once, and lies on the desk of who treats them."""

from __future__ import annotations

import pytest

from compliance.audit.errors import AuditError
from compliance.errors import NotFoundError
from services.hospital.errors import NoRelationError
from services.hospital.models import User
from tests.unit.previsit.conftest import ALLERGIES, RECORD, item, new_visit, response, said

CHEST = "I have crushing chest pain and I cannot breathe."


def user(hospital, name) -> User:
    return next(u for u in hospital.accounts.users() if u.username == name)


@pytest.mark.parametrize(
    "body",
    [
        new_visit(CHEST),
        new_visit("My knee.", item("symptoms", said(CHEST))),
        response(
            "follow-up",
            item("followed", [{"valueBoolean": True}]),
            item("new-symptoms", said(CHEST)),
        ),
        new_visit(CHEST, questionnaire="http://example.org/other"),
        response("new-visit", item("reason", said(CHEST)), ALLERGIES, status="in-progress"),
    ],
    ids=["reason", "symptoms", "follow-up", "another form", "not finished"],
)
async def test_the_sender_is_told_first_and_the_response_is_kept(app, hospital, body):
    answer = await app.answer(body)
    assert answer.status_code == 201
    first = answer.json()["issue"][0]
    assert first["details"]["coding"][0]["code"] == "emergency"
    assert "911" in first["details"]["text"]
    assert first["diagnostics"] == first["details"]["text"]
    alert = hospital.alerts.waiting(user(hospital, "ana"))[0]
    assert (alert.patient, alert.level) == ("me", "emergency")
    assert answer.headers["location"].split("/")[-3] == alert.id


@pytest.mark.parametrize("prefer", ["return=minimal", "return=representation"])
async def test_it_is_told_whatever_the_sender_prefers(app, prefer):
    answer = await app.answer(new_visit(CHEST), prefer=prefer)
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "emergency"


async def test_it_is_told_in_the_language_of_the_response(app):
    text = "Tengo un dolor fuerte en el pecho y no puedo respirar"
    answer = await app.answer(new_visit(text, language="es"))
    assert "Llame" in answer.json()["issue"][0]["details"]["text"]


async def test_a_sender_who_may_not_read_is_told_as_well(hospital):
    from tests.unit.previsit.conftest import Caller

    key = hospital.accounts.new_key("form", "patient/QuestionnaireResponse.c", patient="me")
    form = Caller(hospital, {"authorization": f"Bearer {key}"})
    answer = await form.answer(new_visit(CHEST))
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "emergency"


async def test_each_entry_of_a_bundle_is_told(app, hospital):
    entry = {"request": {"method": "POST", "url": "QuestionnaireResponse"}}
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [entry | {"resource": new_visit(CHEST)}, entry | {"resource": new_visit()}],
    }
    answer = await app.send("POST", "/fhir", bundle)
    assert answer.status_code == 200
    assert "911" in answer.text
    assert len(hospital.alerts.waiting(user(hospital, "ana"))) == 1


async def test_what_is_routine_is_answered_with_the_resource(app, hospital):
    answer = await app.answer(new_visit())
    assert answer.json()["resourceType"] == "QuestionnaireResponse"
    assert hospital.alerts.waiting(user(hospital, "ana")) == []


async def test_a_refused_response_leaves_no_alert(app, hospital):
    answer = await app.answer(response("new-visit", item("reason", said(CHEST))))
    assert answer.status_code == 422
    assert hospital.alerts.waiting(user(hospital, "ana")) == []


async def test_an_error_is_no_alert(app, hospital):
    await app.answer(new_visit(CHEST, status="entered-in-error"))
    assert hospital.alerts.waiting(user(hospital, "ana")) == []


async def test_only_who_treats_the_person_sees_it_and_that_is_on_the_trail(app, hospital):
    await app.answer(new_visit(CHEST))
    trail = hospital.intake.audit
    before = len(trail.events)
    assert hospital.alerts.waiting(user(hospital, "bo")) == []
    assert len(trail.events) == before
    assert hospital.alerts.waiting(user(hospital, "ana"))
    event = trail.events[-1]
    assert event["entity"][1]["what"]["reference"] == "Patient/me"
    assert "chest" not in str(trail.events)


async def test_a_flag_of_somebody_whom_nobody_treats_is_every_clinicians(app, hospital):
    me = {one: value for one, value in RECORD[0].items() if one != "generalPractitioner"}
    hospital.records.put(me)
    await app.answer(new_visit(CHEST))
    bo = user(hospital, "bo")
    (flag,) = hospital.alerts.waiting(bo)
    assert set(hospital.alerts.whose("me")) >= {bo.id, user(hospital, "ana").id}
    assert hospital.alerts.take_up(flag.id, bo) == "me"
    with pytest.raises(NoRelationError):  # the chart itself opens by breaking the glass only
        hospital.relations.require(bo, "me")


async def test_a_hospital_of_thousands_finds_out_whom_nobody_treats(app, hospital):
    await app.answer(new_visit(CHEST))
    staff = [f"Practitioner/d{n}" for n in range(2500)]
    assert not hospital.relations.treated_by(staff, "me")
    assert hospital.relations.treated_by([*staff, "Practitioner/ana"], "me")
    assert not hospital.relations.treated_by(staff, "no such / id")


async def test_without_the_trail_no_alert_is_shown(app, hospital):
    await app.answer(new_visit(CHEST))
    hospital.intake.audit.fails = True
    with pytest.raises(AuditError):
        hospital.alerts.waiting(user(hospital, "ana"))


async def test_it_is_taken_up_once_and_by_who_treats_the_person(app, hospital):
    await app.answer(new_visit(CHEST))
    ana = user(hospital, "ana")
    id_ = hospital.alerts.waiting(ana)[0].id
    with pytest.raises(NoRelationError):
        hospital.alerts.take_up(id_, user(hospital, "bo"))
    assert hospital.alerts.take_up(id_, ana) == "me"
    assert hospital.alerts.waiting(ana) == []
    with pytest.raises(NotFoundError):
        hospital.alerts.take_up(id_, ana)
    with pytest.raises(NotFoundError):
        hospital.alerts.take_up("nobody", ana)


async def test_what_is_sent_anew_waits_anew(app, hospital):
    ana = user(hospital, "ana")
    await app.answer(new_visit(CHEST))
    id_ = hospital.alerts.waiting(ana)[0].id
    hospital.alerts.take_up(id_, ana)
    body = new_visit(f"{CHEST} It is worse.", status="amended", id=id_)
    assert (await app.send("PUT", f"/fhir/QuestionnaireResponse/{id_}", body)).status_code == 200
    assert [alert.id for alert in hospital.alerts.waiting(ana)] == [id_]
