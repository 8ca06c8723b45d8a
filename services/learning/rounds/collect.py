"""Collecting: the contributions that a round is made of, each checked once more."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.learning.contribution import Expected, check_contribution
from services.learning.errors import ContributionRefusedError
from services.learning.models import HERE, LearningRound, StoredContribution
from services.learning.policy import DomainPolicy
from services.learning.rounds.book import Move
from services.learning.rounds.files import RoundFiles
from services.learning.rounds.ports import Say
from services.learning.rounds.probe import FAILED, Probing
from services.learning.rounds.standing import waiting
from services.learning.rounds.states import State
from services.store.database import Database
from services.store.rows import taken

CRASHED = "crashed-the-check"
"""Reason of a contribution during whose check a worker died, twice."""
SECONDS = 60.0
"""A check takes less; one that has not ended after so long never will."""
SUPERSEDED = "superseded"
"""Reason of one that a round gave back when its node had sent another one by then."""
STALE = "stale-epoch"
"""Reason of one that stands on a former release."""
MISSING = "missing"
"""Reason of one whose file never came, or was lost."""


@dataclass(frozen=True)
class Collecting:
    """The first step.

    Args:
        database: with learning's tables.
        files: of the rounds.
        expected: what is taken in a round, by its row.
        probing: tries each by itself.
        still: raises FencedOffError when somebody else took the round.
    """

    database: Database
    files: RoundFiles
    expected: Callable[[LearningRound], Expected]
    probing: Probing
    still: Callable[[LearningRound], None]

    def __call__(self, row: LearningRound, policy: DomainPolicy, say: Say) -> Move:
        """Take all that is waiting and still holds; what does not is refused by name.

        A file may have been damaged, or its node revoked, since it came. A node that gave up
        sending is simply not there. With too few left the round has failed.
        """
        with self.database.reading() as session:
            there = waiting(session, row.domain)
        expected, good, refused = self.expected(row), list[str](), dict[str, str]()
        for number, one in enumerate(there, 1):
            say(f"checking contribution {number} of {len(there)}")
            reason = self._reason(row.id, one, expected)
            if reason is None:
                good.append(one.id)
            else:
                refused[one.id] = reason
        tried = self._tried(row, policy, [one for one in there if one.id in good], say)
        lost = {id_: one for id_, one in tried.items() if one > _bound(policy)}
        refused |= dict.fromkeys(lost, FAILED)
        good = [id_ for id_ in good if id_ not in lost]
        also = [partial(_refuse, refused), partial(_lapse, row.domain, row.epoch)]
        lacking = too_few([one for one in there if one.id in good], policy)
        if lacking:
            return Move(State.FAILED, {"error": f"{row.state}: {lacking}"}, also)
        values = {"evidence": {"probes": tried}}
        return Move(State.AGGREGATING, values, [*also, partial(_claim, row.id, good)])

    def _tried(
        self, row: LearningRound, policy: DomainPolicy, there: list[StoredContribution], say: Say
    ) -> dict[str, float]:
        return self.probing(row, policy, there, still=lambda: self.still(row), say=say)

    def _reason(self, round_: str, one: StoredContribution, expected: Expected) -> str | None:
        """Why a contribution is not used after all; None when it is."""
        path = self.files.contribution(one.id)
        if not path.is_file():
            return MISSING
        mark = self.files.of(round_) / "checking" / one.id
        mark.parent.mkdir(exist_ok=True)
        deaths = _deaths(mark)
        if deaths > 1:
            return CRASHED
        mark.write_text(str(deaths + 1), encoding="utf-8")
        try:
            manifest = check_contribution(path, expected, now=one.received)
        except ContributionRefusedError as error:
            return error.reason
        finally:
            mark.unlink(missing_ok=True)
        return None if manifest.id == one.id else "malformed"


def too_few(there: Sequence[StoredContribution], policy: DomainPolicy) -> str | None:
    """What is lacking for a round of these contributions; None when they are enough."""
    sites = {one.site for one in there}
    if len(there) >= policy.enough and len(sites) >= policy.start.sites:
        return None
    return (
        f"{len(there)} contributions from {len(sites)} sites are left; "
        f"{policy.enough} from {policy.start.sites} are needed."
    )


def used(session: Session, round_: str) -> list[StoredContribution]:
    """The contributions of a round that still count, in a fixed order."""
    query = select(StoredContribution).where(
        StoredContribution.round == round_, StoredContribution.state == "used"
    )
    return list(session.scalars(query.order_by(StoredContribution.id)))


def give_back(session: Session, round_: str) -> None:
    """Let contributions of a round wait for another one; a newer one of their node goes before."""
    for row in used(session, round_):
        newer = select(StoredContribution.id).where(
            StoredContribution.key == row.key,
            StoredContribution.domain == row.domain,
            StoredContribution.epoch == row.epoch,
            StoredContribution.state.in_(HERE),
        )
        there = session.scalar(newer.limit(1)) is not None
        row.state, row.reason = ("refused", SUPERSEDED) if there else ("waiting", row.reason)
        row.round = None
        session.flush()


def _bound(policy: DomainPolicy) -> float:
    """Mean score that a contribution may lose by itself."""
    return policy.take.probe.worse_by if policy.take.probe else 0.0


def _deaths(mark: Path) -> int:
    """How often a check was begun and never ended; one that began just now may still end."""
    try:
        old = time.time() - mark.stat().st_mtime > SECONDS
        return int(mark.read_text(encoding="utf-8") or 0) if old else 0
    except FileNotFoundError:
        return 0


def _refuse(refused: dict[str, str], session: Session) -> None:
    for id_, reason in sorted(refused.items()):
        state = "quarantined" if reason in {CRASHED, FAILED} else "refused"
        session.execute(
            update(StoredContribution)
            .where(StoredContribution.id == id_, StoredContribution.state == "waiting")
            .values(state=state, reason=reason)
        )


def _lapse(domain: str, epoch: int, session: Session) -> None:
    """Refuse what came for a former release and was in no round: nothing is rebased."""
    old = taken(
        session,
        StoredContribution.id,
        StoredContribution.domain == domain,
        StoredContribution.epoch < epoch,
        StoredContribution.state.in_(HERE),
    )
    lapsed = update(StoredContribution).where(StoredContribution.id.in_(old))
    session.execute(lapsed.values(state="refused", reason=STALE))


def _claim(round_: str, ids: list[str], session: Session) -> None:
    there = taken(
        session,
        StoredContribution.id,
        StoredContribution.id.in_(ids),
        StoredContribution.state == "waiting",
    )
    claimed = update(StoredContribution).where(StoredContribution.id.in_(there))
    session.execute(claimed.values(state="used", round=round_))
