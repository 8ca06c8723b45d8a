"""What stands in the record after a clinician signed a reply for one person."""

from __future__ import annotations

import pytest
from fhir.resources.R4B import get_fhir_model_class
from support.balp import flaws

from compliance.audit.errors import AuditError
from compliance.errors import BadInputError
from services.consult.messages import ModelCardRef, Status
from services.hospital.errors import NotAllowedError, StaleDraftError
from services.hospital.writing import labels
from services.hospital.writing.errors import (
    NoOneToFileForError,
    NotFiledError,
    PreviewChangedError,
)
from services.hospital.writing.machines import ai_device, kind_of, model_cards
from services.hospital.writing.narrative import narrative
from tests.unit.writing.conftest import DRAFT, SAID

ALL = " ".join(SAID)
MIXED = f"{SAID[0]} Call me on Monday."
OWN = "Please come in tomorrow."


def resource(ward, reference):
    kind, _, identity = reference.partition("/")
    return ward.store.read(kind, identity)


def filed(ward, text, draft=DRAFT):
    id_ = ward.lay(draft)
    ward.sign(id_, text)
    reply = resource(ward, f"Communication/reply-{id_}")
    return reply, resource(ward, f"Provenance/reply-{id_}-signed")


def what_of(event):
    """The resource that an event is about; None for a referral or node."""
    return event["entity"][0].get("what", {}).get("reference")


def agents(provenance):
    return [(a["type"]["coding"][0]["code"], a["who"]["reference"]) for a in provenance["agent"]]


def test_the_record_holds_exactly_the_signed_text_for_that_person(ward):
    reply, _ = filed(ward, MIXED)
    assert [part["contentString"] for part in reply["payload"]] == [MIXED]
    assert reply["subject"] == {"reference": "Patient/mine"}
    assert reply["recipient"] == [{"reference": "Patient/mine"}]
    assert reply["sender"] == {"reference": "Practitioner/ana", "display": "Dr. Ana Ruiz"}
    assert reply["status"] == "completed"
    assert reply["inResponseTo"][0]["identifier"]["value"] in reply["id"]
    assert "basedOn" not in reply


@pytest.mark.parametrize("text", [ALL, MIXED], ids=["the draft alone", "mixed"])
def test_words_of_the_draft_carry_the_label_on_the_resource_and_on_their_element(ward, text):
    reply, _ = filed(ward, text)
    assert reply["meta"]["security"] == [labels.AIAST, labels.INLINE]
    assert reply["payload"][0]["_contentString"] == labels.inline()


def test_a_reworded_sentence_of_the_draft_is_labelled_too(ward):
    reply, provenance = filed(ward, "You should rest and drink enough water every day, please.")
    assert labels.AIAST in reply["meta"]["security"]
    assert "quotation" in {entity["role"] for entity in provenance["entity"]}


@pytest.mark.parametrize(
    "draft", [DRAFT, None, DRAFT.model_copy(update={"status": Status.ABSTAINED})]
)
def test_a_text_written_by_hand_has_no_label_and_no_device_of_a_model(ward, draft):
    reply, provenance = filed(ward, OWN, draft)
    assert "meta" not in reply
    assert "_contentString" not in reply["payload"][0]
    assert "meta" not in provenance
    assert agents(provenance) == [
        ("author", "Practitioner/ana"),
        ("assembler", "Device/caretier-portal"),
    ]
    assert [one for one in ward.written() if one.startswith("Device/")] == [
        "Device/caretier-portal"
    ]


def test_the_draft_alone_is_the_models_and_verified_by_the_clinician(ward):
    _, provenance = filed(ward, ALL)
    model = ai_device(DRAFT.model, ())["id"]
    assert agents(provenance) == [
        ("verifier", "Practitioner/ana"),
        ("author", f"Device/{model}"),
        ("assembler", "Device/caretier-portal"),
    ]


def test_a_mixed_text_has_two_authors(ward):
    _, provenance = filed(ward, MIXED)
    assert [code for code, _ in agents(provenance)] == ["author", "verifier", "author", "assembler"]


def test_provenance_names_the_sources_that_are_left_and_the_cards(ward):
    _, provenance = filed(ward, MIXED)
    said = [(e["role"], e["what"].get("identifier", {}).get("value")) for e in provenance["entity"]]
    assert said[0] == ("quotation", "flu#care")
    assert "flu#what" not in {value for _, value in said}
    cards = [e["what"]["reference"] for e in provenance["entity"] if e["role"] == "derivation"]
    assert cards == [f"DocumentReference/{c['id']}" for c in model_cards(DRAFT.model)]
    assert all(resource(ward, card) for card in cards)


def test_provenance_fits_the_ai_profile(ward):
    """What AI-Provenance of hl7.fhir.uv.aitransparency asks."""
    _, provenance = filed(ward, MIXED)
    assert provenance["meta"]["profile"] == [labels.AI_PROVENANCE]
    reasons = [c["code"] for r in provenance["reason"] for c in r["coding"]]
    assert reasons.count("AIAST") == 1
    machine = next(a for a in provenance["agent"] if "role" in a)
    only = {"system": labels.DEVICE_TYPES, "code": "Artificial-Intelligence"}
    assert machine["role"] == [{"coding": [only]}]
    assert all(agent["type"] for agent in provenance["agent"])
    device = resource(ward, machine["who"]["reference"])
    assert device["meta"]["profile"] == [labels.AI_DEVICE]
    assert device["type"] == {"coding": [only]}
    assert device["version"][0]["value"] == DRAFT.model.digest


def test_a_model_card_fits_its_profile():
    for card in model_cards(DRAFT.model):
        assert card["meta"]["profile"] == [labels.AI_MODEL_CARD]
        assert [c["code"] for c in card["type"]["coding"]] == ["AIModelCard"]
        assert card["category"]
        assert card["content"][0]["attachment"]["contentType"] == "text/markdown"


@pytest.mark.parametrize(
    ("name", "kind", "cards"),
    [
        ("record-rules", "Rule-Based-Systems", 0),
        ("all-MiniLM-L6-v2 + BM25, the sources' own sentences", "Hybrid-Models", 3),
        ("SmolLM2-135M-Instruct", "Large-Language-Models", 1),
        ("a-model-of-the-operators", "Large-Language-Models", 0),
    ],
)
def test_each_kind_of_model_has_its_code_and_the_cards_that_ship(name, kind, cards):
    model = ModelCardRef(name=name, digest="d")
    assert (kind_of(model), len(model_cards(model))) == (kind, cards)


def test_everything_that_is_filed_is_r4(ward):
    filed(ward, MIXED)
    for reference in ward.written():
        found = resource(ward, reference)
        get_fhir_model_class(found["resourceType"]).model_validate(found)


def test_a_model_has_one_device_and_one_set_of_cards_however_often_it_is_filed(ward):
    filed(ward, ALL)
    before = [one for one in ward.written() if one.startswith(("Device", "Document"))]
    filed(ward, MIXED)
    assert [one for one in ward.written() if one.startswith(("Device", "Document"))] == before
    assert ward.store.entry(*before[0].split("/")).version == 1


def test_another_digest_is_another_device():
    one, two = (ai_device(ModelCardRef(name="m", digest=d), ()) for d in ("a", "b"))
    assert one["id"] != two["id"]


def test_each_write_is_on_the_trail_with_person_application_and_model(ward):
    reply, _ = filed(ward, ALL)
    made = [e for e in ward.trail.events if e["action"] == "C"]
    about = {
        e["entity"][0]["what"]["reference"]: e
        for e in made
        if "reference" in e["entity"][0]["what"]
    }
    event = about[f"Communication/{reply['id']}"]
    assert set(about) == set(ward.written())
    assert event["entity"][1]["what"]["reference"] == "Patient/mine"
    assert [agent["type"]["text"] for agent in event["agent"]][:3] == [
        "person",
        "application",
        "model",
    ]
    assert all(flaws(e) == [] for e in made)
    assert SAID[0] not in str(ward.trail.events)


def test_when_the_trail_fails_nothing_is_signed_or_filed(ward, monkeypatch):
    id_ = ward.lay()
    token = ward.preview(id_, ALL).token

    def fail(*_, **__):
        raise AuditError("no")

    monkeypatch.setattr(ward.auditor, "change", fail)
    with pytest.raises(AuditError):
        ward.sign(id_, ALL, token=token)
    assert ward.written() == []
    assert ward.desk.item(id_).state == "open"


def test_a_preview_writes_nothing_and_is_what_is_filed(ward):
    id_ = ward.lay()
    shown = ward.preview(id_, ALL)
    assert ward.written() == []
    ward.sign(id_, ALL, token=shown.token)
    for one in shown.resources:
        stored = resource(ward, f"{one['resourceType']}/{one['id']}")
        moments = {"sent", "recorded", "occurredDateTime"}
        assert {k: v for k, v in stored.items() if k not in moments} == {
            k: v for k, v in one.items() if k not in moments
        }


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_without_the_token_of_its_preview_nothing_is_signed(ward, token):
    id_ = ward.lay()
    with pytest.raises(PreviewChangedError):
        ward.sign(id_, ALL, token=token)
    assert (ward.written(), ward.desk.item(id_).state) == ([], "open")


def test_another_text_than_was_shown_is_not_signed(ward):
    id_ = ward.lay()
    token = ward.preview(id_, ALL).token
    with pytest.raises(PreviewChangedError):
        ward.sign(id_, MIXED, token=token)


def test_a_token_serves_one_referral_only(ward):
    one, two = ward.lay(), ward.lay()
    token = ward.preview(one, ALL).token
    with pytest.raises(PreviewChangedError):
        ward.sign(two, ALL, token=token)


def test_a_second_signature_files_nothing(ward):
    id_ = ward.lay()
    item = ward.desk.item(id_)
    token = ward.preview(id_, ALL).token
    beside = ward.filings.beside(item, ALL, "mine", token, user=ward.ana, client=None)
    ward.desk.sign(id_, ALL, version=0, user=ward.ana, beside=beside)
    before = ward.store.entry("Communication", f"reply-{id_}")
    with pytest.raises(StaleDraftError):
        ward.desk.sign(id_, ALL, version=0, user=ward.ana, beside=beside)
    assert ward.store.entry("Communication", f"reply-{id_}") == before


def test_what_others_put_in_its_place_is_not_written_over(ward):
    id_ = ward.lay()
    foreign = {"resourceType": "Communication", "id": f"reply-{id_}", "status": "completed"}
    ward.store.put(foreign)
    with pytest.raises(PreviewChangedError):
        ward.sign(id_, ALL)
    assert ward.store.read("Communication", f"reply-{id_}") == foreign
    assert ward.desk.item(id_).state == "open"


@pytest.mark.parametrize("number", ["theirs", "nobody", "", "4711 ", "Patient/mine", "../mine"])
def test_a_clinician_files_only_for_people_whom_they_treat(ward, number):
    with pytest.raises(NoOneToFileForError):
        ward.preview(ward.lay(), ALL, number)


def test_an_identifier_names_the_person_as_well(ward):
    assert ward.preview(ward.lay(), ALL, "4711").person.name == "Ada Test"


def test_emergency_access_is_not_enough_to_file(ward):
    ward.relations.break_glass(ward.bo, "mine", "Found unconscious in the lobby")
    with pytest.raises(NoOneToFileForError):
        ward.preview(ward.lay(), ALL, "mine", user=ward.bo)


def test_a_refusal_and_a_look_at_the_person_are_on_the_trail(ward):
    with pytest.raises(NoOneToFileForError):
        ward.preview(ward.lay(), ALL, "theirs")
    ward.preview(ward.lay(), ALL, "mine")
    said = [(e["action"], e["outcome"], what_of(e)) for e in ward.trail.events if what_of(e)]
    assert said == [("R", "8", "Patient/theirs"), ("R", "0", "Patient/mine")]


def test_markup_in_a_text_is_text_in_the_narrative(ward):
    reply, _ = filed(ward, "<script>alert(1)</script> & \"so\"\n\n<img src=x onerror='y'>")
    div = reply["text"]["div"]
    assert "<script" not in div
    assert "<img" not in div
    assert "&lt;script&gt;" in div
    assert "\x0b" not in narrative(["a\x0bb"])["div"]


def test_the_outside_record_is_told_in_the_same_transaction(ward):
    id_ = ward.lay()
    ward.sign(id_, ALL)
    assert ward.outside == [f"reply-{id_}"]


class TestWithdrawal:
    def test_it_stays_legible_marked_as_an_error_with_who_and_why(self, ward):
        id_ = ward.lay()
        ward.sign(id_, ALL)
        ward.filings.withdraw(id_, ward.ana, "Wrong person.")
        reply = resource(ward, f"Communication/reply-{id_}")
        note = resource(ward, f"Provenance/reply-{id_}-withdrawn")
        assert reply["status"] == "entered-in-error"
        assert reply["payload"][0]["contentString"] == ALL
        assert ward.store.entry("Communication", reply["id"]).version == 2
        assert note["reason"] == [{"text": "Wrong person."}]
        assert agents(note)[0] == ("author", "Practitioner/ana")
        assert ward.trail.events[-2]["action"] == "U"

    @pytest.mark.parametrize("why", ["", "  ", "x" * 501])
    def test_it_needs_a_reason(self, ward, why):
        id_ = ward.lay()
        ward.sign(id_, ALL)
        with pytest.raises(BadInputError):
            ward.filings.withdraw(id_, ward.ana, why)

    def test_it_is_for_a_clinician_who_treats_the_person(self, ward):
        id_ = ward.lay()
        ward.sign(id_, ALL)
        with pytest.raises(NoOneToFileForError):
            ward.filings.withdraw(id_, ward.bo, "Mine.")
        with pytest.raises(NotAllowedError):
            ward.filings.withdraw(id_, ward.pri, "Mine.")
        assert resource(ward, f"Communication/reply-{id_}")["status"] == "completed"

    def test_what_was_not_filed_or_withdrawn_before_cannot_be(self, ward):
        id_ = ward.lay()
        with pytest.raises(NotFiledError):
            ward.filings.withdraw(id_, ward.ana, "x")
        ward.sign(id_, ALL)
        ward.filings.withdraw(id_, ward.ana, "x")
        with pytest.raises(NotFiledError):
            ward.filings.withdraw(id_, ward.ana, "x")
