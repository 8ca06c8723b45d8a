"""What can go wrong with a call to a decision-support service."""

from __future__ import annotations

from compliance.errors import CaretierError


class CdsRequestError(CaretierError):
    """The call is not what CDS Hooks and the hook's context ask for."""

    kind = "cds-request"
    status = 400
    exit_code = 72
    remedy = "Correct the named fields; /cds-services lists what each service takes."


class CdsUntrustedError(CaretierError):
    """The call does not come from an EHR that is trusted here."""

    kind = "cds-untrusted"
    status = 401
    exit_code = 73
    remedy = "Sign each call with a fresh JWT; `caretier hospital cds trust` registers an EHR."


class CdsPreconditionError(CaretierError):
    """Nothing came to decide on: no prefetch, and no FHIR server that may be asked."""

    kind = "cds-precondition"
    status = 412
    exit_code = 74
    remedy = "Send the prefetch of /cds-services, or fhirServer with fhirAuthorization."


class CdsUnavailableError(CaretierError):
    """The answer could not be written down in time, so none is given."""

    kind = "cds-unavailable"
    status = 503
    exit_code = 75
    remedy = "Decide without it and try again."
    retry_after = 1
