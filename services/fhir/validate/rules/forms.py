"""The few forms that most invariants of R4 have, each with the sentence that a refusal gives.

    Rule("pat-1", one_of("name", "telecom", "address", "organization"))

Forms see only nodes whose elements have the right types, so they need not look twice. "value[x]"
stands for whichever type was chosen; an element with only extensions counts as present.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Node = Mapping[str, Any]
"""A JSON object of a resource."""
_CHOICE = "[x]"


@dataclass(frozen=True, slots=True)
class Form:
    """``holds`` says whether a node keeps the rule that ``says`` puts in words."""

    says: str
    holds: Callable[[Node], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant of R4 with its key, and the element below the node to blame ("" = the node)."""

    key: str
    form: Form
    at: str = ""

    @property
    def says(self) -> str:
        """The rule in words, with its key."""
        return f"{self.form.says} ({self.key})"


def has(node: Node, name: str) -> bool:
    """Whether element ``name`` is present; ``name`` may be a choice such as "value[x]"."""
    if not name.endswith(_CHOICE):
        return name in node or f"_{name}" in node
    stem, size = name[: -len(_CHOICE)], len(name) - len(_CHOICE)
    keys = (key.removeprefix("_") for key in node)
    return any(key.startswith(stem) and key[size : size + 1].isupper() for key in keys)


def valued(node: Node, name: str) -> Any:
    """Return the value of the choice ``name`` ("onset" for "onsetAge"), or None."""
    size = len(name)
    return next(
        (v for k, v in node.items() if k.startswith(name) and k[size : size + 1].isupper()), None
    )


def one_of(*names: str) -> Form:
    """At least one of the elements."""
    return Form(f"needs one of {_listed(names)}", lambda node: any(has(node, n) for n in names))


def exactly_one(*names: str) -> Form:
    """One of the elements and no more."""
    return Form(
        f"needs exactly one of {_listed(names)}",
        lambda node: sum(has(node, n) for n in names) == 1,
    )


def at_most_one(*names: str) -> Form:
    """None of the elements or one."""
    return Form(
        f"allows only one of {_listed(names)}",
        lambda node: sum(has(node, n) for n in names) <= 1,
    )


def with_it(name: str, *needed: str) -> Form:
    """Where ``name`` is, one of ``needed`` must be."""
    return Form(
        f"needs {' or '.join(needed)} where {name} is given",
        lambda node: not has(node, name) or any(has(node, n) for n in needed),
    )


def only_where(name: str, element: str, *values: Any) -> Form:
    """``name`` may be present only where ``element`` has one of ``values``."""
    return Form(
        f"allows {name} only where {element} is {_listed(values)}",
        lambda node: not has(node, name) or node.get(element) in values,
    )


def never_where(element: str, values: Iterable[Any], *names: str) -> Form:
    """None of ``names`` may be present where ``element`` has one of ``values``."""
    listed = tuple(values)
    return Form(
        f"allows no {_listed(names)} where {element} is {_listed(listed)}",
        lambda node: node.get(element) not in listed or not any(has(node, n) for n in names),
    )


def needed_where(element: str, value: Any, *names: str) -> Form:
    """All of ``names`` must be present where ``element`` has ``value``."""
    return Form(
        f"needs {' and '.join(names)} where {element} is {value}",
        lambda node: node.get(element) != value or all(has(node, n) for n in names),
    )


def distinct(name: str, of: Callable[[Node], Hashable], what: str) -> Form:
    """No two items of array ``name`` may agree in ``of``; items where it is None do not count."""

    def holds(node: Node) -> bool:
        found = [key for key in map(of, node.get(name, ())) if key is not None]
        return len(found) == len(set(found))

    return Form(f"allows each {what} once", holds)


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(str(name) for name in names)
