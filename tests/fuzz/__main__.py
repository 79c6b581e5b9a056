"""The long run: `python -m tests.fuzz --inputs 20000` prints a row a parser, and each finding.

`--parser NAME` runs one (may be repeated), `--first N` begins with that input; exit 1 where there
was a finding.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.harness import run
from tests.fuzz.parsers import PARSERS


def main() -> int:
    """Run the parsers and return the exit code."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("--inputs", type=int, default=20_000)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--parser", action="append", choices=PARSERS)
    asked = options.parse_args()
    found = 0
    print("| parser | inputs | values | errors | codes | findings | CPU seconds |", flush=True)
    print("|---|---:|---:|---:|---:|---:|---:|", flush=True)
    for name in asked.parser or PARSERS:
        began = time.process_time()
        tally = run(name, range(asked.first, asked.first + asked.inputs))
        seconds = time.process_time() - began
        print(
            f"| {name} | {tally.inputs:,} | {tally.values:,} | {tally.errors:,} "
            f"| {len(tally.codes)} | {len(tally.findings)} | {seconds:.0f} |",
            flush=True,
        )
        for finding in tally.findings[:5]:
            print(f"{name} {finding.number}: {finding.what}\n{finding.data[:400]!r}", flush=True)
        found += len(tally.findings)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
