"""npm's ``fhirclient`` in a real Chromium: launched from a chart, and on its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = os.environ.get("CARETIER_CHROMIUM", "/usr/bin/chromium")
LIBRARY = Path(__file__).parents[2] / ".venv/node/node_modules/fhirclient/build/fhir-client.min.js"
PASSWORD = "a long enough password"
SCOPES = "openid fhirUser patient/Patient.rs patient/Observation.rs offline_access"
LAUNCH = """<script src="fhir-client.min.js"></script><script>
FHIR.oauth2.authorize({{
  clientId: "{client}", scope: "{scopes}", redirectUri: "app.html"{more}
}});
</script>"""
APP = """<pre id="seen"></pre><script src="fhir-client.min.js"></script><script>
FHIR.oauth2.ready().then(async (client) => {
  const person = await client.patient.read();
  const found = await client.patient.request("Observation", { pageLimit: 0, flat: true });
  await client.refresh();
  const again = await client.patient.read();
  return {
    patient: person.id, observations: found.length, again: again.id,
    user: client.user.fhirUser, refreshes: Boolean(client.state.tokenResponse.refresh_token),
  };
}).then(
  (seen) => { document.getElementById("seen").textContent = JSON.stringify(seen); },
  (error) => { document.getElementById("seen").textContent = `failed: ${error.message}`; },
);
</script>"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class App:
    """A browser app that others could have written; ``address`` is where its pages are."""

    address: str
    folder: Path


@pytest.fixture(scope="module")
def app(here, tmp_path_factory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "fhir-client.min.js").write_bytes(LIBRARY.read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    address = f"http://127.0.0.1:{server.server_port}"
    client, _ = here.hospital.smart.clients.add(
        "Growth chart",
        "public",
        f"launch launch/patient {SCOPES}",
        redirects=[f"{address}/app.html"],
        origins=[address],
        launch_url=f"{address}/launch.html",
    )
    alone = f',\n  iss: "{here.fhir}", pkceMode: "required"'
    asked = {"client": client.id, "scopes": f"launch {SCOPES}", "more": ""}
    (folder / "launch.html").write_text(LAUNCH.format(**asked))
    asked = {"client": client.id, "scopes": f"launch/patient {SCOPES}", "more": alone}
    (folder / "alone.html").write_text(LAUNCH.format(**asked))
    (folder / "app.html").write_text(APP)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield App(address, folder)
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def clinician(here) -> None:
    here.hospital.records.put(
        {
            "resourceType": "ServiceRequest", "id": "theirs", "status": "active",
            "intent": "order", "subject": {"reference": "Patient/p01"},
            "code": {"text": "Review"},
            "performer": [{"reference": "Practitioner/me"}],
        }
    )  # fmt: skip
    here.hospital.records.put({"resourceType": "Practitioner", "id": "me"})
    here.hospital.accounts.add_user(
        "ana", PASSWORD, "Ana", "clinician", acts_as=["Practitioner/me"]
    )


@pytest.fixture
def page(here, clinician) -> Iterator[Page]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        opened = browser.new_page()
        opened.set_default_timeout(15_000)
        yield opened
        browser.close()


def _sign_in(page: Page) -> None:
    page.fill("input[name=user]", "ana")
    page.fill("input[name=password]", PASSWORD)
    page.click("#sign-in button[type=submit]")


def _seen(page: Page, here, app: App) -> dict[str, object]:
    page.wait_for_url(f"{app.address}/app.html*")
    page.wait_for_function("document.getElementById('seen').textContent !== ''")
    text = page.text_content("#seen")
    assert text.startswith("{"), text
    return page.evaluate("JSON.parse(document.getElementById('seen').textContent)")


def _expected(here) -> dict[str, object]:
    total = here.hospital.records.search("Observation", patient="p01").total
    return {
        "patient": "p01",
        "observations": total,
        "again": "p01",
        "user": "Practitioner/me",
        "refreshes": True,
    }


@pytest.mark.browser
def test_an_app_is_launched_from_a_chart(here, app, page):
    page.goto(f"{here.address}/portal/patients/p01")
    _sign_in(page)
    page.click("#launch button")
    page.click("#consent button[value=allow]")
    assert _seen(page, here, app) == _expected(here)


@pytest.mark.browser
def test_an_app_that_is_opened_by_itself_lets_the_clinician_choose_a_patient(here, app, page):
    page.goto(f"{app.address}/alone.html")
    _sign_in(page)
    page.check("input[name=patient][value=p01]")
    page.click("#whose button[type=submit]")
    page.click("#consent button[value=allow]")
    assert _seen(page, here, app) == _expected(here)


@pytest.mark.browser
def test_an_app_is_told_that_the_clinician_said_no(here, app, page):
    page.goto(f"{app.address}/alone.html")
    _sign_in(page)
    page.check("input[name=patient][value=p01]")
    page.click("#whose button[type=submit]")
    page.click("#consent button[value=deny]")
    page.wait_for_url(f"{app.address}/app.html*")
    page.wait_for_function("document.getElementById('seen').textContent !== ''")
    assert "failed" in page.text_content("#seen")
