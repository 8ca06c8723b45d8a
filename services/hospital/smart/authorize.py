"""An authorization request: what an app asks for, judged before any person is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self
from urllib.parse import urlencode, urlsplit

from compliance.access import Scopes
from compliance.access.scopes import LAUNCH_WORDS
from services.hospital.smart.clients import ASK, Client
from services.hospital.smart.errors import OAuthError
from services.hospital.smart.grants import CHALLENGE
from services.hospital.smart.granular import read_scopes, usable_only
from services.hospital.smart.launches import Launches
from services.hospital.smart.site import Site

LONGEST_STATE = 2000
LONGEST_NONCE = 500


@dataclass(frozen=True)
class Asked:
    """What an app asks for, so far as it is registered for it.

    Attributes:
        client: its id; name: as people see it.
        redirect: where the browser goes back to; state: that goes with it.
        scopes: that could be granted, as text.
        challenge: of PKCE; nonce: that is to stand in the ID token.
        user: who alone may answer, where the app was launched from a chart.
        patient: id of the Patient of the launch, or who was chosen.
        encounter: id of the Encounter of the launch.
    """

    client: str
    name: str
    redirect: str
    state: str
    scopes: str
    challenge: str
    nonce: str | None = None
    user: str | None = None
    patient: str | None = None
    encounter: str | None = None

    @property
    def scope(self) -> Scopes:
        """The scopes, bound to the patient if there is one already."""
        return Scopes.understood(self.scopes, self.patient)[0]

    @property
    def lacks_patient(self) -> bool:
        """Whether somebody has to say first whose record is meant."""
        bound = self.scope.has_context("patient") or self.scope.has("launch/patient")
        return bound and self.patient is None

    def of_patient(self, patient: str) -> Self:
        """The same for a patient who was chosen."""
        return replace(self, patient=patient)

    def as_text(self) -> str:
        """It as JSON, to be kept until the person has answered."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What `as_text` made."""
        return cls(**json.loads(text))

    def granted(self, chosen: list[str], encounter: str | None, *, fhir_user: bool) -> Scopes:
        """What the person leaves in, without what there is nothing to show for.

        Args:
            chosen: scopes as they stand in the form.
            encounter: id of the Encounter, if there is one.
            fhir_user: whether the account stands for somebody in the record.
        """
        empty = {
            *(() if fhir_user else ("fhirUser",)),
            *(() if encounter else ("launch/encounter",)),
            *(() if self.patient else ("launch/patient",)),
        }
        kept = [scope for scope in chosen if scope not in empty]
        context = [word for word in self.scope.words if word.startswith("launch")]
        return self.scope.only([*kept, *(word for word in context if word not in empty)])


def read_request(
    fields: Mapping[str, str], client: Client, site: Site, launches: Launches
) -> Asked:
    """What the app asks for.

    Args:
        fields: of the request; the redirect address was looked at before.
        client: that asks.
        site: that is asked.
        launches: from charts; the one that is named is used up.

    Raises:
        OAuthError: the request cannot be granted, whoever is asked.
    """
    if fields.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code.")
    state = fields.get("state", "")
    if not 0 < len(state) <= LONGEST_STATE:
        raise OAuthError("invalid_request", "state is missing, or too long.")
    if fields.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256.")
    challenge = fields.get("code_challenge", "")
    if not CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge must be the S256 of a verifier.")
    if not site.is_fhir(fields.get("aud", "")):
        raise OAuthError("invalid_request", f"aud must be {site.fhir}.")
    nonce = fields.get("nonce")
    if nonce is not None and not (nonce.isprintable() and len(nonce) <= LONGEST_NONCE):
        raise OAuthError("invalid_request", "nonce is too long, or holds what cannot be printed.")
    scopes = _grantable(fields.get("scope", ""), client)
    asked = Asked(
        client=client.id,
        name=client.name,
        redirect=fields["redirect_uri"],
        state=state,
        scopes=scopes.text,
        challenge=challenge,
        nonce=nonce,
    )
    return _launched(asked, fields.get("launch"), launches)


def answer_address(redirect: str, **fields: str) -> str:
    """The app's address with what it is told."""
    mark = "&" if urlsplit(redirect).query else "?"
    return f"{redirect}{mark}{urlencode(fields)}"


def _grantable(text: str, client: Client) -> Scopes:
    """Of what is asked for, what is understood and registered; the rest is passed over."""
    found = usable_only(read_scopes(text)[0]).common(client.scopes).without("system")
    words = (word for word in found.words if word in LAUNCH_WORDS | {ASK})
    kept = found.only([*words, *map(str, found.grants)])
    if not kept.text:
        raise OAuthError("invalid_scope", "The app is registered for none of these scopes.")
    return kept


def _launched(asked: Asked, token: str | None, launches: Launches) -> Asked:
    """The same with what the chart was from which it was launched."""
    scopes = asked.scope
    if token is None:
        kept = scopes.only(one for one in scopes.text.split() if one != "launch")
        return replace(asked, scopes=kept.text)
    launch = launches.take(token, asked.client)
    if launch is None:
        raise OAuthError("invalid_request", "launch is unknown, over, used, or another app's.")
    return replace(asked, user=launch.user, patient=launch.patient, encounter=launch.encounter)
