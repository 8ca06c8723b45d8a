"""Somebody else's record is not taken for one's own, and one sees whose it is."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from patient_app.app import create
from patient_app.errors import OtherPersonError
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from patient_app.whose import about

BORN = "1956-03-05"
NAME = [{"given": ["Rosa", "Maria"], "family": "Lima"}]
ROSA = {"resourceType": "Patient", "id": "p1", "name": NAME, "birthDate": BORN}
ELSE = {**ROSA, "id": "p2", "birthDate": "1990-01-02"}


@pytest.fixture
def device(tmp_path):
    made = Device(DeviceSettings(data=tmp_path / "device"))
    made.add("ana", "correct horse").set_profile({"born": date.fromisoformat(BORN)})
    yield made
    made.lock("ana")


@pytest.mark.parametrize("born", [BORN, "1956", None])
def test_a_record_that_says_nothing_else_is_taken(device, born):
    said = {key: value for key, value in ROSA.items() if key != "birthDate"}
    file = {**said, "birthDate": born} if born else said
    assert device.members["ana"].import_record([file]) == 1


def test_the_record_of_somebody_born_on_another_day_is_refused_until_that_is_corrected(device):
    ana = device.members["ana"]
    with pytest.raises(OtherPersonError, match="another day"):
        ana.import_record([ELSE])
    assert ana.resources() == []
    ana.set_profile({"born": date(1990, 1, 2)})
    assert ana.import_record([ELSE]) == 1


async def test_the_page_is_told_whose_record_it_shows(device):
    transport = httpx.ASGITransport(create(device.settings, device))
    token = (device.settings.data / "token").read_text("utf-8").strip()
    auth = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers=auth
    ) as http:
        assert (await http.get("/api/record")).json() == {"summary": [], "about": None}
        device.members["ana"].import_record([ROSA])
        told = (await http.get("/api/record")).json()["about"]
        assert told == {"name": "Rosa Maria Lima", "born": BORN}
        late = await http.put("/api/profile", json={"born": "2190-01-01"})
        assert late.status_code == 422
        assert late.json()["detail"] == "The day of birth is not a day in the past."
        assert (await http.put("/api/profile", json={"born": BORN})).json()["born"] == BORN


def test_a_record_without_names_names_nobody():
    assert about([]) is None
    assert about([{"resourceType": "Patient", "id": "p"}]) == {"name": "", "born": ""}
    text = [{"text": "R. Lima"}]
    assert about([{"resourceType": "Patient", "name": text}]) == {"name": "R. Lima", "born": ""}
