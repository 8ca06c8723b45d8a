"""A node that learns: what it would do now, and one training with its contribution.

learner = Learner(folder, database, key, policy=policy, model=model, store=store)
plan = learner.plan(standing)                # nothing is done yet
manifest = learner.learn(standing, say=print)    # its contribution waits in `learner.outbox`
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from compliance.sealing import IdentityKey
from compliance.sealing.identity import signed_bytes
from services.bricks.adapters.base import Base
from services.bricks.store import BrickStore
from services.engines.torch_side import Say
from services.learning.contribution import ContributionManifest, write_contribution
from services.learning.policy import Policy
from services.learning.privacy import PrivacyLedger
from services.learning.rounds.standing import SAID, WRONG, Standing
from services.learning.signals.book import counted
from services.learning.train.limits import (
    Limits,
    Machine,
    TrainingHeldError,
    held,
    look,
    start_or_hold,
    watched,
)
from services.learning.train.local import Account, train_local
from services.learning.train.material import (
    Material,
    mark_unused,
    mark_used,
    material,
    protected,
)
from services.learning.train.outbox import Held, Outbox
from services.learning.train.parent import parent_folder
from services.learning.train.plan import Plan, planned
from services.learning.train.request import Trained, TrainRequest
from services.learning.train.terms import Terms, shortened
from services.store.database import Database

REPLAYED = "replayed"


class Learner:
    """Trains on a node's own signals.

    Args:
        folder: of learning's state on this node.
        database: with the node's signals.
        key: of the node; signs contributions.
        policy: what the parent takes.
        model: gives the folder of the base model in Transformers' form.
        store: the node's bricks, with the parent's adapter.
        terms: what the node decides for itself.
        limits: when it may train.
        look: looks at the machine.
    """

    def __init__(
        self,
        folder: Path,
        database: Database,
        key: IdentityKey,
        *,
        policy: Policy,
        model: Callable[[], Path],
        store: BrickStore,
        terms: Terms = Terms(),  # noqa: B008 - frozen
        limits: Limits = Limits(),  # noqa: B008 - frozen
        look: Callable[[], Machine] = look,
    ) -> None:
        self._folder, self._database, self._key, self._policy = folder, database, key, policy
        self._model, self._store = model, store
        self._terms, self._limits, self._look = terms, limits, look
        self.ledger = PrivacyLedger(folder / "privacy.jsonl")
        self.outbox = Outbox(folder)

    @property
    def site(self) -> str:
        """The pseudonym of this node; nobody makes it of the public key."""
        drawn = self._key.sign(signed_bytes("caretier/site/v1", b""))
        return f"site-{hashlib.sha256(drawn).hexdigest()[:12]}"

    @property
    def domains(self) -> frozenset[str]:
        """Domains in which this node may learn."""
        return frozenset(self._policy.domains)

    def held(self) -> list[str]:
        """Why the machine has no time to spare now, in words; nothing when it has."""
        return held(self._limits, self._look())

    def plan(self, standing: Standing) -> Plan:
        """What a training would be now, what it would cost, and what is against it.

        Raises:
            BadInputError: nothing is learned in that domain.
        """
        found, base = self._material(standing.domain), Base.of(self._model())
        policy = self._policy.of(standing.domain)
        plan = planned(standing, found, base, policy=policy, terms=self._terms, ledger=self.ledger)
        return plan.against(self.outbox.of_epoch(standing.domain, standing.epoch))

    def learn(
        self,
        standing: Standing,
        say: Say = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> ContributionManifest:
        """Train, and put the contribution where it waits to be sent.

        Args:
            standing: what contributions stand on now, as the parent says.
            say: is told of the progress.
            stopped: whether a person wants the training to end.

        Raises:
            TrainingHeldError: not now, or it was stopped, and nothing was spent; or a consent ended
                meanwhile, and nothing is sent.
            BudgetSpentError: the privacy budget does not allow it; nothing was trained.
            BrickUnknownError: the parent's adapter is not on this node.
            BrickRevokedError: the parent's adapter was taken back.
        """
        with self._alone():
            found, plan = self._material(standing.domain), self.plan(standing)
            if plan.reasons:
                raise TrainingHeldError(f"Nothing is trained: {'; '.join(plan.reasons)}.")
            start_or_hold(self._limits, self._look())
            heard = watched(self._limits, say, stopped, self._look)
            manifest = self._write(plan, self._train(plan, found, heard))
            with self._database.transaction() as session:
                whole = mark_used(session, found.signals, manifest.id)
                if not whole:
                    mark_unused(session, manifest.id)
            if not whole:
                self.outbox.move(manifest.id, "withdrawn", "consent-withdrawn")
                raise TrainingHeldError("Nothing is sent: a consent ended during the training.")
        return manifest

    def sent(self, id_: str) -> Held:
        """Note that the parent took a contribution."""
        self.outbox.move(id_, "sent")
        return self.outbox.get(id_)

    def refused(self, id_: str, reason: str) -> Held:
        """Note that the parent refused a contribution; its signals may be learned from again.

        Where the parent says that it is there already, an answer was lost: it was taken.
        """
        if reason == REPLAYED:
            return self.sent(id_)
        self.outbox.move(id_, "refused", reason)
        with self._database.transaction() as session:
            mark_unused(session, id_)
        return self.outbox.get(id_)

    def _train(self, plan: Plan, found: Material, say: Say) -> Trained:
        standing = plan.standing
        account = Account(self.ledger, plan.budget, standing.domain, standing.epoch)
        with TemporaryDirectory() as scratch:
            request = TrainRequest(
                self._model(),
                found.examples,
                f"{standing.domain}/{standing.epoch}",
                protected(),
                parent_folder(self._store, standing.parent, Path(scratch)),
                plan.recipe,
                plan.protection,
            )
            return train_local(request, account, say)

    def _write(self, plan: Plan, trained: Trained) -> ContributionManifest:
        """Write the contribution down, not longer than the parent takes."""
        standing, id_ = plan.standing, str(uuid4())
        fields = {
            "id": id_,
            "domain": standing.domain,
            "base": plan.base,
            "parent": standing.parent,
            "epoch": standing.epoch,
            "site": self.site,
            "examples": plan.examples,
            "privacy": trained.privacy,
            "metrics": trained.metrics | self._counts(standing.domain),
        }
        most = self._policy.of(standing.domain).take.max_norm
        delta = shortened(trained.delta, most)
        return write_contribution(self.outbox.place(id_), fields, delta, self._key)

    def _counts(self, domain: str) -> dict[str, float]:
        """What people here said of answers since this node's last contribution: two numbers."""
        made = [
            held.manifest.made
            for held in self.outbox.all()
            if held.manifest.domain == domain and held.state in {"waiting", "sent"}
        ]
        with self._database.reading() as session:
            wrong, said = counted(session, domain, max(made, default=None))
        return {SAID: float(said), WRONG: float(wrong)}

    def _material(self, domain: str) -> Material:
        with self._database.reading() as session:
            return material(session, domain, datetime.now(UTC), self._terms.per_person)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One training on a node at a time.

        Raises:
            TrainingHeldError: another one runs.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / "training.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise TrainingHeldError("Another training runs on this node.") from None
            yield
