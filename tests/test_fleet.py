"""`matrix fleet`: every host gets what `validate` says of it, whatever the table's form."""

from __future__ import annotations

import csv
import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from matrix.flows.knowledge import Library
from matrix.kernel.cpu.resolve import default_cpus
from matrix.kernel.fleet import hosts
from tests.cli_runner import Ran, run_cli

CONFIGS = Path(__file__).resolve().parent / "data" / "booted"
# The acceptance's 2,000 hosts take a minute; a person's run makes do with fewer.
SAMPLE = 2000 if os.environ.get("CI") else 150
WORDS = (
    ("", "rodata=on", "rodata=off", "rodata=full", "rodata=noalias", "rodata=off rodata=on"),
    ("", "debug_pagealloc=on", "debug_pagealloc=off", "debug-pagealloc=1"),
    ("", "kfence.sample_interval=0", "kfence.sample_interval=100", "kfence.sample_interval=x"),
    ("", "kvm-arm.mode=protected", "kvm-arm.mode=nvhe", "kvm-arm.mode=nested", "kvm_arm.mode=none"),
    ("", "arm64.nomte", "id_aa64mmfr1.vh=0", "arm64_sw.hvhe=1"),
    ("", "quiet -- rodata=off", 'dyndbg="file x +p; rodata=off"', "kfence_sample_interval=1"),
)


def some_hosts(count: int, seed: int) -> list[dict[str, str]]:
    """Return hosts of every kernel, CPU and kind of line."""
    chance = random.Random(seed)  # noqa: S311 - drawn, not secret
    library = Library(())
    knowledge = library.knowledge_of(library.arch)
    named = default_cpus(knowledge)
    seen = [f"{midr:#010x}" for cpu in knowledge.cpus for midr in cpu.midrs]
    hosts = []
    for number in range(count):
        words = [chance.choice(options) for options in WORDS]
        chance.shuffle(words)
        by_name = chance.random() < 0.6
        hosts.append(
            {
                "host": f"host-{number}",
                "kernel": "",
                "config": chance.choice(sorted(CONFIGS.glob("*.config"))).name,
                "cpu": chance.choice(named) if by_name else "",
                "midrs": "" if by_name else chance.choice(seen),
                "cmdline": " ".join(filter(None, words)),
                "vm": chance.choice(("", "default", "protected", "nested", "mte")),
            }
        )
    return hosts


def write_csv(path: Path, hosts: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, hosts[0])
        writer.writeheader()
        writer.writerows(hosts)
    return path


def answered(table: Path, *more: str, config_folder: Path = CONFIGS) -> list[dict[str, str]]:
    """Return the rows that `fleet` writes for a table."""
    out = table.with_name("answers.csv")
    ran = run_cli(
        "fleet", str(table), "--table", str(out), "--config-folder", str(config_folder), *more
    )
    assert ran.code in (0, 1, 3, 4), ran.err
    with out.open(newline="") as stream:
        return list(csv.DictReader(stream))


def validated(host: dict[str, str]) -> dict[str, Any]:
    """Return what `validate` says of a host by itself."""
    ran = run_cli(
        *("validate", str(CONFIGS / host["config"]), "--format", "json"),
        *("--cpu", host["cpu"] or f"midr={host['midrs']}"),
        *("--cmdline", host["cmdline"], "--vm", host["vm"] or "default"),
    )
    result: dict[str, Any] = json.loads(ran.out)["results"][0]
    return result


def test_every_host_has_the_answer_of_validate(tmp_path: Path) -> None:
    hosts = some_hosts(SAMPLE, seed=6)
    table = write_csv(tmp_path / "hosts.csv", hosts)
    rows = answered(table)
    assert [row["host"] for row in rows] == [host["host"] for host in hosts]
    idle: dict[tuple[str, str, str], list[str]] = {}
    for host, row in zip(hosts, rows, strict=True):
        alone = validated(host)
        for word in {
            (alone["kernel"], item["code"], item["message"])
            for item in alone["diagnostics"]
            if item["code"] in ("MX1702", "MX1703", "MX1704")
        }:
            idle.setdefault(word, []).append(host["host"])
        assert row["problem"] == ""
        assert row["verdict"] == alone["verdict"], host
        assert row["kernel"] == alone["kernel"]
        assert row["outcome"] == alone["simulation"]["outcome"]
        assert row["predicate"] == {None: "", True: "true", False: "false"}[alone["predicate"]]
        assert row["reason"] == "; ".join(alone["reasons"])
    assert len({row["verdict"] for row in rows}) >= 4
    assert {code for _, code, _ in idle} == {"MX1702", "MX1703", "MX1704"}
    ran = run_cli("fleet", str(table), "--config-folder", str(CONFIGS), "--format", "json")
    found = json.loads(ran.out)["idle_words"]
    assert {
        (word["kernel"], word["code"], word["message"]): (word["hosts"], word["first"]["host"])
        for word in found
    } == {word: (len(those), those[0]) for word, those in idle.items()}
    assert len(found) == len(idle)
    assert [word["hosts"] for word in found] == sorted((w["hosts"] for w in found), reverse=True)


def test_words_in_vain_are_those_the_kernel_reads(tmp_path: Path) -> None:
    """`CMDLINE_FORCE` takes the host's words away; a wrong row's words are not counted."""
    text = (CONFIGS / "7.3.config").read_text().replace('CONFIG_CMDLINE=""', "")
    forced = text + 'CONFIG_CMDLINE="rodata=full"\nCONFIG_CMDLINE_FORCE=y\n'
    (tmp_path / "forced.config").write_text(forced)
    (tmp_path / "open.config").write_text(text)
    hosts = [
        ("a", "open.config", "rodata=on", "graviton3"),
        ("b", "open.config", "nohlt=1 rodata=noalias", "gravitn3"),
        ("c", "forced.config", "rodata=noalais", "graviton3"),
        ("d", "open.config", 'quiet "rodata=full" rodata=full', "graviton3"),
    ]
    names = ("host", "config", "cmdline", "cpu")
    rows = [{**dict(zip(names, host, strict=True)), "kernel": "7.3"} for host in hosts]
    table = write_csv(tmp_path / "hosts.csv", rows)
    ran = run_cli("fleet", str(table))
    assert ran.code == 3
    assert ran.out.endswith(
        "\n"
        "\n"
        "said in vain: words of command lines that mean nothing to the kernel\n"
        "  2 hosts, Linux 7.3: warning[MX1703]: `rodata=full` means nothing in Linux 7.3,\n"
        "  nothing changes: 6.14 still has it, 6.18 does not\n"
        "    hint: it takes on, off, noalias\n"
        "    for instance c (row 3)\n"
    )


def test_of_many_words_in_vain_the_text_has_the_most_frequent(tmp_path: Path) -> None:
    lines = [f"rodata={word}" for word in "abcd" for _ in range(ord("e") - ord(word))]
    rows = [
        {"host": f"h{n}", "kernel": "7.3", "config": "7.3.config", "cpu": "graviton3", "cmdline": c}
        for n, c in enumerate(reversed(lines))
    ]
    table = write_csv(tmp_path / "hosts.csv", rows)
    ran = run_cli("fleet", str(table), "--config-folder", str(CONFIGS), "--max-groups", "2")
    said = ran.out.partition("said in vain")[2]
    assert [line for line in said.splitlines() if "MX1703" in line or "more" in line] == [
        "  4 hosts, Linux 7.3: warning[MX1703]: `rodata=a` means nothing in Linux 7.3:",
        "  3 hosts, Linux 7.3: warning[MX1703]: `rodata=b` means nothing in Linux 7.3:",
        "  … and 2 more words",
    ]


def test_parquet_and_csv_say_the_same(tmp_path: Path) -> None:
    hosts = some_hosts(60, seed=7)
    rows = answered(write_csv(tmp_path / "hosts.csv", hosts))
    columns: dict[str, Any] = {name: [host[name] or None for host in hosts] for name in hosts[0]}
    columns["midrs"] = [[host["midrs"]] if host["midrs"] else None for host in hosts]
    columns["config"] = pa.array(columns["config"]).dictionary_encode()
    pq.write_table(pa.table(columns), tmp_path / "hosts.parquet")
    assert answered(tmp_path / "hosts.parquet") == rows
    out = tmp_path / "answers.parquet"
    run_cli(
        *("fleet", str(tmp_path / "hosts.csv"), "--table", str(out)),
        *("--config-folder", str(CONFIGS)),
    )
    written = pq.read_table(out).to_pylist()
    assert [{name: str(value) for name, value in row.items()} for row in written] == rows


def test_the_summary_counts_every_host(tmp_path: Path) -> None:
    hosts = some_hosts(80, seed=8)
    table = write_csv(tmp_path / "hosts.csv", hosts)
    rows = answered(table)
    ran = run_cli("fleet", str(table), "--config-folder", str(CONFIGS), "--format", "json")
    summary = json.loads(ran.out)
    assert summary["schema"] == "matrix/fleet/1"
    assert summary["hosts"] == len(hosts) == sum(summary["verdicts"].values())
    for verdict, count in summary["verdicts"].items():
        assert count == sum(row["verdict"] == verdict for row in rows)
    for group in summary["groups"]:
        assert sum(group["cpus"].values()) == group["hosts"]
        first = rows[group["first"]["row"] - 1]
        assert first["host"] == group["first"]["host"]
        assert (first["verdict"], first["reason"]) == (
            group["verdict"],
            "; ".join(group["reasons"]),
        )
        alike = [row for row in rows if row["reason"] == first["reason"]]
        assert min(int(row["row"]) for row in alike) <= int(first["row"])


def test_a_fix_of_the_summary_works(tmp_path: Path) -> None:
    host = {
        "host": "web-1",
        "kernel": "7.3.0-rc7-arm64",
        "config": "7.3.config",
        "cpu": "graviton3",
        "cmdline": "rodata=noalias kfence.sample_interval=100",
    }
    table = write_csv(tmp_path / "hosts.csv", [host])
    ran = run_cli("fleet", str(table), "--config-folder", str(CONFIGS), "--format", "json")
    fixes = json.loads(ran.out)["groups"][0]["fixes"]
    assert fixes
    for fix in fixes:
        line = " ".join(f"{name.removeprefix('boot.')}={v}" for name, v in fix["change"].items())
        changed = host | {"cmdline": f"{host['cmdline']} {line}", "midrs": "", "vm": ""}
        assert validated(changed)["verdict"] == fix["verdict"] == "supported"


def wrong_table(tmp_path: Path) -> Path:
    good = "web,7.3,7.3.config,graviton3,"
    rows = [good, "a,b,c", good, "x,7.3,missing.config,gravitn3,", good, good + ",,", good]
    path = tmp_path / "hosts.csv"
    path.write_text("host,kernel,config,cpu,cmdline\n" + "\n".join(rows) + "\n")
    return path


def test_a_wrong_row_is_named_and_the_others_are_answered(tmp_path: Path) -> None:
    table = wrong_table(tmp_path)
    rows = answered(table)
    assert [row["row"] for row in rows] == ["1", "3", "4", "5", "7"]
    assert [row["verdict"] for row in rows] == ["supported"] * 2 + [""] + ["supported"] * 2
    assert rows[2]["problem"].startswith("MX0301")
    assert "MX0502" in rows[2]["problem"]
    ran = run_cli("fleet", str(table), "--config-folder", str(CONFIGS))
    assert ran.code == 3
    assert "error[MX1505]: row 2 has 3 fields, the header 5" in ran.err
    assert "error[MX1505]: row 6 has 7 fields, the header 5" in ran.err
    assert "error[MX0502]: row 4 (x): unknown CPU `gravitn3`" in ran.err
    assert "did you mean" in ran.err
    assert "Traceback" not in ran.err


HEADER = b"host,kernel,config,cpu\n"


@pytest.mark.parametrize("rows_between", [0, 150_000], ids=["in one piece", "in several"])
def test_a_wrong_row_of_other_bytes_costs_no_other_row(rows_between: int, tmp_path: Path) -> None:
    good = b"gr\xfcn,7.3,7.3.config,graviton3\n"
    table = tmp_path / "hosts.csv"
    table.write_bytes(HEADER + good + (b"bad\xff,7.3\n" + good * rows_between) * 2 + good)
    ran = run_cli("fleet", str(table), "--config-folder", str(CONFIGS))
    assert ran.code == 3
    assert ran.err.count("error[MX1505]") == 2
    assert "Traceback" not in ran.err
    assert re.search(rf"supported +{2 * rows_between + 2:,}", ran.out)


def test_a_long_value_for_many_rows_is_refused(tmp_path: Path) -> None:
    """Decoded, this table of 1 kB would have 4 GB."""
    rows = 4096
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * (1 << 20)])
    names = ("host", "kernel", "config", "cpu")
    pq.write_table(pa.table([column] * 4, names=names), tmp_path / "p", compression="zstd")
    ran = run_cli("fleet", str(tmp_path / "p"))
    assert "a value has more than 4,096 bytes" in ran.err


def test_a_group_of_rows_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "_MOST_BYTES", 1 << 20)
    column = pa.array(["x" * (1 << 20)] * 3)
    names = ("host", "kernel", "config", "cpu")
    plain = pa.table([column, *[pa.array(["7.3"] * 3)] * 3], names=names)
    pq.write_table(plain, tmp_path / "p", compression="zstd", use_dictionary=False)
    ran = run_cli("fleet", str(tmp_path / "p"))
    assert "3 MiB, more than 1 MiB" in ran.err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("header.csv", HEADER, "it has a header and no host"),
        ("header.csv", HEADER.rstrip() + b"\r\n\r\n", "it has a header and no host"),
        ("empty.csv", b"", "the file is empty"),
        ("semicolons.csv", HEADER.replace(b",", b";"), "it has a header and no host"),
        ("quote.csv", HEADER.replace(b",", b";") + b'a;"7.3;x;y\nb;7.3;x;y\n', "quote.csv:2:1: "),
        ("tabs.csv", HEADER.replace(b",", b"\t") + b"a\t" * (1 << 20), "more than 1,048,576 bytes"),
        ("scalar.json", b"[1, 2]", "lists no machines"),
        ("list.json", b'{\n"items": [1]}', "lists no machines"),
        ("cut.json", b'[{"host": "a",\n "kernel": "6.1', "cut.json:2:12: "),
        ("deep.json", b"[" * (1 << 20), "nested too deep"),
        ("large.json", b"[" + b" " * (12 << 20), "more than 12 MiB"),
        ("latin.json", b'[{"host": "gr\xf6\xdfe"}]', "no UTF-8"),
        ("cut.parquet", b"\x15\x04\x15\x80\xffhost,kernel\n\0\0", "the file is binary"),
        ("short.parquet", b"PAR1\x15\x04\x15", "the table cannot be read"),
    ],
)
def test_what_is_no_table_is_told_once(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    table = tmp_path / name
    table.write_bytes(content)
    out = tmp_path / "answers.csv"
    ran = run_cli("fleet", str(table), "--table", str(out))
    assert ran.code == 3
    assert ran.err.count("error[") == ran.err.count("error[MX1502]") == 1
    assert said in ran.err
    assert all(character.isprintable() for character in ran.err.replace("\n", ""))
    assert ran.out == ""
    assert not out.exists()


def test_a_title_in_another_encoding_is_no_fault(tmp_path: Path) -> None:
    table = tmp_path / "hosts.csv"
    table.write_bytes(HEADER.rstrip() + b",gr\xf6\xdfe\na,7.3,7.3.config,graviton3,1\n")
    assert run_cli("fleet", str(table), "--config-folder", str(CONFIGS)).code == 0


def test_a_parquet_without_a_row_is_refused(tmp_path: Path) -> None:
    names = ("host", "kernel", "config", "cpu")
    pq.write_table(pa.table({name: pa.array([], pa.string()) for name in names}), tmp_path / "p")
    ran = run_cli("fleet", str(tmp_path / "p"))
    assert ran.code == 3
    assert "MX1502" in ran.err
    assert "no host" in ran.err


def test_the_summary_keeps_to_the_width(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    write_csv(Path("hosts.csv"), some_hosts(80, seed=9))
    ran = run_cli("fleet", "hosts.csv", "--config-folder", str(CONFIGS))
    assert "fix there: " in ran.out
    assert [line for line in ran.out.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        (['h1,7.3,7.3.config,graviton3,"', "h2,7.3,7.3.config,graviton3,"], "2:29"),
        (["h1,7.3,7.3.config,graviton3,", 'h2,7.3,7.3.config,"graviton3'], "3:19"),
        (['h1,7.3,7.3.config,graviton3,"', 'h2,7.3,7.3.config,graviton3,"'], "2:29"),
    ],
)
@pytest.mark.parametrize("end", ["\n", ""])
def test_no_host_is_lost_behind_an_open_quote(
    rows: list[str], place: str, end: str, tmp_path: Path
) -> None:
    table = tmp_path / "hosts.csv"
    table.write_text("\n".join(["host,kernel,config,cpu,cmdline", *rows]) + end)
    out = tmp_path / "answers.csv"
    ran = run_cli("fleet", str(table), "--config-folder", str(CONFIGS), "--table", str(out))
    assert ran.code == 3
    assert f"{table}:{place}: error[MX1502]: this quote is not closed" in ran.err
    assert ran.out == ""
    assert not out.exists()


@pytest.mark.parametrize("value", ["\x00", "\udcff\udcfe", "'; DROP", "../../../etc/passwd", "="])
@pytest.mark.parametrize("column", ["kernel", "config", "cpu", "midrs", "cmdline", "vm"])
def test_nonsense_in_a_field_stays_in_its_row(column: str, value: str, tmp_path: Path) -> None:
    good = {
        "host": "a",
        "kernel": "7.3",
        "config": "7.3.config",
        "cpu": "graviton3",
        "midrs": "",
        "cmdline": "",
        "vm": "",
    }
    bad = good | {"host": "b", "cpu": "" if column == "midrs" else "graviton3", column: value}
    table = pa.table(
        {
            name: pa.array([host[name].encode("utf-8", "surrogateescape") for host in (bad, good)])
            for name in good
        }
    )
    pq.write_table(table, tmp_path / "hosts.parquet")
    ran = run_cli("fleet", str(tmp_path / "hosts.parquet"), "--config-folder", str(CONFIGS))
    assert ran.code in (0, 3)
    assert "Traceback" not in ran.err
    rows = answered(tmp_path / "hosts.parquet")
    assert rows[1]["verdict"] == "supported"
    assert (rows[0]["problem"] == "") == (column == "cmdline" and value != "\x00")


def test_a_config_is_named_by_its_content(tmp_path: Path) -> None:
    import hashlib

    digest = hashlib.sha256((CONFIGS / "7.3.config").read_bytes()).hexdigest()
    hosts = [
        {"host": name, "kernel": "7.3", "config": config, "cpu": "graviton3"}
        for name, config in (("a", digest), ("b", f"sha256:{digest.upper()}"), ("c", "0" * 64))
    ]
    rows = answered(write_csv(tmp_path / "hosts.csv", hosts))
    assert [row["verdict"] for row in rows] == ["supported", "supported", ""]
    assert rows[2]["problem"].startswith("MX1507")


def test_what_was_there_stays_where_the_table_breaks_off(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"host": ["a"], "kernel": ["7.3"], "config": ["x"], "cpu": ["y"]}),
        tmp_path / "whole.parquet",
    )
    data = bytearray((tmp_path / "whole.parquet").read_bytes())
    data[4:40] = bytes(36)
    (tmp_path / "hosts.parquet").write_bytes(data)
    out = tmp_path / "answers.csv"
    out.write_text("as it was")
    ran = run_cli("fleet", str(tmp_path / "hosts.parquet"), "--table", str(out))
    assert ran.code == 3
    assert "MX1502" in ran.err
    assert out.read_text() == "as it was"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "answers.csv",
        "hosts.parquet",
        "whole.parquet",
    ]


def exit_code(tmp_path: Path, cpu: str, *more: str) -> Ran:
    host = {"host": "a", "kernel": "7.3", "config": "7.3.config", "cpu": cpu}
    table = write_csv(tmp_path / "hosts.csv", [host])
    return run_cli("fleet", str(table), "--config-folder", str(CONFIGS), *more)


@pytest.mark.parametrize(
    ("cpu", "fail_on", "code"),
    [
        ("graviton3", "unsound", 0),
        ("graviton3", "supported", 1),
        ("cortex-a710", "unsound", 1),
        ("cortex-a710", "refused", 0),
        ("neoverse-v1", "unsound", 4),
        ("neoverse-v1", "unknown", 1),
    ],
)
def test_the_exit_code_says_what_was_found(
    cpu: str, fail_on: str, code: int, tmp_path: Path
) -> None:
    assert exit_code(tmp_path, cpu, "--fail-on", fail_on).code == code
