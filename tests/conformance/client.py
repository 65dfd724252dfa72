"""Runs the converted Autobahn fuzzing client. Started by run.py with the venv's Python.

    client.py SUITE_DIR SPEC_JSON

SUITE_DIR holds the converted suite (see install.py). SPEC_JSON is the suite's
own specification: server, cases, where to write the report.
"""

import json
import sys


def prepare(suite_dir):
    """Imports the converted suite and puts the octet border around its protocol."""
    sys.path.insert(0, suite_dir)
    from autobahntestsuite import fuzzing
    from octets import OctetBorder, to_bytes

    class ClientProtocol(OctetBorder, fuzzing.FuzzingClientProtocol):
        pass

    fuzzing.FuzzingClientProtocol = ClientProtocol
    for case in fuzzing.Cases:
        # Some descriptions quote a payload; the reports are UTF-8 text.
        case.DESCRIPTION = to_bytes(case.DESCRIPTION).decode("utf-8")
    return fuzzing


def check_cases(fuzzing, spec):
    """Without a case to run the suite would wait for ever."""
    known = fuzzing.CaseSet(fuzzing.CaseSetname, fuzzing.CaseBasename, fuzzing.Cases, {}, {})
    chosen = known.parseSpecCases(spec)
    if not chosen or not set(chosen) <= set(known.CasesById):
        sys.exit(f"no such case: {' '.join(spec['cases'])}")


def main():
    suite_dir, spec_path = sys.argv[1:]
    fuzzing = prepare(suite_dir)
    with open(spec_path, encoding="utf-8") as file:
        spec = json.load(file)
    check_cases(fuzzing, spec)
    # Imported last: it installs the platform's default reactor.
    from twisted.internet import reactor

    fuzzing.startClient(spec)
    reactor.run()


if __name__ == "__main__":
    main()
