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
        status: of the answer at the token endpoint.
        after: seconds after which it may be tried again.
    """

    kind = "oauth-refused"
    status = 400
    exit_code = 70
    remedy = "Correct the request; /.well-known/smart-configuration says what is served."

    def __init__(
        self, code: Code, message: str, *, status: int = 400, after: int | None = None
    ) -> None:
        super().__init__(message)
        self.code: Code = code
        self.status = status
        self.retry_after = after


class UnknownClientError(CaretierError):
    """The app is not registered here, or asks to be answered at an address that is not its own."""

    kind = "unknown-client"
    status = 400
    exit_code = 71
    remedy = "Nothing was given out. Ask an operator to register the app and its address."
