"""``infra/INTEGRATION.md`` does what it says: each of its blocks is run, in order, as written."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "infra" / "INTEGRATION.md"
CHROMIUM = os.environ.get("CARETIER_CHROMIUM", "/usr/bin/chromium")
PASSWORD = "a long enough password"
STEP = re.compile(r"^```(sh|python)\n(.*?)^```$|^<!-- (person): .*?-->$", re.MULTILINE | re.DOTALL)
BLOCK_SECONDS = 120
KEEP = "declare -pf > .functions; declare -p | grep -Ev '^declare -[A-Za-z]*r' > .state"
"""What a block leaves to the next: its functions and its variables."""


def steps(language: str) -> list[tuple[str, str]]:
    """The page's blocks of a language, with what a person does between them."""
    found = [(m[1] or m[3], m[2] or "") for m in STEP.finditer(PAGE.read_text("utf-8"))]
    return [step for step in found if step[0] in {language, "person"}]


@pytest.fixture
def surroundings(here, tmp_path) -> dict[str, str]:
    data = here.hospital.settings.data.parent
    path = f"{ROOT / '.venv' / 'bin'}:/usr/bin:/bin"
    return {"HOSPITAL": here.address, "DATA": str(data), "PATH": path, "HOME": str(tmp_path)}


@pytest.fixture
def clinician(here) -> None:
    here.hospital.records.put({"resourceType": "Practitioner", "id": "me"})
    here.hospital.records.put(
        {
            "resourceType": "ServiceRequest", "id": "theirs", "status": "active",
            "intent": "order", "subject": {"reference": "Patient/p01"},
            "code": {"text": "Review"},
            "performer": [{"reference": "Practitioner/me"}],
        }
    )  # fmt: skip
    here.hospital.accounts.add_user(
        "ana", PASSWORD, "Ana", "clinician", acts_as=["Practitioner/me"]
    )


def _say_yes(folder: Path) -> None:
    """What a clinician does in a browser."""
    back: list[str] = []
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page()
        page.set_default_timeout(15_000)

        def arrive(route: Any) -> None:
            back.append(route.request.url)
            route.fulfill(body="back")

        page.route("http://127.0.0.1:9123/**", arrive)
        page.goto((folder / "authorize.url").read_text())
        page.fill("input[name=user]", "ana")
        page.fill("input[name=password]", PASSWORD)
        page.click("#sign-in button[type=submit]")
        page.check("input[name=patient][value=p01]")
        page.click("#whose button[type=submit]")
        page.click("#consent button[value=allow]")
        page.wait_for_url("http://127.0.0.1:9123/**")
        browser.close()
    (folder / "code.txt").write_text(parse_qs(urlsplit(back[0]).query)["code"][0])


@pytest.mark.browser
def test_every_shell_block_of_the_page_works(surroundings, clinician, tmp_path):
    for kind, block in steps("sh"):
        if kind == "person":
            _say_yes(tmp_path)
            continue
        before = "[ ! -f .state ] || { . ./.functions; . ./.state; } 2> .restored"
        script = f"set -euo pipefail\n{before}\n{block}\n{KEEP}\n"
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            cwd=tmp_path,
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=BLOCK_SECONDS,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


def test_every_python_block_of_the_page_works(surroundings, tmp_path, monkeypatch):
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "page"}
    try:
        for kind, block in steps("python"):
            if kind == "python":
                exec(compile(block, str(PAGE), "exec"), namespace)  # noqa: S102 - our own page
    finally:
        namespace["http"].close()


def test_the_page_names_only_sections_that_it_has():
    text = PAGE.read_text("utf-8")
    lines = [line[3:].lower() for line in text.splitlines() if line.startswith("## ")]
    titles = {re.sub(r"[^a-z -]", "", line).replace(" ", "-") for line in lines}
    named = set(re.findall(r"\]\(#([a-z-]+)\)", text))
    assert named == titles
