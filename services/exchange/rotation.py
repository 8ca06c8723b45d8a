"""Rotating a node's sealing key, and taking the new keys of the tiers above.

Rotation is done by a command, beside the running node, which reads its keyring again. Nobody is
told: whoever seals to the node fetches its keys now and then (``GET /v1/keys``), and what was
sealed to the former key meanwhile is opened as long as that key is kept.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from compliance.audit import Agent, AuditTrail, acts
from compliance.audit.files import replace_synced
from compliance.errors import BadInputError
from compliance.sealing import KeyBundle, SealingError, rotate
from services.exchange.errors import EnrolmentError
from services.exchange.keys import SEALING_FILE, NodeKeys
from services.exchange.messages import EnrolReply

RETIRED_FILE = "retired.json"
"""When former keys were retired, by key id; beside the keyring."""


def rotate_node(
    folder: Path, *, name: str, level: str, trail: AuditTrail, now: datetime | None = None
) -> KeyBundle:
    """Give a node a new sealing key; returns the bundle that it publishes from now on.

    Args:
        folder: of the node's keys.
        name: the node's name.
        level: its tier.
        trail: the node's; a rotation that cannot be written down is not done.
        now: the present, with a zone.

    Raises:
        AuditError: it could not be written down; the keys are as they were.
        BadInputError: there are no keys, or too many former ones.
    """
    now = now or datetime.now(UTC)
    if not (folder / SEALING_FILE).exists():
        raise BadInputError("This node has no keys yet.", remedy="Start it once.")
    keys = NodeKeys.load_or_create(folder, name=name, level=level)
    with (folder / (SEALING_FILE + ".lock")).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = keys.sealing
        ring, retired = rotate(before, _retired(folder), now)
        by = acts.Actors(Agent("application", "caretier"), node=trail.node)
        trail.record(acts.key(by, before.current.key_id, change="rotated"))
        # The times first: should the keyring not follow, no key is lost, only dated too early.
        times = {key_id: moment.isoformat() for key_id, moment in retired.items()}
        replace_synced(folder / RETIRED_FILE, json.dumps(times).encode())
        replace_synced(folder / SEALING_FILE, ring.to_bytes())
    return keys.bundle(now)


def successors(
    held: Sequence[KeyBundle], reply: EnrolReply, now: datetime | None = None
) -> tuple[KeyBundle, ...]:
    """Return the keys that take the place of those held, from a parent's answer.

    Args:
        held: of the parent and the tiers above it, in that order, pinned when they were enrolled.
        reply: from `services.exchange.link.Link.keys`.
        now: the present, with a zone.

    Raises:
        EnrolmentError: they are not the newer keys of the same nodes.
    """
    moment = now or datetime.now(UTC)
    try:
        given = [KeyBundle.model_validate(bundle) for bundle in (reply.parent, *reply.above)]
        by_level = {bundle.level: bundle for bundle in given}
        found = tuple(by_level[bundle.level] for bundle in held)
        for before, after in zip(held, found, strict=True):
            before.check_successor(after, moment)
    except (ValidationError, SealingError, KeyError) as error:
        raise EnrolmentError("These are not the newer keys of the tiers above.") from error
    return found


def _retired(folder: Path) -> dict[str, datetime]:
    path = folder / RETIRED_FILE
    if not path.exists():
        return {}
    return {
        id_: datetime.fromisoformat(text) for id_, text in json.loads(path.read_bytes()).items()
    }
