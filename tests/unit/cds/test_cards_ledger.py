"""What is remembered of cards, what feedback is taken, what is not shown again: both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from support.cds import TODAY, allergy, draft, medicine, sign

from compliance.errors import NotFoundError
from services.fhir.cds import TrustedEhr
from services.fhir.cds.engine import Arrived, read_call
from services.fhir.cds.errors import CdsRequestError
from services.fhir.cds.messages import FeedbackRequest, parsed
from services.hospital.cds.ehrs import Ehrs
from services.hospital.cds.ledger import CardLedger
from services.hospital.cds.orders import order_services
from services.hospital.models import CdsCard, CdsFeedback

EHR = TrustedEhr("ehr-1", "https://ehr.example.org", "https://ehr.example.org/jwks.json")
OTHER = TrustedEhr("ehr-2", "https://two.example.org", "https://two.example.org/jwks.json")
SERVICE = order_services()[1]
WARFARIN = (medicine("Warfarin Sodium 5 MG Oral Tablet"),)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Desk:
    def __init__(self, database):
        self.database, self.now, self.disclosed = database, NOW, []
        self.ledger = CardLedger(
            database, b"k" * 32, lambda *told: self.disclosed.append(told), lambda: self.now
        )

    def ask(self, request, ehr=EHR, doctor="Practitioner/doc-1"):
        request["context"]["userId"] = doctor
        body = json.dumps(request).encode()
        _, call = read_call(SERVICE, ehr, Arrived(body, 0.0, "http://localhost"), TODAY)
        return self.ledger.settle(SERVICE, call, list(SERVICE.decide(call)))

    def tell(self, *entries, ehr=EHR, service=SERVICE.id):
        self.ledger.feedback(ehr, service, parsed(FeedbackRequest, {"feedback": list(entries)}))


@pytest.fixture
def desk(database):
    return Desk(database)


def overridden(card, reason="will-monitor", at="2026-06-01T12:01:00Z", **more):
    why = {} if reason is None else {"overrideReason": {"reason": {"code": reason, "system": "x"}}}
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": at, **why, **more}


def accepted(card, suggestion):
    return {
        "card": card, "outcome": "accepted", "acceptedSuggestions": [{"id": suggestion}],
        "outcomeTimestamp": "2026-06-01T12:01:00Z",
    }  # fmt: skip


def ibuprofen():
    return sign(draft("Ibuprofen 400 MG"), record=WARFARIN)


def amoxicillin():
    return sign(draft("Amoxicillin 500 MG"), record=(allergy("Penicillin"),))


def test_a_card_is_remembered_without_anybody_in_it(desk):
    shown = desk.ask(ibuprofen())
    with desk.database.reading() as session:
        row = session.scalars(select(CdsCard)).one()
        kept = str(session.execute(text("SELECT * FROM hospital_cds_card")).all())
    assert (row.id, row.rule) == (shown[0].card.uuid, "nsaid-anticoagulant")
    assert row.source == "MedlinePlus, Warfarin"
    for word in ("pat-1", "doc-1", "buprofen", "arfarin Sodium", "med-1"):
        assert word not in kept


def test_it_is_disclosed_before_it_is_remembered(desk):
    def refuse(*_told):
        raise OSError

    desk.ledger._disclose = refuse
    with pytest.raises(OSError):  # noqa: PT011 - that very one
        desk.ask(ibuprofen())
    with desk.database.reading() as session:
        assert session.scalars(select(CdsCard)).all() == []


def test_an_overridden_warning_becomes_a_signal(desk):
    card = desk.ask(ibuprofen())[0].card
    desk.tell(overridden(card.uuid))
    (signal,) = desk.ledger.signals()
    assert (signal.rule, signal.outcome, signal.reason) == (
        "nsaid-anticoagulant", "overridden", "will-monitor",
    )  # fmt: skip
    assert signal.given == NOW


def test_an_accepted_suggestion_becomes_a_signal(desk):
    card = desk.ask(amoxicillin())[0].card
    desk.tell(accepted(card.uuid, card.suggestions[0].uuid))
    (signal,) = desk.ledger.signals()
    assert (signal.outcome, signal.accepted, signal.indicator) == ("accepted", 1, "critical")


def test_signals_can_be_read_from_a_moment_on(desk):
    card = desk.ask(ibuprofen())[0].card
    desk.tell(overridden(card.uuid))
    assert list(desk.ledger.signals(NOW - timedelta(hours=1)))
    assert not list(desk.ledger.signals(NOW + timedelta(hours=1)))


def test_the_same_feedback_twice_is_kept_once(desk):
    card = desk.ask(ibuprofen())[0].card
    for _ in range(3):
        desk.tell(overridden(card.uuid), overridden(card.uuid))
    assert len(list(desk.ledger.signals())) == 1


def test_a_card_that_is_overridden_and_accepted_later_has_two_signals(desk):
    card = desk.ask(amoxicillin())[0].card
    desk.tell(overridden(card.uuid), accepted(card.uuid, card.suggestions[0].uuid))
    assert sorted(s.outcome for s in desk.ledger.signals()) == ["accepted", "overridden"]


def test_a_comment_is_not_kept(desk):
    card = desk.ask(ibuprofen())[0].card
    entry = overridden(card.uuid)
    entry["overrideReason"]["userComment"] = "Mrs Xanthippe Zyx said so"
    desk.tell(entry)
    with desk.database.reading() as session:
        kept = str(session.execute(text("SELECT * FROM hospital_cds_feedback")).all())
        assert session.scalars(select(CdsFeedback)).one().commented is True
    assert "Xanthippe" not in kept


def test_a_reason_that_is_not_ours_is_kept_as_other(desk):
    card = desk.ask(ibuprofen())[0].card
    desk.tell(overridden(card.uuid, reason="xanthippe-zyx"))
    assert next(desk.ledger.signals()).reason == "other"


@pytest.mark.parametrize(
    "card", ["3b1f6f5e-52a4-4d0e-9f5e-6f2d1c0a9b7e", "00000000-0000-0000-0000-000000000000"]
)
def test_feedback_to_a_card_that_was_never_given_is_refused(desk, card):
    with pytest.raises(NotFoundError):
        desk.tell(overridden(card))


def test_feedback_is_taken_as_a_whole_or_not_at_all(desk):
    card = desk.ask(ibuprofen())[0].card
    with pytest.raises(NotFoundError):
        desk.tell(overridden(card.uuid), overridden(str(uuid4())))
    assert list(desk.ledger.signals()) == []


def test_another_ehr_or_service_cannot_speak_for_a_card(desk):
    card = desk.ask(ibuprofen())[0].card
    with pytest.raises(NotFoundError):
        desk.tell(overridden(card.uuid), ehr=OTHER)
    with pytest.raises(NotFoundError):
        desk.tell(overridden(card.uuid), service="caretier-patient-view")


def test_a_suggestion_of_another_card_cannot_be_accepted(desk):
    one, other = desk.ask(amoxicillin())[0].card, desk.ask(ibuprofen())[0].card
    with pytest.raises(NotFoundError):
        desk.tell(accepted(one.uuid, other.suggestions[0].uuid))


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"card": "x", "outcome": "overridden", "outcomeTimestamp": "2026-06-01T12:00:00Z"},
        {"card": str(uuid4()), "outcome": "ignored", "outcomeTimestamp": "2026-06-01T12:00:00Z"},
        {"card": str(uuid4()), "outcome": "accepted", "outcomeTimestamp": "2026-06-01T12:00:00Z"},
        {"card": str(uuid4()), "outcome": "overridden", "outcomeTimestamp": "2026-06-01T12:00:00"},
        {"card": str(uuid4()), "outcome": "overridden"},
    ],
)
def test_feedback_of_the_wrong_shape_is_refused(entry):
    with pytest.raises(CdsRequestError):
        parsed(FeedbackRequest, {"feedback": [entry]})


def test_empty_feedback_is_refused():
    with pytest.raises(CdsRequestError):
        parsed(FeedbackRequest, {"feedback": []})


def test_a_warning_that_was_overridden_with_a_reason_is_not_shown_again(desk):
    card = desk.ask(ibuprofen())[0].card
    desk.tell(overridden(card.uuid))
    assert desk.ask(ibuprofen()) == []


def test_a_warning_that_was_dismissed_without_a_reason_is_shown_again(desk):
    card = desk.ask(ibuprofen())[0].card
    desk.tell(overridden(card.uuid, reason=None))
    assert len(desk.ask(ibuprofen())) == 1


def test_another_clinician_still_sees_it(desk):
    card = desk.ask(ibuprofen())[0].card
    desk.tell(overridden(card.uuid))
    assert len(desk.ask(ibuprofen(), doctor="Practitioner/doc-2")) == 1


def test_the_same_clinician_sees_it_for_another_patient(desk):
    card = desk.ask(ibuprofen())[0].card
    desk.tell(overridden(card.uuid))
    other = json.loads(json.dumps(ibuprofen()).replace("pat-1", "pat-2"))
    assert len(desk.ask(other)) == 1


def test_it_is_shown_again_when_what_it_fired_on_has_changed(desk):
    card = desk.ask(ibuprofen())[0].card
    desk.tell(overridden(card.uuid))
    changed = sign(draft("Ibuprofen 400 MG"), record=(medicine("Warfarin 5 MG", "med-9"),))
    assert len(desk.ask(changed)) == 1


def test_it_is_shown_again_after_thirty_days(desk):
    card = desk.ask(ibuprofen())[0].card
    desk.tell(overridden(card.uuid))
    desk.now += timedelta(days=31)
    assert len(desk.ask(ibuprofen())) == 1


def test_a_critical_warning_is_shown_however_often_it_was_overridden(desk):
    for _ in range(3):
        shown = desk.ask(amoxicillin())
        assert shown[0].card.indicator == "critical"
        desk.tell(overridden(shown[0].card.uuid))


def test_what_could_not_be_checked_is_said_however_often_it_was_overridden(desk):
    for _ in range(2):
        shown = desk.ask(sign(draft("Zorbinol 5 MG")))
        assert shown[0].rule == "unrecognised"
        desk.tell(overridden(shown[0].card.uuid))


def test_a_token_is_remembered_once_and_forgotten_when_it_is_over(database):
    ehrs = Ehrs(database)
    past, ahead = datetime.now(UTC) - timedelta(minutes=1), datetime.now(UTC) + timedelta(hours=1)
    assert ehrs.first_use("a" * 64, past)
    assert ehrs.first_use("b" * 64, ahead)
    assert not ehrs.first_use("a" * 64, past)
    assert ehrs.forget_expired() == 1
    assert not ehrs.first_use("b" * 64, ahead)


def test_cards_are_forgotten_with_their_feedback(desk):
    card = desk.ask(ibuprofen())[0].card
    desk.tell(overridden(card.uuid))
    assert desk.ledger.forget(NOW - timedelta(days=1)) == 0
    assert desk.ledger.forget(NOW + timedelta(days=1)) == 1
    assert list(desk.ledger.signals()) == []
    with desk.database.reading() as session:
        assert session.scalars(select(CdsFeedback)).all() == []


def test_an_ehr_is_registered_changed_and_distrusted(database):
    ehrs = Ehrs(database)
    made = ehrs.trust(EHR.issuer, EHR.jwks_url, fhir_server="https://ehr.example.org/fhir/")
    assert made.fhir_server == "https://ehr.example.org/fhir"
    again = ehrs.trust(EHR.issuer, OTHER.jwks_url, origins=["https://APP.example.org"])
    assert (again.id, again.jwks_url, again.fhir_server) == (made.id, OTHER.jwks_url, None)
    assert ehrs.allows("https://app.example.org")
    assert ehrs.distrust(EHR.issuer)
    assert not ehrs.distrust(EHR.issuer)
    assert ehrs.of(EHR.issuer) is None
    assert not ehrs.allows("https://app.example.org")
    assert ehrs.all() == []
