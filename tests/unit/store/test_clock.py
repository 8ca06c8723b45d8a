"""Leases are given and read by one clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.store.clock import now


def test_the_time_at_the_database_has_a_zone_and_is_now(database):
    with database.reading() as session:
        told = now(session)
    assert told.tzinfo is UTC
    assert abs(told - datetime.now(UTC)) < timedelta(minutes=1)


def test_it_goes_on_within_a_transaction(database):
    with database.transaction() as session:
        assert now(session) < now(session)
