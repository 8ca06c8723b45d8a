"""One pass over the JSON of a resource, which finds every rule of R4 that it breaks.

Invariants are asked only of nodes whose own elements were sound, so that they can rely on types.
"""

from __future__ import annotations

import re
from typing import Any

from services.fhir.errors import Fault
from services.fhir.validate import narrative, targets
from services.fhir.validate.catalogue import type_of
from services.fhir.validate.contained import Contained
from services.fhir.validate.plan import Element, Plan, plan_of

MAX_DEPTH = 64
"""Most objects within one another."""
_NAME = re.compile(r"_?[A-Za-z]\w{0,63}", re.ASCII)
_IDENTIFYING = frozenset({"uri", "url", "canonical"})
_EMPTY = "must not be empty (ele-1)"


class Walk:
    """The faults of one resource; stops looking soon after ``enough`` of them."""

    def __init__(self, enough: int) -> None:
        self.faults: list[Fault] = []
        self._enough = enough
        self._inner = Contained("")

    def resource(self, value: Any, path: str, depth: int = 0) -> None:
        """Check ``value`` as a resource of its own (also one in a Bundle), found at ``path``."""
        outer, self._inner = self._inner, Contained(type_of(value))
        if not self._inner.type:
            self._fault(_under(path, "resourceType"), "must name a resource type of FHIR R4")
        else:
            where = path or self._inner.type
            self._object(value, plan_of(self._inner.type), where, depth, "resourceType")
            self.faults.extend(self._inner.faults())
        self._inner = outer

    def _fault(self, element: str, rule: str) -> None:
        self.faults.append(Fault(element, rule))

    def _object(self, node: Any, plan: Plan, path: str, depth: int, own: str | None = None) -> None:
        if unfit := _unfit(node, depth):
            self._fault(path, unfit)
            return
        before = len(self.faults)
        chosen: dict[str, str] = {}
        for key, value in node.items():
            element = plan.elements.get(key)
            if element is None:
                if key != own:
                    self._fault(f"{path}.{_shown(key)}", "is not an element of R4 here")
                continue
            if element.choice:
                self._choose(chosen, element, key, path)
            self._element(value, element, node, f"{path}.{key}", depth)
            if len(self.faults) >= self._enough:
                return
        self._required(node, plan, chosen, path)
        if len(self.faults) == before:
            for rule in plan.rules:
                if not rule.form.holds(node):
                    self._fault(_under(path, rule.at), rule.says)

    def _choose(self, chosen: dict[str, str], element: Element, key: str, path: str) -> None:
        choice = element.choice or ""
        if chosen.setdefault(choice, key.removeprefix("_")) != key.removeprefix("_"):
            rule = "gives more than one type for a choice element [x]"
            self._fault(f"{path}.{choice}", rule)

    def _required(self, node: Any, plan: Plan, chosen: dict[str, str], path: str) -> None:
        for key in plan.required:
            if key not in node and f"_{key}" not in node:
                self._fault(f"{path}.{key}", "is required")
        for choice in plan.choices:
            if choice not in chosen:
                self._fault(f"{path}.{choice}", "is required, in one of its types [x]")

    def _element(self, value: Any, element: Element, node: Any, path: str, depth: int) -> None:
        if not element.many:
            self._item(value, element, path, depth)
        elif type(value) is not list:
            self._fault(path, "must be an array")
        elif not value:
            self._fault(path, _EMPTY)
        else:
            self._array(value, element, node, path, depth)

    def _array(self, value: Any, element: Element, node: Any, path: str, depth: int) -> None:
        key = element.key
        beside = node.get(key[1:] if key.startswith("_") else f"_{key}")
        paired = element.primitive or key.startswith("_")
        beside = beside if paired and type(beside) is list else ()
        if key.startswith("_") and beside and len(value) > len(beside):
            self._fault(path, "has more items than the array that it belongs to")
        for index, item in enumerate(value):
            if item is None and (key.startswith("_") or _at(beside, index) is not None):
                if key.startswith("_") and _at(beside, index) is None:
                    self._fault(f"{path}[{index}]", "must not be null on both sides")
                continue
            self._item(item, element, f"{path}[{index}]", depth)
            if len(self.faults) >= self._enough:
                return

    def _item(self, value: Any, element: Element, path: str, depth: int) -> None:
        if value is None:
            self._fault(path, "must not be null")
        elif element.check is not None:
            self._primitive(value, element, path)
        elif element.child == "Resource":
            self._nested(value, element, path, depth)
        else:
            before = len(self.faults)
            self._object(value, plan_of(element.child), path, depth + 1)
            if len(self.faults) == before:
                self._typed(value, element, path)

    def _primitive(self, value: Any, element: Element, path: str) -> None:
        rule = element.check(value) if element.check else None
        if rule is not None:
            self._fault(path, rule)
        elif element.codes is not None and value not in element.codes:
            self._fault(path, "is outside the required value set")
        elif element.primitive == "xhtml":
            if rule := narrative.rule_broken(value):
                self._fault(path, rule)
        elif element.primitive in _IDENTIFYING and value[0] == "#":
            self._inner.name(value[1:])

    def _typed(self, value: Any, element: Element, path: str) -> None:
        """Check what depends on where a sound object stands."""
        if element.child == "Reference":
            text = value.get("reference", "")
            if text[:1] == "#":
                self._inner.point(text[1:], element.targets, path)
            elif rule := targets.rule_broken(value, element.targets):
                self._fault(f"{path}.reference", rule)
        elif element.here and not element.here.form.holds(value):
            self._fault(_under(path, element.here.at), element.here.says)

    def _nested(self, value: Any, element: Element, path: str, depth: int) -> None:
        kind = type_of(value)
        if element.key != "contained":
            self.resource(value, path, depth + 1)
        elif not kind:
            self._fault(path, "must be a resource of R4")
        else:
            self.faults.extend(self._inner.hold(kind, value, path))
            self._inner.inside = path
            self._object(value, plan_of(kind), path, depth + 1, "resourceType")
            self._inner.inside = ""


def _unfit(node: Any, depth: int) -> str | None:
    if type(node) is not dict:
        return "must be an object"
    if not node:
        return _EMPTY
    return f"nests more than {MAX_DEPTH} objects" if depth > MAX_DEPTH else None


def _shown(key: str) -> str:
    return key if _NAME.fullmatch(key) else "?"


def _at(items: Any, index: int) -> Any:
    return items[index] if index < len(items) else None


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name
