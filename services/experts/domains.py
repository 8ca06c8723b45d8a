"""The matrix of domains: words and ways of asking by which a question belongs to a domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from compliance.yamltext import read_yaml
from services.experts.expert import Expert

OTHER = "other"
"""The row of what no expert takes."""
DATA = Path(__file__).parent / "data"


class Domain(BaseModel):
    """One row of the matrix.

    Attributes:
        title: for people.
        terms: names that decide by rule. asks: how people ask without naming them.
        parent: the domain that this one is a part of, if it is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    terms: tuple[str, ...]
    asks: tuple[str, ...] = Field(min_length=1)
    parent: str | None = None


@lru_cache(maxsize=1)
def domains() -> Mapping[str, Domain]:
    """The reviewed matrix, by id of the domain."""
    text = (DATA / "domains.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Domain]).validate_python(read_yaml(text))


def covers(expert: Expert, matrix: Mapping[str, Domain]) -> dict[str, int]:
    """What an expert takes: the domains by id, each with how special the expert is in it.

    An expert of a sub-domain takes that alone (2). One of a domain takes it (1) and, where nobody
    is more special, its sub-domains.
    """
    if expert.sub_domain is not None:
        return {expert.sub_domain: 2}
    below = [id_ for id_, domain in matrix.items() if domain.parent == expert.domain]
    return dict.fromkeys([expert.domain, *below], 1)


def rows(experts: Sequence[Expert], matrix: Mapping[str, Domain]) -> dict[str, Domain]:
    """The matrix as it holds for these experts.

    A domain that it lacks gets a row of its name and the expert's title; a sub-domain for which
    there is no expert of its own is part of its parent.
    """
    special = {e.sub_domain for e in experts}
    found = {id_: d for id_, d in matrix.items() if d.parent is None or id_ in special}
    for expert in experts:
        for id_ in covers(expert, matrix):
            made = Domain(title=expert.title, terms=(id_.replace("-", " "),), asks=(expert.title,))
            if id_ not in matrix:
                found.setdefault(id_, made)
    return found
