"""``enableWhen``: whether a question is asked, given the answers to others."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.fhir.intake.answers import Item, items_of, values_of

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Scope:
    """Where a question stands: its element first, then those around it up to the response."""

    here: Item
    around: Scope | None = None

    def within(self, element: Item) -> Scope:
        """The scope of an element inside."""
        return Scope(element, self)

    def answers(self, link: str) -> list[tuple[str, Any]]:
        """Answers to the question nearest by: in this element, else in those around it."""
        found = list(_answers(self.here, link))
        return found if found or self.around is None else self.around.answers(link)


def _answers(parent: Item, link: str) -> Iterator[tuple[str, Any]]:
    for item in items_of(parent):
        for kind, value, answer in values_of(item):
            if item.get("linkId") == link and kind:
                yield kind, value
            yield from _answers(answer, link)
        yield from _answers(item, link)


def enabled(question: Item, scope: Scope) -> bool:
    """Whether a question is asked."""
    conditions = question.get("enableWhen") or ()
    if not conditions:
        return True
    held = [_holds(one, scope.answers(str(one.get("question")))) for one in conditions]
    return all(held) if question.get("enableBehavior") == "all" else any(held)


def _holds(condition: Item, given: list[tuple[str, Any]]) -> bool:
    sign = condition.get("operator")
    kind, wanted = next(
        ((k.removeprefix("answer"), v) for k, v in condition.items() if k.startswith("answer")),
        ("", None),
    )
    if sign == "exists":
        return bool(given) is wanted
    alike = [value for answered, value in given if answered == kind]
    if sign == "=":
        return any(_same(value, wanted) for value in alike)
    if sign == "!=":
        return any(not _same(value, wanted) for value in alike)
    compare = _COMPARE.get(str(sign))
    return compare is not None and any(_ordered(compare, value, wanted) for value in alike)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(value, Mapping):
        keys = [key for key in ("system", "code", "value", "reference") if key in wanted]
        return all(value.get(key) == wanted[key] for key in keys)
    return bool(value == wanted)


def _ordered(compare: Callable[[Any, Any], bool], value: Any, wanted: Any) -> bool:
    one, other = _number(value), _number(wanted)
    try:
        return compare(one, other)
    except TypeError:
        return False


def _number(value: Any) -> Any:
    return value.get("value") if isinstance(value, Mapping) else value
