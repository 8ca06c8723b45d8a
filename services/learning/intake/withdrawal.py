"""Giving a contribution up: its file is deleted, and what holds it is made anew without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.learning.intake.difference import Difference, difference
from services.learning.models import LearningRound, StoredContribution
from services.learning.rounds import Rounds
from services.learning.rounds.history import holding
from services.learning.rounds.rebuild import going
from services.learning.rounds.states import State

Next = Literal["nothing", "made-anew", "proposed", "waits", "none"]
_OUT = frozenset({State.PUBLISHING, State.ROLLING_OUT, State.RELEASED, State.ROLLED_BACK})


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawal did.

    Attributes:
        again: whether a candidate that is not out yet is made anew.
        published: the brick that its round made and that is out, or about to be.
        releases: every brick that holds it, by its own round or by that of a parent.
        difference: of its round's change to one without it, where that is known.
        next: what happens now: ``nothing``, for it was in nothing; ``made-anew``, its round goes on
            without it; ``proposed``, a round makes the release anew (``round``); ``waits``, such a
            round is proposed once the one that runs has ended; ``none``, its release was rolled
            back and is in use nowhere.
    """

    id: str
    again: bool = False
    published: str | None = None
    releases: tuple[str, ...] = ()
    difference: Difference | None = None
    next: Next = "nothing"
    round: str | None = None


def withdraw(rounds: Rounds, id_: str) -> Withdrawn:
    """Delete a contribution; again for the same one changes nothing.

    Raises:
        NotFoundError: its round is not there.
    """
    again, round_, releases = _marked(rounds, id_)
    rounds.files.contribution(id_).unlink(missing_ok=True)
    if round_ is None or round_.state not in _OUT:
        anew = again[0] if again else None
        return Withdrawn(id_, bool(again), next="made-anew" if again else "nothing", round=anew)
    next_, proposed = _after(rounds, round_)
    return Withdrawn(
        id_,
        bool(again),
        published=round_.brick or f"round:{round_.id}",
        releases=releases,
        difference=difference(rounds, round_),
        next=next_,
        round=proposed,
    )


def _marked(rounds: Rounds, id_: str) -> tuple[list[str], LearningRound | None, tuple[str, ...]]:
    """Mark the row; the rounds that are made anew, its own, and the releases that hold it.

    Rounds are locked before contributions, as their steps lock them. When a round took it between
    the two, that one is not locked, and it begins again.
    """
    while True:
        with rounds.database.transaction() as session:
            found = session.get_one(StoredContribution, id_)
            own, touched = found.round, [one.id for one in going(session, found.domain)]
            touched = sorted({*touched, *([own] if own else [])})
            for round_ in touched:
                rounds.book.row(session, round_, lock=True)
            row = session.get_one(
                StoredContribution, id_, with_for_update=True, populate_existing=True
            )
            if row.round != own:
                continue
            used = row.state == "used"
            row.state, row.reason = "withdrawn", None
            session.flush()
            again = [one for one in touched if used and rounds.again(session, one)]
            its = session.get(LearningRound, own) if own else None
            return again, its, tuple(str(one.brick) for one in holding(session, row))


def _after(rounds: Rounds, row: LearningRound) -> tuple[Next, str | None]:
    """What becomes of the releases that hold what was in a round, and by which round."""
    if row.state == State.ROLLED_BACK:
        return "none", None
    proposed = rounds.rebuilding.propose(row.domain)
    if proposed is None:
        with rounds.database.reading() as session:
            proposed = next((one.id for one in going(session, row.domain)), None)
    return ("waits", None) if proposed is None else ("proposed", proposed)
