"""A response is taken only if it answers its questionnaire; each fault names its element."""

from __future__ import annotations

import pytest

from services.fhir.intake.questionnaires import ANSWERS
from services.fhir.intake.validate import faults
from tests.unit.previsit.conftest import (
    ALLERGIES,
    SUBJECT,
    chosen,
    item,
    new_visit,
    response,
    said,
)

REFERENCE = [{"valueReference": {"reference": "MedicationRequest/lisinopril"}}]


def medicines(*inner):
    return item("medicines", None, *inner)


def listed(taken, *more):
    return item(
        "listed-medicine", None, item("listed-medicine-entry", REFERENCE),
        item("listed-medicine-taken", chosen(taken)), *more,
    )  # fmt: skip


GOOD = {
    "least": new_visit(),
    "all kinds": new_visit(
        "Pain",
        item("since", chosen("weeks")),
        medicines(
            listed("no", item("listed-medicine-how", said("It makes me cough."))),
            item("other-medicine", said("Ibuprofen", "Vitamin D")),
            item("other-detail", said("Once a day")),
        ),
        item("goals", said("Walk again")),
    ),
    "in progress": response("new-visit", item("since", chosen("days")), status="in-progress"),
    "follow-up": response("follow-up", item("followed", [{"valueBoolean": True}])),
    "no questionnaire that is here": new_visit(questionnaire="http://example.org/other"),
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
async def test_what_answers_its_questionnaire_is_taken(app, hospital, body):
    answer = await app.answer(body)
    assert answer.status_code == 201, answer.text
    assert hospital.records.read("QuestionnaireResponse", answer.json()["id"])


BAD = {
    "required": (response("new-visit", ALLERGIES), "QuestionnaireResponse.item", "'reason'"),
    "required inside": (
        new_visit("x", medicines(item("listed-medicine", None,
                                      item("listed-medicine-entry", REFERENCE)))),
        "QuestionnaireResponse.item[2].item[0].item", "'listed-medicine-taken'",
    ),
    "unknown link": (new_visit("x", item("weight", said("80"))),
                     "QuestionnaireResponse.item[2].linkId", "is not asked"),
    "misplaced link": (new_visit("x", item("other-medicine", said("x"))),
                       "QuestionnaireResponse.item[2].linkId", "is not asked"),
    "wrong type": (new_visit("x", item("since", said("yesterday"))),
                   "QuestionnaireResponse.item[2].answer[0].value", "none of its options"),
    "other type": (new_visit("x", item("goals", [{"valueInteger": 4}])),
                   "QuestionnaireResponse.item[2].answer[0].value", "type text"),
    "no option": (new_visit("x", item("since", chosen("yesterday"))),
                  "QuestionnaireResponse.item[2].answer[0].value", "none of its options"),
    "other system": (
        new_visit("x", item("since", [{"valueCoding": {"system": "urn:x", "code": "days"}}])),
        "QuestionnaireResponse.item[2].answer[0].value", "none of its options",
    ),
    "two answers": (new_visit("x", item("goals", said("a", "b"))),
                    "QuestionnaireResponse.item[2].answer[1]", "takes one answer"),
    "twice": (new_visit("x", item("goals", said("a")), item("goals", said("b"))),
              "QuestionnaireResponse.item[3]", "stands here once"),
    "not asked": (
        new_visit("x", medicines(listed("yes", item("listed-medicine-how", said("daily"))))),
        "QuestionnaireResponse.item[2].item[0].item[2]", "is not asked after these answers",
    ),
    "too long": (new_visit("x" * 4001), "QuestionnaireResponse.item[0].answer[0].value", "4000"),
    "only spaces": (new_visit("   "), "QuestionnaireResponse.item[0].answer[0].value", "spaces"),
    "group with answer": (new_visit("x", item("medicines", said("x"))),
                          "QuestionnaireResponse.item[2].answer", "takes no answer"),
    "other target": (
        new_visit("x", medicines(item(
            "listed-medicine", None,
            item("listed-medicine-entry", [{"valueReference": SUBJECT}]),
            item("listed-medicine-taken", chosen("yes"))))),
        "QuestionnaireResponse.item[2].item[0].item[0].answer[0].value", "another type",
    ),
    "other version": (
        new_visit(questionnaire="urn:caretier:questionnaire:new-visit|7"),
        "QuestionnaireResponse.questionnaire", "version",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
async def test_a_fault_is_named_and_nothing_is_stored(app, hospital, case):
    body, element, rule = case
    answer = await app.answer(body)
    assert answer.status_code == 422
    issues = [(i["expression"][0], i["diagnostics"]) for i in answer.json()["issue"]]
    assert any(place == element and rule in told for place, told in issues), issues
    assert hospital.records.search("QuestionnaireResponse").total == 0


async def test_a_response_about_nobody_is_refused(hospital, app):
    body = new_visit()
    del body["subject"]
    from tests.unit.previsit.conftest import Caller

    key = hospital.accounts.new_key("ehr", "system/*.cruds")
    ehr = Caller(hospital, {"authorization": f"Bearer {key}"})
    answer = await ehr.answer(body)
    assert answer.json()["issue"][0]["expression"] == ["QuestionnaireResponse.subject"]


async def test_an_update_and_a_bundle_are_checked_as_well(hospital, app):
    made = (await app.answer(new_visit())).json()
    bad = made | {"item": []}
    path = f"/fhir/QuestionnaireResponse/{made['id']}"
    assert (await app.send("PUT", path, bad)).status_code == 422
    patch = [{"op": "remove", "path": "/item/0"}]
    kind = "application/json-patch+json"
    assert (await app.send("PATCH", path, patch, **{"content-type": kind})).status_code == 422
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": response("new-visit"),
                "request": {"method": "POST", "url": "QuestionnaireResponse"},
            }
        ],
    }
    assert (await app.send("POST", "/fhir", bundle)).status_code == 422
    assert hospital.records.entry("QuestionnaireResponse", made["id"]).version == 1


async def test_a_response_to_a_stored_questionnaire_of_others_is_checked(hospital, app):
    asked = {
        "resourceType": "Questionnaire",
        "id": "foot",
        "status": "active",
        "url": "http://example.org/foot",
        "item": [{"linkId": "1", "type": "integer", "text": "Toes", "required": True}],
    }
    hospital.records.put(asked)
    body = new_visit(questionnaire="http://example.org/foot")
    assert (await app.answer(body | {"item": [item("1", said("ten"))]})).status_code == 422
    assert (
        await app.answer(body | {"item": [item("1", [{"valueInteger": 10}])]})
    ).status_code == 201


async def test_the_app_of_one_patient_writes_for_nobody_else(app, hospital):
    answer = await app.answer(new_visit(subject={"reference": "Patient/other"}))
    assert answer.status_code in {403, 404}
    assert hospital.records.search("QuestionnaireResponse").total == 0


ASKED = {"linkId": "b", "type": "string"}
ON = [{"linkId": "a", "answer": [{"valueInteger": 3}]}]


@pytest.mark.parametrize(
    ("condition", "asked"),
    [
        ({"operator": "exists", "answerBoolean": True}, True),
        ({"operator": "exists", "answerBoolean": False}, False),
        ({"operator": "=", "answerInteger": 3}, True),
        ({"operator": "=", "answerInteger": 4}, False),
        ({"operator": "!=", "answerInteger": 4}, True),
        ({"operator": "!=", "answerInteger": 3}, False),
        ({"operator": ">", "answerInteger": 2}, True),
        ({"operator": ">", "answerInteger": 3}, False),
        ({"operator": ">=", "answerInteger": 3}, True),
        ({"operator": "<", "answerInteger": 4}, True),
        ({"operator": "<=", "answerInteger": 2}, False),
        ({"operator": "=", "answerString": "3"}, False),
        ({"operator": ">", "answerString": "2"}, False),
    ],
)
def test_enable_when_follows_its_operators(condition, asked):
    question = ASKED | {"enableWhen": [{"question": "a", **condition}]}
    form = {"item": [{"linkId": "a", "type": "integer"}, question]}
    given = {"status": "completed", "item": [*ON, {"linkId": "b", "answer": said("x")}]}
    assert bool(faults(given, form)) is not asked


@pytest.mark.parametrize(("behaviour", "asked"), [("all", False), ("any", True)])
def test_several_conditions_hold_together_or_one_by_one(behaviour, asked):
    conditions = [
        {"question": "a", "operator": "=", "answerInteger": 3},
        {"question": "a", "operator": "=", "answerInteger": 4},
    ]
    question = ASKED | {"enableWhen": conditions, "enableBehavior": behaviour}
    form = {"item": [{"linkId": "a", "type": "integer"}, question]}
    given = {"status": "completed", "item": [*ON, {"linkId": "b", "answer": said("x")}]}
    assert bool(faults(given, form)) is not asked


def test_a_condition_in_a_repeated_group_looks_at_its_own_group():
    how = {
        "linkId": "how", "type": "string", "required": True,
        "enableWhen": [{"question": "taken", "operator": "=",
                        "answerCoding": {"system": ANSWERS, "code": "no"}}],
    }  # fmt: skip
    taken = {"linkId": "taken", "type": "choice"}
    form = {"item": [{"linkId": "g", "type": "group", "repeats": True, "item": [taken, how]}]}
    one = item("g", None, item("taken", chosen("yes")))
    two = item("g", None, item("taken", chosen("no")))
    found = faults({"status": "completed", "item": [one, two]}, form)
    assert [fault.element for fault in found] == ["QuestionnaireResponse.item[1].item"]
