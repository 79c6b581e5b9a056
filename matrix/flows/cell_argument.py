"""A cell as a user writes it, `axis=option,axis=option`, read for a study."""

from __future__ import annotations

import re

from matrix.analyze.space.cell_text import option_text
from matrix.diagnostics import Diagnostic, InputError, refuse, unknown_word_hint
from matrix.flows.knowledge import nearest_releases
from matrix.flows.study import PreparedStudy
from matrix.kernel.cpu.resolve import canonical_system
from matrix.kernel.line.parameters import parameter_key
from matrix.schema.values import Axis, MatrixStudy, Option

_BOOT = "boot."
# Quotes protect commas.
_ITEM = re.compile(r'(?:[^,"]|"[^"]*")+')


def parse_cell(prepared: PreparedStudy, text: str) -> dict[str, str]:
    """Return the options that `axis=option,axis=option` chooses; quotes protect commas.

    A CPU may be called by any of its names, and the types of a system stand in any order; a
    parameter may be written as the kernel has it (`boot.kvm-arm.mode`), as fixes are. The answer
    has the names of the study's axis and option. The same may be said twice.

    Raises:
        InputError: MX0604 malformed, MX0605 unknown axis, MX0606 unknown option, MX0506 two options
            of one axis; all at once.
    """
    axes = {axis.name: axis for axis in prepared.study.axes}
    chosen: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for item in _ITEM.findall(text):
        name, separator, raw = item.strip().partition("=")
        option = raw.strip('"')
        if not separator:
            problems.append(
                Diagnostic(
                    code="MX0604",
                    message=f"`{item}` is not axis=option",
                    hint="a cell is written axis=option,axis=option",
                )
            )
            continue
        axis = axes.get(name) or _axis_of_parameter(prepared.study, name)
        if axis is None:
            instead = _field_hint(prepared, name, item)
            problems.append(unknown_axis(prepared.study, name, instead=instead))
            continue
        found = _option(prepared, axis, option, _parameter(name))
        if found is None:
            problems.append(unknown_option(axis, option))
        elif chosen.setdefault(axis.name, found) != found:
            earlier = f"{axis.name}={chosen[axis.name]}"
            problems.append(
                Diagnostic(
                    code="MX0506",
                    message=f"`{item.strip()}` contradicts `{earlier}`: a cell has one option of "
                    "each axis",
                    hint="give one of them",
                )
            )
    if problems and (unprotected := _unprotected(prepared.study, text)) is not None:
        raise InputError(unprotected)
    refuse(problems)
    return chosen


def _unprotected(study: MatrixStudy, text: str) -> Diagnostic | None:
    """Return the diagnostic of an option with a comma that stands in a cell without quotes."""
    for axis in study.axes:
        for option in axis.options:
            written = f"{axis.name}={option.name}"
            if "," in option.name and written in text:
                return Diagnostic(
                    code="MX0604",
                    message=f"`{written}` has a comma, at which a cell is parted",
                    hint=f"write {axis.name}={option_text(option.name)}, and quotes of the shell "
                    "around the cell",
                )
    return None


def unknown_axis(study: MatrixStudy, name: str, *, instead: str | None = None) -> Diagnostic:
    """Return the diagnostic of an axis that a study lacks (MX0605); `instead` is a better hint."""
    return Diagnostic(
        code="MX0605",
        message=f"unknown axis `{name}` of study `{study.id}`",
        hint=instead or unknown_word_hint(name, [axis.name for axis in study.axes], "axes"),
    )


def unknown_option(axis: Axis, option: str) -> Diagnostic:
    """Return the diagnostic of an option that an axis lacks (MX0606)."""
    known = [item.name for item in axis.options]
    near = nearest_releases(option, known, "option") if axis.chooses_kernel else None
    return Diagnostic(
        code="MX0606",
        message=f"unknown option `{option}` of axis `{axis.name}`",
        hint=near or unknown_word_hint(option, known, f"options of {axis.name}"),
    )


def _parameter(name: str) -> str:
    return parameter_key(name.removeprefix(_BOOT))


def _axis_of_parameter(study: MatrixStudy, name: str) -> Axis | None:
    """Return the one axis that writes the parameter of `boot.<parameter>`, None without one."""
    if not name.startswith(_BOOT):
        return None
    key = _parameter(name)
    found = [
        axis
        for axis in study.axes
        if axis.kind == "boot" and any(key in dict(_written(option)) for option in axis.options)
    ]
    return found[0] if len(found) == 1 else None


def _written(option: Option) -> list[tuple[str, str]]:
    """Return the parameters that an option writes, with their values."""
    words = [word.partition("=") for word in (option.cmdline or "").split()]
    return [(parameter_key(name), value) for name, _, value in words]


def _option(prepared: PreparedStudy, axis: Axis, text: str, parameter: str) -> str | None:
    """Return the name of the option that is meant, None without one.

    For an axis of the command line it may be the value that the option gives to the parameter.
    """
    if any(option.name == text for option in axis.options):
        return text
    for option in axis.options:
        if axis.kind == "boot" and _written(option) == [(parameter, text)]:
            return option.name
    return _same_system(prepared, axis, text)


def _same_system(prepared: PreparedStudy, axis: Axis, spec: str) -> str | None:
    """Return the option that is the CPU system of a SPEC written otherwise, None without one."""
    if axis.kind != "cpu":
        return None
    knowledge = prepared.library.knowledge
    wanted = canonical_system(spec, knowledge)
    for option in axis.options:
        if option.cpu is not None and canonical_system(option.cpu, knowledge) == wanted:
            return option.name
    return None


def _field_hint(prepared: PreparedStudy, name: str, item: str) -> str | None:
    """Return the hint for who changes a field of a CPU in a cell, as a SPEC can."""
    if name not in {field.name for field in prepared.architecture.fields}:
        return None
    return (
        f"`{name}` is a field of a CPU, and the CPUs of a study are the ones that it lists; "
        f"`matrix validate FILE --cpu NAME,{item.strip()}` asks about a changed one"
    )
