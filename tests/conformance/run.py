#!/usr/bin/env python3
"""Runs the Autobahn WebSocket test suite against the server.

    python3 tests/conformance/run.py --server target/release/tidewire --out target/conformance

The suite's fuzzing client (an independent implementation, see README.md) opens
a connection to /echo for each of its cases, sends what the case is about
(bad frames, bad UTF-8, odd fragments, close codes, large messages), and judges
the answer by RFC 6455. The first run installs it into a cache directory; see
install.py. Cases 12 and 13 (permessage-deflate) are left out: the server does
not offer that extension.

Prints a line per chapter, then every case that did not pass, and at the end
`N passed, N failed`. The exit status is 0 only if none failed and every case
was run. `--cases "6.*" 7.1.1` runs a part, of which every case begun must be
judged, and at least one. The suite's reports are left in --out: index.html,
index.json and two files a case, with the logs of client and server.
"""

import argparse
import collections
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import install

# How many cases of each chapter the pinned suite has: a run of fewer is no pass.
CHAPTERS = {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1}
PASSED = ("OK", "NON-STRICT", "INFORMATIONAL")
# Chapter 9 sends up to 16 MiB in one message.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
START_SECONDS = 10
STOP_SECONDS = 10
AGENT = "tidewire"


class RunError(Exception):
    """Says in one sentence why there is no result."""


def main():
    options = parse_arguments()
    # So that the server and the client end when this is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    try:
        return check(options)
    except (RunError, install.InstallError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def parse_arguments():
    parser = argparse.ArgumentParser(description="Runs the Autobahn WebSocket test suite against the server.")
    parser.add_argument("--server", required=True, type=pathlib.Path, help="the tidewire binary")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="directory for the reports; emptied first")
    parser.add_argument("--cases", nargs="+", help='patterns such as "6.*"; by default all that apply')
    parser.add_argument("--deadline", type=float, default=600, help="seconds for the whole run (600)")
    return parser.parse_args()


def check(options):
    """Runs the cases and prints the outcome. Returns the exit status."""
    python, suite = install.install()
    out = empty_directory(options.out)
    patterns = options.cases or [f"{chapter}.*" for chapter in CHAPTERS]
    started = time.monotonic()
    with Server(options.server, out / "server.log") as server:
        spec = write_spec(out, server.url, patterns)
        ran = run_client(python, suite, spec, out / "client.log", options.deadline)
        server.check_alive()
    print(f"{len(ran)} cases in {time.monotonic() - started:.0f} s")
    report = read_report(out)
    incomplete = missing_cases(report, ran, whole=options.cases is None) + exceptions(out / "client.log")
    return judge(out, report, incomplete)


def empty_directory(path):
    """Removes an earlier report. Refuses a directory that holds something else."""
    path = path.resolve()
    if path.is_dir() and any(path.iterdir()) and not (path / "server.log").is_file():
        raise RunError(f"{path} is not empty and holds no earlier report")
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


class Server:
    """The server under test, on a free port of the loopback, until the `with` block ends."""

    def __init__(self, binary, log_path):
        command = [str(binary), "--listen", "127.0.0.1:0", "--max-message-bytes", str(MAX_MESSAGE_BYTES)]
        self.log_path = log_path
        try:
            with open(log_path, "w", encoding="utf-8") as log:
                self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        except OSError as error:
            raise RunError(f"cannot start {binary}: {error.strerror}") from None

    def __enter__(self):
        timer = threading.Timer(START_SECONDS, self.process.kill)
        timer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        found = re.fullmatch(r"listening on http://(\S+)\n", line)
        if not found:
            self.__exit__()
            raise RunError(f"no address from the server within {START_SECONDS} s, or it ended, see {self.log_path}")
        # Nothing else is expected; read so that the pipe cannot fill.
        threading.Thread(target=collections.deque, args=(self.process.stdout, 0), daemon=True).start()
        self.url = f"ws://{found.group(1)}/echo"
        return self

    def check_alive(self):
        if self.process.poll() is not None:
            status = self.process.returncode
            raise RunError(f"the server ended during the run with status {status}, see {self.log_path}")

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            print(f"the server did not end within {STOP_SECONDS} s of SIGTERM", file=sys.stderr)


def write_spec(out, url, patterns):
    """The suite's own configuration file."""
    servers = [{"agent": AGENT, "url": url}]
    spec = {"outdir": str(out), "servers": servers, "cases": patterns, "exclude-cases": [], "exclude-agent-cases": {}}
    path = out / "spec.json"
    path.write_text(json.dumps(spec, indent=2))
    return path


def run_client(python, suite, spec, log_path, seconds):
    """Runs the fuzzing client, showing each chapter. Returns the cases it began."""
    client = pathlib.Path(__file__).resolve().parent / "client.py"
    command = [str(python), "-u", "-W", "ignore", str(client), str(suite), str(spec)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    late = threading.Event()
    timer = threading.Timer(seconds, lambda: (late.set(), process.kill()))
    timer.start()
    try:
        with open(log_path, "w", encoding="utf-8") as log:
            ran = follow(process.stdout, log)
        status = process.wait()
    finally:
        timer.cancel()
        process.kill()
    if late.is_set():
        raise RunError(f"the cases did not end within {seconds:.0f} s; the last begun is {ran[-1:]}, see {log_path}")
    if status != 0:
        last = log_path.read_text(encoding="utf-8").strip().rpartition("\n")[2]
        raise RunError(f"the fuzzing client failed with status {status}: {last} (see {log_path})")
    return ran


def follow(lines, log):
    """Copies the client's output to the log and prints each chapter as it begins."""
    ran, chapter = [], None
    for line in lines:
        log.write(line)
        found = re.match(r"Running test case ID (\S+) ", line)
        if not found:
            continue
        ran.append(found.group(1))
        if chapter_of(ran[-1]) != chapter:
            chapter = chapter_of(ran[-1])
            print(f"chapter {chapter} ...", flush=True)
    return ran


def chapter_of(case):
    return case.split(".")[0]


def read_report(out):
    """Outcomes by case, from the suite's JSON report."""
    try:
        report = json.loads((out / "index.json").read_text(encoding="utf-8"))
    except OSError:
        raise RunError(f"the fuzzing client left no report in {out}") from None
    return report.get(AGENT, {})


def judge(out, report, incomplete):
    """Prints the outcome by chapter and case. Returns the exit status."""
    failed = [case for case in sorted(report, key=case_order) if not passed(report[case])]
    print_chapters(report)
    for case in failed:
        print(f"FAILED {case}: {reason(out, report[case])}")
    for problem in incomplete:
        print(f"INCOMPLETE {problem}")
    print(f"{len(report) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or incomplete else 0


def reason(out, outcome):
    """What the suite says of a case, from its detailed report."""
    path = out / outcome["reportfile"]
    detail = json.loads(path.read_text(encoding="utf-8"))
    parts = [] if outcome["behavior"] in PASSED else [detail["result"]]
    if outcome["behaviorClose"] not in PASSED:
        parts.append(f"{detail['resultClose']} (close code {outcome['remoteCloseCode']})")
    return f"{'; '.join(parts)}, see {path.with_suffix('.html').name}"


def passed(outcome):
    """Both the answer and the way the connection was closed must be right."""
    return outcome["behavior"] in PASSED and outcome["behaviorClose"] in PASSED


def case_order(case):
    return [int(part) for part in case.split(".")]


def missing_cases(report, ran, whole):
    """What was not run or not judged, as sentences."""
    problems = [f"{case} was begun but has no outcome" for case in ran if case not in report]
    if not report:
        problems.append("no case was run")
    if whole:
        counts = collections.Counter(chapter_of(case) for case in report)
        problems += [f"chapter {chapter} has {number} cases, {counts[chapter]} were judged"
                     for chapter, number in CHAPTERS.items() if counts[chapter] != number]
    return problems


def exceptions(log_path):
    """An exception in the client may be the fault of its conversion: then its verdicts count for nothing."""
    if "Traceback" in log_path.read_text(encoding="utf-8"):
        return [f"the fuzzing client raised an exception, see {log_path}"]
    return []


def print_chapters(report):
    """A line per chapter, with a count of each outcome."""
    chapters = collections.defaultdict(collections.Counter)
    for case, outcome in report.items():
        chapters[chapter_of(case)][outcome["behavior"] if passed(outcome) else "FAILED"] += 1
    for chapter in sorted(chapters, key=int):
        counts = ", ".join(f"{number} {name}" for name, number in sorted(chapters[chapter].items()))
        print(f"chapter {chapter}: {counts}")


if __name__ == "__main__":
    sys.exit(main())
