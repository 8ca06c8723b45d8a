"""What a node does as its channels say."""

from __future__ import annotations

from services.bricks.channels import Channels
from services.bricks.manifest import split_ref
from services.bricks.updater.installed import Installed


def withdrawn_here(installed: Installed, channels: Channels | None) -> list[str]:
    """Put aside what is in use here and was withdrawn; the last good version comes back.

    Returns:
        The versions that went out of use.
    """
    gone = []
    for ref, reason in (channels.withdrawn if channels is not None else {}).items():
        brick, version = split_ref(ref)
        if installed.active().get(brick) == version:
            installed.fall_back(brick, reason, version)
            gone.append(ref)
    return gone


def returning(installed: Installed, channels: Channels | None) -> dict[str, str]:
    """Versions to go back to where a withdrawn one was the first that this node ever had.

    Returns:
        The version that all have, each with the reason why the other was withdrawn.
    """
    state, found = installed.state(), dict[str, str]()
    for brick, line in (channels.bricks if channels is not None else {}).items():
        now = state.of(brick)
        lost = now.active is None and not now.dropped and now.highest in line.withdrawn
        if lost and line.settled is not None and line.settled not in now.aside:
            found[f"{brick}@{line.settled}"] = line.withdrawn[now.highest]
    return found


def is_sent(channels: Channels | None, brick: str) -> bool:
    """Whether a brick comes by channel, and so without being asked for."""
    return channels is not None and brick in channels.bricks
