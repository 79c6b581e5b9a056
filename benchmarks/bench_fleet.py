"""`fleet` over a million hosts: 200,000 distinct rows, 50,000 distinct command lines.

A second table has as many command lines as hosts, of which a few hundred differ in what is read; it
is answered by threads, by one, and in parts by processes.
The baseline is one `validate` in a process that has started already, times the number of hosts:
what a loop over the hosts would cost.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from matrix.cli.main import main
from matrix.flows.knowledge import Library
from matrix.kernel.cpu.resolve import default_cpus

CONFIGS = Path(__file__).parent.parent / "tests" / "data" / "booted"
HOSTS = 1_000_000
ROWS = 200_000
LINES = 50_000
LOOPED = 30
UNIQUE_CPUS = ("neoverse-n1", "neoverse-n2", "neoverse-v1", "neoverse-v2", "cortex-a76")

# What decides, and what a host's line has besides.
WORDS = (
    ("", "rodata=on", "rodata=off", "rodata=full", "rodata=noalias", "rodata=off rodata=on"),
    ("", "debug_pagealloc=on", "debug_pagealloc=off"),
    ("", "kfence.sample_interval=0", "kfence.sample_interval=100", "kfence.sample_interval=-1"),
    ("", "kvm-arm.mode=protected", "kvm-arm.mode=nvhe", "kvm-arm.mode=nested", "kvm-arm.mode=none"),
    ("", "arm64.nomte", "id_aa64mmfr1.vh=0", "arm64_sw.hvhe=1"),
    ("", "quiet", "quiet splash", "mitigations=auto,nosmt", "isolcpus=2-7 nohz_full=2-7"),
)


def command_lines(chance: random.Random) -> list[str]:
    """Return distinct command lines as hosts have them."""
    lines: dict[str, None] = {}
    while len(lines) < LINES:
        words = [chance.choice(options) for options in WORDS]
        chance.shuffle(words)
        root = f"root=UUID={chance.getrandbits(64):016x} ro console=ttyAMA0,115200"
        lines[" ".join(filter(None, (root, *words)))] = None
    return list(lines)


def hosts_table(path: Path) -> None:
    """Write the table of hosts."""
    chance = random.Random(20261122)  # noqa: S311 - drawn, not secret
    lines = command_lines(chance)
    library = Library(())
    known = library.knowledge_of(library.arch)
    cpus = default_cpus(known)
    midrs = [f"{cpu.midrs[0]:#010x}" for cpu in known.cpus if cpu.midrs and cpu.id in cpus]
    configs = sorted(file.name for file in CONFIGS.glob("*.config"))
    rows: dict[tuple[str, ...], None] = {}
    while len(rows) < ROWS:
        config = chance.choice(configs)
        cpu, midr = (
            (chance.choice(cpus), "") if chance.random() < 0.7 else ("", chance.choice(midrs))
        )
        vm = chance.choice(("default", "default", "default", "protected", "nested"))
        rows[(config, cpu, midr, chance.choice(lines), vm)] = None
    distinct = list(rows)
    picked = distinct + chance.choices(distinct, k=HOSTS - ROWS)
    chance.shuffle(picked)
    names = ("config", "cpu", "midrs", "cmdline", "vm")
    columns = {name: [row[index] for row in picked] for index, name in enumerate(names)}
    columns["kernel"] = ["" for _ in picked]
    columns["host"] = [f"host-{number:07}" for number in range(HOSTS)]
    pq.write_table(pa.table(columns), path)


def unique_table(path: Path) -> None:
    """Write a table of hosts of five kinds of CPU, whose command lines all differ."""
    chance = random.Random(16)  # noqa: S311 - drawn, not secret
    configs = sorted(file.name for file in CONFIGS.glob("*.config"))[:6]
    words = (WORDS[0][:5], WORDS[1], WORDS[2][:3], WORDS[3][:4], WORDS[5])
    columns: dict[str, list[str]] = {name: [] for name in ("host", "config", "cpu", "cmdline")}
    for number in range(HOSTS):
        said = " ".join(filter(None, map(chance.choice, words)))
        line = f"BOOT_IMAGE=/vmlinuz root=UUID={chance.getrandbits(64):016x} ro {said}"
        cpu = chance.choice(UNIQUE_CPUS)
        for name, value in zip(
            columns, (f"host-{number:07}", chance.choice(configs), cpu, line), strict=True
        ):
            columns[name].append(value)
    pq.write_table(pa.table({**columns, "kernel": [""] * HOSTS}), path)


def one_by_one(path: Path) -> float:
    """Return the seconds that one `validate` takes, in a process that has started already."""
    rows = pq.read_table(path).slice(0, LOOPED).to_pylist()
    start = time.perf_counter()
    for row in rows:
        cpu = row["cpu"] or f"midr={row['midrs']}"
        file = str(CONFIGS / row["config"])
        arguments = ["validate", file, "--cpu", cpu, "--cmdline", row["cmdline"], "--vm", row["vm"]]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            main(arguments)
    return (time.perf_counter() - start) / len(rows)


def answered(hosts: Path, *more: str) -> tuple[float, float, float]:
    """Return what `fleet` takes for a table: seconds by the wall and of the CPUs, and MiB."""
    answers = hosts.with_suffix(".parts" if "--engine" in more else ".answers.parquet")
    command = [sys.executable, "-m", "matrix", "fleet", str(hosts), "--table", str(answers)]
    command += ["--config-folder", str(CONFIGS), *more]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Unlike what all children used, this is of one and those that it waited for.
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if pq.read_table(answers, columns=["row"]).num_rows != HOSTS:
        raise SystemExit("hosts are missing in the answers")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def made(write: Callable[[Path], None], path: Path) -> None:
    """Write a table in a process of its own: one that is started by a large one counts as large."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(write, path).result()


def run() -> None:
    """Print the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        hosts, unique = Path(folder) / "hosts.parquet", Path(folder) / "unique.parquet"
        made(unique_table, unique)
        wall, cpu, peak = answered(unique)
        print(
            f"fleet, {HOSTS:,} hosts, as many command lines: {wall:.1f} s, {cpu:.1f} s of CPU, "
            f"{peak:.0f} MiB"
        )
        for told, more in (
            ("one thread", ("--jobs", "1")),
            ("in parts, by a process a core", ("--engine", "local", "--fixes", "0")),
        ):
            other, used, _ = answered(unique, *more)
            print(
                f"the same, {told}: {other:.1f} s ({other / wall:.2f} ×), "
                f"{used:.1f} s of CPU ({used / cpu:.2f} ×)"
            )
        made(hosts_table, hosts)
        together, cpu, peak = answered(hosts)
        loop = one_by_one(hosts) * HOSTS
    print(
        f"fleet, {HOSTS:,} hosts, {ROWS:,} distinct, {LINES:,} command lines: {together:.1f} s, "
        f"{cpu:.1f} s of CPU, {peak:.0f} MiB, "
        f"{loop / together:,.0f} × faster than validating one by one"
    )


if __name__ == "__main__":
    run()
