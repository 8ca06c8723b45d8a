"""From a released parent to a brick for devices, measured before it is signed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from compliance.errors import NotFoundError
from services.bricks.adapters.base import Base
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.bricks.adapters.peft_folder import write_peft
from services.bricks.manifest import BrickManifest, Level
from services.engines.digest import file_digest
from services.engines.torch_side import Say
from services.learning.convert import adapter_of
from services.learning.distil.figures import Figures, Measuring
from services.learning.distil.student import Recipe, Teacher, train_student
from services.learning.errors import RoundBlockedError
from services.learning.evaluate.book import ScoreBook
from services.learning.evaluate.evaluator import SCORES
from services.learning.evaluate.forms import GGUF, PEFT, Worn, parent_worn
from services.learning.evaluate.suites import Suites
from services.learning.policy import DomainPolicy
from services.learning.publish.lineage import evaluations
from services.learning.publish.publisher import LICENCE, adapter_brick, brick_of
from services.learning.publish.sign import Signing
from services.learning.train.parent import parent_folder

TIER: Level = "device"


@dataclass(frozen=True)
class Task:
    """What is distilled: a domain's release, by its policy, with the questions that it is asked."""

    domain: str
    parent: str
    policy: DomainPolicy
    questions: Sequence[str]


@dataclass(frozen=True)
class Distilled:
    """What a distillation came to.

    Attributes:
        parent: the release; former: what devices have now, None for the bare model.
        figures: of the student.
        apart: nats a token from the parent, before training and after.
        bytes: of the student's adapter for llama.cpp, and of the parent's.
        brick: that was published, None where it was not.
    """

    parent: str
    former: str | None
    figures: Figures
    apart: tuple[float, float]
    bytes: tuple[int, int]
    seconds: float
    brick: str | None = None


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
            lacking = [one for one in found.figures.criteria if not one.holds]
            if lacking:
                told = "; ".join(f"{c.name}: needs {c.needs}, has {c.has}" for c in lacking)
                raise RoundBlockedError(
                    f"The student is not published. {told}.",
                    remedy="Give it more rank, steps or questions; --dry-run shows all figures.",
                )
            with self._signing.alone():
                manifest = self._brick(task, found, folder)
                self._signing.sign(manifest, keys)
        return replace(found, brick=manifest.ref)

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
        return Distilled(
            task.parent, former, figures, apart, sizes, round(time.monotonic() - began, 1)
        )

    def _former(self, domain: str) -> str | None:
        """What devices have: the last version that was published."""
        name = brick_of(domain, TIER)
        versions = [m for m in self._signing.published() if m.id == name]
        return max(versions, key=lambda m: m.version).ref if versions else None

    def _brick(self, task: Task, found: Distilled, folder: Path) -> BrickManifest:
        name, now, figures = brick_of(task.domain, TIER), datetime.now(UTC), found.figures
        told = {**asdict(found), "recipe": asdict(self._recipe)}
        fields = {
            "id": name,
            "version": self._signing.next_version(name),
            "title": f"Learned in {task.domain}, for devices",
            "level": TIER,
            "domain": task.domain,
            "base": Base.of(self._model()).digest,
            "rank": self._recipe.rank,
            "licence": LICENCE,
            "created": now,
            "lineage": {
                "operation": "updated" if found.former else "made",
                "parents": [ref for ref in (found.parent, found.former) if ref],
                "method": "distilled from the parent, token by token",
                "note": json.dumps({"kept": round(figures.kept, 4), "parent": found.parent}),
            },
            "evaluations": [one.model_dump() for one in evaluations(figures.suites, now.date())],
        }
        return adapter_brick(self._store, fields, folder, json.dumps(told, indent=1) + "\n")
