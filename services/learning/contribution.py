"""A contribution: one safetensors file that says whose it is, on what it stands, and is signed.

The tensors are the two factors of each module's change, ``<module>.up`` (outputs, rank) and
``<module>.down`` (rank, inputs), float32, the adapter's scale inside ``up``. The file's metadata
holds the manifest (JSON) and the node's signature over it; the manifest names the digest of the
tensors, so the signature covers both. The site is a pseudonym: which one it is knows its own node
and the parent that enrolled it.

    write_contribution(path, manifest_fields, delta, key)        # at the clinic
    manifest = check_contribution(path, expected)                # at the parent, or a refusal
    aggregate(FileRound([path, …]), …)
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import uuid4

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from compliance.sealing import IdentityKey, IdentityPublic, SealingError
from compliance.sealing.encoding import canonical_json, from_text, to_text
from compliance.sealing.identity import signed_bytes
from services.bricks.manifest import BrickId, BrickRef, Digest
from services.learning.aggregate.delta import Delta, Factors, Floats
from services.learning.errors import ContributionRefusedError

PURPOSE = "caretier/contribution/v1"
MAX_BYTES = 256 << 20
"""Of a contribution's file; a longer one is not read."""
CLOCK_SKEW = timedelta(minutes=5)
OLDEST = timedelta(days=30)

CANCELLING = 100.0
"""How many times ``max_norm`` the factors may be long, each on its own. Where long ones cancel,
what is left of them is lost in rounding: its length would not be seen, nor what it does."""

Metric = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,48}$")]
Figure = Annotated[float, Field(allow_inf_nan=False)]


class Privacy(BaseModel):
    """What protects the people whose examples were learned from.

    ``epsilon`` and ``delta`` are the node's whole budget spent up to and with this contribution,
    ``clip`` and ``noise`` how this one was made; ``none`` is said where nothing was added.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mechanism: Literal["none", "example", "update"]
    epsilon: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    delta: float | None = Field(default=None, gt=0, lt=1)
    clip: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    noise: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class ContributionManifest(BaseModel):
    """What a contribution says of itself.

    Attributes:
        base: digest of the model; parent: the brick that was trained on, None for the bare model.
        epoch: of the parent, counted up at each release; an older one is stale.
        site: pseudonym of the node; key: fingerprint of the key that signed.
        metrics: what the node measured itself, for instance the loss before and after.
        tensors: digest of all tensors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["caretier-contribution/1"] = "caretier-contribution/1"
    id: str = Field(pattern=r"^[0-9a-f-]{36}$")
    domain: BrickId
    base: Digest
    parent: BrickRef | None = None
    epoch: int = Field(ge=0)
    site: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    key: str = Field(pattern=r"^[A-Z2-7]{16}$")
    examples: int = Field(ge=1, le=10_000_000)
    rank: int = Field(ge=1, le=512)
    privacy: Privacy
    metrics: dict[Metric, Figure] = Field(default_factory=dict, max_length=32)
    made: AwareDatetime
    tensors: Digest


@dataclass(frozen=True)
class Expected:
    """What the parent takes in a round.

    Attributes:
        shapes: (outputs, inputs) of each module.
        max_norm: of the whole change.
        signer: the enrolled key of a fingerprint, None for an unknown or revoked one.
        taken: whether a contribution of this id, or of this key in this epoch, is here already.
    """

    domain: str
    base: str
    parent: str | None
    epoch: int
    rank: int
    shapes: Mapping[str, tuple[int, int]]
    max_norm: float
    signer: Callable[[str], IdentityPublic | None]
    taken: Callable[[ContributionManifest], bool]


def write_contribution(
    path: Path, fields: Mapping[str, Any], delta: Delta, key: IdentityKey
) -> ContributionManifest:
    """Write and sign a contribution.

    Args:
        path: of the file.
        fields: of the manifest; id, key, rank, made and tensors are filled in.
        delta: the change.
        key: of the node.
    """
    tensors = _named(delta)
    manifest = ContributionManifest.model_validate(
        {
            "id": str(uuid4()),
            "made": datetime.now(UTC),
            **fields,
            "key": key.public.fingerprint,
            "rank": next(iter(delta.values())).up.shape[1],
            "tensors": _digest(tensors),
        }
    )
    body = canonical_json(manifest.model_dump(mode="json"))
    signature = to_text(key.sign(signed_bytes(PURPOSE, body)))
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, {"manifest": body.decode(), "signature": signature})
    part.replace(path)
    return manifest


def read_manifest(path: Path) -> tuple[ContributionManifest, str]:
    """The manifest of a file and the signature over it; neither is checked.

    Raises:
        ContributionRefusedError: it is no contribution.
    """
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise _refused("too-large", f"A contribution has at most {MAX_BYTES >> 20} MiB.")
    try:
        with safe_open(path, framework="np") as file:
            told = file.metadata() or {}
        manifest = ContributionManifest.model_validate_json(told.get("manifest", ""))
    except (SafetensorError, ValidationError, ValueError):
        raise _refused("malformed", "This is no contribution.") from None
    return manifest, told.get("signature", "")


def check_contribution(
    path: Path, expected: Expected, now: datetime | None = None
) -> ContributionManifest:
    """Check a contribution by every rule, cheapest first.

    Raises:
        ContributionRefusedError: naming the rule; nothing of the file is used.
    """
    manifest, signature = read_manifest(path)
    _signed(manifest, signature, expected)
    _timely(manifest, expected, now or datetime.now(UTC))
    delta = _read(path)
    _shaped(delta, manifest, expected)
    if manifest.tensors != _digest(_named(delta)):
        raise _refused("digest-mismatch", "The tensors are not those that were signed.")
    if _apart(delta) > CANCELLING * expected.max_norm:
        raise _refused("too-long", "Its factors are far longer than what they make together.")
    length = length_of(delta)
    if length > expected.max_norm:
        raise _refused(
            "too-long",
            f"The change is {length:.3g} long; at most {expected.max_norm:.3g} is taken.",
        )
    return manifest


def length_of(delta: Delta) -> float:
    """Length of a whole change."""
    return math.sqrt(sum(_square(factors) for factors in delta.values()))


class FileRound:
    """Contributions in files, read module by module (`services.learning.aggregate.Round`)."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self.modules: tuple[str, ...] = ()
        if self._paths:
            with safe_open(self._paths[0], framework="np") as file:
                self.modules = tuple(sorted({n.rpartition(".")[0] for n in file.keys()}))  # noqa: SIM118

    def __len__(self) -> int:
        """How many contributions."""
        return len(self._paths)

    def stacked(self, module: str) -> tuple[Floats, Floats]:
        """See `services.learning.aggregate.delta.Round.stacked`."""
        ups, downs = [], []
        for path in self._paths:
            with safe_open(path, framework="np") as file:
                ups.append(file.get_tensor(f"{module}.up"))
                downs.append(file.get_tensor(f"{module}.down"))
        return np.stack(ups), np.stack(downs)


def _named(delta: Delta) -> dict[str, Floats]:
    """The tensors of a file by name."""
    return {
        f"{module}.{side}": np.ascontiguousarray(getattr(factors, side), np.float32)
        for module, factors in sorted(delta.items())
        for side in ("up", "down")
    }


def _digest(tensors: Mapping[str, Floats]) -> str:
    total = hashlib.sha256()
    for name, values in sorted(tensors.items()):
        total.update(json.dumps([name, values.shape]).encode())
        total.update(values.tobytes())
    return f"sha256:{total.hexdigest()}"


def _read(path: Path) -> dict[str, Factors]:
    """All factors.

    Raises:
        ContributionRefusedError: a tensor is of another type, or has no partner.
    """
    sides: dict[str, dict[str, Floats]] = {}
    with safe_open(path, framework="np") as file:
        for name in file.keys():  # noqa: SIM118 - not a mapping
            if file.get_slice(name).get_dtype() != "F32":
                raise _refused("wrong-type", "Tensors of a contribution are float32.")
            module, _, side = name.rpartition(".")
            sides.setdefault(module, {})[side] = file.get_tensor(name)
    if any(set(held) != {"up", "down"} for held in sides.values()):
        raise _refused("wrong-shape", "A module has not both factors.")
    return {module: Factors(held["up"], held["down"]) for module, held in sides.items()}


def _signed(manifest: ContributionManifest, signature: str, expected: Expected) -> None:
    signer = expected.signer(manifest.key)
    if signer is None:
        raise _refused("unknown-signer", "The key that signed is not enrolled here.")
    body = canonical_json(manifest.model_dump(mode="json"))
    try:
        signer.verify(from_text(signature), signed_bytes(PURPOSE, body))
    except (SealingError, ValueError):
        raise _refused("bad-signature", "The signature does not hold.") from None


def _timely(manifest: ContributionManifest, expected: Expected, now: datetime) -> None:
    if (manifest.domain, manifest.base) != (expected.domain, expected.base):
        raise _refused("wrong-base", "It was trained on another model or for another domain.")
    if (manifest.epoch, manifest.parent) != (expected.epoch, expected.parent):
        raise _refused(
            "stale-epoch", f"It stands on epoch {manifest.epoch}; now is {expected.epoch}."
        )
    if not now - OLDEST <= manifest.made <= now + CLOCK_SKEW:
        raise _refused("wrong-time", "It was made too long ago, or its clock is ahead.")
    if expected.taken(manifest):
        raise _refused("replayed", "It is here already, or this node has one in this epoch.")


def _shaped(delta: Delta, manifest: ContributionManifest, expected: Expected) -> None:
    if manifest.rank != expected.rank:
        raise _refused("wrong-rank", f"Its rank is {manifest.rank}; {expected.rank} is taken.")
    if set(delta) != set(expected.shapes):
        raise _refused("wrong-shape", "Its modules are not those of the round.")
    for module, (outputs, inputs) in expected.shapes.items():
        up, down = delta[module].up, delta[module].down
        if up.shape != (outputs, expected.rank) or down.shape != (expected.rank, inputs):
            raise _refused("wrong-shape", f"The factors of {module} do not fit.")
        if not (np.isfinite(up).all() and np.isfinite(down).all()):
            raise _refused("not-finite", f"{module} holds numbers that are none.")


def _apart(delta: Delta) -> float:
    """Length that the change would have if nothing in it cancelled."""
    squares = (
        float(np.square(one.up, dtype=np.float64).sum())
        * float(np.square(one.down, dtype=np.float64).sum())
        for one in delta.values()
    )
    return math.sqrt(sum(squares))


def _square(factors: Factors) -> float:
    """Squared length of a product, from its factors."""
    up, down = factors.up.astype(np.float64), factors.down.astype(np.float64)
    return max(float(((up.T @ up) * (down @ down.T)).sum()), 0.0)


def _refused(reason: str, message: str) -> ContributionRefusedError:
    return ContributionRefusedError(message, reason=reason)
