"""Patches that change what answers rest on: two kernels would have to be compared.

A check is asked of the kernels as they are declared. Where the patch changes a function below the
check, the simulation and the facts would be those of another kernel, and the verdicts wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from matrix.analyze.facts import FactProgram
from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.expr.nodes import Expression
from matrix.expr.trees import names
from matrix.kernel.patch.touched import Touch
from matrix.schema.values import Capability, KernelProfile


def refuse_another_kernel(
    kernels: Sequence[tuple[KernelProfile, FactProgram]],
    capabilities: Iterable[Capability],
    capability: Capability,
    touched: Sequence[Touch],
    asked: str,
) -> None:
    """Refuse patches whose answer needs two kernels; `asked` is the function to be reviewed.

    With the check in the patch, what it changes of the simulated kernel is refused; without it, so
    is whatever a profile or another capability knows. A helper that only checks call is read as the
    patch leaves it.

    Raises:
        InputError: MX1219, all of them at once.
    """
    own = capability.function.name if capability.function is not None else None
    known = _known(kernels, capabilities)
    if asked != own and asked in known:
        at = next((item.location for item in touched if item.name == asked), None)
        raise InputError(_two_kernels(asked, known[asked], at, own))
    has_check = any(item.name == asked for item in touched)
    rests = _simulated(kernels, capability) if has_check else known.keys()
    problems = {
        item.name: _two_kernels(item.name, known.get(item.name, ""), item.location, own)
        for item in touched
        if item.name in rests and item.name != asked
    }
    if problems:
        raise InputError(list(problems.values()))


def _known(
    kernels: Sequence[tuple[KernelProfile, FactProgram]], capabilities: Iterable[Capability]
) -> dict[str, str]:
    """Return the functions and variables that answers are made from, each with where it stands."""
    found: dict[str, str] = {}
    for capability in capabilities:
        for name in capability.asked_in:
            found[name] = f"which asks the check of {capability.id}"
        if capability.function is not None:
            found[capability.function.name] = f"which is the check of {capability.id}"
    for profile, program in kernels:
        for signature, source in program.sources.items():
            if not signature.startswith("cap."):
                name = signature.partition("(")[0]
                found[name] = f"from which verdicts are made ({source} in {program.release})"
        for variable in profile.variables:
            for name, _ in variable.enumerators:
                found[name] = f"a value of `{variable.name}` (Linux {program.release})"
    return found


def _simulated(
    kernels: Sequence[tuple[KernelProfile, FactProgram]], capability: Capability
) -> Collection[str]:
    """Return the functions and variables on which the simulation and the facts rest."""
    found: set[str] = set()
    for profile, program in kernels:
        roots = [*program.simulation.values(), *program.facts.values()]
        roots += [program.lowering.lower(item.condition.expression) for item in capability.requires]
        reached = _reached(program.definitions, roots)
        found.update(name.partition("(")[0] for name in reached)
        for variable in profile.variables:
            if variable.name in reached:
                found.update(name for name, _ in variable.enumerators)
    return found


def _reached(definitions: Mapping[str, Expression], roots: Sequence[Expression]) -> set[str]:
    found: set[str] = set()
    pending = list(roots)
    while pending:
        for name in names(pending.pop()):
            if name not in found:
                found.add(name)
                if name in definitions:
                    pending.append(definitions[name])
    return found


def _two_kernels(name: str, why: str, location: Location | None, own: str | None) -> Diagnostic:
    check = f"`{own}()`" if own else "a check"
    return Diagnostic(
        code="MX1219",
        message=f"the patch changes `{name}`, {why}: what that does shows only where two kernels "
        "are compared, which is not done here",
        location=location,
        hint=f"a review asks {check} of kernels as they are; to ask a changed kernel, declare what "
        "the patch makes of it in a profile in a folder for --configs",
    )
