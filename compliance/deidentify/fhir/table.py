"""The table of paths: what becomes of each element of each resource type.

A file of ``tables/`` lists, for each type, actions and the paths that they treat::

    Observation:
      keep: [status, valueBoolean]                    # codes, numbers, booleans: as they are
      shift: [effectiveDateTime]                      # dates: moved (``dateshift``)
      mask: [valueString]                             # free text: through the text pipeline
      "pseudonym:code": [...]                         # a number: its keyed pseudonym
      "generalise:birth": [...]                       # coarser, where fine would tell too much
      drop: [...]                                     # named so that it is seen to be meant
      CodeableConcept: [code, component.code]         # a data type, itself a table of this kind
      same: {item.item: item}                         # what repeats inside itself

A path that is not listed is dropped. So is an extension whose URL is not. After a colon stands the
form that an action takes; ``actions`` has one function for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from compliance.errors import BadInputError
from compliance.yamltext import read_yaml

ACTIONS = frozenset(
    {
        "drop",
        "keep",
        "keep:coding",
        "keep:public",
        "keep:region",
        "shift",
        "mask",
        "mask:attachment",
        "mask:narrative",
        "pseudonym:code",
        "pseudonym:contact",
        "pseudonym:human-name",
        "pseudonym:id",
        "pseudonym:identifier",
        "pseudonym:name",
        "pseudonym:organization",
        "pseudonym:reference",
        "pseudonym:street",
        "pseudonym:town",
        "generalise:birth",
        "generalise:quantity",
        "generalise:zip",
    }
)
Node = dict[str, Any]
"""Element name to an action (a string) or to the node of what is inside."""


@dataclass(frozen=True, slots=True)
class Table:
    """All tables, with data types in the place of their names.

    Attributes:
        types: node of each resource type that is given out.
        data: node of each data type that is treated by paths.
        extension: node of an extension.
        extensions: URLs of the extensions that are kept.
        withheld: types that are not given out, with the reason.
        public: beginnings of the URLs of public code systems and profiles.
    """

    types: Mapping[str, Node]
    data: Mapping[str, Node]
    extension: Node
    extensions: frozenset[str]
    withheld: Mapping[str, str]
    public: tuple[str, ...]


@cache
def table() -> Table:
    """The packaged table.

    Raises:
        BadInputError: it names an action, data type or path that there is not.
    """
    folder = files(__package__).joinpath("tables")
    read = {f.name: read_yaml(f.read_text("utf-8")) for f in folder.iterdir()
            if f.name.endswith(".yaml")}  # fmt: skip
    common = read.pop("datatypes.yaml")
    data: dict[str, Node] = {name: {} for name in common["datatypes"]}
    known: dict[str, Node | str] = {**data, **common["whole"]}
    for name, entry in common["datatypes"].items():
        data[name].update(_node(name, entry, known))
    every = _node("resource", common["resource"], known)
    types = {
        name: every | _node(name, entry, known)
        for part in read.values()
        for name, entry in part.items()
    }
    extension = _node("extension", common["extension"], known)
    extension["extension"] = extension
    withheld = {t: reason for reason, names in common["withheld"].items() for t in names}
    urls, public = frozenset(common["extensions"]), tuple(common["public"])
    return Table(types, data, extension, urls, withheld, public)


def _node(name: str, entry: Mapping[str, Any], known: Mapping[str, Node | str]) -> Node:
    """One entry as a tree."""
    root: Node = {}
    for action, paths in entry.items():
        if action == "same":
            continue
        treatment = known.get(action, action)
        if isinstance(treatment, str) and treatment not in ACTIONS:
            raise BadInputError(f"The table of paths has no action {action} ({name}).")
        for path in paths:
            *above, last = path.split(".")
            node = root
            for part in above:
                node = node.setdefault(part, {})
            node[last] = treatment
    for path, target in entry.get("same", {}).items():
        *above, last = path.split(".")
        _at(root, above)[last] = _at(root, target.split("."))
    return root


def _at(root: Node, path: list[str]) -> Node:
    """The node at ``path``."""
    for part in path:
        root = root[part]
    return root


def paths(node: Node, before: str = "") -> Iterator[tuple[str, str]]:
    """Every path of a node with its action; what repeats inside itself is given once."""
    yield from _paths(node, before, ())


def _paths(node: Node, before: str, above: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    for name, treatment in node.items():
        path = f"{before}{name}"
        if isinstance(treatment, str):
            yield path, treatment
        elif id(treatment) not in above:
            yield from _paths(treatment, f"{path}.", (*above, id(node), id(treatment)))
