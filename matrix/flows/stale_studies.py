"""What a study writes that means nothing in any of its kernels: warnings of `matrix check`.

An option that some kernel reads and others do not is the very thing a study shows; one that none
reads is a mistake, or has become one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, Severity
from matrix.flows.knowledge import Library
from matrix.kernel.line.cmdline import read_command_line
from matrix.schema.values import KernelProfile, MatrixStudy, Option


def stale_options(library: Library, study: MatrixStudy) -> Iterator[Diagnostic]:
    """Yield a warning for each symbol, parameter or value that no kernel of a study has."""
    ids = {option.kernel for axis in study.axes for option in axis.options if option.kernel}
    kernels = [one for one in library.kernels_of(study.arch).values() if one.id in ids]
    if not kernels:
        return
    for axis in study.axes:
        for option in axis.options:
            if axis.kind == "kconfig":
                yield from _symbols(library, kernels, option)
            if option.cmdline:
                yield from _parameters(library, kernels, option, option.cmdline)


def _symbols(
    library: Library, kernels: Sequence[KernelProfile], option: Option
) -> Iterator[Diagnostic]:
    history = library.name_history(kernels[0].arch)
    for symbol, value in option.kconfig:
        if value != "n" and all(symbol in history.symbols_lacking(one) for one in kernels):
            standing = history.of_symbol(symbol, kernels[-1])
            yield Diagnostic(
                code="MX1706",
                severity=Severity.WARNING,
                location=option.location,
                message=f"no kernel of the study has CONFIG_{symbol}: {standing.sentence()}",
                hint="remove it from the option, or add a kernel that has it",
            )


def _parameters(
    library: Library, kernels: Sequence[KernelProfile], option: Option, text: str
) -> Iterator[Diagnostic]:
    history = library.name_history(kernels[0].arch)
    line = read_command_line(text)
    for index in range(len(line.early)):
        one = replace(line, early=line.early[index : index + 1])
        said = [next(history.line(kernel, one, one.locate), None) for kernel in kernels]
        last = said[-1]
        if last is not None and all(said):
            yield replace(
                last,
                code="MX1706",
                location=option.location,
                message=f"no kernel of the study reads it: {last.message}",
            )
