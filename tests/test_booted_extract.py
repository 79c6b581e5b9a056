"""The shipped extract of the booted kernels' `.config`s says what the whole files say."""

from __future__ import annotations

import hashlib
import json
import lzma
import re
from pathlib import Path

from ruamel.yaml import YAML

from tests.data.booted.extract import extract

ROOT = Path(__file__).resolve().parent.parent
AGAIN = "write it anew with `python -m tests.data.booted.extract`"


def _symbols_in_use() -> set[str]:
    """Return every Kconfig symbol that a profile declares or that an expression names."""
    files = [path for path in (ROOT / "configs").rglob("*.yaml") if path.parent.name != "distros"]
    named = {
        name for path in files for name in re.findall(r"CONFIG_(\w+)", path.read_text("utf-8"))
    }
    yaml = YAML(typ="safe", pure=True)
    profiles = [yaml.load(path) for path in (ROOT / "configs" / "kernels").glob("*-arm64.yaml")]
    declared = {name for profile in profiles for name in profile["kconfig"]["symbols"]}
    assert declared
    return declared | named


def _lines_about(text: str, symbols: set[str]) -> list[str]:
    settings = re.compile(r"(?:# )?CONFIG_(\w+)(?:=| is not set)")
    found = (settings.match(line) for line in text.splitlines())
    return [match.string for match in found if match and match[1] in symbols]


def test_each_extract_is_that_of_its_whole_file(
    booted_extract: Path, booted_originals: Path
) -> None:
    names = {path.name for path in booted_originals.glob("*.config")}
    assert names == {path.name for path in booted_extract.glob("*.config")}
    for name in sorted(names):
        whole = (booted_originals / name).read_text("utf-8")
        assert (booted_extract / name).read_text("utf-8") == extract(whole), f"{name}: {AGAIN}"


def test_no_line_about_a_symbol_in_use_is_missing(
    booted_extract: Path, booted_originals: Path
) -> None:
    symbols = _symbols_in_use()
    for path in sorted(booted_originals.glob("*.config")):
        shipped = (booted_extract / path.name).read_text("utf-8")
        wanted = _lines_about(path.read_text("utf-8"), symbols)
        missing = [line for line in wanted if line not in shipped.splitlines()]
        assert not missing, f"{path.name}: add the subject to extract.py, and {AGAIN}"


def test_the_readme_states_the_checksums(booted_extract: Path, booted_originals: Path) -> None:
    readme = (booted_extract / "README.md").read_text("utf-8")
    stated = dict(
        re.findall(r"^\| `([^`]+)` \| .* \| .*`([0-9a-f]{64})` \|$", readme, re.MULTILINE)
    )
    files = {path.stem: path for path in booted_originals.glob("*.config")}
    files["oracle.jsonl.xz"] = booted_extract / "oracle.jsonl.xz"
    actual = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert stated == actual


def test_the_answers_are_those_of_the_shared_data(booted_extract: Path, shared_data: Path) -> None:
    shipped = (booted_extract / "oracle.jsonl.xz").read_bytes()
    assert shipped == (shared_data / "data" / "booted" / "oracle.jsonl.xz").read_bytes()


def test_every_answer_has_its_config(booted_extract: Path) -> None:
    with lzma.open(booted_extract / "oracle.jsonl.xz", "rt", encoding="utf-8") as lines:
        kernels = {json.loads(line)["kernel"] for line in lines}
    assert kernels == {path.stem for path in booted_extract.glob("*.config")}
