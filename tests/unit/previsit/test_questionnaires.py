"""The three forms: R4, in two languages, and what their conditions name is there."""

from __future__ import annotations

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire

from services.fhir.intake.questionnaires import choices, questionnaires
from services.fhir.validate import check
from services.hospital.portal.views import LOCALE
from services.hospital.previsit.summary import QUOTED
from services.web.i18n import COMMON, Catalogue

FORMS = questionnaires().values()


def all_items(parent):
    for item in parent.get("item", ()):
        yield item
        yield from all_items(item)


@pytest.mark.parametrize("form", FORMS, ids=questionnaires())
def test_a_form_is_r4(form):
    check(form)
    Questionnaire.model_validate(form)


@pytest.mark.parametrize("form", FORMS, ids=questionnaires())
def test_every_question_has_a_code_and_both_languages(form):
    for item in (form | {"code": True, "text": form["title"], "_text": form["_title"]},
                 *all_items(form)):  # fmt: skip
        parts = item["_text"]["extension"][0]["extension"]
        spanish = {part["url"]: part for part in parts}
        assert spanish["lang"]["valueCode"] == "es"
        assert spanish["content"]["valueString"] != item["text"]
        assert item["code"]


@pytest.mark.parametrize("form", FORMS, ids=questionnaires())
def test_conditions_name_questions_and_options_of_the_same_form(form):
    items = {item["linkId"]: item for item in all_items(form)}
    assert len(items) == len(list(all_items(form)))
    for item in items.values():
        for condition in item.get("enableWhen", ()):
            asked = items[condition["question"]]
            options = [o["valueCoding"]["code"] for o in asked.get("answerOption", ())]
            wanted = condition.get("answerCoding", {}).get("code")
            assert wanted is None or wanted in options


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_chart_has_words_for_every_answer(language):
    t = Catalogue.load(COMMON, LOCALE).translator(language)
    assert all(t(f"chart.intake.answer.{code}") for code in choices())
    assert all(t(f"chart.intake.question.{link}") for link in QUOTED)


def test_loading_them_again_changes_nothing(hospital):
    for _ in range(2):
        assert not hospital.records.put_many(FORMS).rejected
    assert [hospital.records.entry("Questionnaire", f["id"]).version for f in FORMS] == [1, 1, 1]
