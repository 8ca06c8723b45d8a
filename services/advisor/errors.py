"""What can go wrong when a model is chosen or fetched."""

from __future__ import annotations

from compliance.errors import CaretierError


class AdvisorError(CaretierError):
    """The catalogue or a measurement cannot be used."""

    kind = "advisor-failed"
    status = 500
    exit_code = 27
    remedy = "Run `caretier doctor`."


class TrialError(AdvisorError):
    """A model could not be tried on this machine."""

    kind = "model-trial-failed"
    remedy = "Look whether the file is whole and whether enough memory is free."


class ModelUnknownError(AdvisorError):
    """The catalogue has no model, or no such form of a model, of this name."""

    kind = "model-unknown"
    status = 404
    exit_code = 3
    remedy = "`caretier advise catalogue` lists the names."


class ModelSourceError(AdvisorError):
    """The model could not be fetched, or what came is not what its digest says; nothing changed."""

    kind = "model-not-fetched"
    status = 502
    exit_code = 28
    remedy = "Try again, it goes on where it stopped; or copy the file by hand."
