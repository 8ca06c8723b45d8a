"""Configuration of the detector: one YAML file, validated, part of the detector's version."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compliance.errors import BadInputError
from compliance.yamltext import read_yaml

_VERSIONED = (
    ("", ".py"),
    ("recognizers", ".py"),
    ("vocabulary", ".txt"),
    ("names", ".py"),
    ("names", ".onnx"),
    ("names", ".json"),
)
"""Folders of the package and the kinds of files in them that decide what is found."""


class BuiltIn(BaseModel):
    """One of Presidio's recognisers by class name, and its context words in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[A-Z][A-Za-z]+Recognizer$")
    context: tuple[str, ...] = ()


class DeidentifySettings(BaseModel):
    """Limits and parts of the detector.

    Attributes:
        revision: number of the configuration's edition.
        score_threshold: matches below it do not count, 0 to 1.
        time_budget_s: wall-clock seconds for one call.
        max_chars: longest text in code points.
        phone_regions: ISO 3166 regions whose national telephone numbers are known.
        names: ``required`` runs the trained model of names and places and refuses to load without
            it; ``off`` leaves names to rules and records.
        presidio: Presidio's own recognisers that run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    revision: int = Field(ge=1)
    score_threshold: float = Field(default=0.4, gt=0, lt=1)
    time_budget_s: float = Field(default=10.0, gt=0, le=60)
    max_chars: int = Field(default=200_000, ge=1)
    phone_regions: tuple[str, ...] = ("US", "ES")
    names: Literal["required", "off"] = "required"
    presidio: tuple[BuiltIn, ...] = ()

    @classmethod
    def read(cls, path: Path | None = None) -> DeidentifySettings:
        """Read a file, or the packaged configuration.

        Raises:
            BadInputError: it cannot be read or says something unknown.
        """
        try:
            source = path or files(__package__).joinpath("default.yaml")
            raw: Any = read_yaml(source.read_text(encoding="utf-8"))
            return cls.model_validate(raw)
        except (OSError, yaml.YAMLError, ValidationError, ValueError) as error:
            raise BadInputError(
                f"The de-identification settings cannot be read: {error}"
            ) from error

    def version(self) -> str:
        """``caretier-deid/<12 hex digits>`` of configuration, code, word lists and model."""
        digest = hashlib.sha256(self.model_dump_json().encode())
        package = files(__package__)
        for folder, suffix in _VERSIONED:
            where = package.joinpath(folder) if folder else package
            for item in sorted(where.iterdir(), key=lambda i: i.name):
                if item.name.endswith(suffix):
                    digest.update(item.name.encode() + b"\0" + item.read_bytes())
        return f"caretier-deid/{digest.hexdigest()[:12]}"
