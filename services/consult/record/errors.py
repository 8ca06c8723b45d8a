"""What can go wrong when a record is read."""

from __future__ import annotations

from compliance.errors import BadInputError


class RecordError(BadInputError):
    """What was given as a record is not a list of FHIR resources."""

    kind = "record-unusable"
    remedy = "Give the person's own FHIR R4 resources as JSON objects."
