"""No answer rests on a row that nobody has read: whatever the row is, the verdict stays.

Random rows of a shipped profile are called unread; where the draft still gives a verdict, every
other content of those rows must give the same one. What a row may be is written here once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.analyze.cell.answering import Cell, settle
from matrix.analyze.cell.assemble import (
    config_atoms,
    cpu_atoms,
    surroundings_atoms,
    variables_of,
)
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.question import lower_question, predicate_version
from matrix.analyze.facts.program import lower
from matrix.diagnostics import InputError, UndecidedError
from matrix.expr.parser import parse
from matrix.flows.knowledge import Library
from matrix.kernel.config.dotconfig import load_dotconfig
from matrix.kernel.cpu.resolve import resolve_system
from matrix.schema.values import Condition, KernelProfile

BOOTED = Path(__file__).parents[1] / "data" / "booted"
CPUS = ("graviton3", "cortex-a710", "neoverse-n1", "apple-m2", "cortex-a76+cortex-a55")
LINES = ("", "rodata=off", "rodata=noalias", "kvm-arm.mode=protected", "secretmem.enable=1")
CAPABILITIES = ("gmem-no-direct-map", "memfd-secret")
RELEASES = ("7.3", "7.2", "6.12", "6.1")
BEHAVIOURS = Behaviours()


@cache
def library() -> Library:
    return Library()


def verdicts(profile: KernelProfile, config: str, cpu: str, line: str, capability: str) -> set[str]:
    """Return every verdict that the completions of what is unknown leave."""
    known = library()
    architecture = known.architecture(profile.arch)
    program = lower(profile, architecture)
    asked = known.capability(capability)
    question = lower_question(program, asked, predicate_version(asked, None))
    system = resolve_system(cpu, known.knowledge_of(profile.arch), architecture)
    atoms, detections = cpu_atoms(program, system)
    file = load_dotconfig(BOOTED / f"{config}.config", arch=profile.arch)
    atoms = {
        **config_atoms(program, file.typed(program.symbols)),
        **surroundings_atoms(architecture, {}),
        **{name: item.value for name, item in program.dated.items()},
        **atoms,
    }
    cell = Cell(variables=variables_of(program, profile, line), atoms=atoms, detections=detections)
    try:
        return {str(one.leaf.verdict) for one in settle(question, cell, BEHAVIOURS)}
    except UndecidedError:
        return {"too much"}


def rows(profile: KernelProfile) -> list[str]:
    """Return the rows that a draft may leave open, as `open` writes them."""
    return [
        *(f"function {one.signature}" for one in profile.functions),
        *(f"variable {one.name}" for one in profile.variables),
        *(f"parameter {one.name}" for one in profile.parameters),
        *(f"cpucap {one.name}" for one in profile.cpucaps),
        *(f"mechanism {one.name}" for one in profile.mechanisms),
    ]


def _said(condition: Condition, text: str) -> Condition:
    return replace(condition, text=text, expression=parse(text))


def otherwise(profile: KernelProfile, row: str) -> Iterator[KernelProfile]:  # noqa: C901 - a table
    """Yield the profile with another content of one row."""
    kind, name = row.split(" ", 1)
    domains = {item.name: item.values for item in library().architecture("arm64").mechanisms}
    match kind:
        case "mechanism":
            for value in domains[name]:
                yield replace(
                    profile,
                    mechanisms=tuple(
                        replace(one, value=value, since=None) if one.name == name else one
                        for one in profile.mechanisms
                    ),
                )
        case "function":
            one = next(one for one in profile.functions if one.signature == name)
            words = '"' in one.body.text or "KVM_MODE" in one.body.text
            for text in () if words else ("true", "false", f"!({one.body.text})"):
                changed = replace(one, body=_said(one.body, text))
                others = (changed if it.signature == name else it for it in profile.functions)
                yield replace(profile, functions=tuple(others))
        case "variable":
            one_variable = next(one for one in profile.variables if one.name == name)
            texts = [word for word, _ in one_variable.enumerators]
            if not texts:
                texts = ["0", "1", "-1"] if name == "__kpti_forced" else ["true", "false"]
            for text in texts:
                changed_variable = replace(one_variable, initial=_said(one_variable.initial, text))
                yield replace(
                    profile,
                    variables=tuple(
                        changed_variable if it.name == name else it for it in profile.variables
                    ),
                )
        case "parameter":
            yield replace(
                profile,
                parameters=tuple(one for one in profile.parameters if one.name != name),
            )
        case "cpucap":
            one_cap = next(one for one in profile.cpucaps if one.name == name)
            no = _said(one_cap.unless or profile.functions[0].body, "true")
            yes = {"minimum": 0} if one_cap.minimum is not None else {}
            for changed_cap in (
                replace(one_cap, unless=no),
                replace(one_cap, unless=None, kconfig=None, **yes),
            ):
                caps = (changed_cap if it.name == name else it for it in profile.cpucaps)
                yield replace(profile, cpucaps=tuple(caps))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_verdict_of_a_draft_holds_whatever_the_unread_rows_are(data: st.DataObject) -> None:
    release = data.draw(st.sampled_from(RELEASES))
    profile = library().kernel(release)
    open_rows = data.draw(
        st.lists(st.sampled_from(rows(profile)), min_size=1, max_size=5, unique=True)
    )
    cell = (
        data.draw(st.sampled_from([release, *(["7.3-16k"] if release == "7.3" else [])])),
        data.draw(st.sampled_from(CPUS)),
        data.draw(st.sampled_from(LINES)),
        data.draw(st.sampled_from(CAPABILITIES)),
    )
    draft = replace(profile, open=tuple(f"{row}: not read" for row in open_rows))
    given_by_draft = verdicts(draft, *cell)
    assert verdicts(profile, *cell) <= given_by_draft or given_by_draft == {"too much"}
    if len(given_by_draft) > 1 or given_by_draft == {"too much"}:
        return
    for row in open_rows:
        for other in otherwise(profile, row):
            assert verdicts(other, *cell) == given_by_draft, (row, cell)


@pytest.mark.parametrize(
    ("row", "cell"),
    [
        ("mechanism protected_vm_type", ("7.3", "graviton3", "", "gmem-no-direct-map")),
        ("function can_set_direct_map()", ("7.3", "graviton3", "", "gmem-no-direct-map")),
        ("variable kvm_mode", ("7.3", "graviton3", "", "gmem-no-direct-map")),
        ("cpucap ARM64_HAS_STAGE2_FWB", ("7.3", "neoverse-n1", "", "gmem-no-direct-map")),
        ("parameter rodata", ("6.12", "graviton3", "rodata=off", "memfd-secret")),
        (
            "mechanism memfd_secret_asks_direct_map",
            ("6.12", "graviton3", "rodata=off", "memfd-secret"),
        ),
    ],
)
def test_each_kind_of_row_that_decides_leaves_the_answer_open(
    row: str, cell: tuple[str, str, str, str]
) -> None:
    profile = library().kernel(cell[0].split("-")[0])
    draft = replace(profile, open=(f"{row}: not read",))
    own = verdicts(profile, *cell)
    decides = any(verdicts(other, *cell) != own for other in otherwise(profile, row))
    assert (len(verdicts(draft, *cell)) > 1) == decides


def test_a_misspelt_row_is_not_taken_as_read() -> None:
    draft = replace(library().kernel("7.3"), open=("function can_set_direct_mapp(): not read",))
    with pytest.raises(InputError) as raised:
        lower(draft, library().architecture("arm64"))
    (found,) = raised.value.diagnostics
    assert found.code == "MX1124"
    assert "can_set_direct_map()" in (found.hint or "")
