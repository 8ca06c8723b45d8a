"""Invariants of R4 on questionnaires and their answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.fhir.validate.rules.forms import (
    Form,
    Node,
    Rule,
    at_most_one,
    has,
    never_where,
    only_where,
)

_OPTIONS = (
    "choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity",
)  # fmt: skip
_LENGTHS = ("boolean", "decimal", "integer", "string", "text", "url", "open-choice")
_TWO = 2


def _link_ids(node: Node) -> Iterator[str]:
    for item in node.get("item", ()):
        if "linkId" in item:
            yield item["linkId"]
        yield from _link_ids(item)


def _each_link_once(node: Node) -> bool:
    found = list(_link_ids(node))
    return len(found) == len(set(found))


def _nested(node: Node) -> bool:
    kind = node.get("type")
    return not (kind == "display" and has(node, "item")) and (kind != "group" or has(node, "item"))


def _joined(node: Node) -> bool:
    return len(node.get("enableWhen", ())) <= _TWO or has(node, "enableBehavior")


def _one_start(node: Node) -> bool:
    return node.get("repeats") is True or len(node.get("initial", ())) <= 1


def _asks_existence(node: Node) -> bool:
    return node.get("operator") != "exists" or "answerBoolean" in node


RULES: Mapping[str, tuple[Rule, ...]] = {
    "Questionnaire": (Rule("que-2", Form("allows each linkId once", _each_link_once)),),
    "QuestionnaireItem": (
        Rule("que-1", Form("needs items in a group and none in a display", _nested)),
        Rule("que-3", never_where("type", ("display",), "code")),
        Rule("que-4", at_most_one("answerOption", "answerValueSet")),
        Rule("que-5", only_where("answerOption", "type", *_OPTIONS)),
        Rule("que-5", only_where("answerValueSet", "type", *_OPTIONS)),
        Rule("que-6", never_where("type", ("display",), "required", "repeats")),
        Rule("que-8", never_where("type", ("group", "display"), "initial")),
        Rule("que-9", never_where("type", ("display",), "readOnly")),
        Rule("que-10", only_where("maxLength", "type", *_LENGTHS)),
        Rule("que-11", at_most_one("answerOption", "initial")),
        Rule("que-12", Form("needs enableBehavior with over two conditions", _joined)),
        Rule("que-13", Form("allows several initial values only where it repeats", _one_start)),
    ),
    "QuestionnaireItemEnableWhen": (
        Rule("que-7", Form("needs a boolean answer where operator is exists", _asks_existence)),
    ),
    "QuestionnaireResponseItem": (Rule("qrs-1", at_most_one("answer", "item")),),
}
"""By type of the node."""
