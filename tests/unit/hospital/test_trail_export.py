"""A trail is given out whole, however long it is, and held in memory a page at a time."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import astuple, replace
from itertools import islice

import pytest

from compliance.audit import AuditError, AuditTrail, acts, load_or_create_key
from compliance.audit.acts import Actors, Agent
from compliance.audit.index import Search, TrailIndex
from services.hospital.portal.trail_words import PIECE_CHARS, as_csv, told
from services.hospital.portal.views import LOCALE
from services.web.i18n import COMMON, Catalogue

MANY = 120_000
MOST_AHEAD = 2_000
ANA = Actors(
    person=Agent("person", "ana", role="clinician"),
    application=Agent("application", "caretier-portal"),
    node="hospital",
    client="10.0.0.9",
)


@pytest.fixture
def trail(tmp_path):
    return AuditTrail(tmp_path / "audit" / "t.jsonl", load_or_create_key(tmp_path), node="hospital")


@pytest.fixture
def index(trail, tmp_path):
    made = TrailIndex(trail.path, tmp_path / "index.db")
    trail.record(acts.read(ANA, "chart:Patient/p1", patient="Patient/p1"))
    trail.record(acts.read(ANA, "=cmd|' /C calc'!A0", patient="Patient/p2"))
    made.catch_up()
    return made


def stretched(index, tmp_path):
    """As if a hundred thousand had been written: rows of the index, after the first one's model."""
    (one,) = index.find(Search(), before=1)
    marks = ", ".join("?" * (len(astuple(one)) + 2))
    rows = ((*astuple(replace(one, seq=seq)), 0, 0) for seq in range(2, MANY))
    with sqlite3.connect(tmp_path / "index.db") as database:
        database.executemany(f"insert into entry values ({marks})", rows)


def test_an_export_of_a_hundred_thousand_events_is_whole_and_held_a_page_at_a_time(
    index, tmp_path, monkeypatch
):
    stretched(index, tmp_path)
    t, pages, find = Catalogue.load(COMMON, LOCALE).translator("en"), [], index.find

    def counted(*asked, **page):
        found = find(*asked, **page)
        pages.append(len(found))
        return found

    monkeypatch.setattr(index, "find", counted)
    lines, longest = 0, 0
    for piece in as_csv(told(one, {}, t) for one in index.walk(Search())):
        lines, longest = lines + piece.count("\r\n"), max(longest, len(piece))
        assert sum(pages) - lines <= MOST_AHEAD  # nothing is read that is not given out soon
    assert lines == MANY + 1  # and the names of the columns
    assert max(pages) <= MOST_AHEAD
    assert longest <= 2 * PIECE_CHARS


def test_what_is_written_while_an_export_goes_on_is_not_in_it(index, trail):
    walk = index.walk(Search())
    first = next(walk)
    trail.record(acts.read(ANA, "chart:Patient/p9", patient="Patient/p9"))
    index.catch_up()
    assert [first.seq, *(one.seq for one in walk)] == [1, 0]


def test_the_whole_events_are_given_out_in_the_order_that_was_asked(index):
    found = list(index.records(one.seq for one in index.walk(Search())))
    assert [record.seq for record in found] == [1, 0]
    assert all(json.dumps(record.event) for record in found)


def test_a_record_that_was_changed_ends_the_export(index):
    raw = index.trail.read_bytes()
    index.trail.write_bytes(raw.replace(b"Patient/p2", b"Patient/p3"))
    with pytest.raises(AuditError):
        list(islice(index.records([0, 1]), 2))


def test_no_cell_of_the_table_is_a_formula(index):
    t = Catalogue.load(COMMON, LOCALE).translator("en")
    table = "".join(as_csv(told(one, {}, t) for one in index.walk(Search())))
    assert "'=cmd|" in table
    assert ",=cmd|" not in table
