"""What a person prepared on their device is taken by the hospital as it stands, and once."""

from __future__ import annotations

import pytest

from patient_app.connect.sending import hand_over, named
from patient_app.member import Member
from patient_app.vault import KdfParameters, vault
from patient_app.visits import drafts
from services.consult.messages import Triage
from tests.unit.previsit.conftest import RECORD, Caller, chosen, item, said


class Client:
    """`FhirClient`, as far as answers need it, over the hospital in memory."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.status: list[int] = []

    async def read(self, kind, id_):
        answer = await self._caller.send("GET", f"/fhir/{kind}/{id_}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def create(self, resource, *, unless):
        headers = {"if-none-exist": unless, "prefer": "return=representation"}
        answer = await self._caller.answer(resource, **headers)
        self.status.append(answer.status_code)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json() if answer.content else {"id": "there"}


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Complete answers of the person, made on their device from the same record."""
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)
    member = Member.create(tmp_path / "me", "correct horse")
    member.import_record([r for r in RECORD if r["id"] != "other"])
    draft = drafts.begin(member, "new-visit")
    items = [item("reason", said("My knee hurts when I walk."))]
    for group in draft["response"]["item"]:
        more = [item("has-allergy", chosen("yes"))] if group["linkId"] == "allergies" else []
        for part in group["item"]:
            kind = "taken" if group["linkId"] == "medicines" else "right"
            part["item"].append(item(f"{part['linkId']}-{kind}", chosen("yes")))
        items.append({"linkId": group["linkId"], "item": [*more, *group["item"]]})
    drafts.save(member, draft["response"]["id"], items, lambda _: Triage())
    done = drafts.finish(member, draft["response"]["id"])["response"]
    member.vault.close()
    return named(done, before=0, taken_back=0)


async def test_the_hospital_takes_what_the_device_made_and_takes_it_once(hospital, prepared):
    scopes = "patient/*.rs patient/QuestionnaireResponse.c"
    key = hospital.accounts.new_key("device", scopes, patient="me")
    client = Client(Caller(hospital, {"authorization": f"Bearer {key}"}))
    for _ in range(2):
        await hand_over(client, prepared, patient="me", place="here", keys=frozenset())
    assert client.status == [201, 200]
    held = await Caller(hospital, {"authorization": f"Bearer {key}"}).send(
        "GET", "/fhir/QuestionnaireResponse?patient=me"
    )
    assert held.json()["total"] == 1
