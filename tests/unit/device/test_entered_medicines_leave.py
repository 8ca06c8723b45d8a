"""Medicines that a person entered: they leave with a question, marked as told by the person."""

from __future__ import annotations

from datetime import date

import pytest

from patient_app import redacting
from patient_app.medicines import own
from patient_app.saying import entry_in_words
from services.consult.messages import Fact, Level, Person
from services.exchange.messages import Envelope
from services.exchange.sealed import open_question

ASKED = "Can I take ibuprofen for my knee?"


@pytest.fixture
def offered(member, discloser, abstained):
    """What is offered for a question, after these medicines were entered."""

    def make(*names: str, text: str = ASKED, **person):
        for name in names:
            own.enter(member, name, "", "", date(2024, 5, 6))
        asked = abstained(member, text, person=Person(**person))
        return discloser.preview(member, *asked, "talk")

    return make


@pytest.fixture
def left(member, discloser, clinic):
    """The facts that leave with an offer, as the clinic reads them."""

    def facts(offer) -> tuple[Fact, ...]:
        discloser.send(member, offer.preview_id)
        ((_, row),) = member.vault.items("outbox")
        envelope = Envelope.model_validate_json(row["envelope"])
        return open_question(envelope, clinic.sealing, Level.CLINIC).question.facts

    return facts


def test_what_stands_against_the_question_and_the_list_leave_as_told_by_the_person(offered, left):
    facts = left(offered("warfarin 5 mg", "Grandmother's tonic"))
    assert all(fact.entered for fact in facts)
    assert [fact.kind for fact in facts] == ["interaction", "medicine", "medicine"]
    assert facts[0].text.startswith("Your list has warfarin: ibuprofen and warfarin together")
    assert {fact.text for fact in facts[1:]} == {
        "Your list has warfarin 5 mg.",
        "Your list has Grandmother's tonic.",
    }
    assert {fact.date for fact in facts} == {"2024"}


def test_a_brand_leaves_with_what_it_is_even_where_it_is_taken_for_a_name(offered, left):
    facts = left(offered("Coumadin", "Sintrom", text="Can I take paracetamol?"))
    assert facts[-2:][0].text.endswith("(warfarin).") or facts[-1].text.endswith("(warfarin).")
    assert any(fact.text.endswith("(acenocoumarol).") for fact in facts)


def test_no_reference_of_an_entry_leaves(offered, left, member):
    facts = left(offered("warfarin", "metformin"))
    assert [fact.id for fact in facts] == [f"MedicationStatement/own-{n}" for n in (1, 2, 3)]
    assert not {one["id"] for one in own.entered(member)} & {fact.id for fact in facts}


def test_a_tier_that_knows_no_lists_reads_them_and_what_it_sends_is_of_the_record(offered, left):
    facts = left(offered("warfarin"))
    shape = {"id", "kind", "text", "date", "warning"}
    assert all(set(fact.model_dump()) == shape for fact in facts)
    earlier = '{"id": "MedicationStatement", "kind": "medicine", "text": "Your record lists it."}'
    assert not Fact.model_validate_json(earlier).entered


def test_a_list_of_any_length_leaves_whole(offered, left):
    facts = left(offered(*(f"tonic {letter * 3}" for letter in "abcdefghijklmnopqrst")))
    assert len(facts) == 20


@pytest.mark.parametrize(
    "text", ["What is lupus?", "Can my son take ibuprofen?", "When is my next visit?"]
)
def test_a_question_that_it_does_not_bear_on_takes_no_list_along(offered, left, text):
    assert not any(fact.entered for fact in left(offered("warfarin", text=text)))


def test_what_was_stopped_does_not_leave(offered, left, member):
    stopped = own.enter(member, "warfarin", "", "", None)["id"]
    own.stop(member, stopped, date(2026, 11, 26))
    assert left(offered("lisinopril", text="Can I take paracetamol?"))[0].text == (
        "Your list has lisinopril."
    )


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("Dr Smith's pills", "Smith"),
        ("Dr. Carmen Ortega's blue pills", "Ortega"),
        ("warfarin, ask Ana Ruiz 555-201-3344", "555-201-3344"),
        ("warfarin from ana.ruiz@mail.test", "ana.ruiz"),
        ("lisinopril since 03/04/2021", "03/04/2021"),
        ("tablets, record 123-45-6789", "123-45-6789"),
    ],
)
def test_nothing_that_tells_who_it_is_leaves_with_a_name(  # noqa: PLR0917 - fixtures
    offered, left, member, name, hidden, audit
):
    offer = offered(name)
    facts = left(offer)
    assert hidden not in offer.disclosure.text
    assert not any(hidden in fact.text for fact in facts)
    assert hidden not in str(list(audit.records()))
    ((_, entry),) = member.vault.items("ledger")
    assert hidden not in str(entry)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "From your own list, not of the record (medicine, 2024): Your list has warfarin."),
        ("es", "De su propia lista, no de la historia (medicina, 2024): Su lista tiene warfarin."),
    ],
)
def test_the_preview_and_the_ledger_say_whose_word_it_is(offered, left, member, language, told):
    offer = offered("warfarin", language=language)
    assert told in offer.disclosure.text.splitlines()
    left(offer)
    ((_, entry),) = member.vault.items("ledger")
    assert entry["text"] == offer.disclosure.text == entry_in_words(entry, language)


def test_it_can_be_masked_by_hand_like_every_other_fact(offered, left, member, deidentifier):
    offer = offered("warfarin", "sertraline")
    changed = redacting.change(deidentifier, member, offer.preview_id, mask=("sertraline",))
    assert "sertraline" not in changed.disclosure.text
    facts = left(changed)
    assert not any("sertraline" in fact.text for fact in facts)
    assert all(fact.entered for fact in facts)


def test_a_record_that_comes_later_does_not_hide_what_was_entered(offered, left, member):
    own.enter(member, "warfarin", "", "", None)
    member.import_record([{"resourceType": "Patient", "id": "p1", "birthDate": "1960-01-01"}])
    assert left(offered())[0].text.startswith("Your list has warfarin")
