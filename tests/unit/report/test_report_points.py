"""The points of the report are all there, and what they name is there too."""

from __future__ import annotations

import re
from string import ascii_uppercase

import pytest
import yaml

from compliance.deidentify.recognizers import all_recognizers
from compliance.report import ReportError, Status, build, load_laws
from compliance.report.points import FOLDER, Point
from compliance.report.resolve import fault_of_symbol, fault_of_test
from compliance.transparency.artifacts import ROOT

TECHNICAL = {
    *("(a)(1)", "(a)(2)(i)", "(a)(2)(ii)", "(a)(2)(iii)", "(a)(2)(iv)", "(b)", "(c)(1)", "(c)(2)"),
    *("(d)", "(e)(1)", "(e)(2)(i)", "(e)(2)(ii)"),
}
ADMINISTRATIVE = {
    "(a)(1)(i)",
    *(f"(a)(1)(ii)({x})" for x in "ABCD"),
    "(a)(2)",
    *(f"(a)(3)(ii)({x})" for x in "ABC"),
    *(f"(a)(4)(ii)({x})" for x in "ABC"),
    *(f"(a)(5)(ii)({x})" for x in "ABCD"),
    "(a)(6)(ii)",
    *(f"(a)(7)(ii)({x})" for x in "ABCDE"),
    "(a)(8)",
    "(b)(1)",
}
SAFE_HARBOR = {f"(b)(2)(i)({letter})" for letter in ascii_uppercase[:18]}


@pytest.fixture(scope="module")
def points() -> dict[str, dict[str, Point]]:
    return {law.law: {point.id: point for point in law.points} for law in load_laws()}


def test_every_symbol_and_test_that_the_report_names_is_there():
    assert build().findings == ()


def test_every_paragraph_of_the_technical_safeguards_has_a_row(points):
    assert points["45 CFR 164.312"].keys() == TECHNICAL


def test_every_paragraph_of_the_administrative_safeguards_has_a_row(points):
    assert points["45 CFR 164.308"].keys() == ADMINISTRATIVE


def test_each_of_the_18_safe_harbor_classes_names_its_recogniser(points):
    rows = points["45 CFR 164.514"]
    assert rows.keys() >= SAFE_HARBOR
    for id_ in SAFE_HARBOR:
        assert any(":" in s and s.endswith("Recognizer") for s in rows[id_].where), id_
        assert rows[id_].tests, id_


def test_every_recogniser_of_ours_stands_in_a_safe_harbor_class(points):
    rows = points["45 CFR 164.514"]
    named = {symbol.partition(":")[2] for id_ in SAFE_HARBOR for symbol in rows[id_].where}
    assert {type(r).__name__ for r in all_recognizers("en")} <= named


def test_what_is_lacking_stands_there_explicitly(points):
    every = [point for rows in points.values() for point in rows.values()]
    assert any(point.status is Status.NOT_COVERED for point in every)
    assert all(point.note for point in every if point.status is not Status.COVERED)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"tests": []}, "names code and tests"),
        ({"where": []}, "names code and tests"),
        ({"status": "partly"}, "says what lacks"),
        ({"status": "duty", "where": [], "tests": []}, "says what lacks"),
        ({"status": "not-covered", "note": "Nothing is done."}, "names no code"),
        ({"status": "fine"}, "Input should be"),
        ({"colour": "blue"}, "not permitted"),
        ({"title": {"en": "A"}}, "Field required"),
    ],
)
def test_a_point_that_contradicts_itself_is_refused(tmp_path, change, why):
    good = {
        "id": "(a)",
        "title": {"en": "A", "es": "A"},
        "status": "covered",
        "where": ["compliance.consent:Consent"],
        "tests": ["tests/unit/consent/test_consent.py"],
    }
    law = {"law": "Rule", "title": {"en": "R", "es": "R"}, "points": [{**good, **change}]}
    (tmp_path / "rule.yaml").write_text(yaml.safe_dump(law), "utf-8")
    with pytest.raises(ReportError, match=why):
        load_laws(tmp_path)


def test_a_point_stands_once(tmp_path):
    text = (FOLDER / "5-hti-1.yaml").read_text("utf-8")
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    (tmp_path / "b.yaml").write_text(text, "utf-8")
    with pytest.raises(ReportError, match="stands twice"):
        load_laws(tmp_path)


def test_a_file_that_is_no_list_of_points_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("- : [", "utf-8")
    with pytest.raises(ReportError, match=re.escape("a.yaml cannot be read")):
        load_laws(tmp_path)


@pytest.mark.parametrize(
    "symbol",
    [
        "compliance.consent:Consent",
        "compliance.consent:Consent.withdraw",
        "compliance.consent:ONE_TIME_VALIDITY",
        "compliance.audit.errors:AuditError.kind",
    ],
)
def test_a_symbol_that_is_there_is_found_without_importing_it(symbol):
    assert fault_of_symbol(symbol, ROOT) is None


@pytest.mark.parametrize(
    "symbol",
    [
        "compliance.consent:Consents",
        "compliance.consent:Consent.with_draw",
        "compliance.consents:Consent",
        "compliance.consent",
        "os.path:join",
        "../compliance:x",
    ],
)
def test_a_symbol_that_is_not_there_is_named(symbol):
    fault = fault_of_symbol(symbol, ROOT)
    assert fault is not None
    assert symbol in fault


@pytest.mark.parametrize(
    "test",
    [
        "tests/unit/consent/test_consent.py",
        "tests/unit/consent/test_consent.py::test_a_consent_survives_json",
        "tests/unit/exchange/test_sealed.py::TestReply::test_a_changed_answer_is_refused",
        "tests/unit/transparency/test_cards.py::test_an_answer_that_says_nothing_is_none[tbd*]",
    ],
)
def test_a_test_that_is_there_is_found(test):
    assert fault_of_test(test, ROOT) is None


@pytest.mark.parametrize(
    "test",
    [
        "tests/unit/consent/test_consents.py",
        "tests/unit/consent/test_consent.py::test_nothing_of_the_kind",
        "tests/unit/exchange/test_sealed.py::test_a_changed_answer_is_refused",
        "tests/unit/transparency/test_cards.py::change",
        "tests/unit/transparency/test_cards.py::test_an_answer_that_says_nothing_is_none[xyzzy*]",
        "tests/conftest.py",
        "compliance/consent.py::test_x",
        "tests/../setup.py",
    ],
)
def test_a_test_that_is_not_there_is_named(test):
    fault = fault_of_test(test, ROOT)
    assert fault is not None
    assert test in fault
