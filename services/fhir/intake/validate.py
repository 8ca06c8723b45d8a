"""Whether a QuestionnaireResponse answers its Questionnaire: every fault named, no value repeated.

Checked: linkIds and where they stand, types of answers, options, lengths, types of references,
how often, what is required, and that nothing is answered that ``enableWhen`` does not ask. What is
required may be missing while a response is ``in-progress``. Not checked: value sets named by
``answerValueSet``, initial values, and constraints of Structured Data Capture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.fhir.errors import Fault
from services.fhir.intake.answers import Item, items_of, values_of
from services.fhir.intake.conditions import Scope, enabled

UNFINISHED = frozenset({"in-progress", "stopped"})
"""Status of a response in which what is required may be missing."""
_KINDS: Mapping[str, frozenset[str]] = {
    "boolean": frozenset({"Boolean"}),
    "decimal": frozenset({"Decimal"}),
    "integer": frozenset({"Integer"}),
    "date": frozenset({"Date"}),
    "dateTime": frozenset({"DateTime"}),
    "time": frozenset({"Time"}),
    "string": frozenset({"String"}),
    "text": frozenset({"String"}),
    "url": frozenset({"Uri"}),
    "attachment": frozenset({"Attachment"}),
    "reference": frozenset({"Reference"}),
    "quantity": frozenset({"Quantity"}),
    "choice": frozenset({"Coding", "String", "Integer", "Date", "Time", "Reference"}),
    "open-choice": frozenset({"Coding", "String", "Integer", "Date", "Time", "Reference"}),
}
"""Values that an item of a type may be answered with."""
_TARGET = "http://hl7.org/fhir/StructureDefinition/questionnaire-referenceResource"


def faults(response: Item, questionnaire: Item) -> tuple[Fault, ...]:
    """What of a response does not fit its questionnaire; none if everything does."""
    walk = _Walk(complete=response.get("status") not in UNFINISHED)
    scope = Scope(response)
    walk.level(questionnaire, response, "QuestionnaireResponse", scope)
    return tuple(walk.found)


@dataclass
class _Walk:
    complete: bool
    found: list[Fault] = field(default_factory=list)

    def level(self, asked: Item, given: Item, path: str, scope: Scope) -> None:
        """Hold the items below one element against those that are asked there."""
        questions = {str(q.get("linkId")): q for q in items_of(asked)}
        stand: dict[str, list[tuple[Item, str]]] = {link: [] for link in questions}
        for number, item in enumerate(items_of(given)):
            where = f"{path}.item[{number}]"
            link = str(item.get("linkId"))
            if link not in questions:
                self._fault(f"{where}.linkId", "is not asked here by the questionnaire")
            else:
                stand[link].append((item, where))
        for link, question in questions.items():
            self._question(question, stand[link], path, scope)

    def _question(
        self, question: Item, given: list[tuple[Item, str]], path: str, scope: Scope
    ) -> None:
        link, kind = question["linkId"], question.get("type")
        if not enabled(question, scope):
            for _, where in given:
                self._fault(where, f"'{link}' is not asked after these answers")
            return
        if self.complete and question.get("required") and not any(_says(i) for i, _ in given):
            self._fault(f"{path}.item", f"'{link}' is required")
        repeats = bool(question.get("repeats"))
        if len(given) > 1 and not (repeats and kind == "group"):
            self._fault(given[1][1], f"'{link}' stands here once")
        for item, where in given:
            if kind in {"group", "display"}:
                self._group(question, item, where, scope)
            else:
                self._answers(question, item, where, scope)

    def _group(self, question: Item, item: Item, where: str, scope: Scope) -> None:
        if "answer" in item:
            self._fault(f"{where}.answer", f"'{question['linkId']}' takes no answer")
        self.level(question, item, where, scope.within(item))

    def _answers(self, question: Item, item: Item, where: str, scope: Scope) -> None:
        link = question["linkId"]
        given = list(values_of(item))
        if len(given) > 1 and not question.get("repeats"):
            self._fault(f"{where}.answer[1]", f"'{link}' takes one answer")
        for number, (kind, value, answer) in enumerate(given):
            at = f"{where}.answer[{number}]"
            for rule in _broken(question, kind, value):
                self._fault(f"{at}.value", f"'{link}' {rule}")
            self.level(question, answer, at, scope.within(answer))

    def _fault(self, element: str, rule: str) -> None:
        self.found.append(Fault(element, rule))


def _says(item: Item) -> bool:
    """Whether there is any answer in an item."""
    if any(kind for kind, _, _ in values_of(item)):
        return True
    return any(_says(inner) for inner in items_of(item))


def _broken(question: Item, kind: str, value: Any) -> Iterator[str]:
    """The rules that one answer breaks."""
    type_ = str(question.get("type"))
    if kind not in _KINDS.get(type_, frozenset()):
        yield f"takes an answer of type {type_}"
        return
    if kind == "String" and not value.strip():
        yield "is answered with nothing but spaces"
    longest = question.get("maxLength")
    if kind == "String" and isinstance(longest, int) and len(value) > longest:
        yield f"takes at most {longest} characters"
    options = question.get("answerOption")
    if options and not _is_option(kind, value, options) and not _is_open(type_, kind):
        yield "is answered with none of its options"
    targets = {e.get("valueCode") for e in question.get("extension", ()) if e["url"] == _TARGET}
    pointed = str(value.get("reference", "")).rpartition("/")[0] if kind == "Reference" else ""
    if targets and pointed.rpartition("/")[2] not in targets:
        yield "points at a resource of another type"


def _is_open(type_: str, kind: str) -> bool:
    return type_ == "open-choice" and kind == "String"


def _is_option(kind: str, value: Any, options: list[Item]) -> bool:
    for option in options:
        wanted = option.get(f"value{kind}")
        if kind == "Coding" and isinstance(wanted, Mapping):
            if all(wanted.get(key) == value.get(key) for key in ("system", "code")):
                return True
        elif wanted is not None and wanted == value:
            return True
    return False
