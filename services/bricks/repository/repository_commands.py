"""`caretier bricks repository`: make it, say who may publish, change keys, take bricks back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compliance.errors import BadInputError
from services.bricks.repository.channel_commands import channels
from services.bricks.repository.options import (
    DATA,
    PUBLISHER_KEYS,
    DataOption,
    JsonOption,
    KeysOption,
    PassphraseOption,
    ProposeOption,
)

app = typer.Typer(add_completion=False, no_args_is_help=True)
app.command()(channels)

IntoOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--new-keys", file_okay=False, help="Folder for new keys, several take turns; again."
    ),
]
CountOption = Annotated[int, typer.Option("--count", min=1, help="How many keys.")]
ThresholdOption = Annotated[int, typer.Option("--threshold", min=1, help="How many have to sign.")]
NewPassphraseOption = Annotated[
    Path | None,
    typer.Option("--new-passphrase-file", help="File with the passphrase of new keys."),
]
Proposal = Annotated[
    Path, typer.Argument(exists=True, file_okay=False, help="Folder that was given to --propose.")
]
Role = Annotated[str, typer.Argument(metavar="ROLE", help="root, targets, … or device-cardiology.")]


@app.callback()
def _root() -> None:
    """The signed repository: who may publish what, and until when its signatures count."""


@app.command()
def init(
    root_keys: Annotated[
        list[Path],
        typer.Option(
            "--root-keys", file_okay=False, help="Offline folder for root keys (a stick); again."
        ),
    ],
    *,
    data: DataOption = DATA,
    into: IntoOption = None,
    count: CountOption = 3,
    threshold: ThresholdOption = 2,
    passphrase: NewPassphraseOption = None,
) -> None:
    """Make the repository of a hospital, and its keys. COUNT and THRESHOLD are those of root."""
    from services.bricks.repository import ONLINE_KEYS
    from services.bricks.repository.init import init as run
    from services.bricks.repository.key_maker import KeyMaker, KeyPlan
    from services.bricks.repository.key_ring import KeyRing
    from services.bricks.repository.options import ask_new, repository_of

    held = into or [data / PUBLISHER_KEYS]
    online = KeyPlan([data / ONLINE_KEYS])
    plans = {
        "root": KeyPlan(root_keys, count, threshold),
        "targets": KeyPlan(held),
        "snapshot": online,
        "timestamp": online,
    }
    repository = repository_of(data)
    run(repository, KeyMaker(ask_new(passphrase)), plans, KeyRing([]))
    typer.echo(
        f"The repository is in {repository.layout.folder}. Take the root keys away from this "
        "machine and keep each where only its holder comes; without enough of them no key can be "
        "changed."
    )


@app.command()
def delegate(
    level: Annotated[str, typer.Argument(help="device, clinic or hospital.")],
    domain: Annotated[str, typer.Argument(help="Like cardiology.")],
    *,
    data: DataOption = DATA,
    keys: KeysOption = None,
    into: IntoOption = None,
    count: CountOption = 1,
    threshold: ThresholdOption = 1,
    passphrase: PassphraseOption = None,
    propose: ProposeOption = None,
    new_passphrase: NewPassphraseOption = None,
) -> None:
    """Let new keys sign the bricks of a level and domain. Targets' key signs that."""
    from services.bricks.repository.delegations import delegate as run
    from services.bricks.repository.key_maker import KeyMaker, KeyPlan
    from services.bricks.repository.options import ask_new, delegable, repository_of, ring_of

    plan = KeyPlan(into or [data / PUBLISHER_KEYS], count, threshold)
    maker, ring = KeyMaker(ask_new(new_passphrase)), ring_of(data, keys, passphrase)
    held = delegable(level, domain)
    role = run(repository_of(data, propose), maker, plan, ring, level=held[0], domain=held[1])
    _say(data, propose, f"{role} may sign bricks now, {threshold} of {count} keys.")


@app.command()
def undelegate(
    role: Role,
    *,
    data: DataOption = DATA,
    keys: KeysOption = None,
    passphrase: PassphraseOption = None,
    propose: ProposeOption = None,
) -> None:
    """Take a delegation back: what its keys signed is to be had no more."""
    from services.bricks.repository.delegations import undelegate as run
    from services.bricks.repository.options import repository_of, ring_of

    run(repository_of(data, propose), ring_of(data, keys, passphrase), role)
    _say(data, propose, f"{role} signs nothing any more.")


@app.command()
def rotate(
    role: Role,
    *,
    data: DataOption = DATA,
    keys: KeysOption = None,
    into: IntoOption = None,
    only: Annotated[str | None, typer.Option("--key", help="Id of the one key to replace.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Keys; as many as before.")] = None,
    threshold: Annotated[int | None, typer.Option(min=1, help="To sign; as before.")] = None,
    passphrase: PassphraseOption = None,
    propose: ProposeOption = None,
    new_passphrase: NewPassphraseOption = None,
) -> None:
    """Put new keys in the place of a role's old ones."""
    from services.bricks.repository import ONLINE_KEYS
    from services.bricks.repository.delegations import rotate as run
    from services.bricks.repository.edition import ONLINE, ROOT
    from services.bricks.repository.key_files import SUFFIX
    from services.bricks.repository.key_maker import KeyMaker, KeyPlan
    from services.bricks.repository.options import ask_new, repository_of, ring_of

    repository = repository_of(data, propose)
    rule = repository.read().known_rule(role)
    if role == ROOT and not into:
        raise BadInputError("New root keys need an offline folder: --new-keys FOLDER.")
    held = [data / (ONLINE_KEYS if role in ONLINE else PUBLISHER_KEYS)]
    plan = KeyPlan(into or held, count or len(rule.keyids), threshold or rule.threshold)
    maker, ring = KeyMaker(ask_new(new_passphrase)), ring_of(data, keys, passphrase)
    out = run(repository, maker, plan, ring, role=role, only=only)
    names = ", ".join(f"{role}-{keyid[:8]}{SUFFIX}" for keyid in out)
    _say(data, propose, f"What these keys sign no longer counts, destroy them: {names}.")


@app.command()
def refresh(
    roles: Annotated[
        list[str] | None,
        typer.Argument(metavar="ROLE…", help="Snapshot and timestamp, if due, when none is named."),
    ] = None,
    *,
    data: DataOption = DATA,
    keys: KeysOption = None,
    passphrase: PassphraseOption = None,
    propose: ProposeOption = None,
) -> None:
    """Sign roles anew before they run out. The hospital does snapshot and timestamp by itself."""
    from services.bricks.repository.options import repository_of, ring_of
    from services.bricks.repository.refresh import refresh as run

    done = run(repository_of(data, propose), ring_of(data, keys, passphrase), roles or ())
    said = f"Signed anew: {', '.join(done)}." if done else "Nothing is due."
    _say(data, propose if done else None, said)


@app.command()
def revoke(
    ref: Annotated[str, typer.Argument(metavar="BRICK", help="Like heart-style@2.")],
    reason: Annotated[str, typer.Option(help="Why, for those who used it; no person's data.")],
    *,
    data: DataOption = DATA,
    keys: KeysOption = None,
    passphrase: PassphraseOption = None,
    propose: ProposeOption = None,
) -> None:
    """Take a published brick back: nodes stop using it. Targets' key signs that."""
    from services.bricks.repository.options import repository_of, ring_of
    from services.bricks.repository.publish import revoke as run

    run(repository_of(data, propose), ring_of(data, keys, passphrase), ref, reason)
    _say(data, propose, f"{ref} is taken back. A later version may be published.")


@app.command()
def sign(
    folder: Proposal,
    *,
    data: DataOption = DATA,
    keys: KeysOption = None,
    passphrase: PassphraseOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Look at what was proposed with --propose, and add the signatures of the keys at hand."""
    from services.bricks.repository.options import repository_of, ring_of
    from services.bricks.repository.proposals import contents
    from services.bricks.repository.proposals import sign as run
    from services.bricks.repository.show import show_contents

    if repository_of(data).exists:
        _show_proposal(data, folder)
    else:
        show_contents(contents(folder))
    if not yes:
        typer.confirm("Sign this?", abort=True, err=True)
    labels = run(folder, ring_of(data, keys, passphrase))
    typer.echo(f"Signed with {', '.join(labels)}.")


@app.command()
def apply(
    folder: Proposal,
    *,
    data: DataOption = DATA,
    keys: KeysOption = None,
    passphrase: PassphraseOption = None,
) -> None:
    """Publish what was proposed, once enough people have signed it."""
    from services.bricks.repository.options import repository_of, ring_of
    from services.bricks.repository.proposals import apply as run

    roles = run(repository_of(data), ring_of(data, keys, passphrase), folder)
    typer.echo(f"Published: {', '.join(roles)}.")


def _say(data: Path, propose: Path | None, done: str) -> None:
    """What was done, or what has still to be signed."""
    if propose is None:
        typer.echo(done)
    else:
        typer.echo(f"Nothing is published yet; it is in {propose}.")
        _show_proposal(data, propose)


def _show_proposal(data: Path, folder: Path) -> None:
    from services.bricks.repository.options import repository_of
    from services.bricks.repository.proposals import look
    from services.bricks.repository.show import show_proposed

    show_proposed(look(repository_of(data), folder))


@app.command()
def prune(
    *,
    keep: Annotated[int, typer.Option(min=1, help="Versions of each brick that stay.")] = 3,
    data: DataOption = DATA,
    keys: KeysOption = None,
    passphrase: PassphraseOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Offer only the latest versions of each brick, and free the disk of the others."""
    from services.bricks.repository.options import repository_of, ring_of
    from services.bricks.repository.prune import prune as run
    from services.bricks.sizes import said_bytes

    ring = ring_of(data, keys, passphrase)
    pruned = run(repository_of(data), ring, keep=keep, dry_run=dry_run)
    for ref in pruned.refs:
        typer.echo(f"{ref} {'would no longer be' if dry_run else 'is no longer'} offered.")
    typer.echo(f"{'Would free' if dry_run else 'Freed'} {said_bytes(pruned.bytes)}.")


@app.command()
def status(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show until when each role's signatures count, what is published and what was taken back."""
    from services.bricks.repository.options import repository_of
    from services.bricks.repository.status import status as look

    found = look(repository_of(data))
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        from services.bricks.repository.show import show_status

        show_status(found)
