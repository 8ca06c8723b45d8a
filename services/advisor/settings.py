"""Settings of the advisor, read from the environment once, at start."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class AdvisorSettings(BaseSettings):
    """Where a site keeps its models.

    Attributes:
        source: folder, or https address, of GGUF files with a ``SHA256SUMS`` beside them; from
            there `caretier advise pull` takes them. None by default.
    """

    model_config = SettingsConfigDict(env_prefix="CARETIER_MODEL_", frozen=True)

    source: str | None = None
