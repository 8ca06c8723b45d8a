"""What the gateway refuses."""

from __future__ import annotations

from compliance.errors import CaretierError


class ChatRequestError(CaretierError):
    """The chat request cannot be used; nothing was asked of a model.

    Args:
        message: what is wrong, without a word of the conversation.
        param: the field that is meant, where it is one.
    """

    kind = "chat-request"
    status = 400
    exit_code = 2
    remedy = "Correct the field that is named and send it again."

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class RateLimitError(CaretierError):
    """This key has sent as much as it may within a minute."""

    kind = "rate-limit"
    status = 429
    exit_code = 66
    remedy = "Wait as long as Retry-After says, or ask an operator for a higher limit."

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class GatewayFullError(CaretierError):
    """As many requests as may wait for a model do so already, or one waited for too long."""

    kind = "gateway-full"
    status = 503
    exit_code = 67
    remedy = "Wait as long as Retry-After says and send it again."

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
