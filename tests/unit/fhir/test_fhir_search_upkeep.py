"""The index: made anew where it is of another revision, and replaced with every version."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, func, select, update

from services.fhir.models import INDEXES, NoteRow, TokenRow
from services.fhir.sandbox import generate
from services.fhir.search import upkeep
from services.fhir.search.query import parse
from services.fhir.store import FhirStore
from services.store.database import Database


def counts(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {
            table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
            for table in INDEXES
        }


def test_an_index_of_another_revision_is_made_anew(database: Database, caplog):
    FhirStore(database).put_many(generate())
    before = counts(database)
    assert all(before.values()), before
    with database.transaction() as session:
        session.execute(delete(TokenRow))
        session.execute(update(NoteRow).values(value="0"))
    with caplog.at_level("INFO"):
        store = FhirStore(database)
    assert counts(database) == before
    assert "made anew" in caplog.text
    assert store.find(parse("Patient", [("gender", "female")])).total
    assert not upkeep.ensure_index(database)


def test_an_index_that_is_up_to_date_is_left_alone(database: Database):
    FhirStore(database).put_many(generate())
    with database.transaction() as session:
        session.execute(delete(TokenRow))
    FhirStore(database)
    assert counts(database)["fhir_token"] == 0


def test_a_failure_leaves_the_old_index(database: Database, monkeypatch):
    FhirStore(database).put_many(generate())
    before = counts(database)
    with database.transaction() as session:
        session.execute(update(NoteRow).values(value="0"))

    def broken(*_given: object) -> None:
        raise RuntimeError("power is gone")

    monkeypatch.setattr(upkeep, "index_rows", broken)
    with pytest.raises(RuntimeError):
        FhirStore(database)
    assert counts(database) == before


def test_the_key_of_cursors_is_made_once(database: Database):
    assert upkeep.cursor_key(database) == upkeep.cursor_key(database)
    assert len(upkeep.cursor_key(database)) == 32


def test_what_a_resource_said_before_is_no_longer_found(store: FhirStore):
    base = {"resourceType": "Patient", "id": "p"}
    store.put({**base, "name": [{"family": "Before"}], "birthDate": "1950",
               "generalPractitioner": [{"reference": "Practitioner/d"}],
               "identifier": [{"system": "s", "value": "1"}]})  # fmt: skip
    store.put({**base, "name": [{"family": "After"}]})
    for pair in (("family", "before"), ("birthdate", "1950"), ("identifier", "s|1"),
                 ("general-practitioner", "Practitioner/d")):  # fmt: skip
        assert store.find(parse("Patient", [pair])).total == 0
    assert store.find(parse("Patient", [("family", "after")])).total == 1


def test_odd_values_are_stored_and_searched_on_every_database(store: FhirStore):
    long = "x" * 5000
    number = {"system": long, "value": long}
    store.put({"resourceType": "Patient", "id": "p", "identifier": [number],
               "name": [{"family": "é" * 400, "given": ["a%_$+b"]}],
               "meta": {"profile": ["http://example.org/" + long], "source": "#1"}})  # fmt: skip
    for pair in (("identifier", f"{long}|{long}"), ("identifier", long), ("family", "E" * 200),
                 ("given", "a%"), ("given:contains", r"\$+"), ("_source", "#1"),
                 ("_profile", "http://example.org/" + long)):  # fmt: skip
        assert store.find(parse("Patient", [pair])).total == 1, pair[0]
    for pair in (("identifier", long + "x"), ("given:contains", "++")):
        assert store.find(parse("Patient", [pair])).total == 0, pair[0]
