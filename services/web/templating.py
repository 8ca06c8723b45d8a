"""Jinja2 templates over the design system, and the files that it needs.

Example:
    >>> from pathlib import Path
    >>> pages = templates(Path("patient_app/templates"))
    >>> "base.html" in pages.env.list_templates()
    True
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.staticfiles import StaticFiles

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
"""``base.html``, ``components.html`` and ``problem.html``."""

STATIC = HERE / "static"
"""``caretier.css``, icons and modules that all clients share, at ``/static/caretier``."""


def templates(*folders: Path) -> Jinja2Templates:
    """Templates of the folders, in that order, then those of the design system.

    Values are escaped in every template; a variable that does not exist is an error, save that it
    may be tested for (``nav_items is defined``).
    """
    env = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return Jinja2Templates(env=env)


def mount_static(app: FastAPI, **folders: Path) -> None:
    """Serve each folder at ``/static/<name>``, and the design system at ``/static/caretier``.

    What the app serves already (``services.web.app`` brings the design system) is left as it is.
    """
    served = {getattr(route, "path", "") for route in app.routes}
    for name, folder in {"caretier": STATIC, **folders}.items():
        if f"/static/{name}" not in served:
            app.mount(f"/static/{name}", StaticFiles(directory=folder), name=f"static-{name}")
