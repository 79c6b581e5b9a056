"""`matrix cells` as a user runs it: formats, what is said, files, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matrix.analyze.space.cell_rows import ANSWER_COLUMNS, CellColumn
from matrix.cli.cells import CellsFormat
from matrix.diagnostics import ExitCode
from matrix.flows import cells as flows
from matrix.render.cell_files import CellFormat, format_of, write_cells
from matrix.solve.listing import Columns, Numbers
from tests.cli_runner import Ran, run_cli
from tests.unit.analyze.small_study import declarations

ROOT = Path(__file__).parent.parent
READERS = {"csv": pd.read_csv, "parquet": pd.read_parquet, "arrow": pd.read_feather}


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(declarations(tmp_path_factory.mktemp("small")))


def small(configs: str, *arguments: str) -> Ran:
    return run_cli("cells", "small", "--configs", configs, *arguments)


def records(ran: Ran) -> list[dict[str, str]]:
    assert ran.code == ExitCode.OK, ran.err
    return list(csv.DictReader(io.StringIO(ran.out)))


def counts(configs: str) -> dict[str, int]:
    ran = run_cli("count", "small", "--configs", configs, "--format", "json")
    verdicts: dict[str, int] = json.loads(ran.out)["verdicts"]
    return verdicts


def test_csv_holds_every_cell_that_count_counts(configs: str) -> None:
    ran = small(configs)
    rows = records(ran)
    found = pd.Series([row["verdict"] for row in rows]).value_counts().to_dict()
    assert found == {verdict: n for verdict, n in counts(configs).items() if n}
    assert list(rows[0])[-5:] == list(ANSWER_COLUMNS)
    assert ran.err == f"{len(rows):,} rows\n"


def test_every_format_holds_the_same_rows(configs: str, tmp_path: Path) -> None:
    expected = records(small(configs))
    for name in ("cells.csv", "cells.parquet", "cells.arrow", "cells.jsonl"):
        ran = small(configs, "--output", str(tmp_path / "new" / name))
        assert (ran.code, ran.out) == (ExitCode.OK, "")
        path = tmp_path / "new" / name
        if name.endswith("jsonl"):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            assert {type(line["predicate"]) for line in lines} == {bool, type(None)}
            found = [
                {
                    key: str(value).lower() if isinstance(value, bool) else value or ""
                    for key, value in line.items()
                }
                for line in lines
            ]
        else:
            options = {"dtype": str, "keep_default_na": False} if name.endswith("csv") else {}
            frame = READERS[path.suffix[1:]](path, **options)
            if not options:
                assert set(frame.dtypes.astype(str)) == {"category"}
            plain = frame.astype(object)
            found = plain.where(plain.notna(), "").to_dict("records")
        assert found == expected
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "cells.arrow",
        "cells.csv",
        "cells.jsonl",
        "cells.parquet",
    ]


def test_a_limit_is_a_prefix_and_says_so(configs: str) -> None:
    every = records(small(configs))
    ran = small(configs, "--limit", "7")
    assert records(ran) == every[:7]
    assert ran.err == f"7 rows, the first of {len(every):,}\n"
    assert records(small(configs, "--limit", "0")) == []
    assert records(small(configs, "--limit", "1000000")) == every


def test_where_leaves_cells_out_and_says_which(configs: str) -> None:
    every = records(small(configs))
    text = 'verdict == "unsound" && kernel == "7.3"'
    rows = records(small(configs, "--where", text))
    assert rows == [row for row in every if (row["verdict"], row["kernel"]) == ("unsound", "7.3")]
    said = small(configs, "--where", "has_cache_dic", "--columns", "cpu")
    assert "neoverse-v1" not in said.out
    assert re.search(
        r"^\d+ cells are left out: whether `has_cache_dic` holds", said.err, re.MULTILINE
    )


def test_columns_are_in_the_order_asked_and_rows_in_that_of_the_study(configs: str) -> None:
    ran = small(configs, "--columns", "verdict, kernel", "--where", 'cpu == "aws-graviton3"')
    assert ran.out.splitlines()[0] == "verdict,kernel"
    kernels = [row["kernel"] for row in records(ran)]
    assert kernels == sorted(kernels, key=["6.12", "6.18", "7.3"].index)
    assert len(set(ran.out.splitlines())) == len(ran.out.splitlines())


def test_a_random_choice_is_repeated_by_its_seed(configs: str) -> None:
    every = records(small(configs))
    one = small(configs, "--random", "9", "--seed", "4")
    rows = records(one)
    places = [every.index(row) for row in rows]
    assert len(rows) == 9
    assert places == sorted(places)
    assert small(configs, "--random", "9", "--seed", "4").out == one.out
    assert small(configs, "--random", "9", "--seed", "5").out != one.out
    assert one.err == f"9 rows, chosen at random of {len(every):,}\n"


def test_a_bound_without_a_limit_writes_nothing(
    configs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows, "MAX_ROWS", 5)
    path = tmp_path / "cells.csv"
    ran = small(configs, "--output", str(path))
    assert ran.code == ExitCode.UNDECIDED
    assert "error[MX0632]" in ran.err
    assert not path.exists()
    assert records(small(configs, "--columns", "vm")) == [{"vm": "default"}, {"vm": "protected"}]
    assert len(records(small(configs, "--limit", "6"))) == 6


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (["--where", "verdict =="], ["MX0106"]),
        (["--where", ""], ["MX0105"]),
        (["--where", 'kernle == "7.3"'], ["MX0624"]),
        (["--where", 'verdict == "unsond"'], ["MX0625"]),
        (["--where", "kernel"], ["MX0653"]),
        (["--columns", "verdict,"], ["MX0630"]),
        (["--format", "arrow"], ["MX0633"]),
        (["--seed", "1"], ["MX0635"]),
        (
            ["--columns", "a,vm,vm", "--limit", "1", "--random", "1", "--where", "("],
            ["MX0635", "MX0630", "MX0631", "MX0106"],
        ),
    ],
)
def test_what_is_wrong_is_said_at_once(
    configs: str, arguments: list[str], codes: list[str]
) -> None:
    ran = small(configs, *arguments)
    assert (ran.code, ran.out) == (ExitCode.INPUT, "")
    assert re.findall(r"error\[(MX\d+)\]", ran.err) == codes


def test_a_file_that_cannot_be_written(configs: str, tmp_path: Path) -> None:
    ran = small(configs, "--output", str(tmp_path))
    assert ran.code == ExitCode.INPUT
    assert "error[MX0801]" in ran.err
    if Path("/dev/full").exists():
        assert "error[MX0801]" in small(configs, "--output", "/dev/full").err


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = [sys.executable, "-m", "matrix", "cells", "arm64-overview", "--limit", "100000"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().startswith("kernel,cpu,")
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode == ExitCode.OK


def test_an_interrupted_run_leaves_the_former_file(
    configs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cells.csv"
    path.write_text("former")
    path.chmod(0o640)

    def interrupted(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("matrix.render.cell_files.write_cells", interrupted)
        ran = small(configs, "--output", str(path))
    assert "error[MX0801]" in ran.err
    assert path.read_text() == "former"
    assert [entry.name for entry in tmp_path.iterdir()] == ["cells.csv"]
    assert small(configs, "--output", str(path)).code == ExitCode.OK
    assert path.read_text().startswith("kernel,")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("form", CellFormat)
def test_texts_with_every_kind_of_character(form: CellFormat, tmp_path: Path) -> None:
    texts = ("a,b", 'say "no"', "two\nlines", "\N{MULTIPLICATION SIGN}", "")
    column = CellColumn(name='odd "name"', texts=texts, optional=True)
    other = CellColumn(name="verdict", texts=tuple(map(str, range(200))), optional=True)
    chunks: list[Columns] = [
        (numbers(column, [0, 1]), numbers(other, [199, -1])),
        (numbers(column, []), numbers(other, [])),
        (numbers(column, [2, 3, 4, -1]), numbers(other, [1, 2, 128, 127])),
    ]
    path = tmp_path / f"odd.{form}"
    with path.open("wb") as file:
        assert write_cells([column, other], iter(chunks), form, file) == 6
    expected = [
        (text, word)
        for text, word in zip([*texts, None], ["199", None, "1", "2", "128", "127"], strict=True)
    ]
    match form:
        case CellFormat.CSV:
            with path.open(newline="", encoding="utf-8") as lines:
                found = list(csv.reader(lines))
            assert found.pop(0) == [column.name, other.name]
            assert found == [[text or "", word or ""] for text, word in expected]
        case CellFormat.JSON_LINES:
            # A row ends with a line feed and nothing else does.
            written = path.read_text(encoding="utf-8").split("\n")[:-1]
            assert [tuple(json.loads(line).values()) for line in written] == expected
        case _:
            frame = READERS[form](path).astype(object)
            found = frame.where(frame.notna(), None).to_numpy().tolist()
            assert [tuple(row) for row in found] == expected


def numbers(column: CellColumn, values: list[int]) -> Numbers:
    return np.array(values, column.kind)


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.csv", "csv"), ("a.JSONL", "json-lines"), ("a.feather", "arrow"), ("a", "csv")],
)
def test_the_name_of_a_file_asks_for_its_format(name: str, form: str) -> None:
    assert format_of(Path(name)) == form
    assert format_of(None) == "csv"


def test_a_name_that_says_no_format_is_no_csv(tmp_path: Path) -> None:
    file = tmp_path / "cells.foo"
    wanted = ("cells", "arm64-memfd-secret", "--output", str(file))
    ran = run_cli(*wanted, "--columns", "verdct")
    assert ran.code == ExitCode.INPUT
    assert "error[MX1509]: `cells.foo` says none" in ran.err
    assert "error[MX0630]" in ran.err
    hint = next(line for line in ran.err.splitlines() if line.startswith("hint: end its name"))
    assert all(suffix in hint for suffix in (".csv", ".jsonl", ".parquet", ".arrow"))
    assert not file.exists()
    assert run_cli(*wanted, "--limit", "1", "--format", "csv").code == ExitCode.OK
    assert len(file.read_text().splitlines()) == 2


def test_the_command_offers_every_format() -> None:
    assert [form.value for form in CellsFormat] == [form.value for form in CellFormat]
