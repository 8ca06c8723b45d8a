"""What stands under "Before the visit": quotes and references, nothing put together."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.hospital.app import create
from services.hospital.portal.views import LOCALE
from services.hospital.previsit.summary import before_visit
from services.web.i18n import COMMON, Catalogue
from tests.unit.previsit.conftest import HOST, PASSWORD, chosen, item, new_visit, response, said

NOW = datetime.now(UTC)
CATALOGUE = Catalogue.load(COMMON, LOCALE)


def medicine(entry, taken, *more):
    reference = [{"valueReference": {"reference": f"MedicationRequest/{entry}"}}]
    return item(
        "listed-medicine", None, item("listed-medicine-entry", reference),
        item("listed-medicine-taken", chosen(taken)), *more,
    )  # fmt: skip


def medicines(*inner):
    return item("medicines", None, *inner)


def visit(*items, has="yes", allergies=(), **fields):
    known = item("allergies", None, item("has-allergy", chosen(has)), *allergies)
    values = {"id": "qr", "authored": NOW.isoformat()} | fields
    return response("new-visit", item("reason", said("My knee hurts.")), known, *items, **values)


def shown(hospital, *bodies, language="en"):
    report = hospital.records.put_many(bodies)
    assert not report.rejected, report.rejected
    say = CATALOGUE.translator(language)
    return before_visit(hospital.database, "me", say, language)


def against(hospital, *bodies, **more):
    return [(line.text, line.sources) for form in shown(hospital, *bodies, **more)
            for line in form.against]  # fmt: skip


def test_a_medicine_that_is_not_taken_cites_the_answer_and_the_order(hospital):
    how = item("listed-medicine-how", said("It makes me cough."))
    body = visit(medicines(medicine("lisinopril", "no", how), medicine("amoxicillin", "yes")))
    (form,) = shown(hospital, body)
    (line,) = form.against
    assert line.text == "Lisinopril 10 MG Oral Tablet: the patient says that they do not take it"
    assert line.detail == "The patient writes: “It makes me cough.”"
    assert line.sources == (
        "QuestionnaireResponse/qr#listed-medicine-taken",
        "MedicationRequest/lisinopril",
        "QuestionnaireResponse/qr#listed-medicine-how",
    )


def test_a_medicine_that_the_record_does_not_hold_is_new(hospital):
    ((text, sources),) = against(
        hospital, visit(medicines(item("other-medicine", said("Zinc lozenges"))))
    )
    assert text.startswith("The patient also takes “Zinc lozenges”, which is not among the active")
    assert sources == ("QuestionnaireResponse/qr#other-medicine",)


def test_a_medicine_that_the_record_holds_is_not_new(hospital):
    assert against(hospital, visit(medicines(item("other-medicine", said("lisinopril"))))) == []


def test_the_rules_speak_against_a_new_medicine_with_their_source(hospital):
    body = visit(medicines(item("other-medicine", said("Ibuprofen"))))
    lines = [line for form in shown(hospital, body) for line in form.against if line.rule]
    assert any("MedicationRequest/lisinopril" in line.sources for line in lines)
    assert all(line.rule.source and line.sources[0].startswith("Questionnaire") for line in lines)


def test_a_denied_allergy_contradicts_the_record(hospital):
    (found,) = against(hospital, visit(has="no"))
    assert found == (
        "The patient says that they have no allergy; the record lists Peanut",
        ("QuestionnaireResponse/qr#has-allergy", "AllergyIntolerance/peanut"),
    )


def test_a_listed_allergy_that_is_not_right_is_said(hospital):
    peanut = [{"valueReference": {"reference": "AllergyIntolerance/peanut"}}]
    entry = item(
        "listed-allergy", None, item("listed-allergy-entry", peanut),
        item("listed-allergy-right", chosen("no")),
    )  # fmt: skip
    (found,) = against(hospital, visit(allergies=[entry]))
    assert found[0].startswith("Peanut: the patient says that this allergy is not right")


def new_allergy(to, reaction=None):
    more = [item("new-allergy-reaction", said(reaction))] if reaction else []
    return item("new-allergy", None, item("new-allergy-to", said(to)), *more)


def test_a_new_allergy_stands_beside_the_medicine_that_it_forbids(hospital):
    found = against(hospital, visit(allergies=[new_allergy("penicillin", "A rash")]))
    assert "allergy that the record does not list: “penicillin”" in found[0][0]
    assert "“penicillin” and has Amoxicillin 500 MG Oral Capsule" in found[1][0]
    assert found[1][1] == (
        "QuestionnaireResponse/qr#new-allergy-to",
        "MedicationRequest/amoxicillin",
    )


def test_an_allergy_that_the_record_lists_is_not_new(hospital):
    assert against(hospital, visit(allergies=[new_allergy("peanut")])) == []


def test_every_line_quotes_an_answer_and_cites_it(hospital):
    body = visit(item("since", chosen("weeks")), item("goals", said("Walk again")))
    (form,) = shown(hospital, body)
    assert [(line.text, line.sources) for line in form.said] == [
        ("Reason: My knee hurts.", ("QuestionnaireResponse/qr#reason",)),
        ("Since: one to four weeks", ("QuestionnaireResponse/qr#since",)),
        ("What matters most: Walk again", ("QuestionnaireResponse/qr#goals",)),
    ]
    spanish = shown(hospital, body, language="es")[0].said
    assert spanish[1].text == "Desde: hace de una a cuatro semanas"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "in-progress"},
        {"status": "entered-in-error"},
        {"authored": (NOW - timedelta(days=90)).isoformat()},
        {"questionnaire": "http://example.org/other"},
        {"subject": {"reference": "Patient/other"}},
    ],
    ids=["not finished", "an error", "long ago", "another form", "another person"],
)
def test_what_does_not_count_is_not_shown(hospital, fields):
    assert shown(hospital, visit(**fields)) == []


def test_of_one_form_the_newest_counts(hospital):
    old = visit(id="old", authored=(NOW - timedelta(days=3)).isoformat())
    assert [form.reference for form in shown(hospital, old, visit())] == [
        "QuestionnaireResponse/qr"
    ]


def test_answers_that_no_check_has_seen_do_not_break_the_chart(hospital):
    odd = visit(item("since", [{"valueCoding": {"code": "odd", "display": "Oddly"}}]),
                medicines(medicine("gone", "no")))  # fmt: skip
    (form,) = shown(hospital, odd)
    assert form.against[0].sources == ("QuestionnaireResponse/qr#listed-medicine-taken",)
    assert form.said[1].text == "Since: Oddly"


@pytest.fixture
async def browser(hospital):
    token = hospital.accounts.sign_in("ana", PASSWORD)
    transport = httpx.ASGITransport(app=create(hospital.settings, hospital))
    headers = {"cookie": f"caretier_portal={token}", "sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(transport=transport, base_url=HOST, headers=headers) as client:
        yield client


async def test_the_chart_page_shows_it_escaped(hospital, browser):
    body = visit(item("goals", said("<script>alert(1)</script>")))
    shown(hospital, body)
    page = await browser.get("/portal/patients/me")
    assert "Before the visit" in page.text
    assert "<script>alert" not in page.text
    assert 'href="/portal/patients/me/resources/QuestionnaireResponse/qr"' in page.text


async def test_a_chart_without_answers_has_no_such_part(browser):
    assert "Before the visit" not in (await browser.get("/portal/patients/me")).text


async def test_the_inbox_shows_the_flag_and_takes_it_up(hospital, browser, app):
    await app.answer(new_visit("I have crushing chest pain and I cannot breathe."))
    page = await browser.get("/portal/")
    assert "1 patient wrote something before a visit" in page.text
    csrf = re.search(r'<meta name="csrf" content="([^"]*)"', page.text)[1]
    form = re.search(r'action="(/portal/intakes/[^"]+)"', page.text)[1]
    assert (await browser.post(form, data={"csrf": "x"})).status_code == 403
    done = await browser.post(form, data={"csrf": csrf})
    assert (done.status_code, done.headers["location"]) == (303, "/portal/patients/me")
    assert "wrote something" not in (await browser.get("/portal/")).text
