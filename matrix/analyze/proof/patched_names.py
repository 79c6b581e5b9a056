"""The names in the check of a patch: which a kernel has, and what a reader does about the others.

Takes expressions as the patch writes them and lowered kernels; gives the same over the names of a
study, or diagnostics that point into the mail. Nothing unknown is taken as off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from matrix.analyze.facts.program import FactProgram
from matrix.analyze.space.study import SolvedStudy, decide_study
from matrix.diagnostics import Diagnostic, InputError, refuse, unknown_word_hint
from matrix.expr.nodes import Call, Constant, Expression, Name
from matrix.expr.parser import parse
from matrix.expr.trees import calls, names, rewrite
from matrix.kernel.patch.check import PatchedCheck
from matrix.kernel.patch.inlining import VM
from matrix.schema.values import Atom, Axis, Capability, MatrixStudy, Option, PredicateVersion

_SYMBOL = "CONFIG_"
_CAP_TESTS = ("cpus_have_final_cap", "boot_cpu_has_cap")
# Other tests of a cpucap: once it is final, long before there is a VM, they say the same as
# cpus_have_final_cap() (arch/arm64/include/asm/cpufeature.h:484-527 in 7.3).
_SAME_TEST = ("cpus_have_cap", "alternative_has_cap_likely", "alternative_has_cap_unlikely")
# include/linux/sizes.h
_SIZE = re.compile(r"SZ_(?P<number>\d{1,6})(?P<unit>[KMG]?)$")
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30}
_PREPROCESSOR = re.compile(
    r"(?P<what>(?:defined|IS_ENABLED|preprocessor_condition)\((?P<word>.*)\))$"
)
# What no declaration can say of a cell, and why (arch/arm64/kernel/cpufeature.c,
# include/linux/jump_label.h).
_AT_RUN_TIME = {
    "this_cpu_has_cap": "it asks the CPU that runs it, and in a system of several types the answer "
    "depends on which one that is; `cpus_have_final_cap()` asks all of them",
    **dict.fromkeys(
        ("static_branch_likely", "static_branch_unlikely", "static_key_enabled"),
        "a static key is what code made of it since boot; ask what that code asks, or declare a "
        "function that has the key's value in a profile in a folder for --configs",
    ),
}
_CALL = re.compile(r"(?P<function>\w+)\((?P<argument>.*)\)$")


def _meanings(atoms: Iterable[Atom]) -> dict[Expression, Expression]:
    """Return what the kernel writes of a VM, and what it is over the names of a study."""
    return {parse(atom.c): parse(atom.meaning) for atom in atoms if atom.c != atom.meaning}


def in_model_words(atoms: Iterable[Atom], expression: Expression) -> Expression:
    """Return an expression with what it asks of a VM or cpucap, and sizes, in the model's words."""
    meanings = _meanings(atoms)

    def translate(node: Expression) -> Expression:
        match node:
            case Call(function, (Name(),) as arguments) if function in _SAME_TEST:
                return Call("cpus_have_final_cap", arguments)
            case Name(name) if found := _SIZE.match(name):
                return Constant(int(found["number"]) << _UNITS[found["unit"]])
        return meanings.get(node, node)

    return rewrite(expression, translate)


def known_to_any(
    programs: Sequence[FactProgram], atoms: Iterable[Atom]
) -> Callable[[Call | Name], bool]:
    """Return whether a call or name is one that some kernel has: a helper of the kernel's own."""
    of_vm = {call.function for asked in _meanings(atoms) for call in calls(asked)}

    def is_known(node: Call | Name) -> bool:
        if isinstance(node, Call) and node.function in of_vm:
            return True
        return any(not program.lowering.missing(node) for program in programs)

    return is_known


def refuse_words_of_the_model(check: PatchedCheck, axes: Iterable[str]) -> None:
    """Refuse names of C that are by chance those of axes: `host` in a patch is not ours.

    Raises:
        InputError: MX1213, all of them at once.
    """
    problems = [
        Diagnostic(
            code="MX1213",
            message=f"nothing is known of `{name}`",
            location=check.place_of(Name(name)),
            hint="a variable of the kernel can be asked for where a profile declares it",
        )
        for name in sorted(names(check.expression) & frozenset(axes))
    ]
    refuse(problems)


def refuse_unknown_symbols(
    programs: Sequence[FactProgram], version: PredicateVersion, check: PatchedCheck
) -> None:
    """Refuse Kconfig symbols that no profile lists: whether they are set cannot be known.

    Raises:
        InputError: MX1214, all of them at once.
    """
    expression = version.condition.expression
    unlisted = [program.lowering.undeclared_symbols(expression) for program in programs]
    listed = {f"{_SYMBOL}{symbol}" for program in programs for symbol in program.symbols}
    problems = [
        Diagnostic(
            code="MX1214",
            message=f"no profile lists `{symbol}`, so nobody knows where it is set",
            location=check.place_of(Name(symbol)),
            hint=f"{unknown_word_hint(symbol, listed, 'symbols')}; to add it, declare it under "
            "`kconfig: symbols:` of a profile in a folder for --configs",
        )
        # A symbol that one profile lists is known: releases without it have it off.
        for symbol in sorted(frozenset.intersection(*unlisted))
    ]
    refuse(problems)


def remarks(check: PatchedCheck) -> tuple[Diagnostic, ...]:
    """Return what a reader must know of a check beside what it says."""
    errors = [
        Diagnostic.warning(
            code="MX1222",
            message="an error number is returned for yes or no: it says yes, as all but 0 does",
            location=location,
            hint="is `return false;` meant?",
        )
        for location in check.errors
    ]
    bare = []
    if check.is_bare_macro:
        bare.append(
            Diagnostic.warning(
                code="MX1224",
                message=f"the macro `{check.name}` has no parentheses around it: where it is "
                "called beside an operator C reads it otherwise",
                location=check.location,
                hint="the check is read as if it stood alone",
            )
        )
    changed = [
        Diagnostic.warning(
            code="MX1218",
            message=f"the patch changes `{name}()` as well; the check is read with what it becomes",
            location=location,
            hint="what else the kernel does with it is not asked here",
        )
        for name, location in check.redefined
    ]
    return (*errors, *bare, *changed)


def with_symbol_axes(
    study: MatrixStudy, programs: Sequence[FactProgram], expression: Expression
) -> MatrixStudy:
    """Return the study with an axis for each Kconfig symbol that only the expression reads.

    A study without an axis for a symbol takes it as off, which says nothing of a check that asks.
    """
    varied = {
        symbol for axis in study.axes for option in axis.options for symbol, _ in option.kconfig
    }
    fixed = {name for program in programs for name in program.always_set}
    added = [
        name.removeprefix(_SYMBOL)
        for name in sorted(names(expression))
        if name.startswith(_SYMBOL)
        and name.removeprefix(_SYMBOL) not in varied
        and name not in fixed
    ]
    return replace(
        study,
        axes=(*study.axes, *(_axis(study, symbol) for symbol in added)),
        baseline=(*study.baseline, *((f"kconfig.{symbol}", "n") for symbol in added)),
    )


def _axis(study: MatrixStudy, symbol: str) -> Axis:
    return Axis(
        name=f"kconfig.{symbol}",
        kind="kconfig",
        title=symbol,
        options=tuple(
            Option(name=value, title=value, kconfig=((symbol, value),), location=study.location)
            for value in ("n", "y")
        ),
        location=study.location,
    )


def of_kernels_that_have(
    solved: SolvedStudy, version: PredicateVersion, check: PatchedCheck
) -> tuple[SolvedStudy, tuple[Diagnostic, ...]]:
    """Return the study of the kernels that have every name of a check, and what the others lack.

    Kernels without the capability stay: nobody asks them.

    Raises:
        InputError: MX1213, where no kernel with the capability has them.
    """
    lacking = {
        part.question.program.release: part.question.program.lacks(version.condition)
        for _, part in solved.kernels
        if part.classes
    }
    wanting = {release: lacked for release, lacked in lacking.items() if lacked}
    if not wanting:
        return solved, ()
    programs = {part.question.program.release: part.question.program for _, part in solved.kernels}
    if len(wanting) == len(lacking):
        # Where each lacks other names, those of the first stand for all.
        missing = frozenset.intersection(*wanting.values()) or next(iter(wanting.values()))
        capability = solved.kernels[0][1].question.capability
        raise InputError(
            [
                _unknown(name, [programs[release] for release in wanting], check, capability)
                for name in sorted(missing)
            ]
        )
    kernels = [
        (profile, part) for profile, part in solved.kernels if profile.release not in wanting
    ]
    left_out = tuple(
        Diagnostic.warning(
            code="MX1217",
            message=f"Linux {release} has no `{'`, `'.join(sorted(lacked))}`: it is left out",
            location=check.place_of_text(min(lacked)),
            hint="the check would not build there, or the profile lacks a row",
        )
        for release, lacked in wanting.items()
    )
    return decide_study(solved.study, solved.backend, kernels, solved.behaviours), left_out


def _unknown(
    name: str, programs: Sequence[FactProgram], check: PatchedCheck, capability: Capability
) -> Diagnostic:
    if name.startswith(f"{VM}."):
        return _member(name, programs[0], check, capability)
    if found := _PREPROCESSOR.match(name):
        return Diagnostic(
            code="MX1213",
            message=f"nothing says whether {found['what']} holds",
            location=check.place_of_text(found["word"]),
            hint="a patch may ask the preprocessor for CONFIG_ symbols and for its own macros",
        )
    asked = name.partition("(")[0]
    if asked in _AT_RUN_TIME:
        return Diagnostic(
            code="MX1213",
            message=f"what `{asked}()` says is not known before the kernel runs",
            location=check.place_of_text(asked),
            hint=_AT_RUN_TIME[asked],
        )
    word, kind, known, row = _described(name, programs)
    releases = ", ".join(program.release for program in programs)
    return Diagnostic(
        code="MX1213",
        message=f"neither the patch nor the profiles of Linux {releases} define `{word}`",
        location=check.place_of_text(word),
        hint=f"{unknown_word_hint(word, known, kind)}; to add it, declare {row} in a profile in a "
        "folder for --configs",
    )


def _member(
    name: str, program: FactProgram, check: PatchedCheck, capability: Capability
) -> Diagnostic:
    """Return the diagnostic of a check that looks into the VM itself."""
    atoms = capability.synthesis.atoms if capability.synthesis else ()
    asked = [atom.c for atom in atoms if f"({VM})" in atom.c]
    return Diagnostic(
        code="MX1213",
        message=f"nothing is known of `{name.replace('.', '->', 1)}` in Linux {program.release}",
        location=check.place_of_text(name),
        hint=f"of a VM a check may ask {' and '.join(f'`{text}`' for text in asked)}",
    )


def _described(name: str, programs: Sequence[FactProgram]) -> tuple[str, str, Iterable[str], str]:
    """Return the word that is unknown, what kind of name it is, the known ones, the row to add."""
    found = _CALL.match(name)
    lowerings = [program.lowering for program in programs]
    if found and found["function"] in _CAP_TESTS and found["argument"]:
        known = {cap for lowering in lowerings for cap in lowering.cpucaps}
        row = f"`cpucaps: {{{found['argument']}: {{field: …, minimum: …, scope: …}}}}`"
        return found["argument"], "cpucaps", known, row
    if found:
        functions = {item for lowering in lowerings for item in lowering.functions if "(" in item}
        row = f'`functions: {{{found["function"]}(): {{body: "…", source: "path:line"}}}}`'
        return found["function"], "functions", functions, row
    plain = {item for lowering in lowerings for item in lowering.functions}
    return name.partition(".")[0], "functions and macros", plain, "a function for what it means"
