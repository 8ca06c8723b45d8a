"""The shell that a browser installs: manifest, icons, service worker, and a page without a server.

Nothing here knows a person: the worker keeps the files of the design, and a page by language that
says whom to call. Pages of a record and replies of the API are never kept (``service-worker.js``).

Example:
    >>> from services.web.i18n import COMMON
    >>> manifest(Catalogue.load(COMMON, LOCALE), "es")["lang"]
    'es'
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse

from patient_app import icons
from patient_app.redflags import lines, red_flags
from services.web.assets import ASK_FIRST, SHARED, assets
from services.web.i18n import LANGUAGES, Catalogue, negotiate

HERE = Path(__file__).parent
LOCALE = HERE / "locale"
STATIC = HERE / "static"
WORKER = "service-worker.js"
BACKGROUND, THEME = "#f5f4ef", "#0c5b5e"
SHORTCUTS = (("/", "nav.ask"), ("/history", "nav.history"), ("/record", "nav.record"))
NUMBERS = ("emergency_number", "crisis_line", "poison_line")
"""Places in the advice of triage."""
Render = Callable[..., Response]
"""``(request, template, language, **context) -> page``, as `patient_app.pages.Pages.render`."""


def manifest(catalogue: Catalogue, language: str) -> dict[str, Any]:
    """The web app manifest (W3C) in a language; its ``id`` is the same in all."""
    t = catalogue.translator(language)
    drawn = [
        {
            "src": f"/icons/{name}.png",
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": "maskable" if maskable else "any",
        }
        for name, (size, maskable) in icons.ICONS.items()
    ]
    sign = {"src": "/static/caretier/favicon.svg", "sizes": "any", "type": "image/svg+xml"}
    return {
        "id": "/",
        "name": t("shell.name"),
        "short_name": "Caretier",
        "description": t("shell.description"),
        "lang": language,
        "dir": "ltr",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "orientation": "any",
        "categories": ["health", "medical"],
        "background_color": BACKGROUND,
        "theme_color": THEME,
        "icons": [sign | {"purpose": "any"}, *drawn],
        "shortcuts": [
            {"name": t(label), "url": url, "icons": [drawn[1]]} for url, label in SHORTCUTS
        ],
    }


def worker() -> str:
    """The service worker with what it keeps: a change of any file makes it another worker."""
    folders = (assets("caretier", SHARED), assets("patient", STATIC))
    kept = [f"{one.base}/{name}" for one in folders for name in one.files if name != WORKER]
    offline = {language: f"/offline?lang={language}" for language in LANGUAGES}
    version = "-".join(one.version for one in folders)
    shell = json.dumps({"version": version, "files": kept, "offline": offline})
    return f"self.SHELL = {shell};\n" + (STATIC / WORKER).read_text("utf-8")


def shell_routes(api: APIRouter, catalogue: Catalogue, render: Render) -> None:
    """Add the addresses that anybody may ask for."""

    @api.get("/manifest.webmanifest")
    def web_manifest(request: Request, lang: Annotated[str | None, Query()] = None) -> Response:
        """The manifest in the language of the page that names it."""
        language = negotiate(lang or request.headers.get("accept-language"))
        kind = "application/manifest+json"
        headers = {"cache-control": ASK_FIRST, "content-language": language}
        return JSONResponse(manifest(catalogue, language), media_type=kind, headers=headers)

    @api.get("/icons/{name}.png")
    def icon(name: str) -> Response:
        """An icon for a home screen."""
        if name not in icons.ICONS:
            raise HTTPException(404)
        headers = {"cache-control": "public, max-age=86400"}
        return Response(icons.draw(name), media_type="image/png", headers=headers)

    @api.get(f"/{WORKER}")
    def service_worker() -> Response:
        """The service worker, from the root: its scope is the whole client."""
        headers = {"cache-control": ASK_FIRST}
        return Response(worker(), media_type="text/javascript", headers=headers)

    @api.get("/offline")
    def offline(request: Request, lang: Annotated[str | None, Query()] = None) -> Response:
        """What still works without the device's program: whom to call, and when."""
        language = negotiate(lang or request.headers.get("accept-language"))
        told = lines(language)
        flags = [(one, _parts(one.advice)) for one in red_flags(language)]
        title = catalogue.translator(language)("offline.title")
        numbers = json.dumps(told, ensure_ascii=False)
        return render(
            request, "offline", language, title=title, flags=flags, told=told, numbers=numbers
        )


def _parts(advice: str) -> list[tuple[str, str]]:
    """Advice cut at its numbers: (words, name of the number that follows or "")."""
    parts: list[tuple[str, str]] = []
    rest = advice
    while found := [(rest.find(f"{{{name}}}"), name) for name in NUMBERS if f"{{{name}}}" in rest]:
        at, name = min(found)
        parts.append((rest[:at], name))
        rest = rest[at + len(name) + 2 :]
    return [*parts, (rest, "")]
