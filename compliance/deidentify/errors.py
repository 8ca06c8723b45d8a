"""What de-identification refuses.

Messages never quote the text: they go to logs. Both errors mean that nothing may leave the device.
"""

from __future__ import annotations

from typing import ClassVar

from compliance.errors import BadInputError, DisclosureRefusedError


class DeidentificationError(DisclosureRefusedError):
    """The text could not be shown to be free of identifiers, so it must not leave.

    Raised for text of the wrong type or size, a detector that failed or ran out of time, and
    anything that the residual check still finds after masking.
    """

    kind: ClassVar[str] = "deidentification-failed"


class PlaceholderError(DisclosureRefusedError):
    """An answer holds a placeholder that this conversation never gave out, or a damaged one."""

    kind: ClassVar[str] = "placeholder-unknown"
    remedy: ClassVar[str] = "The answer is not shown; ask again."


class KnownIdentifiersError(BadInputError):
    """The record given as the source of known identifiers is not FHIR R4 JSON."""

    kind: ClassVar[str] = "bad-record"
    remedy: ClassVar[str] = "Give a FHIR R4 Patient, a Bundle, or an array or NDJSON of resources."
