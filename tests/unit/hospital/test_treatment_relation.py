"""Who may open whose chart: the record's open referrals, or a broken glass that is reviewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from compliance.access.breakglass import LASTS, REVIEW_WITHIN
from compliance.audit import AuditError
from compliance.errors import BadInputError, NotFoundError
from services.hospital.app import create
from services.hospital.errors import NoRelationError, NotAllowedError
from services.hospital.relations import Relations
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from tests.support.trail import Trail

PASSWORD = "a long enough password"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ME, DESK = "Practitioner/ana", "Organization/cardiology"
SUBJECT = {"reference": "Patient/me"}
WHY = "Found unconscious in the lobby"


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(HospitalSettings(data=tmp_path / "hospital"))
    made.intake.audit = Trail()
    for id_ in ("me", "other"):
        made.records.put({"resourceType": "Patient", "id": id_, "name": [{"family": "Secretname"}]})
    yield made
    made.database.close()


@pytest.fixture
def trail(hospital):
    return hospital.intake.audit


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def relations(hospital, clock):
    return Relations(hospital.database, hospital.auditor, clock=clock)


@pytest.fixture
def ana(hospital):
    return hospital.accounts.add_user("ana", PASSWORD, "Dr. Ana", "clinician", acts_as=[ME, DESK])


@pytest.fixture
def bo(hospital):
    return hospital.accounts.add_user("bo", PASSWORD, "Dr. Bo", "clinician")


@pytest.fixture
def pri(hospital):
    return hospital.accounts.add_user("pri", PASSWORD, "Pri Vacy", "privacy")


def request_of(**changes):
    return {
        "resourceType": "ServiceRequest",
        "id": "r1",
        "status": "active",
        "intent": "order",
        "subject": SUBJECT,
        "performer": [{"reference": ME}],
    } | changes


def without(resource, key):
    return {name: value for name, value in resource.items() if name != key}


OPEN = [
    request_of(),
    request_of(status="on-hold", performer=[{"reference": DESK}]),
    without(request_of(requester={"reference": ME}), "performer"),
    {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "in-progress",
        "class": {"code": "AMB"},
        "subject": SUBJECT,
        "participant": [{"individual": {"reference": ME}}],
    },
    {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": SUBJECT,
        "participant": [{"individual": {"reference": ME}}],
        "period": {"start": "2026-11-20T08:00:00Z", "end": "2026-11-20T09:00:00Z"},
    },
    {
        "resourceType": "Appointment",
        "id": "a1",
        "status": "booked",
        "start": "2026-12-02T09:00:00Z",
        "end": "2026-12-02T09:30:00Z",
        "participant": [
            {"actor": SUBJECT, "status": "accepted"},
            {"actor": {"reference": ME}, "status": "accepted"},
        ],
    },
    {
        "resourceType": "CareTeam",
        "id": "c1",
        "status": "active",
        "subject": SUBJECT,
        "participant": [{"member": {"reference": DESK}}],
    },
]
CLOSED = [
    request_of(status="completed"),
    request_of(status="revoked"),
    request_of(performer=[{"reference": "Practitioner/another"}]),
    request_of(subject={"reference": "Patient/other"}),
    OPEN[4] | {"period": {"end": "2026-09-01T09:00:00Z"}},
    OPEN[4] | {"period": {"start": "2026-11-20T08:00:00Z"}},
    OPEN[5] | {"start": "2025-12-02T09:00:00Z", "end": "2025-12-02T09:30:00Z"},
    OPEN[5] | {"status": "cancelled"},
    OPEN[6] | {"status": "inactive"},
    OPEN[6] | {"period": {"end": "2026-01-01"}},
]


@pytest.mark.parametrize("resource", OPEN)
def test_what_is_open_between_the_two_opens_the_chart(hospital, relations, ana, resource):
    hospital.records.put(resource)
    assert relations.basis(ana, "me") == f"{resource['resourceType']}/{resource['id']}"
    relations.require(ana, "me")


@pytest.mark.parametrize("resource", CLOSED)
def test_what_is_over_or_about_others_opens_nothing(hospital, relations, ana, resource):
    hospital.records.put(resource)
    with pytest.raises(NoRelationError):
        relations.require(ana, "me")


def test_the_general_practitioner_opens_the_chart(hospital, relations, ana):
    person = {"resourceType": "Patient", "id": "me", "generalPractitioner": [{"reference": ME}]}
    hospital.records.put(person)
    assert relations.basis(ana, "me") == "Patient/me"
    assert relations.basis(ana, "other") is None


def test_an_account_that_stands_for_nobody_treats_nobody(hospital, relations, bo):
    hospital.records.put(request_of())
    assert relations.basis(bo, "me") is None


def test_a_refusal_is_written_down(relations, trail, bo):
    with pytest.raises(NoRelationError):
        relations.require(bo, "me")
    assert trail.events[-1]["outcome"] == "8"
    assert bo.id in str(trail.events[-1])


@pytest.mark.parametrize("patient", ["", "a b", "../x", "x" * 65])
def test_what_is_no_id_is_refused_without_being_written(relations, trail, bo, patient):
    with pytest.raises(NoRelationError):
        relations.require(bo, patient)
    assert "Patient/unknown" in str(trail.events[-1])


def test_an_account_stands_for_staff_only(hospital):
    with pytest.raises(BadInputError):
        hospital.accounts.add_user("x", PASSWORD, "X", "clinician", acts_as=["Patient/me"])


def test_a_broken_glass_opens_one_chart_for_one_person_for_a_while(relations, clock, ana, bo):
    relations.break_glass(bo, "me", WHY)
    relations.require(bo, "me")
    assert relations.glass(bo, "me").reason == WHY
    for user, patient in ((bo, "other"), (ana, "me")):
        with pytest.raises(NoRelationError):
            relations.require(user, patient)
    clock.now += LASTS
    with pytest.raises(NoRelationError):
        relations.require(bo, "me")


def test_a_clock_that_was_set_back_opens_nothing(relations, clock, bo):
    relations.break_glass(bo, "me", WHY)
    clock.now -= timedelta(hours=2)
    assert relations.basis(bo, "me") is None


@pytest.mark.parametrize("reason", ["", "emergency", " " * 40, "x" * 501])
def test_a_reason_that_cannot_be_judged_opens_nothing(relations, bo, reason):
    with pytest.raises(BadInputError):
        relations.break_glass(bo, "me", reason)
    assert relations.basis(bo, "me") is None


def test_the_reason_is_on_the_trail_before_the_chart_is_open(relations, trail, bo):
    trail.fails = True
    with pytest.raises(AuditError):
        relations.break_glass(bo, "me", WHY)
    trail.fails = False
    assert relations.basis(bo, "me") is None
    relations.break_glass(bo, "me", WHY)
    assert WHY in str(trail.events[-1])
    assert trail.events[-1]["subtype"][-1]["code"] == "break-glass"


def test_only_a_clinician_breaks_the_glass(relations, pri):
    with pytest.raises(NotAllowedError):
        relations.break_glass(pri, "me", WHY)


def test_each_waits_for_a_review_and_the_first_word_stays(relations, clock, bo, pri):
    made = relations.break_glass(bo, "me", WHY)
    (waiting,) = relations.waiting()
    assert not waiting.overdue(clock.now)
    assert waiting.overdue(clock.now + REVIEW_WITHIN + timedelta(seconds=1))
    relations.review(made.id, pri, "not-justified", "no visit")
    assert relations.waiting() == []
    (done,) = relations.reviewed()
    assert (done.verdict, done.reviewer, done.note) == ("not-justified", pri.id, "no visit")
    with pytest.raises(NotFoundError):
        relations.review(made.id, pri, "justified")


def test_who_broke_the_glass_does_not_review_it(relations, bo, pri):
    made = relations.break_glass(bo, "me", WHY)
    with pytest.raises(NotAllowedError):
        relations.review(made.id, bo, "justified")
    bo.role = "privacy"  # changed meanwhile
    with pytest.raises(NotFoundError):
        relations.review(made.id, bo, "justified")
    with pytest.raises(NotAllowedError):
        relations.review(made.id, pri, "whatever")


def test_where_it_is_not_required_every_chart_opens(hospital, bo):
    Relations(hospital.database, hospital.auditor, required=False).require(bo, "me")


class Browser:
    def __init__(self, app):
        transport = httpx.ASGITransport(app=app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    async def csrf(self, page):
        text = (await self.http.get(page)).text
        return text.split('<meta name="csrf" content="')[1].split('"')[0]


@pytest.fixture
async def browse(hospital):
    app, made = create(hospital.settings, hospital), []

    def as_user(user):
        browser = Browser(app)
        browser.http.cookies.set(
            "caretier_portal", hospital.accounts.sign_in(user.username, PASSWORD)
        )
        made.append(browser)
        return browser

    yield as_user
    for browser in made:
        await browser.http.aclose()


async def test_a_closed_chart_asks_for_a_reason_and_shows_nothing(browse, bo):
    browser = browse(bo)
    answer = await browser.http.get("/portal/patients/me")
    assert answer.status_code == 403
    assert "Secretname" not in answer.text
    assert "privacy officer" in answer.text
    assert (await browser.http.get("/portal/api/patients/me/summary")).status_code == 403


async def test_with_a_reason_it_opens_says_so_and_comes_before_the_officer(browse, bo, pri):
    browser, officer = browse(bo), browse(pri)
    token = await browser.csrf("/portal/patients")
    short = await browser.http.post(
        "/portal/patients/me/emergency", data={"csrf": token, "reason": "now", "category": "life"}
    )
    assert short.status_code == 422
    opened = await browser.http.post(
        "/portal/patients/me/emergency", data={"csrf": token, "reason": WHY, "category": "life"}
    )
    assert opened.headers["location"] == "/portal/patients/me"
    page = await browser.http.get("/portal/patients/me")
    assert page.status_code == 200
    assert "Emergency access" in page.text
    queue = (await officer.http.get("/portal/reviews")).text
    assert WHY in queue
    assert "Dr. Bo" in queue
    id_ = queue.split('action="/portal/reviews/')[1].split('"')[0]
    form = {"csrf": await officer.csrf("/portal/reviews"), "verdict": "justified", "note": "ok"}
    assert (await officer.http.post(f"/portal/reviews/{id_}", data=form)).status_code == 303
    assert "Nothing waits" in (await officer.http.get("/portal/reviews")).text


async def test_without_the_forms_token_no_glass_breaks(browse, bo, relations):
    browser = browse(bo)
    answer = await browser.http.post(
        "/portal/patients/me/emergency", data={"csrf": "x", "reason": WHY, "category": "life"}
    )
    assert answer.status_code == 403
    assert relations.waiting() == []


async def test_the_queue_is_the_officers_alone(browse, bo):
    browser = browse(bo)
    assert (await browser.http.get("/portal/reviews")).status_code == 403
    token = await browser.csrf("/portal/patients")
    answer = await browser.http.post(
        "/portal/reviews/x", data={"csrf": token, "verdict": "justified"}
    )
    assert answer.status_code == 403


async def test_the_cookie_reads_over_fhir_what_its_clinician_treats(hospital, browse, ana):
    hospital.records.put(request_of(status="active"))
    hospital.records.put({"resourceType": "Practitioner", "id": "ana"})
    hospital.records.put(
        {"resourceType": "Observation", "id": "nobodys", "status": "final", "code": {"text": "x"}}
    )
    client = browse(ana).http
    for path in ("Patient/me", "Patient/me/$everything", "ServiceRequest?patient=me"):
        assert (await client.get(f"/fhir/{path}")).status_code == 200, path
    assert (await client.get("/fhir/Practitioner/ana")).status_code == 200
    assert (await client.get("/fhir/Practitioner")).status_code == 200
    for path, status in (
        ("Patient/other", 403),
        ("Patient/other/$everything", 403),
        ("ServiceRequest?patient=other", 403),
        ("Patient", 400),
        ("Patient?identifier=x", 400),
        ("Observation?_count=0", 400),
        ("Observation/nobodys", 404),
    ):
        answer = await client.get(f"/fhir/{path}")
        assert answer.status_code == status, path
        assert "Secretname" not in answer.text
