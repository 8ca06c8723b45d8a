"""Every limit of an update, with its unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What an update takes from a repository, and how long it waits for it.

    Attributes:
        connect_seconds: until a connection stands.
        head_seconds: until the head of an answer is there.
        piece_seconds: until ``piece_bytes`` more bytes of a file are there, or its end; what is
            slower is given up (and resumed the next time).
        root_bytes, timestamp_bytes, snapshot_bytes, targets_bytes: of a metadata file at most.
        root_rotations: new roots that are followed at once.
        delegations: roles that are looked into for one brick.
        spare_bytes: that stay free on the disk whatever is fetched.
    """

    connect_seconds: float = 10.0
    head_seconds: float = 15.0
    piece_seconds: float = 20.0
    piece_bytes: int = 64 << 10
    root_bytes: int = 512 << 10
    timestamp_bytes: int = 16 << 10
    snapshot_bytes: int = 2 << 20
    targets_bytes: int = 5 << 20
    root_rotations: int = 256
    delegations: int = 256
    spare_bytes: int = 256 << 20
