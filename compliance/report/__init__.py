"""The compliance report: each point of the rules, where it is enforced, and which tests prove it.

Workflow. The files in `points/` list the points: a paragraph of 45 CFR 164.308, 164.312 or
164.514 (the Safe Harbor classes A to R among them), an article of the GDPR, a paragraph of HTI-1.
Each names the symbols of the code that enforce it and the tests that prove it, or says what is not
covered. `build` resolves every name (a symbol or test that is not there is an error, and a unit
test of the project asks for that), reads the last results from a JUnit file where one is given,
and adds the model cards. `to_html` and `to_pdf` write it. A covered point is a claim about this
software and never the whole of compliance: what an organisation has to do stands as its duty.

Example:
    >>> from compliance.report import build, to_html
    >>> report = build()
    >>> report.findings
    ()
    >>> to_html(report).startswith("<!doctype html>")
    True
"""

from compliance.report.build import Report, build
from compliance.report.errors import ReportError
from compliance.report.html import to_html
from compliance.report.pdf import to_pdf
from compliance.report.points import Point, Status, load_laws

__all__ = ["Point", "Report", "ReportError", "Status", "build", "load_laws", "to_html", "to_pdf"]
