"""Ends a program when whoever started it is gone, however that came about.

Run by itself: ``python leash.py PROGRAM …`` with a pipe as standard input that is never written
to. The pipe ends when the other side closes it or dies, ``kill -9`` included; then the program is
asked to stop, and after GRACE_SECONDS at most its whole process group is killed, this one too. The
exit status is else the program's own.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_SECONDS = 10.0


class _Leash:
    def __init__(self, command: list[str]) -> None:
        self._program = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - as told
        self._gone = threading.Event()
        self._watch = threading.Thread(target=self._hold, daemon=True)
        self._watch.start()

    def _hold(self) -> None:
        while os.read(0, 4096):
            pass
        self._gone.set()
        self._program.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._program.wait(GRACE_SECONDS)
        os.killpg(0, signal.SIGKILL)

    def wait(self) -> int:
        status = self._program.wait()
        if self._gone.is_set():
            self._watch.join()
        return status


if __name__ == "__main__":
    sys.exit(_Leash(sys.argv[1:]).wait())
