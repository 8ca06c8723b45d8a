"""What every part of the summary reads: the record, the rules' view of it, and the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from compliance.yamltext import read_yaml
from services.consult.record.chart import Chart
from services.consult.record.reading import ref_of
from services.hospital.chart.source import Record

HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def rules() -> Mapping[str, Any]:
    """The tables of ``data/rules.yaml``."""
    loaded: Mapping[str, Any] = read_yaml((HERE / "data/rules.yaml").read_text("utf-8"))
    return loaded


@dataclass(frozen=True)
class View:
    """One record on one day, for one reader.

    Attributes:
        record: what counts of the record.
        today: the day.
        say: sentences of the catalogue below ``chart.``.
        language: of the reader, ``en`` or ``es``.
    """

    record: Record
    today: date
    say: Callable[..., str]
    language: str

    @cached_property
    def chart(self) -> Chart:
        """The record as the medicine-safety rules read it."""
        return Chart(self.record.resources, self.today)

    @cached_property
    def by_ref(self) -> dict[str, Mapping[str, Any]]:
        """Resources by FHIR reference."""
        return {ref_of(r): r for r in self.record.resources}

    @property
    def whole(self) -> str:
        """The reference that stands for the record as a whole: the Patient."""
        return ref_of(self.record.patient)
