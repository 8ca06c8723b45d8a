"""Who may sign the bricks of which level and domain, and new keys for old ones."""

from __future__ import annotations

from tuf.api.metadata import DelegatedRole

from services.bricks.errors import BrickError, BrickUnknownError
from services.bricks.manifest import Level
from services.bricks.repository.edition import ONLINE, ROOT, TARGETS, TOP_LEVEL
from services.bricks.repository.key_maker import KeyMaker, KeyPlan
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.layout import role_of
from services.bricks.repository.repository import Repository


def delegate(
    repository: Repository,
    maker: KeyMaker,
    plan: KeyPlan,
    keys: KeyRing,
    *,
    level: Level,
    domain: str,
) -> str:
    """Let new keys sign the bricks of a level and domain; return the name of their role.

    Raises:
        BrickError: that is delegated already.
        RepositoryKeyError: the keys of targets are not at hand.
    """
    role = role_of(level, domain)
    with repository.edit(keys) as edition:
        if role in edition.delegations():
            raise BrickError(
                f"{level}/{domain} is delegated already.",
                remedy=f"New keys: `caretier bricks repository rotate {role}`.",
            )
        edition.demand(keys, TARGETS, *ONLINE)
        pattern = f"{level}/{domain}/*/*.json"
        rule = DelegatedRole(role, [], plan.threshold, terminating=True, paths=[pattern])
        edition.rules()[role] = rule
        for key in maker.make(role, plan, keys):
            edition.targets().add_key(key, role)
        edition.add(role)
    return role


def undelegate(repository: Repository, keys: KeyRing, role: str) -> None:
    """Take a delegation back: what its keys signed is to be had no more.

    Raises:
        BrickUnknownError: there is no such delegation.
        RepositoryKeyError: the keys of targets are not at hand.
    """
    with repository.edit(keys) as edition:
        if role not in edition.delegations():
            raise BrickUnknownError(f"Nothing is delegated to {role} in this repository.")
        for keyid in tuple(edition.rule(role).keyids):
            edition.targets().revoke_key(keyid, role)
        del edition.rules()[role]
        del edition.metadata[role]


def rotate(
    repository: Repository,
    maker: KeyMaker,
    plan: KeyPlan,
    keys: KeyRing,
    *,
    role: str,
    only: str | None = None,
) -> tuple[str, ...]:
    """Put new keys in the place of old ones of a role; return the ids that no longer count.

    Args:
        repository: where the role is.
        maker: of the new keys.
        plan: for the role: its threshold, and how many keys it has afterwards. Kept keys count.
        keys: those of root for a top-level role, those of targets for a delegation, those that the
            role keeps, and the online ones.
        role: whose keys change.
        only: the beginning of the id of the one key that is replaced; all of them when None.

    Raises:
        BrickUnknownError: there is no such role or key.
        RepositoryKeyError: too few keys are at hand.
    """
    with repository.edit(keys) as edition:
        rule = edition.known_rule(role)
        owner = edition.root if role in TOP_LEVEL else edition.targets()
        edition.demand(keys, ROOT if role in TOP_LEVEL else TARGETS)
        out = tuple(keyid for keyid in rule.keyids if keyid.startswith(only or ""))
        if not out:
            raise BrickUnknownError(f"{role} has no key {only}.")
        for keyid in out:
            owner.revoke_key(keyid, role)
        fresh = KeyPlan(plan.folders, keys=max(plan.keys - len(rule.keyids), 1))
        for key in maker.make(role, fresh, keys):
            owner.add_key(key, role)
        rule.threshold = plan.threshold
        edition.renew.add(role)
    return out
