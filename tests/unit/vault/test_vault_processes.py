"""Several processes on one vault, and processes that are killed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time

from patient_app.vault import Vault

COUNT = """
    import sys
    from pathlib import Path
    from patient_app.vault import Vault
    with Vault.open(Path(sys.argv[1]), "passphrase") as vault:
        for _ in range(int(sys.argv[2])):
            with vault.write() as tx:
                total = (tx.get("counter", "total") or 0) + 1
                tx.put("counter", "total", total)
                tx.put("pair", "left", total)
                tx.put("filler", str(total % 50), "x" * 3000)
                tx.put("pair", "right", total)
            print(total, flush=True)
"""


def start(folder, count):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(COUNT), str(folder), str(count)],
        stdout=subprocess.PIPE,
    )


def test_two_processes_write_without_losing_a_change(vault, folder):
    processes = [start(folder, 60) for _ in range(2)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert vault.get("counter", "total") == 120
    vault.verify()


def test_a_process_sees_what_another_wrote(vault, folder):
    start(folder, 1).communicate(timeout=30)
    assert vault.get("counter", "total") == 1


def test_a_killed_writer_leaves_a_vault_that_opens_with_whole_transactions(vault, folder):
    vault.close()
    acknowledged = 0
    for turn in range(6):
        process = start(folder, 100_000)
        process.stdout.readline()
        time.sleep(0.03 * turn)
        process.kill()
        acknowledged += 1 + len(process.stdout.read().split())
        process.wait()
        process.stdout.close()
        with Vault.open(folder, "passphrase") as again:
            total = again.get("counter", "total")
            assert again.get("pair", "left") == again.get("pair", "right") == total
            assert total >= acknowledged
            acknowledged = total


def test_a_vault_ahead_of_its_anchor_is_accepted_and_the_anchor_made_good(vault, folder, anchors):
    anchor = anchors / vault.id
    before = anchor.read_bytes()
    with vault.write() as tx:
        tx.put("kind", "id", 1)
    after = anchor.read_bytes()
    anchor.write_bytes(before)  # killed between commit and anchor
    vault.close()
    Vault.open(folder, "passphrase").close()
    assert anchor.read_bytes() == after


def test_an_anchor_that_cannot_be_written_does_not_undo_a_commit(vault, folder, anchors, caplog):
    anchor = anchors / vault.id
    (anchors / f"{vault.id}.new").mkdir()
    with vault.write() as tx:
        tx.put("kind", "id", 1)
    assert "anchor" in caplog.text
    assert "kind" not in caplog.text
    (anchors / f"{vault.id}.new").rmdir()
    assert anchor.exists()
    vault.close()
    with Vault.open(folder, "passphrase") as again:
        assert again.get("kind", "id") == 1
