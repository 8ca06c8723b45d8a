"""What the package's own words show runs, and gives what they say."""

from __future__ import annotations

import textwrap

import services.fhir


def _example(text: str | None) -> str:
    lines = (text or "").splitlines()
    return textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))


def test_the_example_of_the_package_runs(capsys):
    exec(_example(services.fhir.__doc__), {})  # noqa: S102 - the text is our own
    total, _, ids = capsys.readouterr().out.partition(" ")
    assert int(total) > 1
    assert all(f"p01-a1c-{n}" in ids for n in range(1, int(total) + 1))
