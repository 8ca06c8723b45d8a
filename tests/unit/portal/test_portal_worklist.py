"""The worklist over HTTP: forms, calls of its modules, news, and what they refuse."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import event, select

from services.consult.messages import Person
from services.hospital.bench import worklist as load
from services.hospital.models import PortalSession, Referral
from services.hospital.portal.snoozing import has_evening, until_of, zone_of

MOST_SELECTS = 6
NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.fixture
async def bo(open_browser):
    browser = open_browser()
    await browser.sign_in("bo")
    return browser


def user_of(clinic, name):
    return next(user for user in clinic.accounts.users() if user.username == name)


def row_of(clinic, id_):
    with clinic.database.reading() as session:
        return session.get_one(Referral, id_)


async def act(browser, name, rows, **more):
    headers = {"X-CSRF-Token": await browser.csrf()}
    body = {"rows": [{"id": id_, "version": version} for id_, version in rows], **more}
    return await browser.http.post(f"/portal/api/worklist/{name}", json=body, headers=headers)


async def test_a_form_takes_one_referral_and_its_page_offers_the_way_back(ana, clinic):
    id_ = clinic.refer()
    form = {"csrf": await ana.csrf(), "version": "0"}
    answer = await ana.post(f"/portal/referrals/{id_}/take", form)
    assert re.fullmatch(f"/portal/referrals/{id_}\\?done=[0-9a-f-]+", answer.headers["location"])
    assert row_of(clinic, id_).assignee == user_of(clinic, "ana").id
    batch = answer.headers["location"].partition("done=")[2]
    back = {"csrf": await ana.csrf(), "batch": batch, "back": id_}
    answer = await ana.post("/portal/worklist/undo", back)
    assert answer.headers["location"] == f"/portal/referrals/{id_}"
    assert row_of(clinic, id_).assignee is None


async def test_what_a_colleague_has_is_taken_over_and_not_just_taken(ana, bo, clinic):
    id_ = clinic.refer()
    await act(bo, "take", [(id_, 0)])
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert "Take over from" in page
    assert "Take over from" not in (await bo.get(f"/portal/referrals/{id_}")).text


async def test_ticked_rows_are_taken_and_the_list_says_what_was_left(ana, clinic):
    free, moved = clinic.refer(), clinic.refer()
    await ana.get("/portal/?urgency=routine")
    form = {"csrf": await ana.csrf(), "row": [f"{free}.0", f"{moved}.4", "nonsense"]}
    answer = await ana.post("/portal/worklist/take", form)
    target = answer.headers["location"]
    assert target.startswith("/portal/?urgency=routine&done=")
    page = (await ana.get(target)).text
    assert "Taken. It is yours now." in page
    assert "2 were left as they were" in page


async def test_a_handover_without_a_name_asks_and_keeps_what_was_typed(ana, clinic):
    id_ = clinic.refer()
    form = {"csrf": await ana.csrf(), "version": "0", "note": "Look at the <b>rash</b>"}
    page = (await ana.post(f"/portal/referrals/{id_}/handover", form)).text
    assert "Dr. Bo Lind" in page
    assert "Olga Operator" not in page
    assert "Look at the &lt;b&gt;rash&lt;/b&gt;" in page
    answer = await ana.post(f"/portal/referrals/{id_}/handover", form | {"to": "nobody"})
    assert answer.status_code == 422
    assert "Choose a colleague from the list" in answer.text
    await ana.post(f"/portal/referrals/{id_}/handover", form | {"to": user_of(clinic, "bo").id})
    assert row_of(clinic, id_).assignee == user_of(clinic, "bo").id


async def test_a_snooze_that_lies_in_the_past_asks_again(ana, clinic):
    id_ = clinic.refer()
    form = {"csrf": await ana.csrf(), "version": "0", "note": "Lab", "offset": "0"}
    past = form | {"choice": "own", "own": "2020-01-01T08:00"}
    answer = await ana.post(f"/portal/referrals/{id_}/snooze", past)
    assert answer.status_code == 422
    assert 'value="2020-01-01T08:00"' in answer.text
    await ana.post(f"/portal/referrals/{id_}/snooze", form | {"choice": "hour"})
    left = row_of(clinic, id_).snoozed_until - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


async def test_a_module_is_told_of_each_row_that_was_refused(ana, clinic):
    calm, alarm = clinic.refer(), clinic.refer(urgency="emergency")
    more = {"choice": "hour", "note": "Lab"}
    answer = (await act(ana, "snooze", [(calm, 0), (alarm, 0)], **more)).json()
    assert answer["versions"] == {calm: 1}
    assert answer["refused"][alarm]["what"] == "An emergency is never snoozed."


@pytest.mark.parametrize(
    ("path", "status"),
    [("worklist/burn", 404), ("worklist/take", 200), ("worklist/undo", 422)],
)
async def test_an_act_that_there_is_not_is_refused(ana, clinic, path, status):
    name = path.partition("/")[2]
    assert (await act(ana, name, [(clinic.refer(), 0)])).status_code == status


@pytest.mark.parametrize("name", ["take", "release", "handover", "snooze", "wake"])
async def test_who_may_only_read_changes_nothing(open_browser, clinic, name):
    browser, id_ = open_browser(), clinic.refer()
    await browser.sign_in("pri")
    form = {"csrf": await browser.csrf(), "version": "0", "row": f"{id_}.0"}
    for path in (f"/portal/referrals/{id_}/{name}", f"/portal/worklist/{name}"):
        assert (await browser.post(path, form)).status_code == 403
    assert (await act(browser, name, [(id_, 0)])).status_code == 403
    assert row_of(clinic, id_).version == 0
    assert 'name="row"' not in (await browser.get("/portal/")).text


async def test_news_hold_figures_and_names_but_no_word_of_a_patient(ana, bo, clinic):
    shown = clinic.refer("A secret ailment")
    await act(bo, "take", [(shown, 0)])
    query = f"since=2026-01-01T00:00:00%2B00:00&rows={shown},{'x' * 36},../etc"
    answer = await ana.get(f"/portal/api/worklist?show=all&{query}")
    news = answer.json()
    assert news["rows"] == {
        shown: {
            "version": 1,
            "state": "open",
            "held": "other",
            "holder": "Dr. Bo Lind",
            "snoozed": False,
        }
    }
    assert "secret" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert news["counts"]["show.all"] == news["total"] == 1
    assert (await ana.get("/portal/api/worklist?since=never")).json()["fresh"] == 0


async def test_news_keep_no_session_alive(ana, clinic):
    def seen(moment=None):
        with clinic.database.transaction() as session:
            row = session.scalars(select(PortalSession)).one()
            row.seen = moment or row.seen
            return row.seen

    before = seen(datetime.now(UTC) - timedelta(minutes=5))
    assert (await ana.get("/portal/api/worklist?since=x")).status_code == 200
    assert seen() == before
    await ana.get("/portal/")
    assert seen() > before


async def test_the_way_back_is_kept_for_the_one_who_looked(ana, bo, clinic):
    id_ = clinic.refer()
    answer = await ana.get("/portal/?show=nobody&urgency=routine")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if "worklist" in c)
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    bo.http.cookies.update({"caretier_worklist": ana.http.cookies["caretier_worklist"]})
    for browser, way in ((ana, "show=nobody&urgency=routine"), (bo, "show=all")):
        await browser.get(f"/portal/referrals/{id_}")
        back = await browser.post("/portal/worklist/take", {"csrf": await browser.csrf()})
        assert back.headers["location"] == f"/portal/?{way}"


async def test_an_emergency_outside_the_filters_is_told_of(ana, clinic):
    clinic.refer(urgency="emergency")
    page = (await ana.get("/portal/?urgency=routine")).text
    assert "1 emergency waits outside these filters." in page
    assert re.search(r'id="hidden" href="/portal/\?urgency=emergency" hidden', page) is None
    whole = (await ana.get("/portal/")).text
    assert re.search(r'id="hidden" href="/portal/\?urgency=emergency" hidden', whole)


async def test_what_has_waited_too_long_is_marked_and_counted(ana, clinic):
    clinic.refer(urgency="emergency", minutes_ago=16)
    clinic.refer(urgency="urgent", minutes_ago=16)
    page = (await ana.get("/portal/?overdue=yes")).text
    assert page.count("data-version=") == 1
    assert "Overdue" in page


async def test_whose_record_a_question_is_from_stands_in_its_row_and_above_its_reply(ana, clinic):
    """An answer for a grown-up is the wrong one for an infant or in pregnancy."""
    id_ = clinic.refer(person=Person(age_years=31, sex="female", pregnant=True))
    clinic.refer(person=Person(age_years=0))
    page = (await ana.get("/portal/")).text
    assert "Record: 31 years · Female · Pregnant" in page
    assert "Under 1 year" in page
    assert "0 years" not in page
    head = (await ana.get(f"/portal/referrals/{id_}")).text.partition('id="panes"')[0]
    assert "Record: 31 years · Female · Pregnant" in head


async def test_an_open_referral_says_how_long_it_has_waited(ana, clinic):
    id_ = clinic.refer(urgency="urgent", minutes_ago=5 * 60)
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert "Waiting 5 h" in page
    assert "Overdue" in page


async def test_who_saves_a_reply_holds_the_referral_and_wakes_it(ana, clinic):
    id_ = clinic.refer()
    await act(ana, "snooze", [(id_, 0)], choice="hour", note="Lab")
    await ana.save(id_, "Rest.", version=1)
    row = row_of(clinic, id_)
    assert (row.assignee, row.snoozed_until) == (user_of(clinic, "ana").id, None)


async def test_old_referrals_get_their_language_and_draft_looked_up(clinic):
    id_ = clinic.refer()
    with clinic.database.transaction() as session:
        row = session.get_one(Referral, id_)
        row.language = row.drafted = None
    assert clinic.desk.describe() == 1
    row = row_of(clinic, id_)
    assert (row.language, row.drafted) == ("en", True)
    assert clinic.desk.describe() == 0


@pytest.mark.parametrize(
    ("choice", "own", "until"),
    [
        ("hour", "", NOON + timedelta(hours=1)),
        ("evening", "", datetime(2026, 11, 26, 18, tzinfo=UTC)),
        ("morning", "", datetime(2026, 11, 27, 8, tzinfo=UTC)),
        ("own", "2026-11-28T09:30", datetime(2026, 11, 28, 9, 30, tzinfo=UTC)),
        ("own", "tomorrow", None),
        ("never", "", None),
    ],
)
def test_a_choice_is_a_moment(choice, own, until):
    assert until_of(choice, own, NOON, UTC) == until


def test_the_evening_is_the_readers_and_no_longer_offered_once_it_is_near():
    west = zone_of("300", NOON)  # five hours behind UTC
    assert until_of("evening", "", NOON, west) == datetime(2026, 11, 26, 23, tzinfo=UTC)
    late = datetime(2026, 11, 26, 17, 45, tzinfo=UTC)
    assert not has_evening(late, UTC)
    assert until_of("evening", "", late, UTC) is None
    assert zone_of("x", NOON) == zone_of("99999", NOON) == NOON.astimezone().tzinfo
    assert west == timezone(timedelta(hours=-5))


async def test_the_worklist_asks_the_database_little(ana, clinic):
    """Each statement is a way to another machine, for everybody who looks at the list."""
    clinic.refer()
    await ana.get("/portal/")
    asked: list[str] = []
    note = lambda *told: asked.append(told[2])  # noqa: E731
    event.listen(clinic.database.engine, "before_cursor_execute", note)
    page = (await ana.get("/portal/")).text
    event.remove(clinic.database.engine, "before_cursor_execute", note)
    assert len([one for one in asked if one.startswith("SELECT")]) <= MOST_SELECTS
    rows = load._ROW.findall(page)
    assert len(rows) == 1, "what is measured under load finds no rows on the page"
