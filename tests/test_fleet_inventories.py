"""Tables that people have: inventories with their own titles, instance types, evidence a host."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from matrix.diagnostics import InputError
from matrix.kernel.fleet import hosts as tables
from matrix.kernel.fleet.hosts import open_hosts
from tests.cli_runner import run_cli

DATA = Path(__file__).parent / "data"
CONFIGS = DATA / "booted"
NODES = DATA / "evidence" / "p17-nodes.csv"


def answered(table: Path, *more: str) -> list[dict[str, str]]:
    out = table.with_name("answers.csv")
    ran = run_cli("fleet", str(table), "--table", str(out), *more)
    assert ran.code in (0, 1, 4), ran.err
    with out.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_nodes_of_a_cluster_are_answered_with_their_own_columns(tmp_path: Path) -> None:
    table = Path(shutil.copy(NODES, tmp_path))
    rows = answered(table)
    assert [row["host"] for row in rows] == [f"node-{number}" for number in range(1, 5)]
    assert [row["kernel"] for row in rows] == ["7.2", "7.2", "7.3", "7.3"]
    assert {row["OS-IMAGE"] for row in rows} == {"Debian"}
    # FWB since Graviton3: before it the check can only say no.
    assert ["refused" in row["reason"] for row in rows] == [True, False, False, True]


def marked(rows: list[list[str]]) -> str:
    head, *rest = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join((head, "|" + "---|" * len(rows[0]), *rest))


def aligned(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) + 3 for column in zip(*rows, strict=True)]
    return "\n".join(
        "".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows
    )


def a_page_at_a_time(rows: list[list[str]]) -> str:
    """Return rows as kubectl prints many: each page has widths of its own, and one header."""
    return "\n".join((aligned(rows[:3]), *(aligned([row]) for row in rows[3:])))


def of_cluster(rows: list[list[str]]) -> str:
    """Return rows as `kubectl get nodes -o json` nests them."""
    items = [
        {
            "metadata": {
                "labels": {"node.kubernetes.io/instance-type": kind, "os": "linux"},
                "name": name,
            },
            "status": {
                "images": [{"names": ["a", "b"], "sizeBytes": 3}],
                "nodeInfo": {"kernelVersion": kernel, "OS-IMAGE": image},
                "container": {"CONTAINER-RUNTIME": runtime, "name": "not the node's"},
            },
        }
        for name, kind, kernel, image, runtime in rows[1:]
    ]
    return json.dumps({"apiVersion": "v1", "items": items, "kind": "List"}, indent=4)


def described(rows: list[list[str]]) -> str:
    """Return rows as `aws ec2 describe-instances` nests them, with the kernel as a key besides."""
    titles = ("InstanceId", "InstanceType", "KernelVersion", *rows[0][3:])
    groups = [{"Instances": [dict(zip(titles, row, strict=True))]} for row in rows[1:]]
    return json.dumps({"Reservations": groups})


TABLES = {
    "tabs": lambda rows: "\r\n".join("\t".join(row) for row in rows),
    "semicolons": lambda rows: "\n".join(";".join(f'"{cell}"' for cell in row) for row in rows),
    "markdown": marked,
    "aligned": aligned,
    "a page at a time": a_page_at_a_time,
    "list": lambda rows: json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]]),
    "cluster": of_cluster,
    "described": described,
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", TABLES)
def test_a_table_in_another_form_is_the_same_table(form: str, packed: bool, tmp_path: Path) -> None:
    with NODES.open(newline="") as stream:
        rows = list(csv.reader(stream))
    rows[1][3] = "Debian GNU/Linux 13"  # with blanks
    plain, table = tmp_path / "nodes.csv", tmp_path / "nodes"
    plain.write_text("\n".join(",".join(row) for row in rows))
    data = TABLES[form](rows).encode()
    table.write_bytes(gzip.compress(data) if packed else data)
    wanted = answered(plain)
    wanted_titles = wanted[0].keys() - {"os"}
    found = answered(table)
    assert len(found) == len(rows) - 1
    assert [{title: row[title] for title in wanted_titles} for row in found] == wanted


def test_a_row_that_does_not_fit_its_titles_is_said(tmp_path: Path) -> None:
    table = tmp_path / "nodes"
    table.write_text(
        "NAME   CPU         KERNEL\n"
        "a      graviton3   7.3\n"
        "b      graviton3   7.3   more\n"
        "       graviton3   7.3\n"
    )
    ran = run_cli("fleet", str(table))
    assert "row 2 has 4 fields, the header 3" in ran.err
    assert "nodes: 3 hosts" in " ".join(ran.out.split())
    assert "for instance a (row 1)" in ran.out


def test_a_distributions_kernel_stands_for_its_config(tmp_path: Path) -> None:
    table = tmp_path / "nodes.csv"
    table.write_text(
        "NAME,INSTANCE-TYPE,KERNEL-VERSION,config\nn,m7g.metal,7.3.0-rc7-arm64,debian-7.3\n"
    )
    (row,) = answered(table)
    direct = run_cli("validate", str(DATA / "booted" / "7.3.config"), "--cpu", "graviton3")
    assert direct.out.startswith(row["verdict"])
    assert row["verdict"] == "supported"


def test_evidence_fills_what_a_row_lacks(tmp_path: Path) -> None:
    shutil.copy(DATA / "evidence" / "p08-dmesg.txt", tmp_path / "dmesg.txt")
    shutil.copy(DATA / "booted" / "7.2.config", tmp_path / "config")
    table = tmp_path / "hosts.csv"
    table.write_text("host,config,evidence\na,config,dmesg.txt\nb,config,gone.txt\n")
    out = tmp_path / "answers.csv"
    ran = run_cli("fleet", str(table), "--table", str(out))
    assert ran.code == 3
    with out.open(newline="") as stream:
        first, second = csv.DictReader(stream)
    assert (first["kernel"], first["verdict"]) == ("7.2", "supported")
    assert first["cpu"] == "neoverse-v1,midr=0x411fd401,dic=1"
    assert "MX0301" in second["problem"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_title_that_the_user_chose(form: str, tmp_path: Path) -> None:
    table = tmp_path / f"hosts.{form}"
    columns = {"n": ["a"], "release": ["5.10"], "RUNS": ["7.3"], "what": ["c7g.large"]}
    if form == "csv":
        table.write_text("n,release,RUNS,what\na,5.10,7.3,c7g.large\n")
    else:
        pq.write_table(pa.table(columns), table)
    rows = answered(table, "--column", "kernel=runs", "--column", "cpu=what")
    assert [(row["kernel"], row["cpu"]) for row in rows] == [("7.3", "c7g.large")]
    assert rows[0]["release"] == "5.10"


def test_a_title_of_ours_among_the_users(tmp_path: Path) -> None:
    table = tmp_path / "hosts.csv"
    table.write_text("kernel,cpu,verdict\n7.3,graviton3,unheard\n")
    (row,) = answered(table)
    assert (row["verdict"], row["verdict (given)"]) == ("unknown", "unheard")


def test_strong_names_count_before_those_of_inventories(tmp_path: Path) -> None:
    table = tmp_path / "hosts.csv"
    table.write_text("name,host,instance_type,cpu,kernel\nx,y,m6g,m7g,7.3\n")
    with open_hosts(table) as hosts:
        assert hosts.names == {"host": "host", "kernel": "kernel", "cpu": "cpu"}
    table.write_text("kernel\n7.3\n")
    with pytest.raises(InputError) as caught, open_hosts(table):
        pass
    assert [item.code for item in caught.value.diagnostics] == ["MX1503"]


HOSTS = (
    "host,kernel,config,cpu,notes\n"
    'a,7.3,7.3.config,apple-m2,"rack 3\nrow ""b"""\n'
    "b,7.3,7.3.config,graviton3,\n"
    "c,7.3,7.3.config,apple-m2,plain\n"
)


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    shutil.copy(DATA / "booted" / "7.3.config", tmp_path)
    table = tmp_path / "hosts.csv"
    table.write_text(HOSTS)
    return table


def test_the_table_of_answers_has_the_fix_and_values_of_several_lines(hosts: Path) -> None:
    first, second, third = answered(hosts)
    direct = run_cli("validate", str(hosts.with_name("7.3.config")), "--cpu", "apple-m2")
    assert f"fix: {first['fix']}" in direct.out
    assert first["fix"] == third["fix"] != ""
    assert second["fix"] == ""
    assert (first["notes"], third["notes"]) == ('rack 3\nrow "b"', "plain")


def test_fixes_are_looked_for_in_so_many_situations(hosts: Path) -> None:
    out = hosts.with_name("answers.csv")
    ran = run_cli("fleet", str(hosts), "--table", str(out), "--fixes", "0")
    assert "MX1522" in ran.err
    with out.open(newline="") as stream:
        assert {row["fix"] for row in csv.DictReader(stream)} == {""}


@pytest.mark.parametrize("wrong", ['a,7.3,"x\nb,7.3,"y"\n', 'a,7.3,"x\nb,7.3,y\n'])
def test_a_quote_that_the_next_row_would_close_is_an_error(wrong: str, tmp_path: Path) -> None:
    table = tmp_path / "hosts.csv"
    table.write_text(f"host,kernel,cpu\n{wrong}")
    ran = run_cli("fleet", str(table))
    assert ran.code == 3
    assert "hosts.csv:2:7: error[MX1502]" in ran.err


def test_json_lines_are_a_table(hosts: Path) -> None:
    table = hosts.with_name("hosts.jsonl")
    table.write_text(
        '{"host": "a", "kernel": "7.3", "config": "7.3.config", "cpu": "apple-m2", "tags": [1,2]}\n'
        '\n{"host": "b", "kernel": "7.3", "config": "7.3.config", "cpu": "graviton3"}\n'
    )
    first, second = answered(table)
    assert (first["verdict"], first["tags"]) == ("unsound", "1;2")
    assert (second["verdict"], second["tags"]) == ("supported", "")


LATER = (
    '{"host": "a", "kernel": "7.3", "cpu": "graviton3"}\n'
    '{"host": "b", "kernel": "7.3", "cpu": "graviton3"}\n'
    '{"host": "c", "kernel": "7.3", "config": "7.3.config", "cpu": "apple-m2", "rack": 7}\n'
)


@pytest.mark.parametrize("packed", [False, True])
def test_a_key_that_only_later_lines_have_is_a_column(
    packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_BATCH_ROWS", 2)
    (tmp_path / "7.3.config").write_bytes((CONFIGS / "7.3.config").read_bytes())
    table = tmp_path / "hosts.jsonl"
    table.write_bytes(gzip.compress(LATER.encode()) if packed else LATER.encode())
    rows = answered(table)
    assert [(row["host"], row["rack"]) for row in rows] == [("a", ""), ("b", ""), ("c", "7")]
    assert [row["verdict"] for row in rows][2] == "unsound"
    assert rows[0]["verdict"] != "unsound"


def test_a_pipe_has_the_keys_of_its_first_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be read once, and the table of answers begins before its end."""
    monkeypatch.setattr(tables, "_BATCH_ROWS", 2)
    read, write = os.pipe()
    os.write(write, LATER.encode())
    os.close(write)
    with os.fdopen(read) as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        ran = run_cli("fleet", "-", "--table", str(tmp_path / "answers.csv"))
    assert ran.code == 3
    assert "error[MX1502]: the key `config` stands in none of the first 2 lines" in ran.err
    assert not (tmp_path / "answers.csv").exists()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"host": "a", "kernel": "7.3", "cpu": "graviton3"}\n{"host": \n', "2:1: error[MX1502]"),
        ('{"host": "a", "kernel": 6.10, "cpu": "graviton3"}\n', "error[MX1504]"),
        ('{"host": "a", "cpu": "graviton3"}\n', "error[MX1503]"),
        # Past what the decoder reads, and past what only writing it back cannot.
        ('{"a":' * 100_000 + "\n", "1:1: error[MX1502]: the line is no JSON object: it has more"),
        (f'{{"host": {"[" * 800}{"]" * 800}}}\n', "1:1: error[MX1502]: the line is no JSON"),
    ],
    ids=["cut", "number", "column", "objects", "lists"],
)
def test_json_lines_that_are_wrong(text: str, code: str, tmp_path: Path) -> None:
    table = tmp_path / "hosts.jsonl"
    table.write_text(text)
    ran = run_cli("fleet", str(table))
    assert ran.code == 3
    assert code in ran.err


def test_one_configuration_for_all_hosts(tmp_path: Path) -> None:
    table = Path(shutil.copy(NODES, tmp_path))
    rows = answered(table, "--column", "kernel=KERNEL-VERSION", "--column", "config=debian-7.3")
    assert rows[2]["verdict"] == "supported"
    assert rows[2]["OS-IMAGE"] == "Debian"


def test_the_formats_of_validate(hosts: Path) -> None:
    ran = run_cli("fleet", str(hosts), "--format", "github")
    (line,) = [line for line in ran.out.splitlines() if line.startswith("::error")]
    assert "hosts.csv,line=2," in line
    assert "apple-m2" in line
    assert "2 hosts%2C the first a%2C row 1" in line or "2 hosts, the first a, row 1" in line
    ran = run_cli("fleet", str(hosts), "--format", "junit")
    suites = ET.fromstring(ran.out.encode())  # noqa: S314 - our own output
    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")
    ran = run_cli("fleet", str(hosts), "--format", "sarif")
    (run,) = json.loads(ran.out)["runs"]
    (result,) = [one for one in run["results"] if one["ruleId"] == "unsound"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("hosts.csv")
    assert place["region"]["startLine"] == 2
    assert ran.code == 1
