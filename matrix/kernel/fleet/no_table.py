"""What a file is that was given as a table of hosts and is none, told by its first line."""

from __future__ import annotations


def what_it_is(line: bytes, *, at_end: bool) -> str | None:
    """Return why a file with this first line is no CSV; None where it may be one.

    `at_end` says that nothing follows the line.
    """
    if not line and at_end:
        return "the file is empty"
    text = line.decode("utf-8-sig", "replace").rstrip("\r\n")
    # a title in another encoding does not make a table binary
    broken = "\N{REPLACEMENT CHARACTER}" in text and "," not in text
    if broken or any(character < " " and character != "\t" for character in text):
        return "the file is binary, and begins neither as Parquet nor as gzip does"
    return None
