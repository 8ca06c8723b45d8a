"""A preview that the person changes before it leaves."""

from __future__ import annotations

import pytest

from compliance.errors import BadInputError, NotFoundError
from patient_app import redacting
from patient_app.history_routes import remove
from services.consult.messages import Level
from services.exchange.messages import Envelope
from services.exchange.sealed import open_question

TEXT = "My name is Ana Ruiz, phone 555-201-3344. Since the accident at the mill I limp. Mill work?"


@pytest.fixture
def offer(member, discloser, abstained):
    return discloser.preview(member, *abstained(member, TEXT), "talk")


def _mark(offer, value: str) -> str:
    return next(k for k, v in offer.disclosure.placeholders.items() if v == value)


def _sent(member, keys):
    ((_, row),) = member.vault.items("outbox")
    return open_question(
        Envelope.model_validate_json(row["envelope"]), keys.sealing, Level.CLINIC
    ).question


def test_words_that_the_person_marks_are_masked_everywhere_and_exactly_that_leaves(
    offer, member, discloser, deidentifier, clinic
):
    changed = redacting.change(deidentifier, member, offer.preview_id, mask=("MILL",))
    assert "mill" not in changed.disclosure.text.lower()
    assert changed.disclosure.text.count(_mark(changed, "MILL")) == 2
    discloser.send(member, changed.preview_id)
    assert _sent(member, clinic).text in changed.disclosure.text
    ((_, entry),) = member.vault.items("ledger")
    assert entry["text"] == changed.disclosure.text


def test_a_preview_that_was_changed_can_no_longer_be_sent(offer, member, discloser, deidentifier):
    redacting.change(deidentifier, member, offer.preview_id, mask=("accident at the mill",))
    with pytest.raises(NotFoundError):
        discloser.send(member, offer.preview_id)
    assert member.vault.items("outbox") == []


def test_a_word_inside_another_and_a_placeholder_are_left_alone(offer, member, deidentifier):
    with pytest.raises(BadInputError):
        redacting.change(deidentifier, member, offer.preview_id, mask=("acc",))
    for word in (_mark(offer, "555-201-3344").strip("[]"), "urgency"):
        with pytest.raises(BadInputError):
            redacting.change(deidentifier, member, offer.preview_id, mask=(word,))
    assert [id_ for id_, _ in member.vault.items("preview")] == [offer.preview_id]


def test_ones_own_mask_comes_off_again(offer, member, deidentifier):
    masked = redacting.change(deidentifier, member, offer.preview_id, mask=("mill",))
    mark = _mark(masked, "mill")
    assert mark in redacting.removable(deidentifier, member, masked.preview_id)
    back = redacting.change(deidentifier, member, masked.preview_id, unmask=(mark,))
    assert back.disclosure.text.lower() == offer.disclosure.text.lower()


def test_what_has_a_form_of_its_own_stays_masked(offer, member, deidentifier):
    mark = _mark(offer, "555-201-3344")
    assert mark not in redacting.removable(deidentifier, member, offer.preview_id)
    with pytest.raises(BadInputError):
        redacting.change(deidentifier, member, offer.preview_id, unmask=(mark,))
    with pytest.raises(BadInputError):
        redacting.change(deidentifier, member, offer.preview_id, unmask=("[DATE-9]",))


def test_a_name_of_the_record_stays_masked(member, discloser, abstained, deidentifier):
    member.import_record(
        [{"resourceType": "Patient", "id": "p", "name": [{"given": ["Ana"], "family": "Ruiz"}]}]
    )
    offer = discloser.preview(member, *abstained(member, TEXT), "talk")
    for mark, value in offer.disclosure.placeholders.items():
        if "Ana" in value or "Ruiz" in value:
            with pytest.raises(BadInputError):
                redacting.change(deidentifier, member, offer.preview_id, unmask=(mark,))


def test_a_wrong_mask_comes_off_and_the_receipt_says_that_a_person_did_it(
    offer, member, deidentifier
):
    mark = _mark(offer, "Ana Ruiz")
    assert mark in redacting.removable(deidentifier, member, offer.preview_id)
    changed = redacting.change(deidentifier, member, offer.preview_id, unmask=(mark,))
    assert "Ana Ruiz" in changed.disclosure.text
    kept = member.vault.get("preview", changed.preview_id)
    assert kept["detector"].endswith("+unmasked")


def test_a_consult_is_deleted_with_its_previews_but_not_while_it_is_on_its_way(
    offer, member, discloser
):
    consult = member.consults()[0]["id"]
    remove(member, consult)
    assert member.consults() == []
    assert member.vault.items("preview") == []
    with pytest.raises(NotFoundError):
        remove(member, consult)


def test_a_question_on_its_way_is_not_deleted(offer, member, discloser):
    discloser.send(member, offer.preview_id)
    with pytest.raises(BadInputError):
        remove(member, member.consults()[0]["id"])
    assert len(member.consults()) == 1
