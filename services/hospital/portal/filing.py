"""Filing a reply: who it is for, what exactly would be filed, and taking it back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from compliance.errors import CaretierError, NotFoundError
from services.hospital.accounts import SignedIn
from services.hospital.desk import DeskItem
from services.hospital.portal.access import HOME, WRITERS
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.placeholders import check
from services.hospital.portal.texts import clean
from services.hospital.relations import Relations
from services.hospital.writing import Beside, Filings, Preview

MAX_NUMBER_CHARS = 100
MAX_WHY_CHARS = 1_000


@dataclass(frozen=True)
class Choice:
    """What a sign form says about filing; without a number nothing is filed."""

    number: str = ""
    token: str = ""

    @classmethod
    def read(cls, number: str, token: str) -> Choice:
        """As the form sent it."""
        return cls(clean(number[:MAX_NUMBER_CHARS]).strip(), token[:MAX_NUMBER_CHARS])


class FilingDesk:
    """Filing as the portal's pages use it.

    Args:
        filings: of the hospital.
        relations: who may see in whose record a reply was filed.
    """

    def __init__(self, filings: Filings, relations: Relations) -> None:
        self.filings, self._relations = filings, relations

    def beside(self, item: DeskItem, text: str, choice: Choice, who: SignedIn) -> Beside | None:
        """What is done beside a signature; None where nobody was chosen."""
        if not choice.number:
            return None
        return self.filings.beside(
            item, text, choice.number, choice.token, user=who.user, client=who.client
        )

    def shown(self, item: DeskItem, who: SignedIn) -> dict[str, Any] | None:
        """What the page of a signed referral says about the record; None: nothing.

        Where it was filed says whose it is, so only who treats that person is told.
        """
        found = self.filings.filed(item.id) if item.state == "signed" else None
        patient = str(found["subject"]["reference"]) if found else ""
        basis = self._relations.basis(who.user, patient.removeprefix("Patient/")) if found else None
        if found is None or who.user.role not in WRITERS or basis is None:
            return None
        return {
            "patient": patient,
            "communication": f"Communication/{found['id']}",
            "withdrawn": found["status"] == "entered-in-error",
        }


def filing_pages(router: APIRouter, portal: Portal, filing: FilingDesk) -> None:
    """Add the preview of what would be filed, and its withdrawal."""
    gate = portal.gate

    @router.post("/referrals/{id_}/filing")
    def preview(
        request: Request,
        id_: str,
        csrf: Annotated[str, Form()] = "",
        text: Annotated[str, Form()] = "",
        number: Annotated[str, Form()] = "",
    ) -> Response:
        """Show exactly what would be signed, sent and filed; nothing of it has happened yet."""
        who = gate.let_change(request, csrf, WRITERS)
        item, mine = portal.item(id_), clean(text)
        portal.audit_read(who.user, item.id, who.client)
        choice = Choice.read(number, "")
        try:
            check(mine, item.question)
            person = filing.filings.person(who.user, choice.number, who.client)
            found = filing.filings.preview(item, mine, person, who.user)
        except NotFoundError:
            raise
        except CaretierError as error:
            return portal.referral(
                request, who, item.id, mine=mine, error=error, number=choice.number
            )
        return _preview_page(portal, request, who, item, mine, found)

    @router.post("/referrals/{id_}/withdraw")
    def withdraw(
        request: Request,
        id_: str,
        csrf: Annotated[str, Form()] = "",
        why: Annotated[str, Form()] = "",
    ) -> Response:
        """Mark what was filed as entered in error; what was sent stays sent."""
        who = gate.let_change(request, csrf, WRITERS)
        item = portal.item(id_)
        said = clean(why[:MAX_WHY_CHARS])
        try:
            filing.filings.withdraw(item.id, who.user, said, who.client)
        except NotFoundError:
            raise
        except CaretierError as error:
            return portal.referral(request, who, item.id, error=error)
        return see(f"{HOME}referrals/{item.id}")


def _preview_page(  # noqa: PLR0917 - what the page stands on
    portal: Portal, request: Request, who: SignedIn, item: DeskItem, text: str, found: Preview
) -> Response:
    t = portal.pages.translator(request)
    return portal.pages.render(
        request,
        "filing",
        who,
        here=f"{HOME}referrals/{item.id}",
        title=t("filing.title"),
        current=HOME,
        item=item,
        text=text,
        preview=found,
        against=portal.against(request, item, text),
        resources=[(f"{one['resourceType']}/{one['id']}", _json(one)) for one in found.resources],
    )


def _json(resource: dict[str, Any]) -> str:
    """A resource to read; the moment of signing is not known yet."""
    return json.dumps(resource, indent=2, ensure_ascii=False)
