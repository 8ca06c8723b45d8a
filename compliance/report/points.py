"""The points of the rules, read from `points/`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic import Field as Limits

from compliance.report.errors import ReportError
from compliance.yamltext import read_yaml

FOLDER = Path(__file__).parent / "points"


class Status(StrEnum):
    """How far the software goes.

    ``COVERED`` by code and tests; ``PARTLY``: by code and tests, and the note says what lacks;
    ``NOT_COVERED``; ``DUTY``: only the organisation that runs it can do this.
    """

    COVERED = "covered"
    PARTLY = "partly"
    NOT_COVERED = "not-covered"
    DUTY = "duty"


class Title(BaseModel):
    """A heading in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    en: str
    es: str


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_several)]


class Point(BaseModel):
    """One paragraph.

    Attributes:
        id: as the rule numbers it, for example ``164.312(a)(2)(iii)``.
        title: what it is about.
        status: how far the software goes.
        where: symbols as ``package.module:name`` or ``package.module:Class.method``.
        tests: ``tests/file.py::name``, ``tests/file.py::Class::name``, either of them with the
            ``[start*]`` of a parameter, or a whole file.
        note: what lacks, or what the organisation has to do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Limits(min_length=1)
    title: Title
    status: Status
    where: Names = ()
    tests: Names = ()
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        claims = self.status in {Status.COVERED, Status.PARTLY}
        if claims and not (self.where and self.tests):
            raise ValueError("a point that is covered names code and tests")
        if self.status is Status.NOT_COVERED and (self.where or self.tests):
            raise ValueError("a point that is not covered names no code and no tests")
        if self.status is not Status.COVERED and not self.note:
            raise ValueError("a point that is not wholly covered says what lacks")
        return self


class Law(BaseModel):
    """The points of one rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    law: str
    title: Title
    points: tuple[Point, ...] = Limits(min_length=1)


def load_laws(folder: Path = FOLDER) -> tuple[Law, ...]:
    """Read all points, in the order of the files' names.

    Raises:
        ReportError: a file cannot be read, a point contradicts itself, or an id stands twice.
    """
    laws = tuple(_law(path) for path in sorted(folder.glob("*.yaml")))
    ids = [f"{law.law} {point.id}" for law in laws for point in law.points]
    twice = sorted({id_ for id_ in ids if ids.count(id_) > 1})
    if twice:
        raise ReportError([f"{id_} stands twice" for id_ in twice])
    return laws


def _law(path: Path) -> Law:
    try:
        return Law.model_validate(read_yaml(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        faults = [
            f"{path.name}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()
        ]
        raise ReportError(faults) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise ReportError([f"{path.name} cannot be read"]) from None
