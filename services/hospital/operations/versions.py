"""What runs here: software, models, adapters, knowledge, with dates and digests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from services.bricks.store import BrickStore
from services.consult.node import Node
from services.experts import Experts

RECENT = timedelta(days=1)
DIGEST_CHARS = 19
"""Of a digest, enough to tell two apart by eye: ``sha256:`` and 12 characters."""


@dataclass(frozen=True)
class VersionRow:
    """One thing that has a version.

    ``kind`` is software, model, rules, knowledge, or a brick's own; ``when`` its date, where it has
    one; ``fresh``: it is new since yesterday; ``used``: it answers now.
    """

    kind: str
    name: str
    version: str
    digest: str
    when: datetime | None = None
    fresh: bool = False
    used: bool = True


def versions(node: Node, experts: Experts, store: BrickStore, now: datetime) -> list[VersionRow]:
    """Everything, what is new since yesterday first in its place."""
    card = node.engine.card if node.engine else None
    pushed = {one.ref: one.pushed for one in experts.all()}
    rows = [
        VersionRow("software", "Caretier", _software(), ""),
        VersionRow("rules", "triage", node.triage.version, ""),
        VersionRow("knowledge", "index", "", node.index.knowledge.digest[:DIGEST_CHARS]),
    ]
    if card is not None:
        rows.insert(1, VersionRow("model", card.name, "", card.digest[:DIGEST_CHARS]))
    for one in store.manifests():
        when = pushed.get(one.ref, one.created)
        used = one.kind != "adapter" or one.ref in pushed
        first = one.files[0].digest[:DIGEST_CHARS]
        fresh = now - when < RECENT
        rows.append(VersionRow(one.kind, one.id, str(one.version), first, when, fresh, used))
    return rows


def _software() -> str:
    try:
        return version("caretier")
    except PackageNotFoundError:
        return "0.1.0"
