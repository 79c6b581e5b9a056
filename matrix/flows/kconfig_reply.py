"""What `matrix kconfig project` answers: text, JSON or YAML, and the profile it rewrites."""

from __future__ import annotations

from pathlib import Path

from matrix.diagnostics import Diagnostic, ExitCode, InputError, Severity, format_diagnostic
from matrix.door.output import Rewrite, read_for_rewrite, rewrite
from matrix.flows.kconfig import ProjectOutcome, ProjectRequest, project_tree
from matrix.flows.knowledge import Library
from matrix.flows.reply import Reply
from matrix.render.json import dump
from matrix.render.kconfig_text import constraint_text, constraint_yaml
from matrix.schema.location import declaration_file


def kconfig_project(request: ProjectRequest, output_format: str, *, write: bool) -> Reply:
    """Project a tree; `write` puts the constraints into the profile's file.

    Without it the exit code says whether the profile states them already.

    Raises:
        InputError: as `project_tree`; MX1015 where the profile cannot be rewritten.
        UndecidedError: as `project_tree`.
    """
    # Read before the work, which takes a minute: what is edited in that time stays.
    path = _profile_path(request) if write else None
    read = read_for_rewrite(path) if path is not None else None
    outcome = project_tree(request)
    speech = list(map(format_diagnostic, _notes(outcome)))
    speech += [f"toolchain answered `{call}`: {answer}" for call, answer in outcome.new_answers]
    code = ExitCode.OK
    if path is not None:
        write_profile(outcome, path, read or b"")
        speech.append(f"wrote {len(outcome.constraints)} constraints to {path}")
    elif outcome.whole and not outcome.agrees:
        code = ExitCode.FINDINGS
        speech.append(
            f"the profile {outcome.profile.id} says something else: --write brings it up to date"
        )
    return Reply(text=_text(outcome, output_format), exit_code=code, speech=tuple(speech))


def _text(outcome: ProjectOutcome, output_format: str) -> str:
    constraints = outcome.constraints
    if output_format == "json":
        document = outcome.projected.to_json()
        document["toolchain"] = outcome.toolchain.id
        document["kernel"] = outcome.profile.release
        return dump(document)
    if output_format == "yaml":
        return constraint_yaml(constraints, outcome.toolchain.id)
    projected = outcome.projected
    head = (
        f"Linux {projected.version} ({projected.arch}): symbols {len(projected.symbols)}, "
        f"realizable assignments {projected.assignments}, constraints {len(constraints)}\n"
        f"toolchain {outcome.toolchain.id}: {outcome.toolchain.description}\n\n"
    )
    return head + constraint_text(constraints)


def _notes(outcome: ProjectOutcome) -> list[Diagnostic]:
    projected = outcome.projected
    notes = []
    if projected.unanswered:
        some = ", ".join(f"`{call}`" for call in projected.unanswered[:3])
        notes.append(
            Diagnostic(
                code="MX1008",
                severity=Severity.WARNING,
                message=f"questions of this tree to which {outcome.toolchain.id} has no answer: "
                f"{len(projected.unanswered)}, such as {some}; either answer is taken as possible",
                hint="record them with --live-toolchain, or declare them in configs/toolchains",
            )
        )
    notes += [
        Diagnostic(
            code="MX1014",
            severity=Severity.NOTE,
            message=f"the tree came without `{name}`, which only adds warnings about documents",
        )
        for name in projected.left_out
    ]
    return notes


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
    new = _replaced(text.replace("\r\n", "\n"), block, shown)
    if "\r\n" in text:
        new = new.replace("\n", "\r\n")
    rewrite([Rewrite(path=path, read=read, new=new)])


def _profile_path(request: ProjectRequest) -> Path:
    profile = Library(request.configs).kernel(request.kernel)
    return declaration_file(profile.location.file)


def _replaced(text: str, block: str, shown: str) -> str:
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
        if line.startswith("  ") and not line.startswith("   "):
            skipping = line.split(":")[0].strip() in ("toolchain", "constraints")
        if not skipping:
            kept.append(line)
    return "".join((*lines[:start], *kept, block, *lines[end:]))


def _unwritable(shown: str, why: str, hint: str) -> InputError:
    return InputError(
        Diagnostic(
            code="MX1015", message=f"cannot write the constraints to `{shown}`: {why}", hint=hint
        )
    )
