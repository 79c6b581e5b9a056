"""`fleet` over a million hosts: 200,000 distinct rows, 50,000 distinct command lines.

A second table has as many command lines as hosts, of which a few hundred differ in what is read; it
is answered by threads, by one, and in parts by processes.
The baseline is one `validate` in a process that has started already, times the number of hosts:
what a loop over the hosts would cost.
"""

from __future__ import annotations

import contextlib
import io
import random
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measuring import BOOTED, MATRIX, Figure, Used, cpu, figure, run
from matrix.cli.main import main
from matrix.flows.knowledge import Library
from matrix.kernel.cpu.resolve import default_cpus

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
    configs = sorted(file.name for file in BOOTED.glob("*.config"))
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
    configs = sorted(file.name for file in BOOTED.glob("*.config"))[:6]
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
    """Return the CPU seconds that one `validate` takes, in a process that has started already."""
    rows = pq.read_table(path).slice(0, LOOPED).to_pylist()
    _, seconds = cpu(lambda: [validate(row) for row in rows])
    return seconds / len(rows)


def validate(row: dict[str, str]) -> int:
    """Ask about a host as the command does; return its exit code."""
    named = row["cpu"] or f"midr={row['midrs']}"
    file = str(BOOTED / row["config"])
    arguments = ["validate", file, "--cpu", named, "--cmdline", row["cmdline"], "--vm", row["vm"]]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return main(arguments)


def answered(hosts: Path, *more: str) -> Used:
    """Return what `fleet` takes for a table."""
    answers = hosts.with_suffix(".parts" if "--engine" in more else ".answers.parquet")
    command = [*MATRIX, "fleet", str(hosts), "--table", str(answers)]
    command += ["--config-folder", str(BOOTED), *more]
    used = run(command, codes=(0, 1, 4))
    if pq.read_table(answers, columns=["row"]).num_rows != HOSTS:
        raise SystemExit("hosts are missing in the answers")
    return used


def made(write: Callable[[Path], None], path: Path) -> None:
    """Write a table in a process of its own: one that is started by a large one counts as large."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(write, path).result()


def figures() -> Iterator[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        hosts, unique = Path(folder) / "hosts.parquet", Path(folder) / "unique.parquet"
        made(unique_table, unique)
        used = answered(unique)
        told = f"{HOSTS:,} hosts, as many command lines"
        yield figure(told, used.cpu)
        yield figure(told, used.wall, clock="wall", most=10)
        yield figure(told, used.largest, "MiB", most=600)
        for how, more in (
            ("one thread", ("--jobs", "1")),
            ("in parts, by a process a core", ("--engine", "local", "--fixes", "0")),
        ):
            other = answered(unique, *more)
            yield figure(f"{told}, {how}", other.cpu, beside=("threads", used.cpu))
            yield figure(f"{told}, {how}", other.wall, clock="wall", beside=("threads", used.wall))
        made(hosts_table, hosts)
        used = answered(hosts)
        told = f"{HOSTS:,} hosts, {ROWS:,} distinct, {LINES:,} command lines"
        loop = "`validate` of each, in one process", one_by_one(hosts) * HOSTS
        yield figure(told, used.cpu, beside=loop)
        yield figure(told, used.wall, clock="wall")
        yield figure(told, used.largest, "MiB")
