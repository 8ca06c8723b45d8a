"""Makes an invalid resource of a valid one, in a way whose result is known to be invalid.

Each mutation returns the broken resource, or None where there is nothing of its kind to break.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from services.fhir.validate.plan import Element, Plan, plan_of

Resource = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Place = tuple[dict[str, Any], str, Element, Plan]
"""A node, the key in it, what the element is, and the plan of the node."""
_WRONG = {
    "boolean": ["true", 1, {}],
    "decimal": ["1.5", True, [1]],
    "integer": [1.5, "1", 1 << 31],
    "positiveInt": [0, -1, 1.5],
    "unsignedInt": [-1, "0", 1 << 31],
}
_NOT_DATES = ["2023-02-30", "2020-13", "20", "2020-01-01T24:00:00Z", "2020-01-01T10:00:00", "soon"]
_DATES = frozenset({"date", "dateTime", "instant"})
_SCRIPT = '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>'


def places(node: Any, plan: Plan) -> Iterator[Place]:
    """Every element of a resource, with where it stands."""
    for key, value in node.items():
        if key == "resourceType":
            continue
        element = plan.elements[key]
        yield node, key, element, plan
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                kind = item["resourceType"] if element.child == "Resource" else element.child
                yield from places(item, plan_of(kind))


def _one(draw: Draw, found: Sequence[Place]) -> Place | None:
    return draw(st.sampled_from(found)) if found else None


def _set(place: Place, value: Any) -> None:
    node, key, element, _ = place
    node[key] = [value] if element.many else value


def _drop_required(draw: Draw, found: list[Place]) -> bool:
    needed = [p for p in found if p[1] in p[3].required and f"_{p[1]}" not in p[0]]
    if place := _one(draw, needed):
        del place[0][place[1]]
    return bool(place)


def _wrong_type(draw: Draw, found: list[Place]) -> bool:
    if place := _one(draw, found):
        wrong = _WRONG.get(place[2].primitive or "", [5] if place[2].primitive else ["x", 5, True])
        _set(place, draw(st.sampled_from(wrong)))
    return bool(place)


def _wrong_count(draw: Draw, found: list[Place]) -> bool:
    if place := _one(draw, found):
        node, key, element, _ = place
        node[key] = node[key][0] if element.many else [node[key]]
    return bool(place)


def _foreign_code(draw: Draw, found: list[Place]) -> bool:
    if place := _one(draw, [p for p in found if p[2].codes]):
        _set(place, "no-such-code")
    return bool(place)


def _foreign_target(draw: Draw, found: list[Place]) -> bool:
    if place := _one(draw, [p for p in found if p[2].targets]):
        allowed = place[2].targets or frozenset()
        kind = next(k for k in ("Linkage", "Basic", "Patient") if k not in allowed)
        _set(place, {"reference": f"{kind}/x"})
    return bool(place)


def _empty(draw: Draw, found: list[Place]) -> bool:
    alone = [p for p in found if p[1][0] != "_" and f"_{p[1]}" not in p[0]]
    if place := _one(draw, alone):
        place[0][place[1]] = draw(st.sampled_from(["", [], {}, None, [None], [{}], [""]]))
    return bool(place)


def _second_choice(draw: Draw, found: list[Place]) -> bool:
    place = _one(draw, [p for p in found if p[2].choice and not p[1].startswith("_")])
    if place:
        node, key, element, plan = place
        others = [e.key for e in plan.elements.values() if e.choice == element.choice]
        other = next(k for k in others if k != key and not k.startswith("_"))
        node[other] = node[key]
    return bool(place)


def _bad_date(draw: Draw, found: list[Place]) -> bool:
    if place := _one(draw, [p for p in found if p[2].primitive in _DATES]):
        _set(place, draw(st.sampled_from(_NOT_DATES)))
    return bool(place)


def _unknown(draw: Draw, found: list[Place]) -> bool:
    if place := _one(draw, found):
        name = draw(st.sampled_from(["foo", "resourcetype", "_", "__proto__", "Status", "$id"]))
        place[0][name] = "x"
    return bool(place)


def _control_character(draw: Draw, found: list[Place]) -> bool:
    if place := _one(draw, [p for p in found if p[2].primitive == "string"]):
        _set(place, draw(st.sampled_from(["x\x00", "\x1f", "a\x0bb", "\ud800"])))
    return bool(place)


MUTATIONS: dict[str, Callable[[Draw, list[Place]], bool]] = {
    "a required element is dropped": _drop_required,
    "a value has the wrong type": _wrong_type,
    "a list is one, or one a list": _wrong_count,
    "a code is outside its value set": _foreign_code,
    "a reference points at another type": _foreign_target,
    "an element is empty": _empty,
    "a choice is made twice": _second_choice,
    "a date is none": _bad_date,
    "an element is unknown": _unknown,
    "a string holds control characters": _control_character,
}


@st.composite
def broken(draw: Draw, sound: Sequence[Resource]) -> tuple[str, Resource]:
    """A mutation's name and what it makes of one of ``sound``."""
    resource = copy.deepcopy(draw(st.sampled_from(sound)))
    name = draw(st.sampled_from([*MUTATIONS, "a script is in the narrative"]))
    found = list(places(resource, plan_of(resource["resourceType"])))
    if name not in MUTATIONS or not MUTATIONS[name](draw, found):
        name = "a script is in the narrative"
        resource["text"] = {"status": "generated", "div": _SCRIPT}
    return name, resource
