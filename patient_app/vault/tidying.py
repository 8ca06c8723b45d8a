"""What the device deletes by the retention schedule; everything else there is the person's own."""

from __future__ import annotations

from datetime import datetime

from compliance.retention import Schedule, Sweeper
from patient_app.vault.vault import Vault


def device_sweeper(schedule: Schedule, vault: Vault) -> Sweeper:
    """Put the device's rules and what deletes by them together, for one open vault.

    Raises:
        RetentionError: they do not match.
    """
    return Sweeper(
        schedule, "device", {"device.preview": lambda before, _held: _previews(vault, before)}
    )


def _previews(vault: Vault, before: datetime) -> int:
    """Delete previews that were made before a moment; one whose time is unreadable goes too."""
    with vault.write() as tx:
        old = [id_ for id_, kept in tx.items("preview") if not _younger(kept, before)]
        for id_ in old:
            tx.delete("preview", id_)
    return len(old)


def _younger(kept: object, before: datetime) -> bool:
    made = kept.get("made") if isinstance(kept, dict) else None
    try:
        return datetime.fromisoformat(str(made)) >= before
    except (ValueError, TypeError):
        return False
