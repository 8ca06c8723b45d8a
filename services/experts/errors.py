"""What can go wrong with experts."""

from __future__ import annotations

from compliance.errors import CaretierError


class ExpertUnknownError(CaretierError):
    """No expert of this name is pushed."""

    kind = "expert-unknown"
    status = 404
    exit_code = 3
    remedy = "`caretier experts list` shows which are; `caretier bricks list` what could be pushed."


class ExpertRefusedError(CaretierError):
    """This brick cannot be pushed as an expert; what was pushed before stays as it is."""

    kind = "expert-refused"
    status = 409
    exit_code = 85
    remedy = "Push a brick of kind adapter that was trained on the engine's base model."


class ExpertsUnsupportedError(CaretierError):
    """The engine that runs here holds no adapters."""

    kind = "experts-unsupported"
    status = 409
    exit_code = 86
    remedy = "Set CARETIER_ENGINE_KIND to llama or vllm."


class HospitalAwayError(CaretierError):
    """The hospital that a command is for gives no answer."""

    kind = "hospital-away"
    status = 503
    exit_code = 87
    remedy = "Start it (`caretier up`), or name it: CARETIER_URL=http://host:8000."


class HospitalRefusedError(CaretierError):
    """The hospital does not do what a command asks for."""

    kind = "hospital-refused"
    status = 403
    exit_code = 88
    remedy = "`caretier hospital key NAME operator` makes a key; set CARETIER_KEY to it."
