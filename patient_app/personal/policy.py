"""What the person chose, as a policy brick in their vault."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from compliance.errors import NotFoundError
from compliance.sealing.encoding import canonical_json
from patient_app.vault import Vault
from services.bricks.manifest import BrickFile, BrickManifest, Lineage, split_ref

BRICK = "personal"
KIND = "brick"
"""Kind in the vault: every version's manifest with the policy that it names."""
MAX_VERSIONS = 20
MAX_INTERESTS = 12

Interest = Annotated[str, StringConstraints(min_length=2, max_length=40, strip_whitespace=True)]


class PersonalPolicy(BaseModel):
    """How the person wants answers.

    Attributes:
        language: of the page and of answers.
        country: whose emergency numbers are shown (ISO 3166).
        reading_level: ``simple`` explains words and shortens, ``detailed`` shows all that the
            sources say, ``standard`` neither.
        units: quantities in other units get a note; ``as-written`` none.
        interests: subjects in the person's own words, for suggestions.
        learn: whether a small adapter may be trained on this device.
        local_only: nothing is offered to a tier above.
        born: day of birth, for the age where the record does not say it; stays on the device.
        carer: somebody who cares for the person asks for them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    language: Literal["en", "es"] = "en"
    country: str = Field(default="US", pattern=r"^[A-Z]{2}$")
    reading_level: Literal["simple", "standard", "detailed"] = "standard"
    units: Literal["as-written", "metric", "us"] = "as-written"
    interests: tuple[Interest, ...] = Field(default=(), max_length=MAX_INTERESTS)
    learn: bool = False
    local_only: bool = False
    born: date | None = None
    carer: bool = False


def read_policy(vault: Vault) -> PersonalPolicy:
    """The policy in use; the default one before anything was chosen."""
    return PersonalPolicy.model_validate(vault.get("profile", "me") or {})


def change_policy(vault: Vault, changes: dict[str, Any]) -> PersonalPolicy:
    """Change fields; a change that changes nothing makes no version."""
    before = read_policy(vault)
    after = PersonalPolicy.model_validate(before.model_dump() | changes)
    if after != before or not versions(vault):
        _keep(vault, after, "updated")
    return after


def put_back(vault: Vault, version: int) -> PersonalPolicy:
    """Use a former version again; it becomes the newest.

    Raises:
        NotFoundError: it is not kept.
    """
    kept = vault.get(KIND, f"{BRICK}@{version}")
    if kept is None:
        raise NotFoundError(f"There is no version {version} of these settings.")
    policy = PersonalPolicy.model_validate(kept["policy"])
    _keep(vault, policy, f"put back version {version}")
    return policy


def versions(vault: Vault) -> list[BrickManifest]:
    """Manifests of the versions that are kept, newest first."""
    held = [
        BrickManifest.model_validate(row["manifest"])
        for key, row in vault.items(KIND)
        if key.startswith(f"{BRICK}@")
    ]
    return sorted(held, key=lambda m: m.version, reverse=True)


def _keep(vault: Vault, policy: PersonalPolicy, how: str) -> None:
    held = versions(vault)
    content = canonical_json(policy.model_dump(mode="json"))
    latest = held[0] if held else None
    manifest = BrickManifest(
        id=BRICK,
        version=latest.version + 1 if latest else 1,
        kind="policy",
        title="How this person wants answers",
        level="device",
        languages=(policy.language,),
        domain=BRICK,
        licence="The person's own; it never leaves the device.",
        created=datetime.now(UTC),
        lineage=Lineage(
            operation="updated" if latest else "made",
            parents=(latest.ref,) if latest else (),
            method=how if latest else None,
        ),
        files=(
            BrickFile(
                name="policy.json",
                digest=f"sha256:{hashlib.sha256(content).hexdigest()}",
                size=len(content),
                role="policy",
            ),
        ),
    )
    with vault.write() as tx:
        tx.put("profile", "me", policy.model_dump(mode="json"))
        row = {
            "manifest": manifest.model_dump(mode="json"),
            "policy": policy.model_dump(mode="json"),
        }
        tx.put(KIND, manifest.ref, row)
        for old in held[MAX_VERSIONS - 1 :]:
            tx.delete(KIND, f"{BRICK}@{split_ref(old.ref)[1]}")
