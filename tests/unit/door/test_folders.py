"""Files lie below the folder that they are looked for in, wherever links and dots lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.door.folders import (
    allow_outside,
    check_inside,
    confinement,
    regular_files,
    stamp_below,
)
from tests.cli_runner import run_cli

CONFIG = Path(__file__).parent.parent.parent / "data" / "booted" / "7.3.config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "own.config").write_bytes(CONFIG.read_bytes())
    (tmp_path / "outside.config").write_bytes(CONFIG.read_bytes())
    (folder / "linked.config").symlink_to("../outside.config")
    (folder / "turned.config").symlink_to("below/../own.config")
    return folder


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("own.config", True),
        ("below/../own.config", True),
        ("turned.config", True),
        ("gone.config", True),
        ("linked.config", False),
        ("../outside.config", False),
        ("/etc/passwd", False),
    ],
)
def test_where_a_name_leads_counts(name: str, inside: bool, folder: Path) -> None:
    if inside:
        check_inside(folder / name, folder)
        return
    with pytest.raises(OSError, match="--allow-outside reads it"):
        check_inside(folder / name, folder)
    with confinement():
        allow_outside()
        check_inside(folder / name, folder)
    with pytest.raises(OSError, match="is not below"):  # the permission ends with its block
        check_inside(folder / name, folder)


def test_a_root_that_is_a_link_itself_is_followed(folder: Path) -> None:
    (folder.parent / "link").symlink_to(folder)
    check_inside(folder.parent / "link" / "own.config", folder.parent / "link")
    check_inside(folder / "own.config", folder.parent / "link")


def test_files_of_a_folder_are_found_once_and_in_order(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "x").touch()
    (folder / "below" / "again").symlink_to(folder)
    found = [path.relative_to(folder).as_posix() for path in regular_files(folder, hidden=False)]
    assert found == ["linked.config", "own.config", "turned.config"]
    assert folder / ".git" / "x" in regular_files(folder, hidden=True)


def test_a_scanned_folder_says_what_leads_out_of_it(folder: Path) -> None:
    asked = ("validate", str(folder), "--cpu", "graviton3", "--format", "json")
    confined = run_cli(*asked)
    assert confined.code == 3
    assert "linked.config: error[MX0301]: cannot read" in confined.err
    assert confined.err.count("is not below") == 1
    assert confined.out.count('"verdict"') == 2 * run_cli(
        "validate", str(folder / "own.config"), *asked[2:]
    ).out.count('"verdict"')
    assert run_cli(*asked, "--allow-outside").code == 0


@pytest.mark.parametrize("name", ["../outside.config", "linked.config", "{outside}"])
def test_a_table_reads_what_is_below_its_folder(name: str, folder: Path) -> None:
    table = folder / "hosts.csv"
    row = name.format(outside=folder.parent / "outside.config")
    table.write_text(f"host,kernel,config,cpu\na,7.3,{row},graviton3\n")
    confined = run_cli("fleet", str(table))
    assert confined.code == 3
    assert "is not below" in confined.err + confined.out
    assert run_cli("fleet", str(table), "--allow-outside").code == 0
    assert run_cli("fleet", str(table), "--config-folder", str(folder.parent)).code in (0, 3)


def test_what_a_link_leads_to_is_not_walked_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be all there is: no stamp is better than one that is waited for."""
    (tmp_path / "large").mkdir()
    for number in range(50):
        (tmp_path / "large" / str(number)).touch()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "link").symlink_to(tmp_path / "large")
    assert len(stamp_below(tmp_path / "own")[0]) == 51
    monkeypatch.setattr("matrix.door.folders._MOST_STAMPED", 50)
    with pytest.raises(OSError, match="too much"):
        stamp_below(tmp_path / "own")
    (tmp_path / "own" / "back").symlink_to(".")
    (tmp_path / "own" / "again").symlink_to(".")  # two of these are 2^40 names
    with pytest.raises(OSError, match=r"too much|Too many"):
        stamp_below(tmp_path / "own")
