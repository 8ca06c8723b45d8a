"""A run: every item of every source into the journal, then the topics into a pack.

A bad item is reported and counted, and the run goes on. What is held in memory is one item, and a
few bytes for every item seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from services.bricks.errors import BrickError
from services.bricks.ingest.build import record_of, topic_of
from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.formats import files_of, format_of, reader_of
from services.bricks.ingest.item import Item, Source
from services.bricks.ingest.journal import Journal
from services.bricks.ingest.manifest import Manifest
from services.bricks.ingest.tally import ProblemFile, Report
from services.bricks.ingest.write import refuse_other_pack, write_pack
from services.bricks.topic import Topic

Progress = Callable[[Path, int], None]
"""Called with a source and how many more of its bytes were read."""


def ingest(
    sources: Iterable[Path],
    out: Path,
    manifest: Manifest,
    wanted: str = "auto",
    progress: Progress | None = None,
) -> Report:
    """Read sources and write a pack; a run that broke off goes on where it stopped.

    Args:
        sources: files and folders.
        out: folder of the pack.
        manifest: whose the material is.
        wanted: format of every file, or ``auto``.
        progress: called with the file and the bytes of each item.

    Raises:
        BrickError: the folder holds another pack or is in use, or nothing could be used.
    """
    refuse_other_pack(out, manifest)
    report = Report()
    with Journal(out, manifest) as journal, closing(ProblemFile(out, report)) as problems:
        run = _Run(manifest, journal, report, problems, progress)
        for source in files_of(sources):
            run.take_file(source, wanted)
        if not run.places:
            first = report.problems[0] if report.problems else None
            said = f"First problem: {first.place}: {first.reason}." if first else "Name others."
            raise BrickError("Nothing in the sources could be used.", remedy=said)
        write_pack(out, manifest, run.topics(), report)
        journal.finish()
    return report


class _Run:
    """Where a run stands; ``places`` holds where the records of each document stand."""

    def __init__(
        self,
        manifest: Manifest,
        journal: Journal,
        report: Report,
        problems: ProblemFile,
        progress: Progress | None,
    ) -> None:
        self.manifest, self.journal, self.report = manifest, journal, report
        self.places: dict[bytes, list[int]] = {}
        self._problems, self._progress = problems, progress
        self._seen: set[bytes] = set()

    def take_file(self, source: Source, wanted: str) -> None:
        """Take every item of a file; what keeps it from being read further is a problem."""
        try:
            if source.root and wanted == "auto" and format_of(source.path) is None:
                self.report.ignored += 1
                return
            reader = reader_of(source.path, wanted)
            for item in reader(source, self.manifest):
                self._take(item, reader.__name__)
                if self._progress:
                    self._progress(source.path, len(item.raw))
        except OSError as error:
            self._problems.add(source.name, f"cannot be read: {error.strerror}")
        except Exception as error:  # noqa: BLE001 - a broken file must not stop the others
            self._problems.add(source.name, _reason(error))

    def _take(self, item: Item, reader: str) -> None:
        self.report.items += 1
        digest = hashlib.sha256(reader.encode() + b"\0" + item.raw).digest()
        if digest in self._seen:
            self.report.repeated += 1
            return
        self._seen.add(digest)
        place = self.journal.find(digest)
        if place is None:
            place = self.journal.add(digest, self._record(item))
        else:
            self.report.resumed += 1
        record = self.journal.get(place)
        if "problem" in record:
            self._problems.add(item.place, record["problem"])
        elif "skipped" in record:
            self.report.skipped += 1
        else:
            key = hashlib.sha256(record["key"].encode()).digest()
            self.places.setdefault(key, []).append(place)

    def _record(self, item: Item) -> dict[str, object]:
        try:
            document = item.read()
            record: dict[str, object] = (
                record_of(document, self.manifest) if document else {"skipped": True}
            )
            json.dumps(record, ensure_ascii=False).encode()  # half a character cannot be written
        except UnicodeEncodeError:
            return {"problem": "it holds half a character"}
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, others follow
            return {"problem": _reason(error)}
        return record

    def topics(self) -> Iterator[Topic]:
        """The topics, in the order in which their documents were met."""
        for places in self.places.values():
            records = [self.journal.get(place) for place in places]
            try:
                yield topic_of(records, self.manifest)
            except ItemError as error:
                self._problems.add(str(records[0]["title"]), _reason(error))


def _reason(error: Exception) -> str:
    """What was wrong, one line; of what was not foreseen only its kind."""
    if isinstance(error, ItemError):
        return " ".join(str(error).split())
    return f"cannot be read ({type(error).__name__})"
