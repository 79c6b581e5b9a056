"""The command lines of `validate` that most runs have, read without typer.

Takes the words of a command line, gives what typer would make of them, or None: whatever is not
plain (help, completion, an option that is not listed here, one that is written with `=`, a word
that may be wrong) is typer's, with its errors. `tests/laws/test_plain_command_lines.py` holds that
both give the same.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matrix.cli.validation import Asked

# Options with one value, the field that each fills, and whether it may be repeated.
_REPEATED = {"--cpu": "cpus"}
_ONCE = {
    "--kernel": "kernel",
    "--cmdline": "cmdline",
    "--capability": "capability",
    "--format": "form",
}
# The parameter of the command that has another name than the field.
_GIVEN = {"form": "output_format"}
_FORMS = ("text", "json", "github", "junit", "sarif")
# typer answers for a shell that completes a word.
_COMPLETION = "_MATRIX_COMPLETE"


def read_plainly(words: Sequence[str]) -> Asked | None:
    """Return what a plain command line asks; None where typer must read it."""
    if words[:1] != ["validate"] or _COMPLETION in os.environ or os.name == "nt":
        return None
    files: list[str] = []
    repeated: dict[str, list[str]] = {}
    once: dict[str, str] = {}
    rest = iter(words[1:])
    for word in rest:
        if not word.startswith("-"):
            files.append(word)
            continue
        value = next(rest, None)
        # What begins with a dash is perhaps an option whose value was forgotten.
        if value is None or value.startswith("-"):
            return None
        if word in _REPEATED:
            repeated.setdefault(_REPEATED[word], []).append(value)
        elif word in _ONCE:
            once[_ONCE[word]] = value
        else:
            return None
    if not all(files) or not files or once.get("form", "text") not in _FORMS:
        return None
    from msgspec.structs import replace

    from matrix.cli.validation import Asked
    from matrix.flows.validate_job import ValidateRequest

    given = frozenset(_GIVEN.get(name, name) for name in ("files", *repeated, *once))
    form = once.pop("form", "text")
    request = ValidateRequest(files=tuple(files), given=given, cpus=tuple(repeated.get("cpus", ())))
    return Asked(request=replace(request, **once), form=form)
