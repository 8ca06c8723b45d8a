"""A desk of referrals on both databases, laid without envelopes: the tests are of the list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from compliance.errors import CaretierError
from services.consult.messages import Person
from services.exchange.messages import ReferredQuestion
from services.hospital.desk import URGENCY_RANK
from services.hospital.models import Referral, User
from services.hospital.worklist import Holding, Texts, Worklist

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def plain(_id: str, _column: str, text: str) -> str:
    """Seals and opens nothing."""
    return text


@dataclass
class Ward:
    """A worklist with what it writes down; its clock is moved by hand."""

    database: Any
    now: datetime = NOW
    trail: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    audit_fails: CaretierError | None = None

    def __post_init__(self) -> None:
        self.worklist = Worklist(self.database, plain, clock=lambda: self.now)
        self.holding = Holding(
            self.database, Texts(plain, plain), self._audit, clock=lambda: self.now
        )

    def _audit(self, user: User, _client: str | None, act: str, ids: Any) -> None:
        if self.audit_fails:
            raise self.audit_fails
        self.trail.append((user.username, act, tuple(ids)))

    def person(self, name: str, role: str = "clinician", *, disabled: bool = False) -> User:
        """An account."""
        user = User(
            id=str(uuid4()),
            username=name,
            display_name=f"Dr. {name.title()}",
            role=role,
            password="-",
            disabled=disabled,
            created=self.now,
        )
        with self.database.transaction() as session:
            session.add(user)
        return user

    def refer(self, urgency: str = "routine", *, hours: float = 0, **columns: Any) -> str:
        """A referral that came so many hours ago."""
        id_ = str(uuid4())
        asked = ReferredQuestion(
            referral=id_,
            text="Is it flu?",
            person=Person(age_years=41, sex="female"),
            urgency=urgency,
            reply_to="A" * 43,
        )
        values: dict[str, Any] = {
            "reason": "not-covered",
            "language": "en",
            "drafted": True,
            "state": "open",
            "received": self.now - timedelta(hours=hours),
            "came": self.now - timedelta(hours=hours),
        }
        with self.database.transaction() as session:
            session.add(
                Referral(
                    id=id_,
                    urgency=urgency,
                    urgency_rank=URGENCY_RANK[urgency],
                    question=asked.model_dump_json(),
                    **(values | columns),
                )
            )
        return id_

    def row(self, id_: str) -> Referral:
        """A referral as it stands."""
        with self.database.reading() as session:
            return session.get_one(Referral, id_)

    def ids(self, filters: Any, user: User) -> list[str]:
        """Ids of a page, in order."""
        return [line.row.id for line in self.worklist.page(filters, user.id).lines]


@pytest.fixture
def ward(database):
    return Ward(database)


@pytest.fixture
def ana(ward):
    return ward.person("ana")


@pytest.fixture
def bo(ward):
    return ward.person("bo")
