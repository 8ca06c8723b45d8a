"""Write the sandbox as NDJSON, one file per type: ``python -m services.fhir.sandbox DIR``."""

from __future__ import annotations

import argparse
from collections import defaultdict
from datetime import date
from pathlib import Path

from services.fhir import jsontext
from services.fhir.sandbox import generate


def main() -> None:
    """Read the arguments, write the files, print how many resources were written."""
    parser = argparse.ArgumentParser(description="Write the synthetic clinic as NDJSON files.")
    parser.add_argument("out", type=Path, help="folder to write to; it is made if need be")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--today", type=date.fromisoformat, default=None, help="ISO date; default: this day"
    )
    options = parser.parse_args()
    today = options.today or date.today()  # noqa: DTZ011  # the day where the clinic stands
    lines: dict[str, list[str]] = defaultdict(list)
    for resource in generate(options.seed, today):
        lines[resource["resourceType"]].append(jsontext.dumps(resource))
    options.out.mkdir(parents=True, exist_ok=True)
    for kind, texts in lines.items():
        (options.out / f"{kind}.ndjson").write_text("\n".join(texts) + "\n", encoding="utf-8")
    print(f"{sum(map(len, lines.values()))} resources in {options.out}")  # noqa: T201  # its output


if __name__ == "__main__":
    main()
