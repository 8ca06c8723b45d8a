"""The three Questionnaires, made of ``data/questions.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from compliance.yamltext import read_yaml

Resource = dict[str, Any]
URL = "urn:caretier:questionnaire:"
"""Canonical URLs begin with this."""
QUESTIONS = "urn:caretier:intake-question"
ANSWERS = "urn:caretier:intake-answer"
LOINC = "http://loinc.org"
VERSION = "1"
_PUBLISHED = "2026-11-26"
_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
_TARGET = "http://hl7.org/fhir/StructureDefinition/questionnaire-referenceResource"
_LONGEST = {"text": 4_000, "string": 300}


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath("data/questions.yaml").read_text("utf-8")
    loaded: Mapping[str, Any] = read_yaml(text)
    return loaded


@lru_cache(maxsize=1)
def questionnaires() -> Mapping[str, Resource]:
    """The Questionnaires by canonical URL; not to be changed."""
    made = [_questionnaire(name, form) for name, form in _tables()["forms"].items()]
    return {one["url"]: one for one in made}


def choices() -> frozenset[str]:
    """The codes that can be chosen."""
    return frozenset(_tables()["options"])


def _questionnaire(name: str, form: Mapping[str, Any]) -> Resource:
    return {
        "resourceType": "Questionnaire",
        "id": f"intake-{name}",
        "language": "en",
        "url": f"{URL}{name}",
        "version": VERSION,
        "name": "Intake" + name.title().replace("-", ""),
        **_words("title", form),
        "status": "active",
        "subjectType": ["Patient"],
        "date": _PUBLISHED,
        "item": [_item(link) for link in form["items"]],
    }


def _item(link: str) -> Resource:
    asked = _tables()["questions"][link]
    made: Resource = {
        "linkId": link,
        "code": list(_codes(link, asked)),
        **_words("text", asked),
        "type": asked["type"],
    }
    if targets := asked.get("targets"):
        made["extension"] = [{"url": _TARGET, "valueCode": target} for target in targets]
    if when := asked.get("when"):
        made["enableWhen"] = [c for link_, want in when.items() for c in _conditions(link_, want)]
        made["enableBehavior"] = "any"
    made |= {name: True for name in ("required", "repeats") if asked.get(name)}
    if longest := _LONGEST.get(asked["type"]):
        made["maxLength"] = longest
    if options := asked.get("options"):
        made["answerOption"] = [{"valueCoding": _option(code)} for code in options]
    if inner := asked.get("items"):
        made["item"] = [_item(child) for child in inner]
    return made


def _codes(link: str, asked: Mapping[str, Any]) -> Iterator[Resource]:
    yield {"system": QUESTIONS, "code": link}
    if "loinc" in asked:
        yield {"system": LOINC, "code": asked["loinc"]}


def _conditions(link: str, want: Any) -> Iterator[Resource]:
    if want == "exists":
        yield {"question": link, "operator": "exists", "answerBoolean": True}
    elif isinstance(want, bool):
        yield {"question": link, "operator": "=", "answerBoolean": want}
    else:
        for code in want:
            coding = {"system": ANSWERS, "code": code}
            yield {"question": link, "operator": "=", "answerCoding": coding}


def _option(code: str) -> Resource:
    return {"system": ANSWERS, "code": code, **_words("display", _tables()["options"][code])}


def _words(element: str, said: Mapping[str, Any]) -> Resource:
    """A text in English with its Spanish translation."""
    parts = [{"url": "lang", "valueCode": "es"}, {"url": "content", "valueString": said["es"]}]
    translated = {"extension": [{"url": _TRANSLATION, "extension": parts}]}
    return {element: said["en"], f"_{element}": translated}
