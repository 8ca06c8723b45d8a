"""The report as one HTML file: nothing is fetched, no script runs, and it prints well."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from compliance.report.build import Report
from compliance.report.points import Status
from compliance.report.words import WORDS
from compliance.transparency import card_html
from compliance.transparency.fields import Language


def to_html(report: Report, language: Language = "en") -> str:
    """Write the report; its policy allows its one style sheet, by digest, and nothing else."""
    css = _css()
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            language=language,
            words=WORDS[language],
            css=Markup(css),  # noqa: S704 - our own file, without values
            policy=f"default-src 'none'; style-src 'sha256-{_digest(css)}'; base-uri 'none'",
            statuses=list(Status),
            counts=report.counts(),
            cards=[Markup(card_html(card, language)) for card in report.cards],  # noqa: S704 - escaped
        )
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _css() -> str:
    return files(__package__).joinpath("templates", "report.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("compliance.report", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
