"""The report as HTML and PDF, with the last results of the tests."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import io
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from compliance.errors import BadInputError
from compliance.report import Report, ReportError, Status, build, to_html, to_pdf
from compliance.report.commands import app
from compliance.report.results import Outcome, Results, read_results, worst
from compliance.transparency import load_cards

NOW = datetime(2026, 11, 25, tzinfo=UTC)
TEST = "tests/unit/consent/test_consent.py"
JUNIT = """<?xml version="1.0"?>
<testsuites><testsuite name="pytest" timestamp="2026-11-25T20:00:00">
<testcase classname="tests.unit.a.test_b" name="test_good" time="0.1"/>
<testcase classname="tests.unit.a.test_b" name="test_many[one]"/>
<testcase classname="tests.unit.a.test_b" name="test_many[two]"><failure message="x"/></testcase>
<testcase classname="tests.unit.a.test_b" name="test_late"><skipped/></testcase>
<testcase classname="tests.unit.a.test_b" name="test_broken"><error message="x"/></testcase>
<testcase classname="tests.unit.a.test_b.TestPart" name="test_good"/>
</testsuite></testsuites>"""


@pytest.fixture(scope="module")
def made() -> Report:
    return build(now=NOW)


@pytest.fixture
def junit(tmp_path):
    path = tmp_path / "junit.xml"
    path.write_text(JUNIT, "utf-8")
    return path


@pytest.mark.parametrize(
    ("test", "outcome"),
    [
        ("test_good", "passed"),
        ("test_many", "failed"),
        ("test_many[one*]", "passed"),
        ("test_late", "skipped"),
        ("test_broken", "failed"),
        ("test_goo", "not run"),
        ("test_absent", "not run"),
        ("TestPart::test_good", "passed"),
    ],
)
def test_of_a_tests_results_the_worst_counts(junit, test, outcome):
    results = read_results(junit)
    assert results.of(f"tests/unit/a/test_b.py::{test}") == outcome
    assert results.when == "2026-11-25T20:00:00"


def test_a_whole_file_is_as_good_as_its_worst_test(junit):
    assert read_results(junit).of("tests/unit/a/test_b.py") is Outcome.FAILED
    assert worst([]) is Outcome.NOT_RUN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "<a>",
        '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    ],
)
def test_what_is_no_junit_file_is_bad_input(tmp_path, text):
    path = tmp_path / "junit.xml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInputError):
        read_results(path)
    with pytest.raises(BadInputError):
        read_results(tmp_path / "none.xml")


def test_a_failed_proof_keeps_the_report_from_being_true():
    failed = build(Results({f"{TEST}::test_a_consent_survives_json": Outcome.FAILED}))
    assert any(f"{TEST} failed" in finding for finding in failed.findings)
    with pytest.raises(ReportError) as refusal:
        failed.require()
    assert refusal.value.exit_code == 8


def test_a_row_with_a_test_that_was_not_run_is_not_called_passed(made):
    outcomes = {row.outcome for _, rows in made.laws for row in rows}
    assert outcomes == {Outcome.NOT_RUN, None}


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_page_holds_every_point_and_every_card(made, language):
    page = to_html(made, language)
    for _, rows in made.laws:
        for row in rows:
            assert row.point.id in page
            assert all(symbol in page for symbol in row.point.where)
    assert page.count("<article") == len(load_cards())
    ET.fromstring(re.sub(r"<meta[^>]*>|<!doctype html>|<br>", "", page))  # noqa: S314 - our own


def test_the_page_needs_nothing_from_elsewhere_and_allows_its_own_style_alone(made):
    page = to_html(made)
    (css,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in html.unescape(page)
    assert not re.search(
        r"<script|<link|<img|<iframe|\sstyle=|\son\w+=|url\(|@import|https?:", page
    )
    assert "@media print" in css


def test_what_a_finding_says_cannot_become_markup(made):
    bad = dataclasses.replace(made, findings=("<script>alert(1)</script>",))
    assert "<script>" not in to_html(bad)
    assert b"%PDF" in to_pdf(bad)


def test_the_pdf_says_the_same_and_is_the_same_each_time(made):
    pdf = to_pdf(made)
    assert pdf == to_pdf(made)
    reader = PdfReader(io.BytesIO(pdf))
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert reader.metadata is not None
    assert reader.metadata.title == "Compliance report"
    for _, rows in made.laws:
        assert all(row.point.id in text for row in rows)
    assert "not covered" in text


def test_the_spanish_pdf_keeps_its_accents(made):
    reader = PdfReader(io.BytesIO(to_pdf(made, "es")))
    text = "".join(page.extract_text() for page in reader.pages)
    assert "desidentificación" in text
    assert "deber de la organización" in text


def test_the_command_writes_both_files(tmp_path):
    done = CliRunner().invoke(app, ["report", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "report.html").read_bytes().startswith(b"<!doctype html>")
    assert (tmp_path / "out" / "report.pdf").read_bytes().startswith(b"%PDF")


def test_the_command_writes_the_report_of_a_failure_too_and_ends_with_8(tmp_path):
    path = tmp_path / "junit.xml"
    case = (
        '<testcase classname="tests.unit.consent.test_consent" name="test_x"><failure/></testcase>'
    )
    path.write_text(f"<testsuite>{case}</testsuite>", "utf-8")
    done = CliRunner().invoke(
        app, ["report", "--out", str(tmp_path), "--junit", str(path), "--html-only"]
    )
    assert isinstance(done.exception, ReportError)
    assert "failed" in (tmp_path / "report.html").read_text("utf-8")
    assert not (tmp_path / "report.pdf").exists()


def test_the_cards_can_be_checked_listed_and_shown():
    run = CliRunner().invoke
    assert run(app, ["cards", "check"]).exit_code == 0
    assert "reader\there" in run(app, ["cards", "list"]).output
    assert "<article" in run(app, ["cards", "show", "reader", "--language", "es"]).output
    assert run(app, ["cards", "show", "nobody"]).exit_code != 0
    assert run(app, ["cards", "show", "reader", "--language", "fr"]).exit_code != 0


def test_counts_are_those_of_the_rows(made):
    assert sum(made.counts().values()) == sum(len(rows) for _, rows in made.laws)
    assert made.counts()[Status.COVERED] > 0
