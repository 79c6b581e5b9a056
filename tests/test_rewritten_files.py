"""Commands that rewrite a person's file: an edit saved while they work is never overwritten."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import matrix.render.embed as embed_flow
from matrix.diagnostics import InputError
from matrix.door.output import Rewrite, read_for_rewrite, rewrite, write_files
from matrix.flows import kconfig_profile, kernels_verify
from matrix.flows import validate as validate_flow
from matrix.kernel.source.truth.evidence import sealed
from tests.cli_runner import run_cli

ROOT = Path(__file__).parent.parent
PAGE = "# Page\n\n<!-- matrix:begin arm64-overview -->\n<!-- matrix:end -->\n"
EDIT = "saved by a person while the command ran\n"


class Profile:
    """A copy of the 7.3 profile in a folder of its own, which overrides the shipped one."""

    def __init__(self, folder: Path) -> None:
        self.configs = folder / "own"
        self.file = self.configs / "kernels" / "linux-7.3-arm64.yaml"
        self.evidence = self.configs / "kernels" / "evidence" / "linux-7.3-arm64.json"
        self.evidence.parent.mkdir(parents=True)
        for path in (self.file, self.evidence):
            shipped = ROOT / "configs" / path.relative_to(self.configs)
            shutil.copyfile(shipped, path)


@pytest.fixture
def while_it_works(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Any, str, Callable[[], None]], None]:
    """Return `while_it_works(module, name, act)`: `act` once the work that `name` does is done."""

    def patch(module: Any, name: str, act: Callable[[], None]) -> None:
        work = getattr(module, name)

        def worked(*arguments: Any, **named: Any) -> Any:
            answer = work(*arguments, **named)
            act()
            return answer

        monkeypatch.setattr(module, name, worked)

    return patch


def test_embed_leaves_an_edit_that_was_saved_meanwhile(
    while_it_works: Callable[..., None], tmp_path: Path
) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    page.write_text(PAGE)
    other.write_text(PAGE)
    while_it_works(embed_flow, "_fresh", lambda: page.write_text(EDIT))
    ran = run_cli("embed", str(other), str(page))
    assert ran.code == 3
    assert f"{page}: error[MX0813]" in ran.err
    assert page.read_text() == EDIT
    assert other.read_text() == PAGE  # all or none


def test_a_baseline_that_was_saved_meanwhile_stays(
    while_it_works: Callable[..., None], booted_extract: Path, tmp_path: Path
) -> None:
    baseline = tmp_path / "known.json"
    asked = ("validate", str(booted_extract / "7.3.config"), "--cpu", "cortex-a710")
    while_it_works(validate_flow, "prepare", lambda: baseline.write_text(EDIT))
    ran = run_cli(*asked, "--write-baseline", str(baseline))
    assert ran.code == 3
    assert "error[MX0813]" in ran.err
    assert baseline.read_text() == EDIT


@pytest.mark.parametrize("option", ["--fix", "--record"])
def test_kernels_verify_leaves_an_edit_that_was_saved_meanwhile(
    option: str,
    while_it_works: Callable[..., None],
    kernel_tree: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    own = Profile(tmp_path)
    edited = own.file if option == "--fix" else own.evidence
    tree = kernel_tree("7.3")
    if option == "--fix":
        # One file of the tree is five lines longer at its head: citations of it move.
        tree = tmp_path / "tree"
        shutil.copytree(kernel_tree("7.3"), tree)
        moved = tree / "arch/arm64/mm/pageattr.c"
        moved.write_text("\n" * 5 + moved.read_text())
    else:
        # What is shipped is of the whole tree; of a part nothing less is recorded.
        own.evidence.unlink()
        run_cli(
            "kernels", "verify", "7.3", "--tree", str(tree), "--configs", str(own.configs), option
        )
        own.evidence.write_text(sealed(own.evidence.read_text() + "\n"))
    while_it_works(kernels_verify, "verify", lambda: edited.write_text(EDIT))
    ran = run_cli(
        *("kernels", "verify", "7.3", "--tree", str(tree), "--configs", str(own.configs), option)
    )
    assert ran.code == 3
    assert "error[MX0813]" in ran.err
    assert edited.read_text() == EDIT


def test_kconfig_project_leaves_an_edit_that_was_saved_meanwhile(
    while_it_works: Callable[..., None], kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    own = Profile(tmp_path)
    while_it_works(kconfig_profile, "project_tree", lambda: own.file.write_text(EDIT))
    asked = ("--tree", str(kernel_tree("7.3")), "--kernel", "7.3", "--configs", str(own.configs))
    ran = run_cli("kconfig", "project", *asked, "--write")
    assert ran.code == 3
    assert "error[MX0813]" in ran.err
    assert own.file.read_text() == EDIT


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with two files; whatever happens, nothing is left beside them."""
    write_files({"a": "a", "b": "b"}, tmp_path)
    yield tmp_path
    assert not list(tmp_path.glob(".matrix-*"))


def asked(folder: Path, **new: str) -> list[Rewrite]:
    return [
        Rewrite(path=folder / name, read=read_for_rewrite(folder / name), new=text)
        for name, text in new.items()
    ]


def test_what_nobody_touched_is_rewritten(files: Path) -> None:
    rewrite(asked(files, a="new a", b="new b", c="c"))
    assert [(files / name).read_text() for name in "abc"] == ["new a", "new b", "c"]


@pytest.mark.parametrize(
    "act",
    [
        lambda folder: (folder / "b").write_text("edited"),
        lambda folder: (folder / "b").unlink(),
        lambda folder: (folder / "c").write_text("made"),
    ],
    ids=["changed", "removed", "made"],
)
def test_nothing_is_written_where_somebody_else_was(
    act: Callable[[Path], object], files: Path
) -> None:
    todo = asked(files, a="new a", b="new b", c="new c")
    act(files)
    before = {path.name: path.read_text() for path in files.iterdir()}
    with pytest.raises(InputError) as caught:
        rewrite(todo)
    assert [item.code for item in caught.value.diagnostics] == ["MX0813"]
    assert {path.name: path.read_text() for path in files.iterdir()} == before


def test_the_same_text_from_somebody_else_is_no_edit(files: Path) -> None:
    todo = asked(files, a="new")
    (files / "a").write_text("new")
    rewrite(todo)
    assert (files / "a").read_text() == "new"


def test_an_edit_between_two_replacements_is_seen(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever saves while the first file is renamed keeps the second."""
    rename = Path.replace

    def rename_and_edit(new: Path, target: Path) -> Path:
        (files / "b").write_text("edited")
        return rename(new, target)

    todo = asked(files, a="new a", b="new b")
    monkeypatch.setattr(Path, "replace", rename_and_edit)
    with pytest.raises(InputError) as caught:
        rewrite(todo)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "MX0813"
    assert diagnostic.message.startswith(f"`{files / 'b'}` was changed")
    assert [(files / name).read_text() for name in "ab"] == ["new a", "edited"]
