"""Ends a program when whoever started it is gone, however that came about.

Run by itself: ``python leash.py PROGRAM …`` with a pipe as standard input that is never written
to. The pipe ends when the other side closes it or dies, ``kill -9`` included; then the program is
asked to stop, and after GRACE_SECONDS at most its whole process group is killed. The exit status
is the program's own.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_SECONDS = 10.0


def _hold(program: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 4096):
        pass
    program.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        program.wait(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)  # with what it started, and this


def main() -> int:
    """Run the program of the command line to its end."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603 - as told
    threading.Thread(target=_hold, args=(program,), daemon=True).start()
    return program.wait()


if __name__ == "__main__":
    sys.exit(main())
