"""What can go wrong with bulk data, beside what goes wrong with any request."""

from __future__ import annotations

from compliance.errors import CaretierError


class BulkBusyError(CaretierError):
    """The caller asks too often, or has too much under way already."""

    kind = "fhir-bulk-busy"
    status = 429
    exit_code = 68
    remedy = "Wait as long as Retry-After says."

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
