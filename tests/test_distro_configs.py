"""All 180 distribution files get the answer or the diagnostic that `cases/distros.yaml` lists.

Three laws the table was reviewed by: a release without a profile names its two neighbours, a
file without a release, in its header or its name, is answered as each (MX0912), and a partial
file is recognised as partial. A row with `given` is answered for 7.3, too, where the golden table
of verdicts holds it: its own release is not in its header, or has no profile.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from ruamel.yaml import YAML

from tests.cli_runner import Ran, run_cli

TABLE = Path(__file__).parent / "cases" / "distros.yaml"


def answer(ran: Ran) -> str:
    if ran.code == 3:
        (code,) = set(re.findall(r"error\[(MX\d{4})\]", ran.err))
        return str(code)
    (result,) = json.loads(ran.out)["results"]
    if result["kernel"] == "6.17" and result["verdict"] != "absent":
        assert result["between"] == ["6.14", "6.18"]
    return f"{result['kernel']} {result['verdict']}"


def test_every_distribution_file(distro_configs: Path, debian_configs: Path) -> None:
    files = {
        path.name: path
        for folder in (distro_configs, debian_configs)
        for path in folder.glob("*.config")
    }
    rows = YAML(typ="safe").load(TABLE.read_text())
    assert {row["file"] for row in rows} == files.keys()
    assert len(rows) == 180
    wrong = []
    for row in rows:
        arguments = ("validate", str(files[row["file"]]), "--cpu", "graviton3", "--format", "json")
        ran = run_cli(*arguments)
        found = {"file": row["file"], "auto": answer(ran)}
        if "MX0912" in ran.err:
            assert "--kernel" in ran.err
        if ran.code == 3 or "given" in row:
            ran = run_cli(*arguments, "--kernel", "7.3")
            found["given"] = answer(ran)
        if "MX0911" in ran.err:
            found["partial"] = True
        if found != row:
            wrong.append((row, found))
    assert not wrong


def test_nearly_all_files_are_accepted_and_most_have_a_verdict() -> None:
    """What people give is no use if it is refused: the aims are 95 % and 80 %."""
    answers = [row["auto"].split() for row in YAML(typ="safe").load(TABLE.read_text())]
    accepted = [words for words in answers if not words[0].startswith("MX")]
    decided = [words for words in accepted if words[1] != "unknown"]
    assert len(accepted) >= 0.95 * len(answers)
    assert len(decided) >= 0.80 * len(answers)


def test_completeness_agrees_with_the_manifest(distro_configs: Path) -> None:
    kinds = {
        row["file"]: row["kind"]
        for row in YAML(typ="safe").load((distro_configs / "manifest.yaml").read_text())
    }
    rows = {row["file"]: row for row in YAML(typ="safe").load(TABLE.read_text())}
    for file, kind in kinds.items():
        # A complete file may be answered before it matters whether it is.
        assert not (kind == "full" and rows[file].get("partial")), file
        assert kind == "full" or rows[file].get("partial"), file
