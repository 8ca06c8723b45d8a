"""The personal brick over the device's API: chosen, shown, put back, suggested, forgotten."""

from __future__ import annotations

import httpx
import pytest

from patient_app.app import create
from patient_app.asking import question_of
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from services.consult.messages import Answer, Level, ModelCardRef, Sentence, Status


@pytest.fixture
def device(tmp_path, node_of):
    made = Device(DeviceSettings(data=tmp_path / "device"), node_of(Level.DEVICE))
    made.add("ana", "correct horse")
    yield made
    made.lock("ana")


@pytest.fixture
async def http(device):
    transport = httpx.ASGITransport(create(device.settings, device))
    token = (device.settings.data / "token").read_text("utf-8").strip()
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://127.0.0.1",
        headers={"authorization": f"Bearer {token}"},
    ) as made:
        yield made


def keep(device, *, text="Store it at 25 °C.", topic="metformin"):
    answer = Answer(
        id="c1",
        status=Status.ANSWERED,
        text=text,
        tier=Level.DEVICE,
        model=ModelCardRef(name="m", digest="d"),
        sentences=(Sentence(text=text, citations=(f"{topic}#storage",)),),
    )
    row = {"question": "?", "asked": "2026-01-01T00:00:00+00:00", "conversation": "t"}
    with device.members["ana"].vault.write() as tx:
        tx.put("consult", "c1", {**row, "answer": answer.model_dump(mode="json")})


async def test_settings_are_versions_that_can_be_put_back(http):
    await http.put("/api/profile", json={"units": "us", "interests": ["sleep"]})
    await http.put("/api/profile", json={"units": "metric"})
    told = (await http.get("/api/personal")).json()
    assert [v["version"] for v in told["versions"]] == [3, 2, 1]
    back = await http.post("/api/personal/versions/2")
    assert back.json()["policy"]["units"] == "us"
    assert (await http.post("/api/personal/versions/99")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"units": "stone"},
        {"interests": ["x"]},
        {"interests": [f"subject {i}" for i in range(40)]},
        {"interests": ["x" * 400]},
        {"reading_level": "rude"},
    ],
    ids=["unit", "too short", "too many", "too long", "level"],
)
async def test_what_is_no_setting_is_refused_and_changes_nothing(http, body):
    before = (await http.get("/api/profile")).json()
    assert (await http.put("/api/profile", json=body)).status_code == 422
    assert (await http.get("/api/profile")).json() == before


async def test_an_earlier_answer_is_shown_in_the_units_of_now_and_kept_as_it_was(http, device):
    keep(device)
    await http.put("/api/profile", json={"units": "us"})
    shown = (await http.get("/api/consults/c1")).json()["answer"]
    assert shown["notes"] == [{"kind": "unit", "text": "25 °C is 77.0 °F."}]
    assert device.members["ana"].vault.get("consult", "c1")["answer"]["notes"] == []


async def test_interests_suggest_questions_that_the_device_can_answer(http, device):
    assert (await http.get("/api/personal/suggestions")).json() == {"suggestions": []}
    await http.put("/api/profile", json={"interests": ["asthma", "trouble sleeping"]})
    made = (await http.get("/api/personal/suggestions")).json()["suggestions"]
    assert {"asthma", "insomnia"} <= {one["topic"] for one in made}
    assert all(one["topic"] in device.node.index.knowledge.by_id for one in made)


async def test_without_enough_questions_no_adapter_is_trained(http):
    reply = (await http.post("/api/personal/adapter")).json()
    assert (reply["taken"], reply["reason"]) == (False, "too-few-questions")
    assert (await http.delete("/api/personal/adapter")).json() == {"forgotten": False}


async def test_the_personal_brick_is_in_no_request_to_another_tier(http, device, monkeypatch):
    await http.put("/api/profile", json={"interests": ["zebra migraines"], "local_only": False})
    offer = await http.post("/api/preview", json={"text": "Is QXJ-17 safe for me?"})
    assert "zebra" not in offer.text
    question = question_of(device.members["ana"], "Is QXJ-17 safe?", None)
    assert "zebra" not in question.model_dump_json()
