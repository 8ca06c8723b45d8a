"""What can go wrong with a connection, apart from what its server does."""

from __future__ import annotations

from compliance.errors import CaretierError


class EhrHeldError(CaretierError):
    """Somebody else is at work with this connection, or it was removed."""

    kind = "ehr-busy"
    status = 409
    exit_code = 65
    remedy = "Wait until it is done; `caretier hospital ehr status` shows it."
