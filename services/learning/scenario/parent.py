"""The hospital of the scenario: database, rounds, intake, signed repository, rollout, trail."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from compliance.audit import Agent, AuditTrail
from compliance.audit.actors import Actors
from compliance.sealing import IdentityPublic
from services.bricks.adapters.base import Base
from services.bricks.repository import ONLINE_KEYS, REPOSITORY
from services.bricks.repository.channels import open_channels
from services.bricks.repository.delegations import delegate
from services.bricks.repository.init import init
from services.bricks.repository.key_maker import KeyMaker, KeyPlan
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.options import PUBLISHER_KEYS
from services.bricks.repository.repository import Repository
from services.bricks.store import BrickStore
from services.engines.settings import embedded_model
from services.learning.evaluate import SuiteEvaluator, Suites
from services.learning.intake import ContributionDesk
from services.learning.intake.acts import Change, handed
from services.learning.models import LearningRound
from services.learning.policy import Policy
from services.learning.publish import BrickPublisher, brick_of, signer_of
from services.learning.rollout import Rollout
from services.learning.rollout.canaries import EngineCanaries, by_engine
from services.learning.rollout.signed import SignedChannels
from services.learning.rounds import WORKING, Rounds, State
from services.learning.rounds.acts import decided
from services.learning.rounds.ports import Say
from services.learning.scenario.errors import ScenarioError
from services.learning.scenario.fleet import BothChannels, make_fleet
from services.learning.trust import Trust
from services.store.database import Database

DOMAIN = "general"
BRICK = brick_of(DOMAIN)
PERSON = "made-up-operator"
NODE = "Made-up hospital"


class Parent:
    """The hospital.

    Args:
        folder: of its state.
        policy: the update policy.
        suites: folder of its own suites.
        sites: the keys that are enrolled.
    """

    def __init__(
        self, folder: Path, policy: Policy, suites: Path, sites: Sequence[IdentityPublic]
    ) -> None:
        folder.mkdir(parents=True)
        self.policy = policy
        self.database = Database(f"sqlite:///{folder}/hospital.db")
        self.database.migrate("services.learning")
        self.store = BrickStore(folder / "bricks")
        self.repository = Repository(folder / REPOSITORY)
        self.keys = partial(signer_of, folder, _make_repository(folder, self.repository))
        self._trail = AuditTrail.open(folder, "hospital", node=NODE)
        self.trust = Trust(self.database)
        enrolled = {key.fingerprint: key for key in sites}
        self.fleet = make_fleet(BRICK, list(enrolled))
        own, learning = Suites(suites), folder / "learning"
        self.rollout = self._rollout(own, learning)
        self.rounds = Rounds(
            self.database,
            learning,
            policy,
            SuiteEvaluator(embedded_model, own, learning, store=self.store),
            BrickPublisher(self.repository, self.store, self.keys, model=embedded_model),
            model=lambda: Base.of(embedded_model()),
            signer=enrolled.get,
            rollout=self.rollout,
            weigh=self.trust.weigh,
        )
        self.desk = ContributionDesk(self.rounds, self.trust, self._handed)

    def judge(self, say: Say) -> LearningRound:
        """Propose a round and do its steps until it waits for people, or ends.

        Raises:
            ScenarioError: the policy lets no round start.
        """
        id_ = self.rounds.propose(DOMAIN)
        if id_ is None:
            raise ScenarioError(f"No round starts: {self.rounds.dry_run(DOMAIN).blocking}")
        return self._advance(id_, say)

    def approve(self, round_: LearningRound, say: Say) -> LearningRound:
        """A person approves the candidate; it is published and begins to roll out."""
        self._trail.record(decided(self._person(), f"round:{round_.id}", "approved"))
        self.rounds.approve(round_.id, round_.candidate or "", PERSON, "It learned the rules.")
        return self._advance(round_.id, say)

    def roll_out(self, round_: LearningRound) -> tuple[LearningRound, float]:
        """Let the fleet live until the release has come to its end; the round, and hours passed."""
        hours = self.live(round_.brick or "")
        self.rounds.tick()
        self.trust.settle()
        return self.rounds.book.get(round_.id), hours

    def live(self, ref: str) -> float:
        """Let the fleet live until a release has come to its end; the hours that passed."""
        return self.fleet.live(self.rollout, 60 * 24 * 14, until=ref) / 60

    def wait(self, hours: float) -> None:
        """Let the fleet live on: its nodes answer, report, and look at their channels."""
        self.fleet.live(self.rollout, 60 * hours)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def _rollout(self, suites: Suites, learning: Path) -> Rollout:
        """The rollout over the fleet, by its clock; canary questions are asked in earnest."""
        return Rollout(
            self.database,
            self.policy,
            lambda: list(self.fleet.nodes),
            BothChannels(SignedChannels(self.repository, self.keys), self.fleet.channels),
            canaries=EngineCanaries(
                suites,
                self.policy,
                lambda _brick: DOMAIN,
                by_engine(self.store, embedded_model, learning),
            ),
            clock=lambda: self.fleet.now,
        )

    def _advance(self, id_: str, say: Say) -> LearningRound:
        before = None
        while (row := self.rounds.book.get(id_)).state in WORKING:
            if (before, row.state) == (State.ROLLING_OUT, State.ROLLING_OUT):
                break
            before = row.state
            self.rounds.advance(id_, say=say)
        return row

    def _handed(self, node: str, what: str, change: Change) -> None:
        by = Actors(Agent("node", node), NODE, purpose="HQUALIMP")
        self._trail.record(handed(by, what, change))

    @staticmethod
    def _person() -> Actors:
        person = Agent("person", PERSON, role="operator")
        return Actors(Agent("application", "caretier-scenario"), NODE, person, purpose="HOPERAT")


def _make_repository(folder: Path, repository: Repository) -> Path:
    """Make a signed repository with keys of its own; returns the file with their passphrase."""
    passphrase = folder / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(secrets.token_urlsafe(24), encoding="utf-8")
    sticks = [folder.with_name(f"stick-{number}") for number in (1, 2, 3)]
    online, held = folder / ONLINE_KEYS, folder / PUBLISHER_KEYS

    def ask(_label: str) -> str:
        return passphrase.read_text(encoding="utf-8")

    maker, keys = KeyMaker(ask), KeyRing([*sticks, online, held], ask)
    plans = {
        "root": KeyPlan(sticks, keys=3, threshold=2),
        "targets": KeyPlan(sticks[:1]),
        "snapshot": KeyPlan([online]),
        "timestamp": KeyPlan([online]),
    }
    init(repository, maker, plans, keys)
    delegate(repository, maker, KeyPlan([held]), keys, level="clinic", domain=DOMAIN)
    open_channels(repository, maker, keys, online)
    return passphrase
