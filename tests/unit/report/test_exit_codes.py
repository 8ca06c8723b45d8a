"""The table of exit codes says what the code does, and one number means one thing."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

import pytest

from compliance.errors import CaretierError
from compliance.transparency.artifacts import PACKAGES, ROOT

TABLE = ROOT / "infra" / "EXIT_CODES.md"
ROW = re.compile(r"^\| (\d+) \|(.+)\|(.*)\|(.*)\|$", re.MULTILINE)
DEFINES = re.compile(r"^class \w+Error\(\w+Error\)|^class \w+Error\(Caretier", re.MULTILINE)
WITHOUT_ERROR = {0, 7}


def rows() -> dict[int, list[str]]:
    found = ROW.findall(TABLE.read_text("utf-8"))
    assert len({number for number, *_ in found}) == len(found)
    return {
        int(number): [kind.strip() for kind in kinds.split(",") if kind.strip()]
        for number, _, _, kinds in found
    }


def errors() -> list[type[CaretierError]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if DEFINES.search(path.read_text("utf-8")):
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                importlib.import_module(name.removesuffix(".__init__"))

    def below(cls: type[CaretierError]) -> Iterator[type[CaretierError]]:
        yield cls
        for sub in cls.__subclasses__():
            yield from below(sub)

    return [e for e in dict.fromkeys(below(CaretierError)) if e.__module__.startswith(PACKAGES)]


@pytest.fixture(scope="module")
def known() -> list[type[CaretierError]]:
    return errors()


def test_every_error_stands_in_the_row_of_its_exit_code(known):
    table = rows()
    missing = {
        f"add {error.kind} to the row {error.exit_code} of infra/EXIT_CODES.md"
        for error in known
        if error.kind not in table.get(error.exit_code, [])
    }
    assert missing == set()


def test_the_table_names_no_error_that_is_not_there(known):
    kinds = {error.kind for error in known}
    assert {kind for row in rows().values() for kind in row} <= kinds


def test_a_kind_stands_in_one_row(known):
    every = [kind for row in rows().values() for kind in row]
    assert len(every) == len(set(every))


def test_numbers_without_an_error_are_done_and_abstained():
    assert {number for number, kinds in rows().items() if not kinds} == WITHOUT_ERROR


def test_every_error_says_what_to_do(known):
    assert all(error.remedy and error.remedy.endswith((".", "?", "`")) for error in known)
