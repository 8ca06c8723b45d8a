"""Saving and signing a reply."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given as sampled
from hypothesis import strategies as st

from compliance.errors import CaretierError
from services.consult.messages import Fact, Turn
from services.exchange.messages import ReferredQuestion
from services.hospital.portal import placeholders
from services.hospital.portal.errors import PlaceholderRefusedError
from services.hospital.portal.texts import clean, version_of

QUESTION = ReferredQuestion(
    referral="r",
    text="I am [PATIENT] and it began on [DATE-1]; [RELATIVE-1] had it too.",
    person={},
    history=(Turn(role="patient", text="I live in [LOCATION-1]."),),
    facts=(Fact(id="f", kind="visit", text="Seen by [CLINICIAN-2]"),),
    reply_to="k",
)


async def test_a_signed_reply_reaches_the_device_with_the_sources_it_still_quotes(ana, clinic):
    id_ = clinic.refer()
    text = f"Dear [PATIENT],\n{clinic.drafted().text} Rest."
    answer = await ana.sign(id_, text)
    assert answer.headers["location"] == f"/portal/referrals/{id_}?signed=1"
    reply = clinic.reply(id_)
    assert reply.text == text
    assert [c.id for c in reply.citations] == ["flu-1"]
    assert reply.trace[-1].detail["by"] == "Dr. Ana Ruiz"


async def test_after_signing_the_page_is_read_only_and_says_who_and_when(ana, clinic):
    id_ = clinic.refer()
    await ana.sign(id_, "Rest.")
    page = (await ana.get(f"/portal/referrals/{id_}?signed=1")).text
    assert "Signed by Dr. Ana Ruiz" in page
    assert 'datetime="2' in page
    assert "<textarea" not in page


async def test_the_line_ends_of_a_form_do_not_break_the_drafts_sentences(ana, clinic):
    id_ = clinic.refer()
    await ana.sign(id_, f"One.\r\n{clinic.drafted().text}\r\nThree.")
    assert clinic.reply(id_).text == f"One.\n{clinic.drafted().text}\nThree."


async def test_a_saved_text_is_there_when_the_page_is_opened_again(ana, clinic):
    id_ = clinic.refer()
    saved = await ana.save(id_, "Half a senten")
    assert saved.json() == {"version": 1, "damaged": [], "against": []}
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert "\nHalf a senten</textarea>" in page
    assert 'name="version" id="version" value="1"' in page


async def test_a_medicine_that_the_record_speaks_against_is_told_whoever_wrote_it(ana, clinic):
    """The draft is held against the record; so is what a clinician types in its place."""
    allergic = (Fact(id="a", kind="allergy", text="Penicillin: rash"),)
    id_ = clinic.refer(facts=allergic)
    told = (await ana.save(id_, "Take amoxicillin for a week.")).json()["against"]
    assert [one["medicine"].lower() for one in told] == ["amoxicillin"]
    assert told[0]["why"] == "From the patient's record: Penicillin: rash"
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert "The patient&#39;s record or list speaks against what the reply names" in page
    assert (await ana.save(id_, "Rest for a week.", version=1)).json()["against"] == []


async def test_what_the_patient_entered_is_told_as_theirs_and_held_against_the_reply(ana, clinic):
    listed = Fact(id="MedicationStatement/own-1", kind="medicine", text="Your list has warfarin.")
    id_ = clinic.refer(facts=(listed,))
    (told,) = (await ana.save(id_, "Take ibuprofen.")).json()["against"]
    assert told["why"] == "From the patient's own list, not of the record: Your list has warfarin."
    assert told["text"].startswith("Your list has warfarin: ibuprofen and warfarin together")
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    shown = page[page.index('id="fact-1"') :].split("</li>")[0]
    assert "From the patient, not the record" in shown
    assert "List 1" in shown
    assert "From the patient&#39;s own list, not of the record" in page


async def test_what_is_of_the_record_is_not_called_told_by_the_patient(ana, clinic):
    id_ = clinic.refer(facts=(Fact(id="MedicationRequest", kind="medicine", text="Warfarin."),))
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert "From the patient, not the record" not in page
    assert "Record 1" in page


async def test_whoever_saves_has_taken_the_referral(ana, clinic, open_browser):
    id_, bo = clinic.refer(), open_browser()
    await bo.sign_in("bo")
    await ana.save(id_, "x")
    assert "With Dr. Ana Ruiz" in (await bo.get("/portal/")).text


async def test_a_stale_save_is_refused_and_changes_nothing(ana, open_browser, clinic):
    id_, bo = clinic.refer(), open_browser()
    await bo.sign_in("bo")
    assert (await bo.save(id_, "Bo was first")).status_code == 200
    refused = await ana.save(id_, "Ana is late")
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:caretier:problem:stale-draft"
    assert "Ana" not in refused.text
    assert clinic.desk.item(id_).text == "Bo was first"


async def test_a_stale_signature_keeps_the_text_and_shows_the_other(ana, open_browser, clinic):
    id_, bo = clinic.refer(), open_browser()
    await bo.sign_in("bo")
    await bo.save(id_, "Bo was first")
    page = await ana.sign(id_, "Ana is late")
    assert page.status_code == 409
    assert "\nAna is late</textarea>" in page.text
    assert "Bo was first" in page.text
    assert "Somebody else changed this referral." in page.text
    assert clinic.reply(id_) is None


async def test_of_two_signatures_one_wins_and_the_other_text_is_not_lost(ana, open_browser, clinic):
    id_, bo = clinic.refer(), open_browser()
    await bo.sign_in("bo")
    assert (await bo.sign(id_, "Bo signs.")).status_code == 303
    late = await ana.sign(id_, "Ana signs.")
    assert late.status_code == 409
    assert "Ana signs." in late.text
    assert clinic.reply(id_).text == "Bo signs."


def test_two_signatures_at_the_same_moment_send_one_reply(clinic):
    id_ = clinic.refer()
    users = [clinic.accounts.user(u.id) for u in clinic.accounts.users()][:2]

    def sign(user):
        try:
            clinic.desk.sign(id_, f"By {user.username}", version=0, user=user)
        except CaretierError as error:
            return error.kind
        return "signed"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(sign, users)) == ["signed", "stale-draft"]
    assert clinic.reply(id_).text == clinic.desk.item(id_).text


@pytest.mark.parametrize("version", ["", "-1", "x", "1e3", "²", "9" * 40, "0 or 1=1"])
async def test_a_version_that_is_none_is_stale(ana, clinic, version):
    id_ = clinic.refer()
    assert (await ana.sign(id_, "Rest.", version)).status_code == 409
    assert clinic.reply(id_) is None


@pytest.mark.parametrize("text", ["", "   \n ", "x" * 20_001])
async def test_an_empty_or_endless_reply_is_not_signed(ana, clinic, text):
    id_ = clinic.refer()
    page = await ana.sign(id_, text)
    assert page.status_code == 422
    assert "empty or too long" in page.text
    assert clinic.reply(id_) is None


@pytest.mark.parametrize(
    "body",
    [
        {"text": "x" * 20_001, "version": 0},
        {"text": "x", "version": -1},
        {"text": "x", "version": 1 << 40},
        {"text": "x", "version": 0, "signed_by": "me"},
        {"version": 0},
        [],
    ],
)
async def test_a_save_of_the_wrong_shape_is_refused_without_its_text(ana, clinic, body):
    id_, token = clinic.refer(), {"X-CSRF-Token": await ana.csrf()}
    refused = await ana.post(f"/portal/api/referrals/{id_}/save", json=body, headers=token)
    assert refused.status_code == 422
    assert "xxxx" not in refused.text
    assert clinic.desk.item(id_).version == 0


async def test_an_invented_placeholder_is_not_signed_and_the_text_is_kept(ana, clinic):
    id_ = clinic.refer()
    page = await ana.sign(id_, "Dear [PATIENT], come on [DATE-9].")
    assert page.status_code == 422
    assert "[DATE-9]" in page.text
    assert "come on [DATE-9].</textarea>" in page.text
    assert clinic.reply(id_) is None
    assert clinic.desk.item(id_).state == "open"


async def test_saving_tells_of_a_damaged_placeholder_but_keeps_the_text(ana, clinic):
    id_ = clinic.refer()
    saved = await ana.save(id_, "Since [DATE 1]")
    assert saved.json() == {"version": 1, "damaged": ["[DATE 1]"], "against": []}


GOOD = [
    "",
    "Rest.",
    "Dear [PATIENT], since [DATE-1].",
    "[RELATIVE-1] and [LOCATION-1] and [CLINICIAN-2]",
    "[PATIENT][PATIENT]",
    "Take 2 tablets (500 mg) a day.",
    "See the leaflet [1] and [2].",
    "Your date of birth is on file; the patient leaflet helps.",
]
BAD = [
    ("since [DATE-2]", "[DATE-2]"),
    ("[PATIENT-2]", "[PATIENT-2]"),
    ("[patient]", "[patient]"),
    ("[PATIENT", "[PATIENT"),
    ("PATIENT]", "PATIENT]"),
    ("[DATE_1]", "[DATE_1]"),
    ("[DATE-1 ]", "[DATE-1 ]"),
    ("{DATE-1}", "{DATE-1}"),
    ("DATE-1", "DATE-1"),
    ("[PHONE-1]", "[PHONE-1]"),
    ("[NAME]", "[NAME]"),
]


@pytest.mark.parametrize("text", GOOD)
def test_a_reply_with_the_questions_placeholders_passes(text):
    assert placeholders.damaged(text, QUESTION) == ()
    placeholders.check(text, QUESTION)


@pytest.mark.parametrize(("text", "found"), BAD)
def test_a_damaged_or_invented_placeholder_is_named(text, found):
    assert placeholders.damaged(text, QUESTION) == (found,)
    with pytest.raises(PlaceholderRefusedError) as caught:
        placeholders.check(text, QUESTION)
    assert caught.value.found == (found,)


def test_placeholders_come_from_question_earlier_turns_and_facts_each_once():
    expected = ("[PATIENT]", "[DATE-1]", "[RELATIVE-1]", "[LOCATION-1]", "[CLINICIAN-2]")
    assert placeholders.given(QUESTION) == expected


@sampled(st.text())
def test_the_questions_own_text_is_always_a_good_reply(text):
    question = QUESTION.model_copy(update={"text": text, "history": (), "facts": ()})
    assert placeholders.damaged(text, question) == ()


@sampled(st.text())
def test_a_cleaned_text_holds_no_control_characters_and_stays_as_it_is(text):
    once = clean(text)
    assert clean(once) == once
    assert not any(ord(c) < 32 and c not in "\n\t" for c in once)


@sampled(st.text())
def test_any_version_text_is_a_number_or_none(text):
    assert version_of(text) >= -1
