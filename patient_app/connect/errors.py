"""What can go wrong with a connection, besides what the other server says."""

from __future__ import annotations

from compliance.errors import BadInputError, CaretierError, NotFoundError


class NoPlaceError(NotFoundError):
    """No such record may be connected from this device, or it is not connected."""

    kind = "no-such-record"
    remedy = "Choose one of those that the page lists."


class LaunchOverError(BadInputError):
    """The answer belongs to no connection that was begun here, for this person, a moment ago."""

    kind = "connection-over"
    remedy = "Begin the connection once more, and allow it within five minutes."


class BusyError(CaretierError):
    """That record is being read this moment."""

    kind = "connection-busy"
    status = 409
    exit_code = 64
    remedy = "Wait until it has been read."
