"""What a projection of a Kconfig tree writes: the constraints in the file of a profile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from matrix.diagnostics import InputError
from matrix.door.output import Rewrite, read_for_rewrite, rewrite
from matrix.flows.kconfig import ProjectOutcome, ProjectRequest, project_tree
from matrix.flows.kconfig_result import Constraint
from matrix.flows.knowledge import Library
from matrix.schema.location import declaration_file


def project_into_profile(request: ProjectRequest) -> ProjectOutcome:
    """Project a tree and put the constraints into the profile's file.

    Raises:
        InputError: as `project_tree`; MX1015 where the profile cannot be rewritten.
        UndecidedError: as `project_tree`.
    """
    # Read before the work, which takes a minute: what is edited in that time stays.
    profile = Library(request.configs).kernel(request.kernel)
    path = declaration_file(profile.location.file)
    read = read_for_rewrite(path)
    outcome = project_tree(request)
    write_profile(outcome, path, read or b"")
    return replace(outcome, written=path)


def write_profile(outcome: ProjectOutcome, path: Path, read: bytes) -> None:
    """Put the constraints into the profile's file, in place of those of its `kconfig:` block.

    Raises:
        InputError: MX1015, the file has no such block, or only some symbols were projected;
            MX0813, it no longer holds what was `read`.
    """
    shown = outcome.profile.location.file
    if not outcome.whole:
        raise _unwritable(shown, "only some of its symbols were projected", "leave --symbols out")
    block = constraint_yaml(outcome.constraints, outcome.toolchain.id)
    text = read.decode("utf-8")
    new = replaced_constraints(text.replace("\r\n", "\n"), block, shown)
    # The file keeps the ends of lines that it had.
    if "\r\n" in text:
        new = new.replace("\n", "\r\n")
    rewrite([Rewrite(path=path, read=read, new=new)])


def constraint_yaml(constraints: Sequence[Constraint], toolchain: str) -> str:
    """Return the last keys of a profile's `kconfig:` block."""
    lines = [f"  toolchain: {toolchain}", "  constraints:"]
    for item in constraints:
        lines += [
            f"    - c: {_quoted(item.c)}",
            f"      grounded: {item.grounded}",
            *([f"      source: {_quoted(item.source)}"] if item.source else []),
            f"      because: {_quoted(item.because)}",
        ]
    return "".join(f"{line}\n" for line in lines)


def _quoted(text: str) -> str:
    # JSON strings are YAML's double-quoted scalars.
    return json.dumps(text, ensure_ascii=False)


def replaced_constraints(text: str, block: str, shown: str = "") -> str:
    """Return a profile's YAML with other constraints; `shown` is its file, for MX1015."""
    lines = text.splitlines(keepends=True)
    try:
        start = lines.index("kconfig:\n")
    except ValueError:
        hint = "write `kconfig:` on a line of its own"
        raise _unwritable(shown, "it has no `kconfig:` block", hint) from None
    end = next(
        (
            index
            for index, line in enumerate(lines[start + 1 :], start + 1)
            if not line.startswith(("  ", "\n"))
        ),
        len(lines),
    )
    while lines[end - 1] == "\n":
        end -= 1
    kept: list[str] = []
    skipping = False
    for line in lines[start:end]:
        # A key of the block: what is further in, and comments, go with the key above.
        if line.startswith("  ") and not line.startswith("   "):
            skipping = line.split(":")[0].strip() in ("toolchain", "constraints")
        if not skipping:
            kept.append(line)
    return "".join((*lines[:start], *kept, block, *lines[end:]))


def _unwritable(shown: str, why: str, hint: str) -> InputError:
    return InputError.of(
        code="MX1015", message=f"cannot write the constraints to `{shown}`: {why}", hint=hint
    )
