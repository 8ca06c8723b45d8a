"""What can go wrong with a search; see also `services.fhir.errors`."""

from __future__ import annotations

from compliance.errors import BadInputError


class FhirCursorError(BadInputError):
    """The link to a page is not this server's, was changed, or is too old (then 410)."""

    kind = "fhir-cursor"
    status = 400
    remedy = "Send the search itself again, and follow its links as they come."

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        if gone:
            self.status = 410  # type: ignore[misc]  # it was good once
