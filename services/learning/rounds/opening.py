"""The rounds of a hospital's data folder, opened beside the hospital that runs there."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from compliance.audit import AuditTrail
from compliance.audit.actors import Actors
from compliance.audit.agents import Agent
from compliance.errors import NotFoundError
from services.bricks.adapters.base import Base
from services.bricks.errors import BrickError
from services.engines.settings import EngineSettings, embedded_model
from services.learning.errors import NotLearningError
from services.learning.intake.acts import Change as Handed
from services.learning.intake.acts import handed
from services.learning.policy import POLICY, Policy
from services.learning.rounds.acts import Act, decided
from services.learning.rounds.ports import Unmeasured, Unpublished
from services.learning.rounds.service import Rounds
from services.store.database import Database

if TYPE_CHECKING:
    from services.learning.lineage import Lineage
    from services.learning.rollout import Rollout
    from services.learning.rollout.ports import Move

_NAME = "Sandbox hospital"


@cache
def parents_model() -> Base:
    """The model that adapters of this parent belong to; its file is digested once.

    Raises:
        NotLearningError: it is no model that can learn.
    """
    named = EngineSettings().model
    try:
        return Base.of(Path(named) if named else embedded_model())
    except (BrickError, OSError) as error:
        said = error.message if isinstance(error, BrickError) else "Its file cannot be read."
        raise NotLearningError(f"This hospital's model cannot learn. {said}") from error


class Beside:
    """A hospital's rounds for whoever runs commands on its machine.

    They move rounds and do no steps: the hospital that runs sees within seconds what is to be done.

    Args:
        data: folder of all state; the hospital's is below it.

    Raises:
        NotFoundError: there is no hospital.
    """

    def __init__(self, data: Path) -> None:
        self._folder = data / "hospital"
        url = os.environ.get("CARETIER_HOSPITAL_DATABASE")
        if url is None and not (self._folder / "hospital.db").is_file():
            raise NotFoundError(
                f"There is no hospital in {data}.", remedy="Name its folder with --data."
            )
        self.database = Database(url or f"sqlite:///{self._folder}/hospital.db")
        self.database.migrate("services.learning")
        policy = os.environ.get("CARETIER_HOSPITAL_UPDATES")
        self.rounds = Rounds(
            self.database,
            self._folder / "learning",
            Policy.load(Path(policy) if policy else POLICY),
            Unmeasured(),
            Unpublished(),
            model=parents_model,
            signer=lambda _key: None,
        )

    def lineage(self) -> Lineage:
        """Where bricks of this hospital come from, and where contributions went."""
        from services.learning.lineage import Lineage

        self.database.migrate("services.experts")
        return Lineage.at(self._folder, self.rounds)

    def write_down(self, what: str, change: Act) -> None:
        """Write to the hospital's audit trail what the operator does at the shell.

        Raises:
            AuditError: it could not be written; it must not happen then.
        """
        by, trail = self._shell()
        trail.record(decided(by, what, change))

    def write_down_handed(self, _who: object, what: str, change: Handed) -> None:
        """Likewise what becomes of a contribution.

        Raises:
            AuditError: it could not be written; it must not happen then.
        """
        by, trail = self._shell()
        trail.record(handed(by, what, change))

    def rollout(self) -> Rollout:
        """The rollout of this hospital, for what a person decides at the shell."""
        from services.learning.rollout.opening import rollout_beside

        return rollout_beside(self._folder, self.database, self.rounds.policy, self._moved)

    def _moved(self, what: str, move: Move, _by: str | None) -> None:
        from services.learning.rollout.acts import moved

        by, trail = self._shell()
        trail.record(moved(by, what, move))

    def _shell(self) -> tuple[Actors, AuditTrail]:
        """Whoever runs a command on this machine, and the hospital's trail."""
        node = os.environ.get("CARETIER_HOSPITAL_NAME", _NAME)
        trail = AuditTrail.open(self._folder, "hospital", node=node)
        by = Actors(
            application=Agent("application", "caretier-command"),
            node=node,
            person=Agent("person", "operator", role="operator"),
            client="caretier-command",
            purpose="HOPERAT",
        )
        return by, trail

    def close(self) -> None:
        """Close the database."""
        self.database.close()
