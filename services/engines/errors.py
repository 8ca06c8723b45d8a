"""What can go wrong with an engine; the errors of its library never come out."""

from __future__ import annotations

from compliance.errors import CaretierError


class EngineError(CaretierError):
    """The engine could not produce words."""

    kind = "engine-failed"
    status = 502
    exit_code = 11
    remedy = "Look at the engine's own log; answers from sources go on without it."


class EngineUnavailableError(EngineError):
    """The model file is missing or the server does not answer."""

    kind = "engine-unavailable"
    status = 503
    remedy = "Start the engine's server, or set CARETIER_ENGINE_MODEL to a GGUF file that exists."


class EngineTimeoutError(EngineError):
    """The time budget ran out before the model had finished."""

    kind = "engine-timeout"
    status = 504
    remedy = "Ask for less, or raise the time budget (CARETIER_ENGINE_SECONDS)."


class ContextOverflowError(EngineError):
    """The prompt and the answer asked for do not fit into the model's context."""

    kind = "engine-context-overflow"
    status = 413
    remedy = "Send a shorter prompt, or load the model with a larger context."


class EngineBusyError(EngineError):
    """Too many requests wait for the engine already."""

    kind = "engine-busy"
    status = 429
    remedy = "Wait a little and send it again."


class EngineNotAllowedError(EngineError):
    """The settings name a server that questions of this tier must not go to; none was opened."""

    kind = "engine-not-allowed"
    status = 500
    remedy = "Use a server on this machine."


class AdapterUnknownError(EngineError):
    """The engine holds no adapter of this name."""

    kind = "adapter-unknown"
    status = 404
    remedy = "Ask GET /v1/models for the names; `caretier bricks pull` fetches more."


class AdapterMismatchError(EngineError):
    """The adapter was trained on another base model, or its content is not what its name says."""

    kind = "adapter-mismatch"
    status = 409
    remedy = "Use the adapter with the model that its manifest names, or train it anew on this one."
