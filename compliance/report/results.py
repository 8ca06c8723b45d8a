"""Last results of tests, read from a JUnit XML file as pytest writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException, ElementTree

from compliance.errors import BadInputError


class Outcome(StrEnum):
    """What became of a test; of several the worst counts, in this order."""

    FAILED = "failed"
    SKIPPED = "skipped"
    PASSED = "passed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Results:
    """Outcomes by ``tests/file.py::name[parameter]``, and when the run began, as written."""

    outcomes: dict[str, Outcome]
    when: str = ""

    def of(self, test: str) -> Outcome:
        """The outcome of a test as a point names it, over all its parameters."""
        return worst(outcome for name, outcome in self.outcomes.items() if _meant(test, name))


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of several; of none, not run."""
    found = set(outcomes)
    return next((outcome for outcome in Outcome if outcome in found), Outcome.NOT_RUN)


def read_results(path: Path) -> Results:
    """Read a JUnit file.

    Raises:
        BadInputError: it is none.
    """
    try:
        tree = ElementTree.parse(path).getroot()
    except (OSError, ParseError, DefusedXmlException):
        raise BadInputError("The results are no JUnit XML file.") from None
    outcomes: dict[str, Outcome] = {}
    for case in tree.iter("testcase"):
        name = f"{_place(case.get('classname', ''))}::{case.get('name', '')}"
        outcomes[name] = worst((_outcome(case), outcomes.get(name, Outcome.NOT_RUN)))
    suite = next(iter(tree.iter("testsuite")), None)
    return Results(outcomes, "" if suite is None else suite.get("timestamp", ""))


def _meant(test: str, name: str) -> bool:
    if "::" not in test:
        return name.startswith(f"{test}::")
    if test.endswith("*]"):
        return name.startswith(test.removesuffix("*]"))
    return name == test or name.startswith(f"{test}[")


def _place(classname: str) -> str:
    """``tests.unit.test_a.TestB`` as ``tests/unit/test_a.py::TestB``, and so without a class."""
    match = re.fullmatch(r"(.*?)(?:\.([A-Z]\w*))?", classname)
    module, inside = (match[1], match[2]) if match else (classname, None)
    path = f"{module.replace('.', '/')}.py"
    return f"{path}::{inside}" if inside else path


def _outcome(case: ElementTree.Element) -> Outcome:
    if case.find("failure") is not None or case.find("error") is not None:
        return Outcome.FAILED
    return Outcome.SKIPPED if case.find("skipped") is not None else Outcome.PASSED
