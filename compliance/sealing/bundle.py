"""A node's published keys, signed by its identity."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compliance.sealing.encoding import Moment, canonical_json, from_text, to_text
from compliance.sealing.errors import SealingError
from compliance.sealing.identity import IdentityKey, IdentityPublic, signed_bytes
from compliance.sealing.keys import SealingPublic

CLOCK_SKEW = timedelta(minutes=5)
"""How far two nodes' clocks may differ."""

PURPOSE = "caretier/key-bundle/v1"


class SealingEntry(BaseModel):
    """One sealing key: its id (16 hexadecimal digits) and its public bytes (base64url)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_id: str
    public: str


class KeyBundle(BaseModel):
    """Who a node is and where to seal to; trusted once its fingerprint was compared.

    Attributes:
        node: the node's name.
        level: its tier, for example ``clinic``.
        identity: public identity key, base64url.
        sealing: sealing keys, the one to use first.
        issued: when it was made, UTC.
        expires: when it stops counting, UTC.
        signature: Ed25519 over the canonical JSON of the rest, base64url.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str = Field(min_length=1, max_length=200)
    level: str = Field(min_length=1, max_length=40)
    identity: str
    sealing: tuple[SealingEntry, ...] = Field(min_length=1, max_length=8)
    issued: Moment
    expires: Moment
    signature: str = ""

    @classmethod
    def issue(
        cls,
        key: IdentityKey,
        sealing: Iterable[SealingPublic],
        *,
        node: str,
        level: str,
        now: datetime,
        valid_for: timedelta = timedelta(days=90),
    ) -> KeyBundle:
        """Make and sign a bundle.

        Args:
            key: the node's identity.
            sealing: its public sealing keys, the one to use first.
            node: the node's name.
            level: its tier.
            now: time of issue, with a zone.
            valid_for: how long others may use it.
        """
        bundle = cls(
            node=node,
            level=level,
            identity=key.public.to_text(),
            sealing=tuple(SealingEntry(key_id=k.key_id, public=k.to_text()) for k in sealing),
            issued=now,
            expires=now + valid_for,
        )
        signature = key.sign(signed_bytes(PURPOSE, bundle._body()))
        return bundle.model_copy(update={"signature": to_text(signature)})

    @classmethod
    def parse(cls, data: bytes | str) -> KeyBundle:
        """Read a bundle from JSON; `verify` it before use.

        Raises:
            SealingError: it is not a bundle (``malformed``).
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError:
            raise SealingError("This is not a key bundle.", reason="malformed") from None

    def _body(self) -> bytes:
        return canonical_json(self.model_dump(mode="json", exclude={"signature"}))

    def verify(self, now: datetime, fingerprint: str | None = None) -> None:
        """Return if the bundle is whole, in time, and (where given) from the pinned identity.

        Args:
            now: the present, with a zone.
            fingerprint: of the identity that is expected; None trusts on first use.

        Raises:
            SealingError: ``wrong-identity``, ``bad-signature``, ``bad-key``, ``not-yet-valid`` or
                ``expired``.
        """
        identity = self.identity_public()
        if fingerprint is not None and identity.fingerprint != fingerprint:
            raise SealingError("These are another node's keys.", reason="wrong-identity")
        try:
            signature = from_text(self.signature)
        except ValueError:
            raise SealingError("The signature is unreadable.", reason="bad-signature") from None
        identity.verify(signature, signed_bytes(PURPOSE, self._body()))
        for entry in self.sealing:
            if SealingPublic.from_text(entry.public).key_id != entry.key_id:
                raise SealingError("A sealing key has a wrong id.", reason="bad-key")
        if now < self.issued - CLOCK_SKEW:
            raise SealingError("These keys are not valid yet.", reason="not-yet-valid")
        if now > self.expires + CLOCK_SKEW:
            raise SealingError("These keys have expired.", reason="expired")

    def check_successor(self, later: KeyBundle, now: datetime) -> None:
        """Return if ``later`` may take this bundle's place: the same node's, whole, and newer.

        Raises:
            SealingError: as `verify`; ``wrong-identity`` for another tier, ``replayed`` for an
                older bundle, which would bring back a key that was rotated out.
        """
        later.verify(now, self.identity_public().fingerprint)
        if later.level != self.level:
            raise SealingError("These keys are of another tier.", reason="wrong-identity")
        if later.issued < self.issued:
            raise SealingError("These keys are older than those held.", reason="replayed")

    def identity_public(self) -> IdentityPublic:
        """Return the identity that signed.

        Raises:
            SealingError: the text is no key (``bad-key``).
        """
        return IdentityPublic.from_text(self.identity)

    def sealing_public(self) -> SealingPublic:
        """Return the key to seal to, the first; only after `verify`.

        Raises:
            SealingError: the text is no key (``bad-key``).
        """
        return SealingPublic.from_text(self.sealing[0].public)
