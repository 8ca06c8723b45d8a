"""Nothing goes into a record but what a clinician signed, for a person whom they treat."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import select
from support.exchange import DeviceKeys, an_answer
from support.trail import Trail

from services.consult.messages import Level, ModelCardRef, Sentence
from services.fhir.models import ResourceRow
from services.hospital.app import create
from services.hospital.models import Referral
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

PASSWORD = "a long enough password"
HOST = "http://localhost"
SAID = "Rest and drink enough water every day."
EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
DRAFT = an_answer(
    text=SAID,
    tier=Level.HOSPITAL,
    model=ModelCardRef(name="record-rules", digest="d1"),
    sentences=(Sentence(text=SAID, citations=("flu#care",)),),
)
RECORD = [
    {
        "resourceType": "Patient",
        "id": who,
        "name": [{"given": [EVIL if who == "mine" else "Bo"], "family": "Secretname"}],
        "generalPractitioner": [{"reference": f"Practitioner/{by}"}],
    }
    for who, by in (("mine", "ana"), ("theirs", "bo"))
]


@pytest.fixture
def hospital(tmp_path, database_url, monkeypatch):
    settings = HospitalSettings(
        data=tmp_path / "hospital", database=database_url, second_factor="optional"
    )
    made = Hospital(settings)
    staff = [{"resourceType": "Practitioner", "id": id_} for id_ in ("ana", "bo")]
    assert not made.records.put_many([*RECORD, *staff]).rejected
    for name, role in (("ana", "clinician"), ("bo", "clinician"), ("pri", "privacy")):
        acts_as = [f"Practitioner/{name}"] if role == "clinician" else []
        made.accounts.add_user(name, PASSWORD, name, role, acts_as=acts_as)
    made.intake.audit = Trail()
    yield made
    made.database.close()


@pytest.fixture
def id_(hospital):
    made = DeviceKeys().refer("Is it flu?", hospital.keys)
    hospital.intake.accept(made.envelope, "CLINIC")
    desk = hospital.desk
    with hospital.database.transaction() as session:
        session.add(
            Referral(
                id=made.id,
                urgency="routine",
                urgency_rank=2,
                reason="not-covered",
                question=desk.seal(made.id, "question", made.question.model_dump_json()),
                draft=desk.seal(made.id, "draft", DRAFT.model_dump_json()),
                state="open",
                received=datetime.now(UTC),
            )
        )
    return made.id


class Browser:
    """Somebody's browser on the portal."""

    def __init__(self, hospital, name) -> None:
        token = hospital.accounts.sign_in(name, PASSWORD)
        self.csrf = hospital.accounts.signed_in(token).csrf
        headers = {"cookie": f"caretier_portal={token}", "sec-fetch-site": "same-origin"}
        app = create(hospital.settings, hospital)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url=HOST, headers=headers
        )

    async def post(self, path, **form):
        return await self.http.post(path, data={"csrf": self.csrf, **form})


@pytest.fixture
async def browser(hospital):
    made = []

    def open_(name):
        made.append(Browser(hospital, name))
        return made[-1]

    yield open_
    for one in made:
        await one.http.aclose()


def record(hospital):
    """Every resource of the record, as it stands."""
    with hospital.database.reading() as session:
        query = select(ResourceRow.type, ResourceRow.id, ResourceRow.body)
        return {(kind, id_): body for kind, id_, body in session.execute(query)}


async def filed(browser, id_, text=SAID, number="mine"):
    """Look, then sign what was shown; returns both answers."""
    shown = await browser.post(
        f"/portal/referrals/{id_}/filing", text=text, number=number, version="0"
    )
    token = re.search(r'name="token" value="([0-9a-f]+)"', shown.text)
    form = {"text": text, "number": number, "version": "0", "token": token[1] if token else ""}
    return shown, await browser.post(f"/portal/referrals/{id_}/sign", **form)


def unsigned_ways(id_):
    """Requests of a signed-in clinician that are no signature of a preview that they saw."""
    here = f"/portal/referrals/{id_}"
    text, number = {"text": SAID, "version": "0"}, {"number": "mine"}
    return {
        "look": ("POST", f"{here}/filing", text | number),
        "save": ("POST", f"/portal/api{here.removeprefix('/portal')}/save", text | number),
        "open": ("GET", here, {}),
        "sign for nobody": ("POST", f"{here}/sign", text),
        "sign without having looked": ("POST", f"{here}/sign", text | number),
        "a made-up token": ("POST", f"{here}/sign", text | number | {"token": "0" * 64}),
        "another version": ("POST", f"{here}/sign", text | number | {"version": "7"}),
        "an empty text": ("POST", f"{here}/sign", {"text": " ", "version": "0"} | number),
        "withdraw": ("POST", f"{here}/withdraw", {"why": "x"}),
        "over FHIR": ("POST", "/fhir/Communication", {"resourceType": "Communication"}),
        "put over FHIR": ("PUT", f"/fhir/Communication/reply-{id_}", {}),
        "a bundle": ("POST", "/fhir", {"resourceType": "Bundle"}),
    }


@pytest.mark.parametrize("way", unsigned_ways(""))
async def test_nothing_is_filed_without_a_signature_of_what_was_shown(hospital, browser, id_, way):
    before, ana = record(hospital), browser("ana")
    method, path, form = unsigned_ways(id_)[way]
    headers = {"x-csrf-token": ana.csrf}
    await ana.http.request(method, path, data={"csrf": ana.csrf, **form}, headers=headers)
    assert record(hospital) == before


@pytest.mark.parametrize("csrf", ["", "forged"])
async def test_a_forged_form_signs_and_files_nothing(hospital, browser, id_, csrf):
    before, ana = record(hospital), browser("ana")
    ana.csrf, right = csrf, ana.csrf
    for step in ("filing", "sign", "withdraw"):
        answer = await ana.post(f"/portal/referrals/{id_}/{step}", text=SAID, number="mine")
        assert answer.status_code == 403
    assert right
    assert record(hospital) == before


async def test_a_draft_that_is_laid_on_the_desk_files_nothing(hospital, id_):
    assert hospital.desk.item(id_).draft
    assert not [key for key in record(hospital) if key[0] == "Communication"]


@pytest.mark.parametrize("name", ["pri", "bo"])
async def test_who_does_not_treat_the_person_neither_looks_nor_files(hospital, browser, id_, name):
    before = record(hospital)
    shown, signed = await filed(browser(name), id_)
    assert shown.status_code in {403, 422}
    assert signed.status_code in {403, 422}
    assert "Secretname" not in shown.text + signed.text
    assert record(hospital) == before
    assert hospital.desk.item(id_).state == "open"


async def test_another_clinicians_patient_is_refused_and_that_is_on_the_trail(
    hospital, browser, id_
):
    shown, _ = await filed(browser("ana"), id_, number="theirs")
    assert "You treat nobody with this number" in shown.text
    refused = [e for e in hospital.intake.audit.events if e["outcome"] == "8"]
    assert refused[0]["entity"][0]["what"]["reference"] == "Patient/theirs"


async def test_a_patient_who_is_not_there_looks_the_same_as_one_of_others(browser, id_):
    ana = browser("ana")
    answers = [await filed(ana, id_, number=number) for number in ("theirs", "nobody")]
    pages = [re.sub(r"theirs|nobody|\d", "", shown.text) for shown, _ in answers]
    assert pages[0] == pages[1]


async def test_what_is_shown_signed_and_filed_is_one_text(hospital, browser, id_):
    shown, signed = await filed(browser("ana"), id_)
    assert signed.status_code == 303
    reply = hospital.records.read("Communication", f"reply-{id_}")
    assert SAID in shown.text
    assert reply["payload"][0]["contentString"] == SAID
    assert reply["meta"]["security"][0]["code"] == "AIAST"


async def test_lines_of_a_form_are_those_of_the_text_that_was_shown(hospital, browser, id_):
    ana = browser("ana")
    shown = await ana.post(
        f"/portal/referrals/{id_}/filing", text="One.\r\n\r\nTwo.", number="mine"
    )
    token = re.search(r'name="token" value="([0-9a-f]+)"', shown.text)[1]
    form = {"text": "One.\r\n\r\nTwo.", "number": "mine", "version": "0", "token": token}
    assert (await ana.post(f"/portal/referrals/{id_}/sign", **form)).status_code == 303
    reply = hospital.records.read("Communication", f"reply-{id_}")
    assert reply["payload"][0]["contentString"] == "One.\n\nTwo."


async def test_a_text_that_changes_after_the_look_is_not_signed(hospital, browser, id_):
    ana = browser("ana")
    shown = await ana.post(f"/portal/referrals/{id_}/filing", text=SAID, number="mine")
    token = re.search(r'name="token" value="([0-9a-f]+)"', shown.text)[1]
    form = {"text": f"{SAID} Take ten.", "number": "mine", "version": "0", "token": token}
    answer = await ana.post(f"/portal/referrals/{id_}/sign", **form)
    assert answer.status_code == 409
    assert hospital.desk.item(id_).state == "open"


async def test_markup_in_text_and_name_is_text_everywhere(hospital, browser, id_):
    ana = browser("ana")
    shown, signed = await filed(ana, id_, text=EVIL)
    assert signed.status_code == 303
    page = await ana.http.get(f"/portal/referrals/{id_}")
    for one in (shown.text, page.text):
        assert "<script>alert" not in one
        assert "<img src=x" not in one
    reply = hospital.records.read("Communication", f"reply-{id_}")
    assert "<script" not in reply["text"]["div"]
    assert "&lt;script&gt;" in reply["text"]["div"]


async def test_where_it_was_filed_is_told_to_who_treats_the_person_only(hospital, browser, id_):
    await filed(browser("ana"), id_)
    seen = {
        name: (await browser(name).http.get(f"/portal/referrals/{id_}")).text
        for name in ("ana", "bo", "pri")
    }
    assert "Patient/mine" in seen["ana"]
    assert "Patient/mine" not in seen["bo"] + seen["pri"]
    assert f"reply-{id_}" not in seen["bo"] + seen["pri"]


async def test_only_who_treats_the_person_withdraws_and_with_a_reason(hospital, browser, id_):
    ana = browser("ana")
    await filed(ana, id_)
    for name, why in (("bo", "x"), ("pri", "x"), ("ana", "")):
        await browser(name).post(f"/portal/referrals/{id_}/withdraw", why=why)
        assert hospital.records.read("Communication", f"reply-{id_}")["status"] == "completed"
    await ana.post(f"/portal/referrals/{id_}/withdraw", why="Wrong person")
    assert hospital.records.read("Communication", f"reply-{id_}")["status"] == "entered-in-error"
    assert "Withdrawn from the record" in (await ana.http.get(f"/portal/referrals/{id_}")).text


async def test_the_patient_reads_it_and_its_provenance_and_nobody_elses_app_does(
    hospital, browser, id_
):
    await filed(browser("ana"), id_)
    app = create(hospital.settings, hospital)
    for patient, total in (("mine", 1), ("theirs", 0)):
        key = hospital.accounts.new_key("app", "patient/*.rs", patient=patient)
        headers = {"authorization": f"Bearer {key}"}
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=HOST, headers=headers) as http:
            for query in ("Communication", f"Provenance?target=Communication/reply-{id_}"):
                assert (await http.get(f"/fhir/{query}")).json()["total"] == total
