"""Before a visit: prefilled, kept, read for red flags, complete only when it is, valid FHIR."""

from __future__ import annotations

import pytest

from compliance.errors import BadInputError, NotFoundError
from patient_app.medicines import own
from patient_app.visits import drafts
from patient_app.visits.sent import sent, taken_back, versions
from services.consult.messages import ENTERED, Person
from services.consult.triage import Triager
from services.fhir.intake import questionnaires
from services.fhir.intake.questionnaires import ANSWERS
from services.fhir.intake.validate import faults
from services.fhir.validate import check


@pytest.fixture(scope="session")
def look(triage_rules):
    triager = Triager(triage_rules)
    return lambda text: triager.assess(text, Person(language="en"))


def said(link, *texts):
    return {"linkId": link, "answer": [{"valueString": text} for text in texts]}


def chosen(link, code):
    return {"linkId": link, "answer": [{"valueCoding": {"system": ANSWERS, "code": code}}]}


NO_ALLERGIES = {"linkId": "allergies", "item": [chosen("has-allergy", "no")]}


def links(items):
    for item in items:
        yield item["linkId"]
        yield from links(item.get("item", ()))


@pytest.mark.parametrize("form", ["new-visit", "medication-review", "follow-up"])
def test_every_form_begins_as_valid_fhir_with_what_the_record_knows(ill, form):
    response = drafts.begin(ill, form)["response"]
    check(response)
    assert faults(response, drafts.form_of(response["questionnaire"])) == ()
    assert list(links(response["item"])).count("listed-medicine-entry") == 3


def test_what_the_person_entered_is_written_out_and_not_pointed_at(ill):
    own.enter(ill, "Vitamin C", "", "", None)
    text = str(drafts.begin(ill, "new-visit")["response"])
    assert "Vitamin C" in text
    assert ENTERED not in text


def test_questions_for_the_visit_are_put_into_a_new_one(ill):
    with ill.vault.write() as tx:
        tx.put(drafts.QUESTION, "q", {"text": "May I run?"})
    items = drafts.begin(ill, "follow-up")["response"]["item"]
    assert {"valueString": "May I run?"} in [a for i in items for a in i.get("answer", ())]


def test_an_emergency_in_any_answer_is_told_at_once(member, look):
    id_ = drafts.begin(member, "new-visit")["response"]["id"]
    text = "I have crushing chest pain and cannot breathe."
    draft = drafts.save(member, id_, [said("reason", "A check"), said("goals", text)], look)
    assert draft["flag"]["level"] == "emergency"
    assert drafts.save(member, id_, [said("reason", "A check")], look)["flag"] is None


def test_it_is_finished_only_when_nothing_is_missing(member, look):
    id_ = drafts.begin(member, "new-visit")["response"]["id"]
    draft = drafts.save(member, id_, [said("reason", "My knee hurts.")], look)
    assert "allergies" in drafts.missing(draft)
    with pytest.raises(BadInputError):
        drafts.finish(member, id_)
    drafts.save(member, id_, [said("reason", "My knee hurts."), NO_ALLERGIES], look)
    response = drafts.finish(member, id_)["response"]
    check(response)
    assert response["status"] == "completed"
    assert faults(response, drafts.form_of(response["questionnaire"])) == ()
    assert all("text" in item for item in response["item"])


def test_saving_a_finished_one_opens_it_again(member, look):
    id_ = drafts.begin(member, "new-visit")["response"]["id"]
    drafts.save(member, id_, [said("reason", "My knee."), NO_ALLERGIES], look)
    drafts.finish(member, id_)
    draft = drafts.save(member, id_, [said("reason", "My other knee."), NO_ALLERGIES], look)
    assert draft["response"]["status"] == "in-progress"


def test_what_is_asked_no_more_is_left_out(member, look):
    id_ = drafts.begin(member, "follow-up")["response"]["id"]
    followed = {"linkId": "followed", "answer": [{"valueBoolean": True}]}
    items = [followed, said("followed-not", "I had no time.")]
    kept = drafts.save(member, id_, items, look)["response"]["item"]
    assert list(links(kept)) == ["followed"]


@pytest.mark.parametrize(
    "items",
    [
        [said("nonsense", "x")],
        [{"linkId": "reason", "answer": [{"valueBoolean": True}]}],
        [{"linkId": "reason", "answer": "x"}],
        [{"linkId": ["reason"]}],
        [{"item": [{}]}],
        [said("reason", "x" * 4001)],
        [{"linkId": "medicines", "item": [{"linkId": "listed-medicine", "item": [
            {"linkId": "listed-medicine-entry",
             "answer": [{"valueReference": {"reference": "MedicationRequest/of-another"}}]}]}]}],
    ],
)  # fmt: skip
def test_answers_that_do_not_fit_are_refused_and_change_nothing(ill, look, items):
    before = drafts.begin(ill, "new-visit")
    id_ = before["response"]["id"]
    with pytest.raises(BadInputError):
        drafts.save(ill, id_, items, look)
    assert drafts.held(ill, id_) == before


def test_an_unknown_form_or_draft_is_not_there(member, look):
    for act in (
        lambda: drafts.begin(member, "nonsense"),
        lambda: drafts.held(member, "nonsense"),
        lambda: drafts.save(member, "nonsense", [], look),
        lambda: drafts.forget(member, "nonsense"),
    ):
        with pytest.raises(NotFoundError):
            act()


def test_the_list_is_in_the_persons_language(member):
    drafts.begin(member, "new-visit")
    member.set_profile({"language": "es"})
    assert drafts.listed(member)[0]["title"] == "Antes de una nueva visita"
    assert set(questionnaires()) >= {drafts.URL + "new-visit"}


def test_what_was_sent_stands_word_for_word_in_the_ledger(member, look):
    id_ = drafts.begin(member, "new-visit")["response"]["id"]
    drafts.save(member, id_, [said("reason", "My knee."), NO_ALLERGIES], look)
    drafts.finish(member, id_)
    assert sent(member, id_, "City Hospital")["sent"]["to"] == "City Hospital"
    ((_, entry),) = member.vault.items("ledger")
    assert "Why are you coming? Use your own words. My knee." in entry["text"]
    assert (entry["destination"], entry["state"]) == ("City Hospital", "sent")
    with pytest.raises(NotFoundError):
        sent(member, "nonsense", "City Hospital")


def test_what_was_sent_and_altered_lies_elsewhere_until_it_is_taken_back(member, look):
    id_ = drafts.begin(member, "new-visit")["response"]["id"]
    for text, there in (("My knee.", "1"), ("My other knee.", "2")):
        drafts.save(member, id_, [said("reason", text), NO_ALLERGIES], look)
        drafts.finish(member, id_)
        draft = sent(member, id_, "City Hospital", place="city", there=there)
    assert [one["there"] for one in versions(draft)] == ["1", "2"]
    back = taken_back(member, id_)
    assert (versions(back), back["back"], back["sent"]) == ([], 1, None)
    assert {entry["state"] for _, entry in member.vault.items("ledger")} == {"withdrawn"}
    assert sent(member, id_, "City Hospital", place="city", there="3")["taken"] is None
    with pytest.raises(NotFoundError):
        taken_back(member, "nonsense")
