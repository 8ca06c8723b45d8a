"""Put the report together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from compliance.report.errors import ReportError
from compliance.report.points import FOLDER, Law, Point, Status, load_laws
from compliance.report.resolve import fault_of_symbol, fault_of_test
from compliance.report.results import Outcome, Results, worst
from compliance.transparency import Card, check_cards, load_cards
from compliance.transparency.artifacts import ROOT


@dataclass(frozen=True)
class Row:
    """A point with the outcomes of its tests, in their order, and the worst of them."""

    point: Point
    outcomes: tuple[Outcome, ...]

    @property
    def proofs(self) -> tuple[tuple[str, Outcome], ...]:
        """The tests, each with its outcome."""
        return tuple(zip(self.point.tests, self.outcomes, strict=True))

    @property
    def outcome(self) -> Outcome | None:
        """The worst outcome, where not run counts as worse than passed; None without tests."""
        if not self.outcomes:
            return None
        if Outcome.NOT_RUN in self.outcomes and worst(self.outcomes) is Outcome.PASSED:
            return Outcome.NOT_RUN
        return worst(self.outcomes)


@dataclass(frozen=True)
class Report:
    """Everything that the report shows.

    Attributes:
        made: when, UTC.
        version: of the software.
        laws: each with its rows.
        cards: the model cards.
        results: when the tests were run, as the file says; empty where none was given.
        findings: names that do not resolve, tests that failed, faults of cards; empty when all
            is as claimed.
        tests_here: whether the tests stand beside the packages; where they do not, as in an
            installation, their ids are shown unchecked.
    """

    made: datetime
    version: str
    laws: tuple[tuple[Law, tuple[Row, ...]], ...]
    cards: tuple[Card, ...]
    results: str
    findings: tuple[str, ...]
    tests_here: bool

    def counts(self) -> Counter[Status]:
        """Points by status."""
        return Counter(row.point.status for _, rows in self.laws for row in rows)

    def require(self) -> None:
        """Refuse a report that claims what is not so.

        Raises:
            ReportError: there are findings.
        """
        if self.findings:
            raise ReportError(list(self.findings))


def build(
    results: Results | None = None,
    *,
    folder: Path = FOLDER,
    root: Path = ROOT,
    now: datetime | None = None,
) -> Report:
    """Read points and cards, resolve what they name, join the results.

    Raises:
        ReportError: the points cannot be read.
        CardError: the cards cannot be read.
    """
    given = results or Results({})
    laws = tuple(
        (law, tuple(_row(point, given) for point in law.points)) for law in load_laws(folder)
    )
    tests_here = (root / "tests").is_dir()
    rows = [(law, row) for law, rows in laws for row in rows]
    findings = [
        f"{law.law} {row.point.id}: {fault}"
        for law, row in rows
        for fault in (*_unresolved(row.point, root, tests_here=tests_here), *_failed(row))
    ]
    return Report(
        made=now or datetime.now(UTC),
        version=_version(),
        laws=laws,
        cards=load_cards(),
        results=given.when,
        findings=(*findings, *check_cards(root=root)),
        tests_here=tests_here,
    )


def _row(point: Point, results: Results) -> Row:
    return Row(point, tuple(results.of(test) for test in point.tests))


def _unresolved(point: Point, root: Path, *, tests_here: bool) -> list[str]:
    faults = [fault_of_symbol(symbol, root) for symbol in point.where]
    faults += [fault_of_test(test, root) for test in point.tests] if tests_here else []
    return [fault for fault in faults if fault]


def _failed(row: Row) -> list[str]:
    return [f"{test} failed" for test, outcome in row.proofs if outcome is Outcome.FAILED]


def _version() -> str:
    try:
        return version("caretier")
    except PackageNotFoundError:
        return "not installed"
