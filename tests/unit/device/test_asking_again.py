"""Asking the clinic what the device has answered, or left open, already: the same question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from patient_app.disclosure import Discloser
from patient_app.medicines.own import enter
from patient_app.service import Device
from patient_app.settings import DeviceSettings

PASSPHRASE = "correct horse"
TEXT = "What is asthma?"
CHILD = {"empty": False, "listed": False, "child": True}


@pytest.fixture
def device(tmp_path, node_of, deidentifier, clinic, hospital):
    made = Device(DeviceSettings(data=tmp_path / "device"), node_of("device"))
    made.__dict__["discloser"] = Discloser(deidentifier, made.audit)
    made.add("ana", PASSPHRASE).link_to("http://clinic.test", clinic.bundle(), hospital.bundle())
    yield made
    made.lock("ana")


async def asked(device, text: str, talk: str):
    events = [e async for e in device.ask(device.members["ana"], text, conversation=talk)]
    return events[-1]


async def test_a_question_that_was_answered_here_leaves_once_and_stands_once_in_the_history(device):
    ana = device.members["ana"]
    await asked(device, "What is gout?", "talk")
    answer = await asked(device, TEXT, "talk")
    offer = await device.preview(ana, TEXT, "talk", answer.id)
    assert offer.disclosure.text.count(TEXT) == 1
    assert "Earlier, patient: What is gout?" in offer.disclosure.text
    assert [one["question"] for one in ana.consults()] == [TEXT, "What is gout?"]
    assert device.discloser.send(ana, offer.preview_id).id == answer.id


@pytest.mark.parametrize("how", ["unknown", "other words", "sent"])
async def test_what_is_not_that_question_or_left_already_is_a_question_of_its_own(device, how):
    ana = device.members["ana"]
    answer = await asked(device, TEXT, "talk")
    consult = "nobody" if how == "unknown" else answer.id
    text = "What is lupus?" if how == "other words" else TEXT
    if how == "sent":
        offer = await device.preview(ana, TEXT, "talk", answer.id)
        device.discloser.send(ana, offer.preview_id)
    await device.preview(ana, text, "talk", consult)
    assert len(ana.consults()) == 2


@pytest.mark.parametrize(
    ("born", "record", "text", "told"),
    [
        (None, False, TEXT, [{"empty": True, "listed": False, "child": False}]),
        (None, True, TEXT, []),
        (365 * 40, True, "How much ibuprofen is safe?", []),
        (150, True, "How much ibuprofen is safe?", [CHILD]),
        (150, True, "What is fever?", []),
        (365 * 40, True, "How much ibuprofen may my 3 year old have?", [CHILD]),
    ],
)
async def test_an_answer_tells_of_an_empty_record_and_a_childs_of_doses(
    device, born, record, text, told
):
    ana = device.members["ana"]
    if born:
        ana.set_profile({"born": datetime.now(UTC).date() - timedelta(days=born)})
    if record:
        ana.import_record([{"resourceType": "Patient", "id": "p1"}])
    answer = await asked(device, text, "talk")
    assert [step.detail for step in answer.trace if step.step == "person"] == told


async def test_an_answer_tells_that_it_knows_the_list_of_medicines_alone(device):
    enter(device.members["ana"], "warfarin", "", "", None)
    answer = await asked(device, TEXT, "talk")
    (told,) = [step.detail for step in answer.trace if step.step == "person"]
    assert told == {"empty": False, "listed": True, "child": False}
