"""What counts as a kernel tree, and that every reader of trees agrees on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.diagnostics import InputError
from matrix.kernel.kconfig.tree import open_tree
from matrix.kernel.source.tree_files import TreeRelease, read_release, read_tree_text
from matrix.kernel.source.truth.tree import KernelTree
from tests.small_trees import small_tree

NUMBERS = "VERSION = 7\nPATCHLEVEL = 3\n"

# The code with which each reader refuses a folder that is no kernel tree.
READERS: dict[str, Callable[[Path], object]] = {
    "MX1001": lambda tree: open_tree(tree, "arm64"),
    "MX1111": KernelTree,
}


def _refusal(code: str, tree: Path) -> str:
    with pytest.raises(InputError) as raised:
        READERS[code](tree)
    (found,) = raised.value.diagnostics
    return found.code


@pytest.mark.parametrize(
    ("makefile", "version"),
    [
        ("VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\nEXTRAVERSION = -rc7\n", "7.3.0-rc7"),
        ("# SPDX\r\nVERSION = 7\r\nPATCHLEVEL = 3\r\nSUBLEVEL = 2\r\nEXTRAVERSION =\r\n", "7.3.2"),
        ("VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL =\nEXTRAVERSION =\nNAME = Old\n", "7.3.0"),
        (NUMBERS, "7.3.0"),
        ("#\n" * 50 + NUMBERS, "7.3.0"),
        ("PATCHLEVEL=3\nVERSION\t=7\nexport VERSION PATCHLEVEL\n", "7.3.0"),
    ],
)
def test_the_makefile_says_which_release_it_is(makefile: str, version: str, tmp_path: Path) -> None:
    tree = small_tree(tmp_path, "", release="6.1")
    (tree / "Makefile").write_text(makefile, newline="")
    assert read_release(tree) == TreeRelease(release="7.3", version=version)
    assert open_tree(tree, "arm64").version == KernelTree(tree).version == version


@pytest.mark.parametrize("code", READERS)
@pytest.mark.parametrize(
    "makefile",
    [None, "", "all:\n", "VERSION = 7\n", "VERSION =\nPATCHLEVEL =\n", "# VERSION = 7\n#3\n"],
)
def test_every_reader_refuses_what_is_no_kernel_tree(
    makefile: str | None, code: str, tmp_path: Path
) -> None:
    tree = small_tree(tmp_path, "")
    (tree / "Makefile").unlink()
    if makefile is not None:
        (tree / "Makefile").write_text(makefile)
    assert read_release(tree) is None
    assert _refusal(code, tree) == code


@pytest.mark.parametrize("code", READERS)
def test_every_reader_refuses_a_missing_folder_a_file_and_a_device(
    code: str, tmp_path: Path
) -> None:
    assert _refusal(code, tmp_path / "nowhere") == code
    (tmp_path / "file").write_text(NUMBERS)
    assert _refusal(code, tmp_path / "file") == code
    # It never ends; that it is one is seen before it is read.
    (tmp_path / "Makefile").symlink_to("/dev/zero")
    assert _refusal(code, tmp_path) == code


@pytest.mark.parametrize("code", READERS)
def test_a_makefile_beyond_all_bounds_is_unreadable(code: str, tmp_path: Path) -> None:
    tree = small_tree(tmp_path, "")
    with (tree / "Makefile").open("ab") as stream:
        stream.truncate((2 << 20) + 1)
    assert _refusal(code, tree) == "MX1114"


def test_a_source_beyond_all_bounds_is_not_read_in_part(tmp_path: Path) -> None:
    with (tmp_path / "a.c").open("wb") as stream:
        stream.truncate((2 << 20) + 1)
    with pytest.raises(OSError, match="larger than 2 MiB"):
        read_tree_text(tmp_path, "a.c")
