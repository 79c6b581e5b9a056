"""A fleet of unique command lines: told apart by what is read of them, answered as row by row."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.analyze.facts.line_memory import LineMemory
from matrix.diagnostics import InputError
from matrix.flows.answers import Kept
from matrix.flows.fleet_answers import FleetAnswers
from matrix.flows.fleet_summary import HostRow, check_line, spec_of
from matrix.flows.knowledge import Library
from matrix.kernel.fleet import hosts as table_of_hosts
from matrix.kernel.fleet.lines import ReadWords
from tests.cli_runner import run_cli
from tests.test_fleet import CONFIGS, some_hosts

# The acceptance's 5,000 hosts take a minute; a person's run makes do with fewer.
SAMPLE = 5000 if os.environ.get("CI") else 500

LIBRARY = Library(())
MEMORY = LineMemory(LIBRARY.kernels_of(LIBRARY.arch).values())

_PLAIN = """
rodata=off rodata=full rodata arm64.nomte kvm-arm.mode=nested kvm_arm.mode=x debug_pagealloc=on
debug-pagealloc=off kfence_sample_interval=1 rodta=on =on =rodata=off rodata==off RODATA=off quiet
ro root=UUID=1 console=ttyS0,115200n8 a=b=rodata=on -- - kernel command Command line: Line linux
/boot/x [ [0.1] # GRUB_CMDLINE_LINUX=rodata=off setenv bootargs options "rodata=off" é
"""
_ODD = ('dyndbg="file x; rodata=off"', '"', "\0", "\x0b", "\x1c", "\n")
_LONG = ("x" * 300, "rodata=" + "x" * 300, "y" * 2040)
WORDS = st.sampled_from((*_PLAIN.split(), "\xa0", *_ODD, *_LONG))
GAPS = st.sampled_from([" ", " ", " ", "\t", "  ", " \t "])
LINES = st.lists(st.tuples(WORDS, GAPS), max_size=9).map(
    lambda some: "".join(word + gap for word, gap in some)
)


def meaning(line: str) -> object:
    """Return what a line means to any release, or what is wrong with it."""
    try:
        check_line(line)
        return MEMORY.read(line).number
    except InputError as error:
        return {item.code for item in error.diagnostics}


@given(st.lists(st.one_of(LINES, LINES.map(str.strip), st.text(max_size=40)), min_size=1))
@settings(deadline=None, max_examples=2000 if os.environ.get("CI") else 400)
def test_a_line_means_what_the_one_that_stands_for_it_means(lines: list[str]) -> None:
    encoded = [line.encode("utf-8", "surrogatepass") for line in lines]
    words = ReadWords(MEMORY.reads)
    # A part of a longer array, as a batch may be.
    array = pa.array([b"rodata=on", *encoded], pa.binary()).slice(1)
    found, codes = words.column(array, words.read(array))
    for line, code in zip(encoded, codes.tolist(), strict=True):
        own = line.decode("utf-8", "surrogateescape").strip()
        assert meaning(own) == meaning(found[code])
        assert bool(own) == bool(found[code])
    again, codes_again = words.column(array, words.read(array))
    assert [found[code] for code in codes] == [again[code] for code in codes_again]


def test_a_million_lines_that_differ_in_what_nobody_reads_are_one() -> None:
    lines = [f"root=UUID={number:08x} ro rodata=off quiet" for number in range(5000)]
    words = ReadWords(MEMORY.reads)
    array = pa.array([line.encode() for line in lines])
    found, _ = words.column(array, words.read(array))
    assert found == [lines[0]]


def unique_lines(hosts: list[dict[str, str]]) -> list[dict[str, str]]:
    chance = random.Random(16)  # noqa: S311 - drawn, not secret
    roots = [f"BOOT_IMAGE=/vmlinuz root=UUID={chance.getrandbits(64):x} ro" for _ in hosts]
    return [
        host | {"cmdline": f"{root} {host['cmdline']}"}
        for host, root in zip(hosts, roots, strict=True)
    ]


def test_every_host_has_the_answer_that_it_has_by_itself(tmp_path: Path) -> None:
    hosts = unique_lines(some_hosts(SAMPLE, seed=16))
    hosts[7]["cpu"], hosts[7]["midrs"] = "gravitn3", ""
    hosts[8]["cmdline"] += "\nrodata=on"
    hosts[9]["config"] = "missing.config"
    table, out = tmp_path / "hosts.parquet", tmp_path / "answers.parquet"
    pq.write_table(pa.Table.from_pylist(hosts), table)
    folder = ("--config-folder", str(CONFIGS))
    run_cli("fleet", str(table), *folder, "--table", str(out), "--fixes", "0")
    rows = pq.read_table(out).to_pylist()
    assert [row["host"] for row in rows] == [host["host"] for host in hosts]
    capability = LIBRARY.capability("gmem-no-direct-map")
    alone = FleetAnswers(LIBRARY, capability, predicate=None, settings=(), folder=CONFIGS)
    for host, row in zip(hosts, rows, strict=True):
        text = HostRow(
            kernel=host["kernel"],
            config=host["config"],
            cpu=host["cpu"],
            midrs=host["midrs"],
            cmdline=host["cmdline"],
            vm=host["vm"],
        )
        if row["verdict"]:
            answer = alone.given(alone.placed(text).around, spec_of(text)).answer
            assert (row["verdict"], row["reason"], row["kernel"], row["outcome"]) == (
                *(str(answer.verdict), "; ".join(answer.reasons)),
                *(answer.release, answer.outcome),
            )
        else:
            problems = alone.given_to(text).answer.problems
            assert row["problem"] == "; ".join(f"{one.code}: {one.message}" for one in problems)
    assert [number for number, row in enumerate(rows) if not row["verdict"]] == [7, 8, 9]


@pytest.mark.parametrize("own_first", [False, True])
def test_a_line_that_is_the_built_in_one_is_not_said_to_be_ignored(
    own_first: bool, tmp_path: Path
) -> None:
    text = (CONFIGS / "7.3.config").read_text().replace('CONFIG_CMDLINE=""', "")
    forced = text + 'CONFIG_CMDLINE="root=/dev/sda rodata=on"\nCONFIG_CMDLINE_FORCE=y\n'
    (tmp_path / "forced.config").write_text(forced)
    (tmp_path / "open.config").write_text(text)
    rows = [("forced.config", "root=/dev/sda rodata=on"), ("open.config", "root=/dev/b rodata=on")]
    if not own_first:
        rows.reverse()
    table = tmp_path / "hosts.csv"
    lines = [f"7.3,{config},graviton3,{line}" for config, line in rows]
    table.write_text("\n".join(["kernel,config,cpu,cmdline", *lines, ""]))
    assert "MX0406" not in run_cli("fleet", str(table)).err


def test_a_million_wrong_values_are_not_all_looked_at() -> None:
    """Finding out what is wrong takes longer than an answer, and what it was raised in is large."""
    looked: list[str] = []

    def make(key: str) -> str:
        looked.append(key)
        raise InputError.of(code="MX0502", message=f"unknown `{key}`", hint="look")

    kept = Kept(make, 3)
    said = []
    for number in (*range(9), 2, 8):
        with pytest.raises(InputError) as caught:
            kept.of(str(number))
        said.append((caught.value.diagnostics[0].code, caught.value.diagnostics[0].message))
    assert looked == ["0", "1", "2", "3"]
    assert said[9] == ("MX0502", "unknown `2`")
    assert said[8] == said[10] == ("MX0502", "not looked at: 4 others before it are wrong")
    held = kept._made["1"]
    assert isinstance(held, InputError)
    assert held.__traceback__ is None


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_threads_change_nothing(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = unique_lines(some_hosts(60, seed=8))
    hosts[31]["cpu"], hosts[31]["midrs"] = "gravitn3", ""
    pq.write_table(pa.Table.from_pylist(hosts), tmp_path / "hosts.parquet")
    monkeypatch.setattr(table_of_hosts, "_BATCH_ROWS", 7)
    said = []
    for jobs in ("1", "3"):
        out = tmp_path / f"{jobs}.csv"
        asked = ("fleet", str(tmp_path / "hosts.parquet"), "--config-folder", str(CONFIGS))
        ran = run_cli(*asked, "--format", form, "--table", str(out), "--jobs", jobs)
        said.append((ran.code, ran.out, ran.err, out.read_bytes()))
    assert said[0] == said[1]
    assert len(said[0][3].splitlines()) == 61
