"""What the audit trail refuses."""

from __future__ import annotations

from typing import ClassVar

from compliance.errors import CaretierError


class AuditError(CaretierError):
    """The event is not on the disk, so what it describes must not happen."""

    kind: ClassVar[str] = "audit-unavailable"
    status: ClassVar[int] = 503
    exit_code: ClassVar[int] = 5
    remedy: ClassVar[str] = (
        "Nothing was sent. Free disk space if it is full, then run `caretier audit verify`."
    )
