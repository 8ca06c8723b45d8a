"""A session for reads sees one moment, whatever others commit meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select

from services.exchange.models import SeenToken


def test_reading_sees_one_moment_while_another_commits(database):
    count = select(func.count()).select_from(SeenToken)
    with database.reading() as session:
        before = session.scalar(count)
        with database.transaction() as other:
            other.add(SeenToken(id="late", expires=datetime.now(UTC)))
        assert session.scalar(count) == before
    with database.reading() as session:
        assert session.scalar(count) == before + 1
