"""Installs the Autobahn test suite and converts it from Python 2 to Python 3.

The result lives in a cache directory and is made once:

    venv/    the packages of requirements.txt, as published
    suite/   the converted package `autobahntestsuite`
    stamp    what both were made from; a change of it makes them anew

The conversion is `fissix` (a maintained lib2to3) plus the RULES below: search
and replace, each of which must match exactly as often as it says. No case
logic is changed. octets.py says how Python 2's byte strings are kept.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
VERSION = "25.10.1"
PYTHONS = ((3, 9), (3, 13))
PIP_SECONDS = 600
CONVERT_SECONDS = 120

# The modules that the fuzzing client needs, of all that the package holds.
MODULES = ("_version.py", "caseset.py", "fuzzing.py", "interfaces.py", "report.py")

# The package's own __init__ imports every tool of the suite.
INIT = "from ._version import __version__\n\nversion = __version__\n"

# (file, times, old, new), applied after fissix. "case/*" is every case file, any number of times.
RULES = (
    # Python 2's hex strings and validator took and gave byte strings.
    ("case/*", None, "import binascii\n", "import octets as binascii\n"),
    ("case/case6_x_x.py", 1, "from autobahn.websocket.utf8validator import", "from octets import"),
    # Every class derives from `object`; naming it before `Case` is an error now.
    ("case/*", None, "(object, Case, )", "(Case, )"),
    # Integer division.
    ("case/case10_1_1.py", 1, "len(self.payload) / self.p", "len(self.payload) // self.p"),
    # Cases that need more of Python 2 and that are not run: 9.9 (not in the
    # suite's own list), 12 and 13 (permessage-deflate).
    ("case/__init__.py", 1, "from .case9_9_1 import *\n", ""),
    ("case/__init__.py", 1, "from .case12_x_x import *\n", ""),
    ("case/__init__.py", 1, "Cases.extend(Case12_X_X)\n", ""),
    ("case/__init__.py", 1, "CaseSubCategories.update(Case12_X_X_CaseSubCategories)\n", ""),
    ("case/__init__.py", 1, "Cases.extend(Case13_X_X)\n", ""),
    ("case/__init__.py", 1, "CaseSubCategories.update(Case13_X_X_CaseSubCategories)\n", ""),
    # Only its server, TLS and WAMP need these packages.
    ("fuzzing.py", 1, "import os, json, binascii, time, textwrap, pkg_resources\n",
     "import os, json, time, textwrap\nimport octets as binascii\n"),
    ("fuzzing.py", 1, "from twisted.internet import reactor, ssl\n", "from twisted.internet import reactor\n"),
    ("fuzzing.py", 1, "ssl.ClientContextFactory()", "None"),
    ("report.py", 1, "import jinja2\n", ""),
    # The reports are UTF-8 text.
    ("fuzzing.py", 1, "return dd.decode('utf8'", "return dd.encode('latin-1').decode('utf8'"),
    ("fuzzing.py", 4, ", 'w')\n", ", 'w', encoding = 'utf-8')\n"),
    ("fuzzing.py", 1, "c[1])).encode(\"utf-8\"))\n", "c[1])))\n"),
    ("fuzzing.py", 1, "ll.encode('utf8')", "ll"),
)

# The same for the WebSocket library, which knows Python 3 but for this line.
LIBRARY_RULES = (
    ("websocket/protocol.py", 1, "range(payload_len / len(payload))", "range(payload_len // len(payload))"),
)


class InstallError(Exception):
    """Says in one sentence what is missing."""


def cache_dir():
    """Where the suite is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "tidewire" / "tools" / f"autobahntestsuite-{VERSION}"


def install():
    """Returns (python of the venv, directory of the converted suite), made first if missing."""
    check_python()
    root = cache_dir()
    python, suite, stamp = root / "venv" / "bin" / "python", root / "suite", root / "stamp"
    wanted = fingerprint()
    if stamp.is_file() and stamp.read_text() == wanted and python.exists():
        return python, suite
    print(f"installing autobahntestsuite {VERSION} into {root}", flush=True)
    if root.exists():
        shutil.rmtree(root)
    make_venv(root / "venv")
    install_packages(python)
    convert(python, suite)
    stamp.write_text(wanted)
    return python, suite


def check_python():
    lowest, highest = PYTHONS
    if not lowest <= sys.version_info[:2] <= highest:
        raise InstallError("the conformance suite needs Python 3.9 to 3.13, and this is %d.%d" % sys.version_info[:2])


def fingerprint():
    """Changes when the packages, the rules or the interpreter change."""
    digest = hashlib.sha256(sys.version.encode())
    for path in (REQUIREMENTS, HERE / "install.py"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make_venv(path):
    try:
        import ensurepip  # noqa: F401  Debian has it in python3-venv
    except ImportError:
        install_debian_venv()
    command = [sys.executable, "-m", "venv", str(path)]
    run(command, PIP_SECONDS, "cannot create a virtual environment")


def install_debian_venv():
    advice = "Python's venv module is incomplete: install it (Debian: apt-get install python3-venv)"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise InstallError(advice)
    run(["apt-get", "install", "-y", "python3-venv"], PIP_SECONDS, advice)


def install_packages(python):
    """Installs the pinned packages. Two are published as source: the pinned setuptools builds them."""
    pins = [line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
    setuptools = [pin for pin in pins if pin.startswith("setuptools==")]
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-compile"]
    run(pip + setuptools, PIP_SECONDS, "cannot install setuptools")
    # Without dependencies: the suite asks for what only its other tools need.
    options = ["--no-deps", "--no-build-isolation", "--use-pep517"]
    run(pip + options + pins, PIP_SECONDS, "cannot install the packages of requirements.txt")


def run(command, seconds, problem):
    """Runs a command quietly; its output is shown if it fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise InstallError(f"{problem}: no end within {seconds} s") from None
    if done.returncode != 0:
        raise InstallError(f"{problem}:\n{done.stdout}")


def convert(python, suite):
    """Copies the modules needed, converts them, applies the rules."""
    packages = next((python.parent.parent / "lib").glob("python3*")) / "site-packages"
    source, target = packages / "autobahntestsuite", suite / "autobahntestsuite"
    (target / "case").mkdir(parents=True)
    (target / "__init__.py").write_text(INIT)  # first: it makes the imports of siblings relative
    cases = [f"case/{path.name}" for path in sorted((source / "case").glob("*.py"))]
    for name in [*MODULES, *cases]:
        # Latin-1: a character an octet, as Python 2 read the literals.
        text = (source / name).read_text(encoding="latin-1")
        (target / name).write_text(text, encoding="utf-8")
    command = [str(python), "-W", "ignore", "-m", "fissix", "--write", "--nobackups", str(target)]
    run(command, CONVERT_SECONDS, "cannot convert the suite")
    for rule in RULES:
        apply_rule(target, cases, *rule)
    for rule in LIBRARY_RULES:
        apply_rule(packages / "autobahn", [], *rule)


def apply_rule(root, cases, name, times, old, new):
    names = cases if name == "case/*" else [name]
    found = 0
    for path in (root / each for each in names):
        text = path.read_text(encoding="utf-8")
        if old in text:
            found += text.count(old)
            path.write_text(text.replace(old, new), encoding="utf-8")
    if found == 0 or (times is not None and found != times):
        raise InstallError(f"the conversion rule for {old!r} in {name} matched {found} times")
