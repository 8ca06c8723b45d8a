"""Stands in for vLLM's program: answers /health, starts a child, notes its start.

``FAKE_VLLM`` names a folder: with a file ``broken`` in it the program ends at once, with ``unwell``
it answers that it is not well. Each start adds a line to ``starts``: its process and its child's.
"""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

FOLDER = Path(os.environ["FAKE_VLLM"])


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if (FOLDER / "unwell").exists() else 200)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


if __name__ == "__main__":
    print("the program speaks", flush=True)  # noqa: T201 - into the log
    child = subprocess.Popen(["sleep", "600"])
    told = {"pids": [os.getpid(), child.pid], "environment": dict(os.environ), "words": sys.argv}
    with (FOLDER / "starts").open("a") as file:
        file.write(json.dumps(told) + "\n")
    if (FOLDER / "broken").exists():
        sys.exit(3)
    port = int(sys.argv[sys.argv.index("--port") + 1])
    HTTPServer(("127.0.0.1", port), _Health).serve_forever()
