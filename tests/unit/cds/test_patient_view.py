"""What waits for a patient, and what they have been told; nothing that the data does not carry."""

from __future__ import annotations

import pytest
from support.cds import ABOUT, bundle, cards_of, condition, person, result, said, service, view

TOLD = {
    "resourceType": "Communication", "id": "reply-1", "status": "completed", "subject": ABOUT,
    "identifier": [{"system": "urn:caretier:referral", "value": "r-1"}],
    "sent": "2026-05-20T10:00:00Z", "sender": {"display": "Dr. Example"},
    "payload": [{"contentString": "Your result is normal. <script>x</script>"}],
    "meta": {"security": [{"code": "AIAST"}]},
}  # fmt: skip


def asked(**keys):
    given = {
        "patient": person("1950-01-01", "female"), "services": None, "conditions": None,
        "immunizations": None, "results": None, "pressure": None, "replies": None,
    }  # fmt: skip
    return view(prefetch={**given, **keys})


def dose(name, day, id_="im-1"):
    return {
        "resourceType": "Immunization", "id": id_, "status": "completed", "patient": ABOUT,
        "vaccineCode": {"text": name}, "occurrenceDateTime": day,
    }  # fmt: skip


def test_open_referrals_are_listed_with_their_day_and_reference():
    order = service("Referral to cardiology", "sr-1", status="active", authoredOn="2026-05-02")
    cards = cards_of(asked(services=bundle([order])))
    assert "Referral to cardiology" in said(cards)
    assert "2026-05-02 (ServiceRequest/sr-1)" in said(cards)


@pytest.mark.parametrize("status", ["completed", "revoked", "entered-in-error", "draft"])
def test_what_is_not_open_is_not_listed(status):
    order = service("Referral to cardiology", "sr-1", status=status)
    assert "cardiology" not in said(cards_of(asked(services=bundle([order]))))


def test_vaccines_that_are_due_name_the_schedule():
    (card,) = [c for c in cards_of(asked()) if c["summary"].startswith("Due")]
    assert "flu vaccine" in card["summary"]
    assert card["source"]["url"].startswith("https://")
    assert card["indicator"] == "info"


def test_nothing_is_due_where_the_doses_are_not_known():
    request = asked()
    del request["prefetch"]["immunizations"]
    cards = cards_of(request)
    assert "vaccine (" not in said(cards)
    assert "Not checked: vaccines given" in said(cards)


def test_a_dose_that_was_given_is_not_due():
    given = bundle([dose("Tdap", "2025-01-01"), dose("Influenza", "2026-01-10", "im-2")])
    assert "tetanus" not in said(cards_of(asked(immunizations=given)))


def test_a_condition_without_its_test_is_due():
    cards = cards_of(asked(conditions=bundle([condition("Diabetes mellitus type 2")])))
    assert "Condition/con-1" in said(cards)
    assert "no result on record" in said(cards)


def test_a_recent_test_is_not_due():
    request = asked(
        conditions=bundle([condition("Diabetes mellitus type 2")]),
        results=bundle([result("4548-4", 7.1, "%")]),
    )
    assert "A1c" not in said(cards_of(request))


def test_no_test_is_due_where_results_are_not_known():
    request = asked(conditions=bundle([condition("Diabetes mellitus type 2")]))
    del request["prefetch"]["results"]
    assert "no result on record" not in said(cards_of(request))


def test_what_the_patient_was_told_is_quoted_with_who_signed_it():
    cards = cards_of(asked(replies=bundle([TOLD])))
    (card,) = [c for c in cards if "Told the patient" in c["summary"]]
    assert "drafted with software, signed by Dr. Example" in card["detail"]
    assert "Your result is normal" in card["detail"]
    assert "<script>" not in card["detail"]
    assert card["links"][0]["type"] == "absolute"
    assert card["links"][0]["url"].startswith("http://localhost/portal/")


@pytest.mark.parametrize(
    "change",
    [
        {"identifier": []},
        {"status": "entered-in-error"},
        {"status": "preparation"},
        {"sent": "2020-01-01T00:00:00Z"},
        {"subject": {"reference": "Patient/somebody-else"}},
    ],
)
def test_what_was_not_told_to_this_patient_through_here_is_not_shown(change):
    assert "Told" not in said(cards_of(asked(replies=bundle([TOLD | change]))))


@pytest.mark.parametrize("payload", ["x", [7], [{"contentString": 7}], None])
def test_a_reply_of_the_wrong_shape_breaks_nothing(payload):
    assert cards_of(asked(replies=bundle([TOLD | {"payload": payload}]))) is not None
