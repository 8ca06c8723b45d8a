"""The catalogue: models that are real, with what is known of them and nothing else.

    catalogue = Catalogue.load()
    catalogue.model("llama-3.2-3b-instruct").file("Q4_K_M").size

The file beside this module is reviewed by hand. Reading it checks that every entry holds together:
parameters come out of the shape, sizes out of the parameters and the form.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from compliance.yamltext import read_yaml
from services.advisor.errors import AdvisorError, ModelUnknownError
from services.advisor.shape import ROW, Shape
from services.engines.protocol import Authoring

FILE = Path(__file__).with_name("catalogue.yaml")
"""The reviewed catalogue; each figure in it has its source."""
SUITE = "MedQA"
"""The published figure that models are ranked by."""
_HUB = "https://huggingface.co"

BITS = {
    "Q4_0": 4.6,
    "Q4_K_M": 4.9,
    "Q4_1": 5.2,
    "Q5_K_M": 5.75,
    "Q6_K": 6.6,
    "Q8_0": 8.5,
    "MXFP4": 4.6,
    "F16": 16.0,
}
"""Bits that a weight takes in a form, all tensors together, from coarse to fine."""
Language = Literal["en", "es"]
"""A model is listed for the languages that its publisher names."""
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""SHA-256 of a model's file."""
Link = Annotated[str, StringConstraints(pattern=r"^https://[^\s]+$", max_length=300)]
"""Where a figure or file comes from."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]
"""One line for people."""
_PARAMETERS_OFF, _SIZE_OFF, _NARROW_OFF = 0.01, 0.12, 0.35
"""How far published numbers may be from those that follow from the shape. The coarse forms take
rows of 256 weights; a narrower model keeps finer ones in many places and is larger."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Part):
    """One GGUF file of a model; see the head of the catalogue for its fields."""

    form: Literal["Q4_0", "Q4_1", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "MXFP4", "F16"]
    size: int = Field(gt=0)
    name: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,120}\.gguf$")
    repository: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str = Field(default="main", pattern=r"^(main|[0-9a-f]{40})$")
    digest: Digest | None = None
    embedded: bool = False

    @property
    def url(self) -> str | None:
        """Where it is published."""
        if self.repository is None:
            return None
        return f"{_HUB}/{self.repository}/resolve/{self.revision}/{self.name}"


class Evaluation(_Part):
    """A published figure: which suite, how it was run, where and when it was published."""

    suite: Line
    value: float = Field(ge=0, le=100)
    how: Line
    source: Link
    date: dt.date


class CatalogueModel(_Part):
    """One model; see the head of the catalogue for its fields. None is: not known."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")
    name: Line
    publisher: Line
    source: Link
    licence: Line
    terms: Literal["free", "conditions", "research"]
    gated: bool | None = None
    instructed: bool = True
    domain: Literal["general", "medicine"]
    languages: tuple[Language, ...] = Field(min_length=1)
    context: int = Field(ge=256)
    parameters: int = Field(gt=0)
    shape: Shape
    authoring: Authoring
    note: Line | None = None
    files: tuple[ModelFile, ...]
    evaluations: tuple[Evaluation, ...] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if abs(self.shape.parameters / self.parameters - 1) > _PARAMETERS_OFF:
            raise ValueError("the parameters do not come out of the shape")
        off = _NARROW_OFF if self.shape.width % ROW else _SIZE_OFF
        for file in self.files:
            if abs(file.size / (self.parameters * BITS[file.form] / 8) - 1) > off:
                raise ValueError(f"the size of {file.name} does not go with its form")
        return self

    @property
    def score(self) -> Evaluation | None:
        """The published figure that it is ranked by, if there is one."""
        return next((e for e in self.evaluations if e.suite == SUITE), None)

    def file(self, form: str | None = None) -> ModelFile:
        """The file of a form, by default the one with four bits a weight, else the smallest.

        Raises:
            ModelUnknownError: there is none.
        """
        wanted = form or ("Q4_K_M" if any(f.form == "Q4_K_M" for f in self.files) else None)
        fitting = [f for f in self.files if wanted in {None, f.form}]
        if not fitting:
            known = ", ".join(f.form for f in self.files) or "none"
            raise ModelUnknownError(
                f"No GGUF file of {self.id}{f' in form {form}' if form else ''} is known.",
                remedy=f"Known forms: {known}. `caretier bricks convert` makes one of the original"
                f" weights ({self.source}).",
            )
        return min(fitting, key=lambda f: f.size)


class Catalogue(_Part):
    """All models; ``reviewed`` is the day when somebody last looked at every entry."""

    reviewed: dt.date
    models: tuple[CatalogueModel, ...] = Field(min_length=1)

    @classmethod
    def load(cls, file: Path = FILE) -> Catalogue:
        """Read and check a catalogue; the one that ships is read once.

        Raises:
            AdvisorError: naming the entry and what is wrong with it.
        """
        return _read(file)

    def model(self, name: str) -> CatalogueModel:
        """The model of an id.

        Raises:
            ModelUnknownError: there is none; near ones are named.
        """
        found = next((m for m in self.models if m.id == name.lower()), None)
        if found is None:
            near = [m.id for m in self.models if name.lower() in m.id]
            advice = f"Did you mean {', '.join(near[:5])}?" if near else None
            raise ModelUnknownError(f"The catalogue has no model {name}.", remedy=advice)
        return found


@lru_cache(maxsize=2)
def _read(file: Path) -> Catalogue:
    try:
        raw: dict[str, Any] = read_yaml(file.read_text(encoding="utf-8"))
        shapes = raw.pop("shapes")
        for model in raw["models"]:
            model["shape"] = shapes[model["shape"]]
        return Catalogue.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        at = first["loc"][1] if len(first["loc"]) > 1 else None
        name = raw["models"][at].get("id", at) if isinstance(at, int) else "catalogue"
        place = ".".join(str(part) for part in first["loc"][2:])
        raise AdvisorError(f"{file.name}, {name}, {place}: {first['msg']}.") from None
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise AdvisorError(f"{file.name} is no catalogue ({type(error).__name__}).") from error
