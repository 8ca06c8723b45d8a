"""From an approved candidate to a brick with its lineage, signed where the keys are at hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.bricks.errors import BrickError, BrickUnknownError
from services.bricks.manifest import BrickKind, BrickManifest, Evaluation, Role
from services.bricks.operations.content import PackContent
from services.bricks.operations.life import Plan, finish
from services.bricks.operations.packs import sources_of
from services.bricks.operations.workshop import Workshop
from services.bricks.repository import REPOSITORY
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.publish import publish
from services.bricks.repository.repository import Repository
from services.learning.models import KnowledgeChange
from services.learning.sources.candidate import words_digest
from services.learning.sources.catalogue import Listed
from services.learning.sources.errors import ChangeBlockedError
from services.learning.sources.filing import Candidates

ATTRIBUTION = "attribution.txt"


@dataclass(frozen=True)
class SourcedContent:
    """A pack with the words that its licence wants to stand beside it."""

    pack: PackContent
    attribution: str
    kind: BrickKind = "knowledge"

    def fields(self) -> dict[str, Any]:
        """Those of the pack; its licence is that of all its sources."""
        held = self.pack.fields()
        licence = self.pack.said.licence
        sources = sources_of(self.pack.topics, self.pack.said).values()
        return held | {"sources": [{**one, "licence": licence} for one in sources]}

    def files(self, draft: Path, before: BrickManifest | None) -> Mapping[str, tuple[Path, Role]]:
        """The pack in parts, and the attribution."""
        path = draft / ATTRIBUTION
        path.write_text(f"{self.attribution}\n", encoding="utf-8")
        return {**self.pack.files(draft, before), ATTRIBUTION: (path, "card")}


def make_brick(
    shop: Workshop, candidates: Candidates, source: Listed, row: KnowledgeChange
) -> BrickManifest:
    """Make the brick of an approved change; the same one again when it was made before.

    Raises:
        ChangeBlockedError: the source was changed in the list, or another version of its brick came
            out, since the change was looked at.
        BrickError: the candidate is damaged.
    """
    made = made_of(shop, source.id, row.id)
    if made is not None:
        return made
    digest = row.candidate or ""
    report = candidates.report(digest)
    said, topics = candidates.pack(digest)
    refs = shop.store.refs(source.id)
    last = shop.store.get(refs[-1]) if refs else None
    if (last.ref if last else None) != report["former"]:
        raise ChangeBlockedError(
            f"Another version of {source.id} came out meanwhile.", remedy="Check the change again."
        )
    if report["licence"] != source.licence.model_dump(mode="json"):
        raise ChangeBlockedError("Its licence is listed otherwise now.", remedy="Check it again.")
    if words_digest(topics) != report["words"]:
        raise BrickError("The candidate is not what was looked at.", remedy="Check it again.")
    plan = Plan(
        "updated" if last else "made",
        last,
        (last.ref,) if last else (),
        method=f"snapshot {report['snapshot']}",
        note=note_of(row, report),
    )
    fields = {
        "id": source.id,
        "version": last.version + 1 if last else 1,
        "domain": source.domain,
        "level": source.level,
    }
    evaluations = [Evaluation.model_validate(one) for one in report["evaluations"]]
    content = SourcedContent(
        PackContent(said, topics, tuple(report["retired"])), source.attribution
    )
    return finish(shop, content, fields, evaluations, plan).manifest


def note_of(row: KnowledgeChange, report: Mapping[str, Any]) -> str:
    """What the lineage says: which change, approved when, what was left out.

    It goes to every node; who approved stays with the hospital.
    """
    counts = report["counts"]
    day = row.decided.date() if row.decided else dt.datetime.now(dt.UTC).date()
    return (
        f"change {row.id}; candidate {row.candidate}; approved by a clinician on {day}; "
        f"{counts['left_out']} passages left out, {counts['quarantined']} topics set apart"
    )


def made_of(shop: Workshop, brick: str, change: str) -> BrickManifest | None:
    """The version of a brick that was made of a change, if one was."""
    found = shop.store.manifests(brick)
    return next((m for m in found if (m.lineage.note or "").startswith(f"change {change};")), None)


class RepositoryPublisher:
    """Publishes in the repository of a hospital's data folder.

    Args:
        data: folder of the hospital.
        keys: gives the keys that are at hand; asked anew each time.
    """

    def __init__(self, data: Path, keys: Callable[[], KeyRing]) -> None:
        self._repository, self._keys = Repository(data / REPOSITORY), keys

    def publish(self, shop: Workshop, ref: str) -> bool:
        """Publish a brick; False where there is no repository, or a person's key is needed.

        Raises:
            BrickError: it may not be published at all.
        """
        if not self._repository.exists:
            return False
        try:
            publish(self._repository, shop.store, self._keys(), ref)
        except (RepositoryKeyError, BrickUnknownError):  # also: nobody may sign this field yet
            return False
        return True

    def is_published(self, ref: str) -> bool:
        """Whether a brick is published."""
        return self._repository.exists and ref in {m.ref for m in self._repository.manifests()}
