"""Asking the clinic what the device has answered, or left open, already: the same question."""

from __future__ import annotations

import pytest

from patient_app.disclosure import Discloser
from patient_app.service import Device
from patient_app.settings import DeviceSettings

PASSPHRASE = "correct horse"
TEXT = "What is asthma?"


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


async def test_an_answer_tells_whether_there_was_a_record_to_hold_it_against(device):
    told = [step.detail for step in (await asked(device, TEXT, "a")).trace if step.step == "record"]
    assert told == [{"empty": True}]
    device.members["ana"].import_record([{"resourceType": "Patient", "id": "p1"}])
    again = await asked(device, TEXT, "b")
    assert [step for step in again.trace if step.step == "record"] == []
