"""`python -m benchmarks [NAME…] [--json FILE]`: measure, and print each figure with its ratio.

NAME is a script without `bench_`; all, unless given. FILE gets the figures and what the machine is.
The exit code is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.measuring import Figure, as_text, document, measured, write_whole


def main() -> None:
    """Run the benchmarks that are named, each in a process of its own."""
    folder = Path(__file__).parent
    names = [path.stem.removeprefix("bench_") for path in sorted(folder.glob("bench_*.py"))]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", default=names)
    parser.add_argument("--json", metavar="FILE", type=Path)
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(names):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # no user's start-up compiles every module
    found: dict[str, list[Figure]] = {}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for name in asked.names:
            print(name, flush=True)
            found[name] = pool.submit(measured, name).result()
            if asked.json is not None:
                write_whole(asked.json, as_text(document(found)))
    raise SystemExit(any(one.missed for script in found.values() for one in script))


if __name__ == "__main__":
    main()
