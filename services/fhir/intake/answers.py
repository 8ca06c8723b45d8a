"""A QuestionnaireResponse as its answers: where each stands, and what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        link: linkId of its item.
        kind: of its value, ``Coding`` for ``valueCoding``; "" where it has none.
        value: as it stands in the JSON.
        group: number of the group that it stands in; answers of one group belong together.
        asked: the question as it stands beside the answer; "" where it does not.
    """

    link: str
    kind: str
    value: Any
    group: int = 0
    asked: str = ""

    @property
    def text(self) -> str:
        """What somebody wrote; "" of any other kind."""
        return self.value.strip() if self.kind == "String" else ""

    @property
    def code(self) -> str:
        """The code that was chosen; "" of any other kind."""
        return str(self.value.get("code", "")) if self.kind == "Coding" else ""

    @property
    def display(self) -> str:
        """The words of the code that was chosen; "" of any other kind."""
        return str(self.value.get("display", "")).strip() if self.kind == "Coding" else ""

    @property
    def reference(self) -> str:
        """What it points at, ``Type/id``; "" of any other kind."""
        return str(self.value.get("reference", "")) if self.kind == "Reference" else ""


def items_of(parent: Item) -> Sequence[Item]:
    """The items of a response, item or answer, as far as they are items."""
    found = parent.get("item", ())
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else ()


def values_of(item: Item) -> Iterator[tuple[str, Any, Item]]:
    """Kind, value and the answer itself of each answer of an item."""
    for answer in item.get("answer", ()):
        kind, value = next(
            (
                (key.removeprefix("value"), v)
                for key, v in answer.items()
                if key.startswith("value")
            ),
            ("", None),
        )
        yield kind, value, answer


def answers(response: Item) -> list[Answer]:
    """Every answer, in order."""
    found: list[Answer] = []
    _gather(response, found, [0], 0)
    return found


def _gather(parent: Item, found: list[Answer], groups: list[int], group: int) -> None:
    for item in items_of(parent):
        inner = group
        if "answer" not in item:
            groups[0] += 1
            inner = groups[0]
        asked = str(item.get("text", ""))
        for kind, value, answer in values_of(item):
            found.append(Answer(str(item.get("linkId")), kind, value, group, asked))
            _gather(answer, found, groups, group)
        _gather(item, found, groups, inner)
