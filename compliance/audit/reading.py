"""Reading a trail: its records, its events, and its head."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from compliance.audit.errors import AuditError
from compliance.audit.files import last_lines
from compliance.audit.records import Anchor, AuditRecord
from compliance.audit.verify import anchor_path, first_hash
from compliance.audit.witness import Head


class TrailReader:
    """What can be read of a trail; `verify_file` says whether it is genuine.

    Args:
        path: the file of JSON lines.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._first: str | None = None

    def tail(self, count: int = 20) -> list[AuditRecord]:
        """Return the last ``count`` records, oldest first.

        Raises:
            AuditError: the trail cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                lines = last_lines(file, count)
            return [AuditRecord.parse(line) for line in lines]
        except FileNotFoundError:
            return []
        except (OSError, ValueError):
            raise AuditError("The audit trail cannot be read.") from None

    def records(self) -> Iterator[AuditRecord]:
        """Go through all acknowledged records.

        Raises:
            AuditError: the trail cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        yield AuditRecord.parse(line[:-1])
        except FileNotFoundError:
            return
        except (OSError, ValueError):
            raise AuditError("The audit trail cannot be read.") from None

    def export(self) -> Iterator[dict[str, Any]]:
        """Go through all events as FHIR R4 AuditEvents, oldest first.

        Raises:
            AuditError: the trail cannot be read.
        """
        for record in self.records():
            yield record.event

    def head(self) -> Head | None:
        """Return how far the trail goes now, to be told to a witness; None while it is empty.

        Raises:
            AuditError: the trail cannot be read.
        """
        try:
            anchor = Anchor.parse(anchor_path(self.path).read_bytes(), None)
            if anchor.count == 0:
                return None
        except (OSError, ValueError):
            raise AuditError("The audit trail cannot be read.") from None
        self._first = self._first or first_hash(self.path)
        if self._first is None:
            raise AuditError("The audit trail cannot be read.")
        return Head(node=anchor.node, trail=self._first, count=anchor.count, head=anchor.head)
