"""Takes the values of a resource that its parameters name, in one walk over the elements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from services.fhir.search.parameters import Parameter, parameters

_STEP = re.compile(r"([A-Za-z]+)(?:\[([a-z]+)=([^\]]+)\])?(?:\.|$)")
_INDEXED = frozenset({"token", "date", "string", "quantity", "number", "uri", "canonical"})


@dataclass
class Node:
    """One element name on the way: what is taken here, and what lies below."""

    taken: list[Parameter] = field(default_factory=list)
    below: dict[str, list[tuple[Callable[[Any], bool], Node]]] = field(default_factory=dict)


@lru_cache(maxsize=300)
def tree(kind: str) -> Node:
    """Return the tree of all indexed paths of a resource type; references are not in it."""
    root = Node()
    for parameter in parameters(kind).values():
        if parameter.kind in _INDEXED:
            for path in parameter.paths:
                _grow(root, path).taken.append(parameter)
    return root


def grown(path: str) -> Node:
    """Return a tree of one path, that takes nothing by name."""
    root = Node()
    _grow(root, path).taken.append(Parameter("", "token"))
    return root


def _grow(node: Node, path: str) -> Node:
    for name, key, wanted in _STEP.findall(path):
        test = _has(key, wanted) if key else _any
        for known, child in node.below.setdefault(name, []):
            if known == test:
                node = child
                break
        else:
            child = Node()
            node.below[name].append((test, child))
            node = child
    return node


def _any(_item: Any) -> bool:
    return True


@lru_cache(maxsize=100)
def _has(key: str, wanted: str) -> Callable[[Any], bool]:
    return lambda item: isinstance(item, Mapping) and item.get(key) == wanted


def values(resource: Mapping[str, Any], node: Node) -> Iterator[tuple[Parameter, Any]]:
    """Yield each value with the parameter that takes it, repetitions one by one."""
    for name, ways in node.below.items():
        content = resource.get(name)
        if content is None:
            continue
        for item in content if isinstance(content, list) else (content,):
            for test, child in ways:
                if item is None or not test(item):
                    continue
                for parameter in child.taken:
                    yield parameter, item
                if child.below and isinstance(item, Mapping):
                    yield from values(item, child)
