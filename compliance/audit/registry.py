"""The register of a node's trails, kept outside their folder: what it names must be there.

``trails.json`` in the folder of a node's state names each trail by its path below that folder. A
trail that is named and not there was removed: it is never begun anew by itself, and `verify_data`
reports it.
"""

from __future__ import annotations

import fcntl
import json
from datetime import UTC, datetime
from pathlib import Path

from compliance.audit.errors import AuditError
from compliance.audit.files import replace_synced

REGISTER = "trails.json"


def registered(folder: Path) -> dict[Path, str]:
    """Return the trails that a register names, with the name of each one's node.

    Args:
        folder: of the node's state.

    Raises:
        AuditError: the register is damaged.
    """
    try:
        entries = json.loads((folder / REGISTER).read_bytes())
        return {folder / path: str(entry["node"]) for path, entry in entries.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise AuditError("The register of audit trails is damaged.") from None


def register(folder: Path, trail: Path, node: str) -> None:
    """Enter a trail; one that is there already stays as it is.

    Args:
        folder: of the node's state, above the trail's.
        trail: the trail's file.
        node: the node's name.

    Raises:
        AuditError: it cannot be written, or is damaged.
    """
    if trail in registered(folder):
        return
    path = folder / REGISTER
    try:
        with path.with_name(REGISTER + ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            entries = json.loads(path.read_bytes()) if path.exists() else {}
            now = datetime.now(UTC).isoformat()
            entries.setdefault(str(trail.relative_to(folder)), {"node": node, "since": now})
            replace_synced(path, json.dumps(entries, indent=1, sort_keys=True).encode() + b"\n")
    except (OSError, ValueError):
        raise AuditError("The register of audit trails cannot be written.") from None
