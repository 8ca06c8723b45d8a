"""Jinja2 templates over the design system, and the files that it needs.

Example:
    >>> from pathlib import Path
    >>> pages = templates(Path("patient_app/templates"))
    >>> "base.html" in pages.env.list_templates()
    True
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from fastapi import FastAPI
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.ext import Extension
from markupsafe import Markup, escape

from services.web.assets import SHARED, Assets, assets, versioned

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
"""``base.html``, ``components.html`` and ``problem.html``."""

STATIC = SHARED
"""``caretier.css``, icons and modules that all clients share, at ``/static/caretier``."""


_INDENT = re.compile(r"\n[ \t]+")
_AS_WRITTEN = re.compile(r"<(?:pre|textarea)\b")
"""Where spaces at the start of a line may be text; elsewhere they are only weight."""
_SYMBOL = re.compile(r'<symbol id="([\w-]+)" viewBox="0 0 24 24">(.*?)</symbol>')
_MODULE = re.compile(r'<script type="module" src="(/static/[\w-]+/v-\w+)/([\w./-]+)"></script>')


class _Addresses(Extension):
    """Gives each file that a template names its version, and asks at once for what a module needs.

    Without the second, a browser would learn of a module's own modules only when it has read it:
    one more round trip for each step of the chain.
    """

    known: tuple[Assets, ...] = ()

    def preprocess(
        self,
        source: str,
        name: str | None,  # noqa: ARG002 - the signature is Jinja's
        filename: str | None = None,  # noqa: ARG002
    ) -> str:
        """The template's text with its addresses made whole."""
        folders = {one.base: one for one in self.known}

        def early(found: re.Match[str]) -> str:
            folder = folders.get(found[1])
            needs = folder.needs(found[2]) if folder else []
            return (
                "".join(
                    f'<link rel="modulepreload" fetchpriority="low" href="{at}">' for at in needs
                )
                + found[0]
            )

        whole = _MODULE.sub(early, versioned(source, *self.known))
        return whole if _AS_WRITTEN.search(whole) else _INDENT.sub("\n", whole)


def quoted(text: str) -> Markup:
    """A text for an attribute in single quotes: JSON stays short, for its own quotes stay."""
    escaped = str(escape(text)).replace("&#34;", '"')
    return Markup(escaped)  # noqa: S704 - escaped but for what cannot end the attribute


@lru_cache
def icons() -> dict[str, Markup]:
    """Each icon of the sprite by its name: what stands inside its ``svg``.

    A page holds its icons itself: a sprite that came later would move what stands beside them.
    """
    sprite = (STATIC / "icons.svg").read_text("utf-8")
    return {name: Markup(inside) for name, inside in _SYMBOL.findall(sprite)}  # noqa: S704 - ours


def templates(*folders: Path, **static: Path) -> Jinja2Templates:
    """Templates of the folders, in that order, then those of the design system.

    Values are escaped in every template; a variable that does not exist is an error, save that it
    may be tested for (``nav_items is defined``). Files of the ``static`` folders (by their name in
    addresses) and of the design system get their versioned address.
    """
    known = tuple(assets(name, folder) for name, folder in {"caretier": STATIC, **static}.items())
    env = Environment(
        extensions=[type("Addresses", (_Addresses,), {"known": known})],
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals["icons"] = icons()
    env.filters["quoted"] = quoted
    return Jinja2Templates(env=env)


def mount_static(app: FastAPI, **folders: Path) -> None:
    """Serve each folder at ``/static/<name>``, and the design system at ``/static/caretier``.

    What the app serves already (``services.web.app`` brings the design system) is left as it is.
    """
    served = {getattr(route, "path", "") for route in app.routes}
    for name, folder in {"caretier": STATIC, **folders}.items():
        if f"/static/{name}" not in served:
            app.mount(f"/static/{name}", assets(name, folder), name=f"static-{name}")
