"""Settings of the gateway, read from the environment once, at start."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class GatewaySettings(BaseSettings):
    """``CARETIER_GATEWAY_*``.

    Attributes:
        requests: that a key may send a minute, where it has no limit of its own; 0 for no limit.
        tokens: the same for tokens of prompts and answers to experts.
        running: requests to the engine at once; not more than it batches (vLLM: max-num-seqs).
        waiting: requests that may wait for that.
        patience: seconds that one waits at most.
        seconds: longest time of an answer, to its last byte.
        idle: longest time without a byte of the engine, in seconds.
        max_tokens: of an answer; also where a request says none.
    """

    model_config = SettingsConfigDict(env_prefix="CARETIER_GATEWAY_", frozen=True)

    requests: int = Field(default=3_000, ge=0)
    tokens: int = Field(default=2_000_000, ge=0)
    running: int = Field(default=32, ge=1)
    waiting: int = Field(default=128, ge=0)
    patience: float = Field(default=30.0, gt=0)
    seconds: float = Field(default=300.0, gt=0)
    idle: float = Field(default=120.0, gt=0)
    max_tokens: int = Field(default=2_048, ge=1)
