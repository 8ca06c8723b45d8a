"""The report as PDF, for a file or a signature; the same rows as in the HTML."""

from __future__ import annotations

import io
from typing import Any
from xml.sax.saxutils import escape

from compliance.errors import CaretierError
from compliance.report.build import Report, Row
from compliance.report.points import Law, Status
from compliance.report.words import WORDS
from compliance.transparency import Card, sections
from compliance.transparency.artifacts import ROOT
from compliance.transparency.cards import Unknown
from compliance.transparency.fields import Language
from compliance.transparency.figures import filled

MARGIN_MM = 14
WIDTHS = (0.24, 0.14, 0.32, 0.30)
"""Shares of the four columns."""


def to_pdf(report: Report, language: Language = "en") -> bytes:
    """Write the report as A4 landscape, with page numbers and an outline of its parts.

    Equal reports give equal bytes.

    Raises:
        CaretierError: the library that writes PDF is not installed.
    """
    try:
        from reportlab.lib.pagesizes import A4, landscape  # type: ignore[import-untyped]
        from reportlab.lib.units import mm  # type: ignore[import-untyped]
        from reportlab.platypus import SimpleDocTemplate  # type: ignore[import-untyped]
    except ImportError:
        raise CaretierError(
            "PDF needs the package reportlab.", remedy="Install it, or write HTML and print that."
        ) from None
    words, buffer = WORDS[language], io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=landscape(A4),
        **dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), MARGIN_MM * mm),
        title=words["title"],
        author="Caretier",
        lang=language,
        invariant=1,
    )
    page = _Page(language, document.width)

    def number(canvas: Any, _document: Any) -> None:
        canvas.setFont("Helvetica", 8)
        text = words["page"].format(canvas.getPageNumber())
        canvas.drawRightString(landscape(A4)[0] - MARGIN_MM * mm, MARGIN_MM * mm / 2, text)

    document.build(page.story(report), onFirstPage=number, onLaterPages=number)
    return buffer.getvalue()


class _Page:
    """Makes the parts; ``width`` in points."""

    def __init__(self, language: Language, width: float) -> None:
        from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]

        self.language, self.width, self.words = language, width, WORDS[language]
        plain = ParagraphStyle("plain", fontName="Helvetica", fontSize=8, leading=10)
        self.styles = {
            "plain": plain,
            "code": ParagraphStyle(
                "code", plain, fontName="Courier", fontSize=6.5, leading=8, splitLongWords=1
            ),
            "strong": ParagraphStyle("strong", plain, fontName="Helvetica-Bold"),
            "title": ParagraphStyle("title", plain, fontSize=18, leading=24),
            "head": ParagraphStyle(
                "head", plain, fontName="Helvetica-Bold", fontSize=12, leading=18, keepWithNext=1
            ),
        }

    def text(self, value: str, style: str = "plain") -> Any:
        """A paragraph; what it says is never markup."""
        from reportlab.platypus import Paragraph

        return Paragraph(escape(value), self.styles[style])

    def story(self, report: Report) -> list[Any]:
        """Everything, in order."""
        from reportlab.platypus import PageBreak

        counts = report.counts()
        said = self.words["results_of"].format(report.results)
        results = said if report.results else self.words["no_results"]
        parts = [
            self.text(self.words["title"], "title"),
            self.text(f"Caretier {report.version} · {report.made:%Y-%m-%d %H:%M} UTC · {results}"),
            self.text(self.words["claim"]),
            self.text(" · ".join(f"{counts[s]} {self.words[s]}" for s in Status), "strong"),
        ]
        if report.findings:
            parts.append(self.text(self.words["findings"], "head"))
            parts += [self.text(f"• {finding}") for finding in report.findings]
        for law, rows in report.laws:
            parts += [self.text(f"{law.law} · {self._title(law.title)}", "head")]
            parts.append(self._law(law, rows))
        for card in report.cards:
            parts += [PageBreak(), self.text(f"{self.words['cards']}: {card.name}", "head")]
            parts.append(self._card(card))
        return parts

    def _title(self, title: Any) -> str:
        return str(getattr(title, self.language))

    def _law(self, _law: Law, rows: tuple[Row, ...]) -> Any:
        head = [self.text(self.words[k], "strong") for k in ("point", "state", "where", "tests")]
        return self._table([head, *map(self._row, rows)], WIDTHS, repeat=1)

    def _row(self, row: Row) -> list[Any]:
        point = row.point
        state = [self.text(self.words[point.status], "strong")]
        state += [self.text(self.words[row.outcome])] if row.outcome else []
        where = [self.text(symbol, "code") for symbol in point.where]
        where += [self.text(point.note)] if point.note else []
        tests = [self.text(test, "code") for test in point.tests]
        name = [self.text(point.id, "strong"), self.text(self._title(point.title))]
        return [name, state, where, tests]

    def _card(self, card: Card) -> Any:
        rows = []
        for section in sections():
            rows.append([self.text(self._title(section.title), "strong"), ""])
            rows += [
                [self.text(self._title(field.title)), self.text(_answer(card.answers, field.key))]
                for field in section.fields
            ]
        return self._table(rows, (0.3, 0.7), repeat=0)

    def _table(self, rows: list[Any], widths: tuple[float, ...], *, repeat: int) -> Any:
        from reportlab.lib import colors  # type: ignore[import-untyped]
        from reportlab.platypus import Table, TableStyle

        style = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.grey),
        ]
        return Table(
            rows,
            colWidths=[share * self.width for share in widths],
            repeatRows=repeat,
            style=TableStyle(style),
        )


def _answer(answers: dict[str, str | Unknown], key: str) -> str:
    answer = answers.get(key)
    if answer is None:
        return "-"
    if isinstance(answer, Unknown):
        return f"Not known: {answer.unknown}"
    try:
        return filled(answer, ROOT)
    except LookupError as error:
        return f"Not known: {error}"
