"""What can go wrong with a call to an address that somebody else named."""

from __future__ import annotations

from compliance.errors import CaretierError


class OutboundRefusedError(CaretierError):
    """This server does not call that address."""

    kind = "outbound-refused"
    status = 422
    exit_code = 61
    remedy = "Ask an operator to list its origin in CARETIER_HOSPITAL_OUTBOUND."


class OutboundFailedError(CaretierError):
    """An address that was to be called gives no usable answer."""

    kind = "outbound-failed"
    status = 502
    exit_code = 62
    remedy = "Try again; if it persists, ask whoever runs that server."
