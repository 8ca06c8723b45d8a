"""What a round needs from elsewhere: the model, who measures, who publishes, who rolls out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy.orm import Session

from services.learning.gates import Criterion, Evidence, Scores
from services.learning.policy import DomainPolicy

AddJob = Callable[[Session, str, str], None]
"""Adds a job of a kind for a subject in the caller's transaction."""
Done = Callable[[Session], bool]
"""Finishes the job in the transaction of its result; False when somebody else has it by now."""
Say = Callable[[str], None]
"""Told of progress, in words."""


class Model(Protocol):
    """The model that a parent's adapters belong to (`services.bricks.adapters.base.Base`)."""

    @property
    def digest(self) -> str:
        """``sha256:…`` of the file it was published as."""
        ...

    @property
    def layers(self) -> int:
        """How many."""
        ...

    def shape(self, projection: str) -> tuple[int, int]:
        """Outputs and inputs of a projection."""
        ...


@dataclass(frozen=True)
class Candidate:
    """What a round made, to be measured and published.

    Attributes:
        round: id of the round; domain, epoch, base, parent: as its row says.
        folder: of the round's files; what is made of the candidate goes there.
        path: of the change, safetensors with the factors by module.
        digest: of that file.
        policy: of the domain.
        still: raises FencedOffError when somebody else works on the round by now; to be called
            right before anything that others see.
        say: told of progress.
    """

    round: str
    domain: str
    epoch: int
    base: str
    parent: str | None
    folder: Path
    path: Path
    digest: str
    policy: DomainPolicy
    still: Callable[[], None]
    say: Say


@dataclass(frozen=True)
class Measured:
    """What an evaluator found.

    Attributes:
        suites: scores of each suite, with the parent as it is (before) and with the candidate.
        shadow: answers beside the current release: how many, and how many of them lost.
        notes: what else a person should see (seconds, sizes, versions).
    """

    suites: Mapping[str, Scores] = field(default_factory=dict)
    shadow: tuple[int, int] = (0, 0)
    notes: Mapping[str, object] = field(default_factory=dict)


class Evaluator(Protocol):
    """Measures candidates."""

    def measure(self, candidate: Candidate) -> Measured:
        """Measure on every suite that the policy names; a suite that is left out blocks."""
        ...


@dataclass(frozen=True)
class Release:
    """What a publisher is given: the candidate with what let it through.

    Attributes:
        sites: pseudonyms of those who contributed.
        policy_digest: of the update policy's file, which stands in the release.
        approvals: ids of the people who approved.
    """

    candidate: Candidate
    evidence: Evidence
    criteria: Sequence[Criterion]
    sites: tuple[str, ...]
    policy_digest: str
    approvals: tuple[str, ...]


class Publisher(Protocol):
    """Makes a candidate a signed brick."""

    def publish(self, release: Release) -> str:
        """Publish, and return ``id@version``.

        It may be called again for the same candidate, after a crash at any point: then it returns
        the version that is there. It calls ``release.candidate.still`` right before it signs.
        """
        ...


class Rollout(Protocol):
    """Brings a brick to the nodes, cohort by cohort (`services.learning.rollout`)."""

    def start(self, brick: str, former: str | None) -> object:
        """Begin; again for the same brick changes nothing. The rest is told by Deployment rows."""
        ...


class Unmeasured:
    """The evaluator of a parent that has none: every suite is left out, so every gate blocks."""

    def measure(self, candidate: Candidate) -> Measured:
        """Measure nothing."""
        del candidate
        return Measured()


class Unpublished:
    """The publisher of a parent that has no signed repository."""

    def publish(self, release: Release) -> str:
        """Refuse.

        Raises:
            RoundBlockedError: always.
        """
        from services.learning.errors import RoundBlockedError

        del release
        raise RoundBlockedError(
            "There is no signed repository to publish into.",
            remedy="Make one with `caretier bricks repository init`, then retry the round.",
        )
