"""Files that the program looks up: regular ones, bounded; all else is an OSError at once."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from matrix.door.files import opened, read_regular
from matrix.kernel.source.tree_files import read_tree_text


def test_a_file_up_to_the_bound_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 100)
    assert read_regular(file, 100) == b"x" * 100
    with pytest.raises(OSError, match="it is larger than 99 bytes") as caught:
        read_regular(file, 99)
    assert caught.value.errno == errno.EFBIG


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "Kconfig"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="no regular file"):
        read_regular(pipe, 100)
    with pytest.raises(OSError, match="no regular file"):
        read_tree_text(tmp_path, "Kconfig")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices here")
def test_a_device_is_refused() -> None:
    with pytest.raises(OSError, match="no regular file"):
        read_regular("/dev/zero", 100)


def test_a_folder_and_a_name_that_is_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"directory|denied"):
        read_regular(tmp_path, 100)
    with pytest.raises(OSError, match="not a file name"):
        read_regular("a\0b", 100)
    with pytest.raises(OSError, match="not a file name"), opened("a\0b"):
        pass
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "gone", 100)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
def test_a_file_without_a_size_of_its_own_is_read() -> None:
    assert read_regular("/proc/self/status", 1 << 20).startswith(b"Name:")
