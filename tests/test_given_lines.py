"""A boot log, or a line of one, is no command line, whichever way it is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests import bundle_builder
from tests.cli_runner import Ran, run_cli

CONFIG = str(Path(__file__).parent / "data" / "booted" / "7.3.config")
LOG = (Path(__file__).parent / "cases" / "bad" / "MX0920-boot-log.cmdline").read_text()
ASKED = ("validate", CONFIG, "--cpu", "graviton3", "--fail-on", "none", "--format", "json")
OWN = "root=/dev/vda ro rodata=off kfence.sample_interval=100"


def of_option(text: str, _folder: Path) -> Ran:
    return run_cli(*ASKED, "--cmdline", text)


def of_file(text: str, folder: Path) -> Ran:
    (folder / "line").write_text(text)
    return run_cli(*ASKED, "--cmdline-file", str(folder / "line"))


def of_settings(text: str, folder: Path) -> Ran:
    (folder / "matrix.toml").write_text(f"[validate]\ncmdline = {json.dumps(text)}\n")
    return run_cli(*ASKED, "--settings", str(folder / "matrix.toml"))


def of_fleet(text: str, folder: Path) -> Ran:
    row = {"host": "a", "kernel": "7.3", "config": CONFIG, "cpu": "graviton3", "cmdline": text}
    table = pa.table({name: [value] for name, value in row.items()})
    parquet.write_table(table, folder / "hosts.parquet")
    return run_cli("fleet", str(folder / "hosts.parquet"), "--allow-outside", "--format", "json")


def of_bundle(text: str, folder: Path) -> Ran:
    machine = bundle_builder.bundle_document(bundle_builder.make_tree(folder / "machine"))
    machine["readings"]["cmdline"]["value"] = text
    (folder / "host.json").write_text(json.dumps(machine))
    return run_cli("probe", "--host", str(folder / "host.json"), "--format", "json")


ENTRIES = (of_option, of_file, of_settings, of_fleet, of_bundle)


@pytest.mark.parametrize("give", ENTRIES)
@pytest.mark.parametrize(("text", "code"), [(LOG, "MX0920"), (LOG.splitlines()[0], "MX0921")])
def test_it_is_refused(
    give: Callable[[str, Path], Ran], text: str, code: str, tmp_path: Path
) -> None:
    """`--cmdline-file` of this log was answered `supported`; its own line gives `refused`."""
    ran = give(text, tmp_path)
    assert ran.code == 3
    assert f"error[{code}]" in ran.err
    assert "what stands behind `Kernel command line:`" in ran.err


@pytest.mark.parametrize("give", ENTRIES)
def test_the_line_of_the_log_is_answered(give: Callable[[str, Path], Ran], tmp_path: Path) -> None:
    ran = give(OWN, tmp_path)
    assert '"refused"' in ran.out, ran.err


def test_the_settings_are_shown_where_they_say_it(tmp_path: Path) -> None:
    ran = of_settings(LOG.splitlines()[0], tmp_path)
    assert "matrix.toml:2:1: error[MX0921]" in ran.err
