"""What the pages show."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from services.consult.messages import Fact, Person, Status, Turn
from services.hospital.portal.views import LOCALE, STATIC, age, first_line, reason
from services.hospital.worklist import PAGE
from services.web.i18n import COMMON, Catalogue

T = Catalogue.load(COMMON, LOCALE).translator("en")
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def rows_of(page: str) -> list[str]:
    """Ids of the referrals in an inbox, in order."""
    return re.findall(r'href="/portal/referrals/([0-9a-f-]+)"', page)


async def test_the_most_urgent_come_first_then_the_oldest(ana, clinic):
    late = clinic.refer(minutes_ago=5)
    early = clinic.refer(minutes_ago=50)
    urgent = clinic.refer(urgency="urgent", minutes_ago=1)
    emergency = clinic.refer(urgency="emergency", minutes_ago=1)
    page = (await ana.get("/portal/")).text
    assert rows_of(page) == [emergency, urgent, early, late]
    assert "waiting 50 min" in page
    assert "Not taken yet" in page


async def test_an_empty_inbox_says_so(ana):
    assert "Nothing is waiting" in (await ana.get("/portal/")).text
    assert "Nothing was signed yet" in (await ana.get("/portal/?state=signed")).text


async def test_signed_referrals_have_a_tab_of_their_own(ana, clinic):
    id_ = clinic.refer()
    await ana.sign(id_, "Rest.")
    assert rows_of((await ana.get("/portal/")).text) == []
    page = (await ana.get("/portal/?state=signed")).text
    assert rows_of(page) == [id_]
    assert "Signed by Dr. Ana Ruiz" in page


@pytest.mark.parametrize(
    ("page", "shown"),
    [("1", PAGE), ("2", 3), ("99", 3), ("0", PAGE), ("-4", PAGE), ("x", PAGE), ("9" * 30, PAGE)],
)
async def test_pages_of_the_inbox_stay_within_what_there_is(ana, clinic, page, shown):
    for _ in range(PAGE + 3):
        clinic.refer()
    assert len(rows_of((await ana.get(f"/portal/?page={page}")).text)) == shown


async def test_counts_hold_figures_alone(ana, clinic):
    clinic.refer(urgency="emergency")
    clinic.refer()
    answer = (await ana.get("/portal/api/counts")).json()
    assert answer == {"emergency": 1, "routine": 1, "signed": 0}


async def test_triage_stands_before_everything_else(ana, clinic):
    id_ = clinic.refer(urgency="emergency")
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert page.index("Triage: emergency") < page.index("What the patient asks")
    assert "Call 911 now." in page


async def test_warnings_of_the_record_stand_before_other_facts(ana, clinic):
    plain = Fact(id="a", kind="condition", text="Asthma")
    warning = Fact(id="b", kind="allergy", text="Allergy: penicillin", warning=True)
    id_ = clinic.refer(facts=(plain, warning))
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert page.index("Allergy: penicillin") < page.index("Asthma")


async def test_the_draft_shows_sources_model_confidence_and_trace(ana, clinic):
    page = (await ana.get(f"/portal/referrals/{clinic.refer()}")).text
    for part in (
        'href="#source-1"',
        'id="source-1"',
        'href="https://example.org/flu"',
        "dated 2026-10-01",
        "extractive-1",
        "sha256:0f0f",
        "83 %",
        "1.2 ms",
        "{&#34;level&#34;: &#34;routine&#34;}",
    ):
        assert part in page


async def test_the_reply_starts_with_the_draft(ana, clinic):
    page = (await ana.get(f"/portal/referrals/{clinic.refer()}")).text
    assert f"\n{clinic.drafted().text}</textarea>" in page


@pytest.mark.parametrize("abstained", [True, False])
async def test_without_a_draft_the_reply_starts_empty_with_a_hint(ana, clinic, abstained):
    told = clinic.drafted(status=Status.ABSTAINED, text="No source.", sentences=(), citations=())
    id_ = clinic.refer(draft=told) if abstained else clinic.refer(no_draft=True)
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert "required>\n</textarea>" in page
    assert "There is no draft to start from." in page


async def test_person_and_earlier_turns_are_shown(ana, clinic):
    person = Person(age_years=90, sex="female", pregnant=False, country="MX", language="es")
    id_ = clinic.refer(person=person, history=(Turn(role="assistant", text="Hola"),))
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    for part in ("90 or older", "Female", "MX", "Spanish", "Hola", "Write in Spanish"):
        assert part in page


async def test_the_language_follows_browser_then_choice(ana):
    ana.http.headers["Accept-Language"] = "es-MX,es;q=0.9"
    assert '<html lang="es">' in (await ana.get("/portal/")).text
    form = {"to": "en", "next": "/portal/system", "csrf": await ana.csrf()}
    answer = await ana.post("/portal/language", form)
    assert answer.headers["location"] == "/portal/system"
    assert '<html lang="en">' in (await ana.get("/portal/")).text


async def test_the_sign_in_page_changes_its_language_and_keeps_its_way_on(open_browser):
    browser = open_browser()
    answer = await browser.post("/portal/language", {"to": "es", "next": "/portal/system"})
    assert answer.headers["location"] == "/portal/sign-in?next=/portal/system"
    assert "Iniciar sesión" in (await browser.get("/portal/sign-in")).text


@pytest.mark.parametrize("to", ["", "fr", "es; Path=/x", "<script>"])
async def test_an_unknown_language_is_not_remembered(open_browser, to):
    answer = await open_browser().post("/portal/language", {"to": to})
    assert "set-cookie" not in answer.headers


async def test_whoever_is_signed_in_is_not_asked_again(ana):
    answer = await ana.get("/portal/sign-in?next=/portal/system")
    assert answer.headers["location"] == "/portal/system"


async def test_every_page_in_spanish_renders(ana, clinic):
    ana.http.headers["Accept-Language"] = "es"
    open_, done = clinic.refer(urgency="urgent"), clinic.refer()
    await ana.sign(done, "Descanse.")
    for path in ("", "?state=signed", f"referrals/{open_}", f"referrals/{done}", "system"):
        page = await ana.get(f"/portal/{path}")
        assert page.status_code == 200
        assert page.headers["content-language"] == "es"


async def test_errors_are_pages_in_the_readers_language(ana):
    page = await ana.get("/portal/referrals/nothing")
    assert page.status_code == 404
    assert "There is no such referral." in page.text
    assert page.headers["content-type"].startswith("text/html")


async def test_every_file_that_a_page_names_is_served(ana, clinic):
    page = (await ana.get(f"/portal/referrals/{clinic.refer()}")).text
    page += (await ana.get("/portal/")).text
    files = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert any(name.endswith("referral.js") for name in files)
    for name in files:
        assert (await ana.get(name)).status_code == 200


def test_modules_put_in_text_as_text_only():
    for module in STATIC.glob("*.js"):
        source = module.read_text("utf-8")
        markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\("
        assert not re.search(markup, source)
        assert not re.search(r"https?://", source)


def test_both_languages_have_the_same_sentences_with_the_same_places():
    english, spanish = (
        {key: set(re.findall(r"\{\w+\}", said)) for key, said in words.items()}
        for words in Catalogue.load(LOCALE).sentences.values()
    )
    assert english == spanish


@pytest.mark.parametrize("tag", ["en", "es"])
def test_no_section_stands_in_two_files(tag):
    found = [
        section
        for file in (LOCALE / tag).glob("*.yaml")
        for section in yaml.safe_load(file.read_text("utf-8"))
    ]
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("ago", "told"),
    [
        (timedelta(seconds=-30), "under 1 min"),
        (timedelta(seconds=59), "under 1 min"),
        (timedelta(minutes=12), "12 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=23, minutes=59), "23 h"),
        (timedelta(days=1), "1 d"),
        (timedelta(days=40), "40 d"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(ago, told):
    assert age(NOW - ago, NOW, T) == told


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("One", "One"),
        ("\n  \n Two \nThree", "Two"),
        ("   ", ""),
        ("word " * 60, "word " * 31 + "word…"),
        ("x" * 200, "x" * 160 + "…"),
    ],
)
def test_the_first_line_is_cut_at_a_word(text, line):
    assert first_line(text) == line


def test_a_reason_without_words_is_shown_as_it_is():
    assert reason("not-covered", T) == "No source covers it"
    assert reason("something-new", T) == "something-new"
