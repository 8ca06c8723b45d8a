"""Filters in addresses, and counts that agree with counting by hand."""

from __future__ import annotations

import random
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import select, text

from services.hospital.models import Referral
from services.hospital.worklist import FACETS, Filters
from services.hospital.worklist.conditions import chosen, order_of
from services.hospital.worklist.filters import SHOWS, WAITS
from services.hospital.worklist.listing import PAGE
from services.hospital.worklist.tally import _open
from services.hospital.worklist.waits import Waits

VALUES = {
    "show": SHOWS,
    "urgency": ("", "emergency", "urgent", "routine"),
    "waiting": ("", "1h", "4h", "1d"),
    "overdue": ("", "yes"),
    "reason": ("", "not-covered", "asked-for"),
    "language": ("", "en", "es"),
    "draft": ("", "yes", "no"),
    "sort": ("urgency", "oldest", "newest"),
}


def some(chance: random.Random) -> Filters:
    return Filters(**{key: chance.choice(values) for key, values in VALUES.items()})


@pytest.mark.parametrize("seed", range(20))
def test_filters_come_back_out_of_their_address(seed):
    filters = some(random.Random(seed)).but(page=seed + 1)  # noqa: S311 - a repeatable crowd
    assert Filters.read(dict(parse_qsl(filters.to_query()))) == filters


@pytest.mark.parametrize(
    "query",
    [
        {"show": "secret", "page": "-1"},
        {"urgency": "' OR 1=1", "page": "x"},
        {"reason": "../../etc", "sort": ""},
        {"reason": "A" * 50, "page": "9" * 30},
        {"draft": "maybe", "language": "fr", "waiting": "2h", "page": "²"},
    ],
)
def test_what_an_address_says_that_is_no_filter_counts_as_not_said(query):
    assert Filters.read(query) == Filters()


def test_the_whole_list_has_no_query_and_a_new_choice_begins_at_the_first_page():
    assert Filters().to_query() == ""
    assert Filters(page=7).but(urgency="urgent") == Filters(urgency="urgent")


@pytest.fixture
def crowd(ward, ana, bo):
    """Ninety referrals of every kind; gives the chance that made them."""
    chance = random.Random(7)  # noqa: S311 - a repeatable crowd
    for _ in range(90):
        signed = chance.random() < 0.2
        until = chance.choice([None, None, timedelta(hours=-1), timedelta(hours=3)])
        holder = chance.choice([None, ana.id, bo.id])
        ward.refer(
            chance.choice(["emergency", "urgent", "routine"]),
            hours=chance.choice([0.1, 0.9, 2, 5, 30, 60]),
            reason=chance.choice(["not-covered", "asked-for"]),
            language=chance.choice(["en", "es", None]),
            drafted=chance.choice([True, False, None]),
            assignee=holder,
            handed_by=chance.choice([None, bo.id]) if holder == ana.id else None,
            snoozed_until=ward.now + until if until else None,
            place=0 if until else 1,
            state="signed" if signed else "open",
            signed=ward.now - timedelta(minutes=chance.randrange(500)) if signed else None,
        )
    return chance


def fits(row: Referral, filters: Filters, user: str, now) -> bool:
    """By hand, from the words of the filters."""
    open_ = row.state == "open"
    asleep = open_ and row.snoozed_until is not None and row.snoozed_until > now
    mine = row.assignee == user
    shows = {
        "all": open_ and not asleep,
        "mine": open_ and not asleep and mine,
        "nobody": open_ and not asleep and row.assignee is None,
        "handed": open_ and not asleep and mine and row.handed_by is not None,
        "snoozed": asleep,
        "signed": not open_,
    }
    waited = (now - row.received).total_seconds()
    limits = {"emergency": 15 * 60, "urgent": 4 * 3600, "routine": 48 * 3600}
    return (
        shows[filters.show]
        and filters.urgency in ("", row.urgency)
        and (not filters.waiting or (open_ and waited > WAITS[filters.waiting]))
        and (not filters.overdue or (open_ and waited > limits[row.urgency]))
        and filters.reason in ("", row.reason)
        and filters.language in ("", row.language)
        and (not filters.draft or row.drafted is (filters.draft == "yes"))
    )


def test_lists_and_counts_agree_with_counting_by_hand(ward, ana, crowd):
    with ward.database.reading() as session:
        rows = session.scalars(select(Referral)).all()
    for _ in range(40):
        filters = some(crowd)
        listing = ward.worklist.page(filters, ana.id)
        wanted = [row.id for row in rows if fits(row, filters, ana.id, ward.now)]
        found = [line.row.id for line in listing.lines]
        assert listing.tally.total == len(wanted)
        assert len(found) == min(PAGE, len(wanted)) or listing.page > 1
        assert set(found) <= set(wanted)
        for facet in ("show", *FACETS):
            for choice in VALUES[facet]:
                if not choice or (choice == "signed" and filters.show != "signed"):
                    continue  # signed ones are counted where they are shown
                other = filters.but(**{facet: choice})
                by_hand = sum(fits(row, other, ana.id, ward.now) for row in rows)
                assert listing.tally.facets[facet][choice] == by_hand, (filters, facet, choice)


def test_counts_that_no_filter_changes_are_of_all_that_waits(ward, ana, crowd):
    with ward.database.reading() as session:
        rows = session.scalars(select(Referral)).all()
    filters = Filters(show="mine", urgency="routine")
    counted = ward.worklist.page(filters, ana.id).tally
    waiting = [row for row in rows if fits(row, Filters(), ana.id, ward.now)]
    assert counted.urgencies.total() == len(waiting)
    late = Filters(overdue="yes")
    assert counted.overdue == sum(fits(row, late, ana.id, ward.now) for row in rows)
    assert counted.hidden == sum(row.urgency == "emergency" for row in waiting)


def test_every_page_together_is_the_list_in_its_order(ward, ana, crowd):
    for filters in (Filters(), Filters(sort="newest"), Filters(sort="oldest", draft="yes")):
        first = ward.worklist.page(filters, ana.id)
        pages = [ward.ids(filters.but(page=n), ana) for n in range(1, first.last + 1)]
        whole = [id_ for page in pages for id_ in page]
        assert len(whole) == len(set(whole)) == first.tally.total
        rows = [ward.row(id_) for id_ in whole]
        if filters.sort == "urgency":
            keys = [(r.urgency_rank, r.place, r.received, r.id) for r in rows]
            assert keys == sorted(keys)
        else:
            came = [r.received for r in rows]
            assert came == sorted(came, reverse=filters.sort == "newest")


@pytest.mark.parametrize(
    "filters", [Filters(), Filters(sort="newest"), Filters(show="mine"), Filters(show="signed")]
)
def test_before_and_after_a_referral_are_its_neighbours_in_the_list(ward, ana, crowd, filters):
    whole: list[str] = []
    for page in range(1, ward.worklist.page(filters, ana.id).last + 1):
        whole += ward.ids(filters.but(page=page), ana)
    for at, id_ in enumerate(whole):
        near = ward.worklist.neighbours(id_, filters, ana.id)
        assert near.before == (whole[at - 1] if at else None)
        assert near.after == (whole[at + 1] if at + 1 < len(whole) else None)


def test_a_referral_that_left_the_list_still_has_neighbours(ward, ana):
    first, second, third = (ward.refer(hours=h) for h in (3, 2, 1))
    filters = Filters(show="nobody")
    with ward.database.transaction() as session:
        session.get_one(Referral, second).assignee = ana.id
    near = ward.worklist.neighbours(second, filters, ana.id)
    assert (near.before, near.after) == (first, third)
    assert ward.worklist.neighbours("0" * 36, filters, ana.id).after is None


def test_what_waits_is_sorted_and_counted_from_the_index_alone(ward, ana):
    for _ in range(30):
        ward.refer()
    listed = (
        select(Referral.id)
        .where(chosen(Filters(), ana.id, Waits(), ward.now))
        .order_by(*order_of(Filters()))
    )
    asks, uses, reads = "EXPLAIN QUERY PLAN", "COVERING INDEX", "SCAN hospital_referral"
    if not ward.database.is_sqlite:
        asks, uses, reads = "EXPLAIN", "Index Only Scan using", "Seq Scan"
    for query in (listed, _open(ana.id, Waits(), ward.now)):
        with ward.database.reading() as session:
            if not ward.database.is_sqlite:  # or a small table is read whole
                session.execute(text("SET LOCAL enable_seqscan = off"))
                session.execute(text("SET LOCAL enable_bitmapscan = off"))
            compiled = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
            plan = " ".join(row[-1] for row in session.execute(text(f"{asks} {compiled}")))
        assert f"{uses} hospital_referral_worklist" in plan
        assert reads not in plan
