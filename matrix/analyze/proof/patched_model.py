"""Patches that change what answers rest on: two kernels would have to be compared.

A check is asked of the kernels as they are declared. Where the patch changes a function below the
check, the simulation and the facts would be those of another kernel, and the verdicts wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import Struct

from matrix.analyze.facts.program import FactProgram
from matrix.diagnostics import Diagnostic, InputError, Location, refuse
from matrix.kernel.patch.touched import Touch
from matrix.kernel.source.truth.citations import citations
from matrix.kernel.source.truth.evidence import Evidence
from matrix.schema.values import Capability, KernelProfile

# What a profile cites for a fact. What it cites for an operation of the simulation is the series'
# own to change: the simulated kernel is the release with the series on top.
_OF_FACTS = ("variable", "parameter", "cpucap")
# Of a table only the entry is cited, not the others.
_PIECE = re.compile(r"(?:function|variable|macro|type|entry \w+) (?P<name>[A-Za-z_]\w*)")


class AskedKernel(Struct, frozen=True, kw_only=True):
    """A kernel that a review asks, and what was recorded of its source, if anything."""

    profile: KernelProfile
    program: FactProgram
    evidence: Evidence | None


def refuse_another_kernel(
    kernels: Sequence[AskedKernel],
    capabilities: Iterable[Capability],
    capability: Capability,
    touched: Sequence[Touch],
    asked: str,
) -> None:
    """Refuse patches whose answer needs two kernels; `asked` is the function to be reviewed.

    With the check in the patch, what it changes of the facts is refused; without it, so is whatever
    a profile cites or another capability asks. A helper that only checks call is read as the patch
    leaves it.

    Raises:
        InputError: MX1219, all of them at once.
    """
    own = capability.function.name if capability.function is not None else None
    known = _known(kernels, capabilities)
    if asked != own and asked in known:
        at = next((item.location for item in touched if item.name == asked), None)
        raise InputError(_two_kernels(asked, known[asked], at, own))
    has_check = any(item.name == asked for item in touched)
    rests = _rests(kernels, capability) if has_check else known.keys()
    problems = {
        item.name: _two_kernels(item.name, known.get(item.name, ""), item.location, own)
        for item in touched
        if item.name in rests and item.name != asked
    }
    refuse(problems.values())


def changed_model(
    kernels: Sequence[AskedKernel], touched: Sequence[Touch], asked: str
) -> tuple[Diagnostic, ...]:
    """Return a warning for each function that the simulation models and a patch changes (MX1240).

    The series that a capability assumes is modelled; what another patch makes of its functions, or
    of the kernel's, is not.
    """
    modelled: dict[str, dict[str, str]] = {}
    for kernel in kernels:
        for what, name, source in _cited(kernel):
            if what.startswith("operation "):
                modelled.setdefault(name, {})[kernel.program.release] = source
    first = {touch.name: touch for touch in reversed(touched) if touch.name != asked}
    return tuple(
        Diagnostic.warning(
            code="MX1240",
            message=f"the patch {touch.how} `{name}()`, which the simulation models as it is in "
            f"Linux {', '.join(modelled[name])} ({list(modelled[name].values())[-1]})",
            location=touch.location,
            hint="what the patch makes of it is in no verdict; the review is of the check alone",
        )
        for name, touch in sorted(first.items())
        if name in modelled
    )


def _known(kernels: Sequence[AskedKernel], capabilities: Iterable[Capability]) -> dict[str, str]:
    """Return the functions and variables that answers are made from, each with where it stands."""
    found: dict[str, str] = {}
    for kernel in kernels:
        release = kernel.program.release
        for what, name, source in _cited(kernel):
            found[name] = f"which {release} is read from ({what}, {source})"
        for signature, source in kernel.program.sources.items():
            if not signature.startswith("cap."):
                name = signature.partition("(")[0]
                found[name] = f"from which verdicts are made ({source} in {release})"
        for variable in kernel.profile.variables:
            for name, _ in variable.enumerators:
                found[name] = f"a value of `{variable.name}` in {release}"
    for capability in capabilities:
        for name in capability.asked_in:
            found[name] = f"which asks the check of {capability.id}"
        if capability.function is not None:
            found[capability.function.name] = f"the check of {capability.id}"
    return found


def _cited(kernel: AskedKernel) -> Iterator[tuple[str, str, str]]:
    """Yield the pieces of source that a profile cites: for what, its name, the place."""
    if kernel.evidence is None:
        return
    for citation in citations(kernel.profile):
        place = kernel.evidence.places.get(citation.text)
        for part in place.parts if place is not None else ():
            match = _PIECE.match(part.piece)
            if match is not None:
                yield citation.what, match["name"], citation.text
    for path, pieces in kernel.evidence.also.items():
        for piece, what in pieces.items():
            match = _PIECE.match(piece)
            if match is not None:
                yield what, match["name"], path


def _rests(kernels: Sequence[AskedKernel], capability: Capability) -> Collection[str]:
    """Return the functions and variables on which the facts of a cell rest."""
    found: set[str] = set()
    for kernel in kernels:
        program = kernel.program
        roots = [*program.simulation.values(), *program.facts.values()]
        roots += [program.lowering.lower(item.condition.expression) for item in capability.requires]
        reached = program.below(roots)
        found.update(name.partition("(")[0] for name in reached)
        for variable in kernel.profile.variables:
            if variable.name in reached:
                found.update(name for name, _ in variable.enumerators)
        found.update(
            name for what, name, _ in _cited(kernel) if what.partition(" ")[0] in _OF_FACTS
        )
    return found


def _two_kernels(name: str, why: str, location: Location | None, own: str | None) -> Diagnostic:
    check = f"`{own}()`" if own else "a check"
    asked = "the review is of" if location is None else "the patch changes"
    return Diagnostic(
        code="MX1219",
        message=f"{asked} `{name}`, {why}: what a change of it does shows only where two kernels "
        "are compared, which is not done here",
        location=location,
        hint=f"a review asks {check} of kernels as they are; to ask a changed kernel, declare what "
        "the patch makes of it in a profile in a folder for --configs",
    )
