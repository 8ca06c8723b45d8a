"""Ingest: make a knowledge pack of other people's material.

A reader for each format hands on items (a page, a line, a label, a topic). Each item is read into
a document: a title and text under headings, without anything that a page hides. Its text is split
into sentences that can be quoted by themselves, each heading is mapped to one of the typed
sections, and the parts of one document become one topic. Publisher, licence and date must be said.
A bad item is reported and the run goes on; a run that was killed goes on where it stopped.

    manifest = manifest_of({"id": "who", "title": "Fact sheets", "publisher": "WHO",
                            "licence": "CC BY-NC-SA 3.0 IGO", "date": "2026-01-31"})
    report = ingest([Path("fact-sheets")], Path("packs/who"), manifest)
    report.topics, report.bad                              # (212, 3)
    Knowledge.load("clinic", [PACKS, Path("packs/who")])
"""

from services.bricks.ingest.errors import ItemError, ManifestError
from services.bricks.ingest.manifest import Manifest, manifest_of
from services.bricks.ingest.run import ingest
from services.bricks.ingest.tally import Problem, Report

__all__ = ["ItemError", "Manifest", "ManifestError", "Problem", "Report", "ingest", "manifest_of"]
