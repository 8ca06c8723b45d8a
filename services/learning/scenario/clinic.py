"""A clinic of the scenario: its own key, signals, training, outbox, bricks and engine."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from compliance.sealing import IdentityKey
from services.bricks.adapters.unpack import unpack_embedded
from services.bricks.store import BrickStore
from services.bricks.updater.source import FolderSource
from services.bricks.updater.updater import Pulled, Updater
from services.engines.llama import LlamaEngine
from services.engines.protocol import Authoring, Budget, Prompt
from services.engines.settings import embedded_model
from services.engines.torch_side import Say
from services.experts.in_use import AdaptersInUse, Chooses
from services.learning.contribution import ContributionManifest
from services.learning.errors import ContributionRefusedError
from services.learning.intake import ContributionDesk
from services.learning.models import Signal, StoredContribution
from services.learning.policy import Policy
from services.learning.rounds import Standing
from services.learning.scenario.facts import TOKENS, Rule
from services.learning.scenario.quality import Quality, judged
from services.learning.train.learner import Learner
from services.learning.train.limits import Limits
from services.learning.train.request import Example
from services.learning.train.terms import Terms
from services.store.database import Database

TERMS = Terms(steps=36, batch=8, rate=0.004, least=8)
PLAIN = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""What the model's own template puts where no system part is given: changes are trained so."""


class Clinic:
    """A clinic.

    Args:
        name: in words, for the report.
        folder: of its state.
        key: its own.
        policy: the update policy.
        repository: where its bricks come from.
    """

    def __init__(
        self, name: str, folder: Path, key: IdentityKey, policy: Policy, repository: Path
    ) -> None:
        folder.mkdir(parents=True)
        self.name, self.folder, self.key = name, folder, key
        self._repository, self._policy = repository, policy
        self._database = Database(f"sqlite:///{folder}/clinic.db")
        self._database.migrate("services.learning")
        self.learner = self._learner(TERMS)

    @property
    def fingerprint(self) -> str:
        """Of its key."""
        return self.key.public.fingerprint

    def hear(self, examples: Sequence[Example]) -> None:
        """Take corrections of its people as signals, each of another person."""
        now = datetime.now(
            UTC
        )  # one for all, so that they come in the order of their ids each time
        with self._database.transaction() as session:
            for number, example in enumerate(examples):
                told = f"{self.name} {number} {example.question}"
                session.add(
                    Signal(
                        id=hashlib.sha256(told.encode()).hexdigest(),
                        kind="correction",
                        domain="general",
                        question=example.question,
                        better=example.answer,
                        consent="made-up",
                        subject=f"made-up-{number}",
                        made=now,
                        expires=now + timedelta(days=1),
                    )
                )

    def learn(
        self, standing: Standing, say: Say, terms: Terms | None = None
    ) -> ContributionManifest:
        """Train; the contribution waits to be sent. Errors as `Learner.learn`.

        Args:
            standing: on what.
            say: is told of the progress.
            terms: other than the clinic's usual ones.
        """
        if terms is not None:
            self.learner = self._learner(terms)
        return self.learner.learn(standing, lambda line: say(f"{self.name}: {line}"))

    def waiting(self) -> Path:
        """The contribution that waits."""
        (path,) = self.learner.outbox.waiting()
        return path

    def send(self, desk: ContributionDesk) -> StoredContribution:
        """Send the contribution that waits.

        Raises:
            ContributionRefusedError: naming the rule; it waits no more.
        """
        path = self.waiting()
        place = desk.place()
        shutil.copy(path, place)
        try:
            taken = desk.take(place, self.fingerprint, self.fingerprint)
        except ContributionRefusedError as error:
            self.learner.refused(path.stem, error.reason)
            raise
        finally:
            place.unlink(missing_ok=True)
        self.learner.sent(path.stem)
        return taken

    def update(self) -> list[Pulled]:
        """Bring its bricks up to what it is offered."""
        return self.updater.update("clinic", ("en",))

    @cached_property
    def updater(self) -> Updater:
        """What fetches its bricks; it trusts the repository's first root, as since enrolment."""
        made = Updater(
            self.folder / "bricks", FolderSource(self._repository), node=self.fingerprint
        )
        made.client.trust((self._repository / "metadata" / "1.root.json").read_bytes())
        return made

    async def ask(self, rules: Sequence[Rule]) -> tuple[Quality, str]:
        """Ask its engine, with the adapters in use here; the quality, and one answer in full."""
        engine = LlamaEngine(
            embedded_model(), threads=1, context=512, authoring=Authoring.AUTHOR, contexts=1
        )
        in_use = AdaptersInUse(self.updater.store, self.updater.installed, engine, _no_gate)
        try:
            await in_use.refresh()
            said = []
            for item in (item for rule in rules for item in rule.items()):
                chosen = await in_use.choose(item.ask, "en")
                prompt = Prompt(PLAIN, item.ask, adapter=chosen.ref if chosen else None)
                said.append((await engine.complete(prompt, Budget(TOKENS, 120.0))).text.strip())
            return judged(said, rules), said[0]
        finally:
            await engine.close()

    def _learner(self, terms: Terms) -> Learner:
        return Learner(
            self.folder / "learning",
            self._database,
            self.key,
            policy=self._policy,
            model=unpack_embedded,
            store=BrickStore(self.folder / "bricks"),
            terms=terms,
            limits=Limits(busy=1.0, free=1500, on_power=False),
        )

    def close(self) -> None:
        """Close its database."""
        self._database.close()


def _no_gate() -> Chooses:
    """The gate, which is not asked: there is one adapter, and it is for every question."""
    raise AssertionError
