"""Who may speak for a person, and what the device does with a question."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from compliance.errors import BadInputError, NotFoundError
from patient_app.disclosure import Discloser
from patient_app.errors import ForeignRequestError, LockedError, OtherPersonError, TooManyTriesError
from patient_app.importing import parse_record
from patient_app.service import Device
from patient_app.sessions import COOKIE, UNASKED, Sessions
from patient_app.settings import DeviceSettings
from patient_app.tries import TRIES, TRY_SECONDS
from patient_app.vault import WrongPassphraseError
from services.consult.messages import Answer, Level, Status, Triage

PASSPHRASE = "correct horse"


@pytest.fixture
def device(tmp_path, node_of, deidentifier, clinic, hospital):
    made = Device(DeviceSettings(data=tmp_path / "device"), node_of("device"))
    made.__dict__["discloser"] = Discloser(deidentifier, made.audit)
    member = made.add("ana", PASSPHRASE)
    member.link_to("http://clinic.test", clinic.bundle(), hospital.bundle())
    yield made
    for person in list(made.members):
        made.lock(person)


@pytest.fixture
def ana(device):
    return device.members["ana"]


@pytest.fixture
def sessions(device):
    return Sessions(device)


def request(method: str = "GET", **headers: str) -> Request:
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return Request({"type": "http", "method": method, "path": "/", "headers": raw})


def unlocked(sessions) -> tuple[str, Response]:
    response = Response()
    sessions.unlock(request(), response, "ana", PASSPHRASE)
    cookie = response.headers["set-cookie"]
    return cookie.split(";")[0], response


class TestSessions:
    """The browser's and the program's way in."""

    def test_unlocking_sets_a_cookie_that_no_script_and_no_other_site_gets(self, sessions):
        cookie, response = unlocked(sessions)
        assert cookie.startswith(f"{COOKIE}=")
        flags = response.headers["set-cookie"].lower()
        assert "httponly" in flags
        assert "samesite=strict" in flags
        session = sessions.current(request(cookie=cookie))
        assert session.person_label == "ana"

    @pytest.mark.parametrize(
        ("person", "passphrase"), [("ana", "wrong"), ("nobody", PASSPHRASE), ("../ana", "x")]
    )
    def test_a_wrong_person_and_a_wrong_passphrase_look_alike(self, sessions, person, passphrase):
        with pytest.raises(WrongPassphraseError) as raised:
            sessions.unlock(request(), Response(), person, passphrase)
        assert raised.value.message == "The passphrase is wrong."

    def test_after_some_wrong_ones_even_the_right_one_must_wait(self, sessions, monkeypatch):
        for _ in range(TRIES):
            with pytest.raises(WrongPassphraseError):
                sessions.unlock(request(), Response(), "ana", "wrong")
        with pytest.raises(TooManyTriesError):
            sessions.unlock(request(), Response(), "ana", PASSPHRASE)
        later = time.monotonic() + TRY_SECONDS + 1
        monkeypatch.setattr("patient_app.tries.time.monotonic", lambda: later)
        assert unlocked(sessions)

    def test_a_read_needs_the_session_and_a_change_its_token(self, sessions):
        cookie, _ = unlocked(sessions)
        csrf = sessions.current(request(cookie=cookie)).csrf
        assert sessions.member(request(cookie=cookie)).id == "ana"
        good = request("POST", cookie=cookie, x_csrf_token=csrf)
        assert sessions.member(good).id == "ana"
        for headers in ({}, {"x_csrf_token": ""}, {"x_csrf_token": "wrong"}):
            with pytest.raises(ForeignRequestError):
                sessions.member(request("POST", cookie=cookie, **headers))

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"cookie": f"{COOKIE}=wrong"},
            {"authorization": "Bearer wrong"},
            {"authorization": "Bearer "},
            {"authorization": "Basic eDp5"},
            {"authorization": "Bearer é"},
        ],
    )
    def test_without_session_or_token_it_is_locked(self, sessions, headers):
        with pytest.raises(LockedError):
            sessions.member(request(**headers))

    def test_a_program_of_this_user_sends_the_token_from_the_file(self, sessions, device):
        path = device.settings.data / "token"
        assert path.stat().st_mode & 0o777 == 0o600
        token = f"Bearer {path.read_text()}"
        assert sessions.member(request("POST", authorization=token)).id == "ana"
        with pytest.raises(NotFoundError):
            sessions.member(request(authorization=token, x_caretier_person="bo"))
        device.lock("ana")
        with pytest.raises(LockedError):
            sessions.member(request(authorization=token))

    def test_an_idle_session_locks_the_vault(self, sessions, device):
        cookie, _ = unlocked(sessions)
        session = next(iter(sessions._sessions.values()))
        session.seen -= device.settings.session_minutes * 60 + 1
        assert sessions.current(request(cookie=cookie)) is None
        assert "ana" not in device.members

    def test_what_a_page_asks_by_itself_keeps_no_session(self, sessions):
        cookie, _ = unlocked(sessions)
        session = next(iter(sessions._sessions.values()))
        before = session.seen = session.seen - 60
        assert sessions.current(request(cookie=cookie, **{UNASKED: "1"}))
        assert session.seen == before
        assert sessions.current(request(cookie=cookie))
        assert session.seen > before

    def test_the_vault_stays_open_while_another_session_uses_it(self, sessions, device):
        one, other = unlocked(sessions)[0], unlocked(sessions)[0]
        sessions.lock(request(cookie=one), Response())
        assert "ana" in device.members
        assert sessions.current(request(cookie=other))
        sessions.lock(request(cookie=other), Response())
        assert "ana" not in device.members

    def test_locking_without_a_session_is_fine(self, sessions):
        sessions.lock(request(), Response())


async def ask(device, member, text: str, **more: Any) -> tuple[list[Any], Answer]:
    events = [event async for event in device.ask(member, text, **more)]
    return events, events[-1]


class TestService:
    """From question to answer or offer."""

    async def test_what_the_device_knows_is_answered_here_and_kept(self, device, ana):
        events, answer = await ask(device, ana, "What is asthma?")
        assert isinstance(events[0], Triage)
        assert answer.status is Status.ANSWERED
        assert answer.offer is None
        assert ana.consults()[0]["answer"] == answer.model_dump(mode="json")

    async def test_what_it_does_not_know_is_offered_and_stays_until_sent(self, device, ana):
        _, answer = await ask(device, ana, "What is the capital of France?")
        assert answer.status is Status.ABSTAINED
        assert answer.offer is not None
        assert ana.vault.items("outbox") == []

    @pytest.mark.parametrize("switch", ["call", "profile"])
    async def test_local_only_offers_nothing(self, device, ana, switch):
        if switch == "profile":
            ana.set_profile({"local_only": True})
        _, answer = await ask(device, ana, "Capital of France?", local_only=switch == "call")
        assert answer.offer is None
        assert ana.vault.items("preview") == []

    async def test_an_emergency_is_never_offered(self, device, ana):
        _, answer = await ask(device, ana, "I have crushing chest pain and sweating")
        assert answer.status is Status.EMERGENCY
        assert answer.offer is None

    async def test_under_a_standing_consent_it_goes_at_once_until_withdrawn(self, device, ana):
        _, first = await ask(device, ana, "Capital of France?")
        device.discloser.send(ana, first.offer.preview_id, remember=True)
        _, second = await ask(device, ana, "Capital of Spain?")
        assert second.status is Status.QUEUED
        consent = ana.standing_consent(Level.CLINIC)
        device.withdraw(ana, consent.id)
        assert ana.vault.items("outbox") == []
        assert {e["state"] for _, e in ana.vault.items("ledger")} == {"withdrawn"}
        assert {c["answer"]["status"] for c in ana.consults()} == {"abstained"}
        _, third = await ask(device, ana, "Capital of Italy?")
        assert (third.status, ana.vault.items("outbox")) == (Status.ABSTAINED, [])

    async def test_what_has_left_without_an_answer_is_taken_back_above(self, device, ana):
        _, first = await ask(device, ana, "Capital of France?")
        device.discloser.send(ana, first.offer.preview_id, remember=True)
        with ana.vault.write() as tx:
            row = tx.get("outbox", first.id)
            tx.put("outbox", first.id, {**row, "state": "sent"})
        consent = ana.standing_consent(Level.CLINIC)
        device.withdraw(ana, consent.id)
        assert ana.vault.get("outbox", first.id) is None
        assert ana.vault.get("withdrawal", consent.id)["message"]["consent"] == consent.id
        with pytest.raises(NotFoundError):
            device.withdraw(ana, "none")

    @pytest.mark.parametrize("text", ["", "  \n", "a" * 8001])
    async def test_no_question_or_an_endless_one_is_refused(self, device, ana, text):
        with pytest.raises(BadInputError):
            await ask(device, ana, text)
        assert ana.consults() == []

    @pytest.mark.parametrize("person", ["", "../x", "a/b", "a" * 65, "é ü", "."])
    def test_a_persons_id_is_plain(self, device, person):
        with pytest.raises(BadInputError):
            device.add(person, PASSPHRASE)

    def test_without_anybody_it_says_what_to_do(self, tmp_path):
        with pytest.raises(NotFoundError) as raised:
            Device(DeviceSettings(data=tmp_path / "empty")).member()
        assert "caretier device add" in raised.value.advice

    def test_a_passphrase_file_unlocks(self, device):
        device.lock("ana")
        (device.settings.data / "passphrase").write_text(f"{PASSPHRASE}\n")
        assert device.member().id == "ana"


PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1970-03-12"}


class TestRecord:
    """Importing a record."""

    def test_a_record_is_the_persons_own(self, ana):
        assert ana.import_record([PATIENT]) == 1
        assert ana.import_record([{**PATIENT, "gender": "female"}]) == 1
        assert [r["gender"] for r in ana.resources()] == ["female"]
        assert ana.person().age_years == 56

    def test_another_patient_is_refused_and_nothing_is_taken(self, ana):
        ana.import_record([PATIENT])
        with pytest.raises(OtherPersonError):
            ana.import_record([{**PATIENT, "id": "p2"}, {"resourceType": "Basic", "id": "b"}])
        with pytest.raises(OtherPersonError):
            ana.import_record([PATIENT, {**PATIENT, "id": "p2"}])
        assert len(ana.resources()) == 1

    @pytest.mark.parametrize(
        "resources", [[], [{}], [{"id": "x"}], [{"resourceType": "Patient"}], [{"resourceType": 5}]]
    )
    def test_what_cannot_be_named_is_refused(self, ana, resources):
        with pytest.raises(BadInputError):
            ana.import_record(resources)

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"\xff\xfe\x00", "not text"),
            (b"{}\n{", "Line 2 is not JSON"),
            (b'{"resourceType": "Patient", "id": "p"}\n[1]', "Line 2 is not a FHIR"),
            (b"5", "other than FHIR"),
            (b"[1, 2]", "other than FHIR"),
            (b'{"resourceType": "Bundle", "entry": 5}', "entry is not a list"),
            (b'{"resourceType": "Bundle", "entry": [{}]}', "other than FHIR"),
            (b'[{"resourceType": "Patient", "id": "p"}, {"resourceType": "X"}]', "Resource 2"),
            (b'{"resourceType": "Patient", "birthDate": "yesterday"}', "Resource 1"),
            (b"[" * 100_000, "not JSON"),
        ],
    )
    def test_a_bad_file_is_refused_with_its_place(self, data, message):
        with pytest.raises(BadInputError, match=message):
            parse_record(data)

    @pytest.mark.parametrize(
        "data",
        [
            b'{"resourceType": "Patient", "id": "p"}',
            b'\xef\xbb\xbf[{"resourceType": "Patient", "id": "p"}]',
            b'{"resourceType": "Patient", "id": "p"}\n\n{"resourceType": "Patient", "id": "p"}\n',
            (
                b'{"resourceType": "Bundle", "type": "collection", "entry": [\n'
                b'{"resource": {"resourceType": "Patient", "id": "p"}}]}'
            ),
        ],
    )
    def test_a_resource_an_array_lines_and_a_bundle_are_read(self, data):
        assert {r["id"] for r in parse_record(data)} == {"p"}


def test_history_is_the_last_turns_of_the_same_conversation(device, ana):
    with ana.vault.write() as tx:
        for n in range(5):
            row = SimpleNamespace(question=f"q{n}", asked=f"2026-11-2{n}", text=f"a{n}")
            kept = {
                "question": row.question,
                "asked": row.asked,
                "conversation": "talk" if n else "other",
                "answer": {"text": row.text},
            }
            tx.put("consult", f"c{n}", kept)
    turns = ana.history("talk")
    assert [t.text for t in turns] == ["q2", "a2", "q3", "a3", "q4", "a4"]
    assert ana.history(None) == ()
