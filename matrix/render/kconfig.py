"""A projected Kconfig tree: text, JSON, the YAML of a profile, and what is said beside it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import to_builtins

from matrix.diagnostics import Diagnostic, format_diagnostic
from matrix.flows.kconfig import ProjectOutcome
from matrix.flows.kconfig_profile import constraint_yaml
from matrix.flows.kconfig_result import SCHEMA
from matrix.render.json import Json


def kconfig_text(outcome: ProjectOutcome) -> str:
    """Return the constraints as C, each with why and where."""
    projected = outcome.projected
    lines = [
        (
            f"Linux {projected.version} ({projected.arch}): symbols {len(projected.symbols)}, "
            f"realizable assignments {projected.assignments}, "
            f"constraints {len(outcome.constraints)}"
        ),
        f"toolchain {outcome.toolchain.id}: {outcome.toolchain.description}",
        "",
    ]
    for item in outcome.constraints:
        where = f"  ({item.source})" if item.source else ""
        lines += [item.c, f"    {item.because}{where}"]
    return "".join(f"{line}\n" for line in lines)


def kconfig_document(outcome: ProjectOutcome) -> dict[str, Json]:
    """Return the projection as JSON has it (`matrix/kconfig-project/1`)."""
    return {
        "schema": SCHEMA,
        **to_builtins(outcome.projected),
        "toolchain": outcome.toolchain.id,
        "kernel": outcome.profile.release,
    }


def kconfig_yaml(outcome: ProjectOutcome) -> str:
    """Return what the profile's `kconfig:` block says of it."""
    return constraint_yaml(outcome.constraints, outcome.toolchain.id)


def kconfig_sentences(outcome: ProjectOutcome) -> Iterator[str]:
    """Yield what was not known, what the toolchain answered, and what became of the profile."""
    yield from map(format_diagnostic, _notes(outcome))
    for call, answer in outcome.new_answers:
        yield f"toolchain answered `{call}`: {answer}"
    if outcome.written is not None:
        yield f"wrote {len(outcome.constraints)} constraints to {outcome.written}"
    elif outcome.contradicts:
        yield f"the profile {outcome.profile.id} says something else: --write brings it up to date"


def _notes(outcome: ProjectOutcome) -> list[Diagnostic]:
    projected = outcome.projected
    notes = []
    if projected.unanswered:
        some = ", ".join(f"`{call}`" for call in projected.unanswered[:3])
        notes.append(
            Diagnostic.warning(
                code="MX1008",
                message=f"questions of this tree to which {outcome.toolchain.id} has no answer: "
                f"{len(projected.unanswered)}, such as {some}; either answer is taken as possible",
                hint="record them with --live-toolchain, or declare them in configs/toolchains",
            )
        )
    notes += [
        Diagnostic.note(
            code="MX1014",
            message=f"the tree came without `{name}`, which only adds warnings about documents",
        )
        for name in projected.left_out
    ]
    return notes
