"""From a released parent to a brick for devices, measured before it is signed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from compliance.errors import NotFoundError
from services.bricks.adapters.base import Base
from services.bricks.adapters.effect import Effect
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.bricks.adapters.peft_folder import write_peft
from services.engines.digest import file_digest
from services.engines.torch_side import Say
from services.learning.convert import adapter_of
from services.learning.distil.bricks import TIER, DeviceBricks, Distilled
from services.learning.distil.figures import Measuring
from services.learning.distil.student import Recipe, Teacher, train_student
from services.learning.distil.whole import quantised
from services.learning.errors import RoundBlockedError
from services.learning.evaluate.book import ScoreBook
from services.learning.evaluate.evaluator import SCORES
from services.learning.evaluate.forms import GGUF, PEFT, Worn, parent_worn
from services.learning.evaluate.suites import Suites
from services.learning.policy import DomainPolicy
from services.learning.publish.publisher import brick_of
from services.learning.publish.sign import Signing
from services.learning.train.parent import parent_folder


@dataclass(frozen=True)
class Task:
    """What is distilled.

    Attributes:
        domain: of the release; parent: its brick.
        policy: of the domain.
        questions: that the parent is asked.
        whole: kind of quantisation of a model of its own, beside the adapter; None for none.
    """

    domain: str
    parent: str
    policy: DomainPolicy
    questions: Sequence[str]
    whole: str | None = None


class Distiller:
    """Distils releases.

    Args:
        signing: the hospital's store and its signed repository.
        suites: by name.
        folder: of learning.
        model: gives the GGUF file of the base.
        recipe: of students.
        say: is told of progress.
    """

    def __init__(
        self,
        signing: Signing,
        suites: Suites,
        folder: Path,
        *,
        model: Callable[[], Path],
        recipe: Recipe,
        say: Say = lambda _line: None,
    ) -> None:
        self._signing, self._store, self._suites = signing, signing.store, suites
        self._folder, self._model, self._recipe, self._say = folder, model, recipe, say

    def distil(self, task: Task, *, dry: bool = False) -> Distilled:
        """Distil a release, measure the student, and publish it unless it is worse.

        Args:
            task: what is distilled.
            dry: nothing is published, and nothing refused.

        Raises:
            RoundBlockedError: the student lost too much, or cannot be signed; nothing is published.
            BrickError, EngineError: it could not be trained or measured.
        """
        began = time.monotonic()
        keys = None if dry else self._signing.keys(TIER, task.domain)
        with TemporaryDirectory(prefix="caretier-distil-") as scratch:
            folder = Path(scratch)
            apart = self._student(task, folder)
            found = self._measured(task, folder, apart, began)
            if keys is None:
                return found
            _refuse_worse(found)
            bricks = DeviceBricks(self._signing, Base.of(self._model()).digest, self._recipe)
            with self._signing.alone():
                made = bricks.make(task.domain, found, folder)
                for manifest in made:
                    self._signing.sign(manifest, keys)
        return replace(found, bricks=tuple(manifest.ref for manifest in made))

    def _student(self, task: Task, folder: Path) -> tuple[float, float]:
        """Train the student into a folder, in both forms; how far it was and is from the parent."""
        model, worn = self._model(), parent_worn(self._store, task.parent)
        peft = parent_folder(self._store, task.parent, folder)
        if peft is None or worn.path is None:
            raise NotFoundError(f"{task.parent} is no adapter to distil.")
        teacher = Teacher(model, peft, worn.path)
        student = train_student(teacher, task.questions, self._recipe, self._say)
        base = Base.of(model)
        adapter = adapter_of(student.delta, base.digest)
        write_peft(adapter, folder / PEFT)
        write_gguf_adapter(adapter, base.heads, folder / GGUF, TIER)
        return student.before, student.after

    def _measured(
        self, task: Task, folder: Path, apart: tuple[float, float], began: float
    ) -> Distilled:
        book = ScoreBook(self._folder / SCORES, self._model(), threads=self._recipe.threads)
        measuring = Measuring(book, self._store, self._suites, task.policy, self._say)
        path, former = folder / GGUF, self._former(task.domain)
        figures = measuring.figures(task.parent, former, Worn(path, file_digest(path)))
        parents = next(f.size for f in self._store.get(task.parent).files if f.role == "gguf")
        sizes = path.stat().st_size, parents
        effect = self._whole(task, folder) if task.whole else None
        seconds = round(time.monotonic() - began, 1)
        return Distilled(task.parent, former, figures, apart, sizes, seconds, effect)

    def _whole(self, task: Task, folder: Path) -> Effect:
        return quantised(
            self._model(),
            folder / PEFT,
            task.whole or "",
            task.questions,
            threads=self._recipe.threads,
            say=self._say,
        )

    def _former(self, domain: str) -> str | None:
        """What devices have: the last version that was published."""
        name = brick_of(domain, TIER)
        versions = [m for m in self._signing.published() if m.id == name]
        return max(versions, key=lambda m: m.version).ref if versions else None


def _refuse_worse(found: Distilled) -> None:
    lacking = [one for one in found.figures.criteria if not one.holds]
    if lacking:
        told = "; ".join(f"{c.name}: needs {c.needs}, has {c.has}" for c in lacking)
        raise RoundBlockedError(
            f"The student is not published. {told}.",
            remedy="Give it more rank, steps or questions; --dry-run shows all figures.",
        )
