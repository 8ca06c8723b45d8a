"""Load files of resources into the store: NDJSON, a Bundle, or single JSON resources.

    report = load_path(store, Path("export/"), progress=print)
    report.loaded        # {"Patient": 13, "Condition": 555, …}
    report.rejected      # [("Condition.ndjson:12", "Condition.subject: is required"), …]

NDJSON is read line by line and each line kept exactly as it came. References of a Bundle to the
``fullUrl`` of one of its entries (``urn:uuid:…``, an address) are resolved to ``Type/id``, as a
server does for a transaction; nothing else is rewritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from services.fhir import jsontext
from services.fhir.errors import FhirNotFoundError
from services.fhir.results import LoadReport, Sourced
from services.fhir.store import FhirStore

SUFFIXES = (".ndjson", ".jsonl", ".json")
"""Files of a folder that are read; the rest is left alone."""


def load_path(
    store: FhirStore, path: Path, progress: Callable[[int], None] | None = None
) -> LoadReport:
    """Load a file, or every FHIR file of a folder in order of name, and report what happened.

    Args:
        store: where the resources go.
        path: file or folder.
        progress: called with the number of resources seen so far.

    Raises:
        FhirNotFoundError: there is no such file or folder.
    """
    if not path.exists():
        raise FhirNotFoundError("there is no such file or folder", remedy="Check the path.")
    return store.put_many(_of_files(_files(path)), progress)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file())


def _of_files(files: Iterable[Path]) -> Iterator[Sourced]:
    for file in files:
        yield from (_lines(file) if file.suffix in {".ndjson", ".jsonl"} else _document(file))


def _lines(file: Path) -> Iterator[Sourced]:
    with file.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if content := line.strip():
                yield Sourced(f"{file.name}:{number}", content)


def _document(file: Path) -> Iterator[Sourced]:
    text = file.read_bytes()
    try:
        value = jsontext.loads_strict(text, exact=True)
    except ValueError:
        yield Sourced(file.name, text)  # the store refuses it and says why
        return
    if isinstance(value, Mapping) and value.get("resourceType") == "Bundle":
        yield from _bundle(file.name, value)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield Sourced(f"{file.name}[{number}]", item)
    else:
        yield Sourced(file.name, text)


def _bundle(name: str, bundle: Mapping[str, Any]) -> Iterator[Sourced]:
    entries = [e for e in bundle.get("entry", ()) if isinstance(e, Mapping)]
    names = {
        entry["fullUrl"]: f"{entry['resource'].get('resourceType')}/{entry['resource'].get('id')}"
        for entry in entries
        if str(entry.get("fullUrl", "")).startswith(("urn:", "http://", "https://"))
        and isinstance(entry.get("resource"), Mapping)
    }
    for number, entry in enumerate(entries):
        if "resource" in entry:
            yield Sourced(f"{name}:entry[{number}]", _resolved(entry["resource"], names))


def _resolved(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: names.get(item, item)
            if key == "reference" and isinstance(item, str)
            else _resolved(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_resolved(item, names) for item in value]
    return value
