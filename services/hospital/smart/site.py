"""The addresses of one authorization server, as the outside knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from fastapi import Request

from services.web.address import public_base


@dataclass(frozen=True)
class Site:
    """Where things are.

    Attributes:
        base: absolute URL of the hospital, without a final slash; it is the issuer's name too.
    """

    base: str

    @classmethod
    def of(cls, request: Request) -> Self:
        """The site that a request came to."""
        return cls(public_base(request))

    @property
    def fhir(self) -> str:
        """The FHIR base address: what a token is good for."""
        return f"{self.base}/fhir"

    @property
    def token(self) -> str:
        """The token endpoint: what a client assertion must be made for."""
        return self.oauth("token")

    def oauth(self, name: str) -> str:
        """One of the endpoints of OAuth."""
        return f"{self.base}/oauth/{name}"

    def is_fhir(self, address: str) -> bool:
        """Whether somebody means our FHIR base; a final slash does not matter."""
        return address.removesuffix("/") == self.fhir
