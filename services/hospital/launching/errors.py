"""What can go wrong with a launch from an EHR."""

from __future__ import annotations

from compliance.errors import CaretierError


class UnknownEhrError(CaretierError):
    """No launch is agreed with this EHR; it was not called."""

    kind = "unknown-ehr"
    status = 400
    exit_code = 54
    remedy = "Ask an operator to list the EHR in CARETIER_HOSPITAL_LAUNCH_EHRS."


class LaunchRefusedError(CaretierError):
    """What came back from the EHR belongs to no launch that was begun here, or does not hold."""

    kind = "launch-refused"
    status = 401
    exit_code = 55
    remedy = "Open Caretier from the chart again."


class EhrTroubleError(CaretierError):
    """The EHR does not answer as a launch needs it."""

    kind = "ehr-trouble"
    status = 502
    exit_code = 56
    remedy = "Try again; if it persists, check what was agreed with the EHR, and its origins."


class NotLinkedError(CaretierError):
    """No account here stands for who came from the EHR.

    Attributes:
        issuer: who says who they are; id: theirs there.
    """

    kind = "account-not-linked"
    status = 403
    exit_code = 57
    remedy = "Ask an operator to link the account with `caretier hospital link`."

    def __init__(self, issuer: str, id_: str) -> None:
        super().__init__("No account here is linked to this account of the EHR.")
        self.issuer, self.id = issuer, id_
