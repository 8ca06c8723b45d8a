"""What the authorization server refuses, in the words of OAuth (RFC 6749, 7009, 7662)."""

from __future__ import annotations

from typing import Literal

from compliance.errors import CaretierError

Code = Literal[
    "access_denied",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
]


class OAuthError(CaretierError):
    """The authorization server refuses; the code is OAuth's own.

    Args:
        code: of the standard.
        message: what is wrong, for the developer of the client; it names no person.
    """

    kind = "oauth-refused"
    status = 400
    exit_code = 71
    remedy = "Correct the request; /.well-known/smart-configuration says what is served."

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code


class UnprovedClientError(OAuthError):
    """The Authorization header does not prove a client."""

    kind = "client-unproved"
    status = 401

    def __init__(self, message: str) -> None:
        super().__init__("invalid_client", message)


class TooOftenError(OAuthError):
    """One address calls too often, or fails too often."""

    kind = "too-many-calls"
    status = 429
    remedy = "Wait, and try again."

    def __init__(self, seconds: int) -> None:
        super().__init__("temporarily_unavailable", "There are too many calls from this address.")
        self.retry_after = seconds


class UnknownClientError(CaretierError):
    """The app is not registered here, or asks to be answered at an address that is not its own."""

    kind = "unknown-client"
    status = 400
    exit_code = 70
    remedy = "Nothing was given out. Ask an operator to register the app and its address."
