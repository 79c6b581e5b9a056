"""The `CONFIG_` line of a `.config` that a verdict hangs on, for formats that point at a line.

It is the symbol whose flip alone makes the capability supported (evaluated, where a CPU was named);
else, of what is absent, the symbol that is missing; else the last symbol the capability requires,
without which there were no finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from matrix.analyze.cell.answering import Cell
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.fix import find_fixes
from matrix.analyze.cell.rebuild import Rebuild
from matrix.analyze.cell.verdict import Verdict
from matrix.diagnostics import Location
from matrix.expr.trees import names_in_order
from matrix.flows.validate_result import ValidateResult
from matrix.kernel.config.dotconfig import DotConfig
from matrix.schema.values import Capability

_PREFIX = "CONFIG_"


def deciding_symbol(rebuild: Rebuild, cell: Cell, behaviours: Behaviours) -> str | None:
    """Return the `CONFIG_` symbol whose flip alone makes a cell supported, or None."""
    # Without parameters only symbols can be changed.
    only_kconfig = replace(rebuild, profile=replace(rebuild.profile, parameters=()))
    for fix in find_fixes(only_kconfig, cell, lambda _: cell.variables, behaviours):
        if len(fix.change) == 1:
            kind, _, symbol = fix.change[0][0].partition(".")
            if kind == "kconfig":
                return f"{_PREFIX}{symbol}"
    return None


def with_deciding_lines(
    results: Iterable[ValidateResult], config: DotConfig, capability: Capability
) -> list[ValidateResult]:
    """Return one file's results with `decided_by` and `decided_at`.

    Where the symbol is not set the place is the first line.
    """
    places: dict[str | None, Location] = {}  # looking for a line goes through the whole file
    pointed = []
    for result in results:
        symbol = next(_candidates(result, config, capability), None)
        if symbol not in places:
            places[symbol] = _place(config, symbol)
        decided_by = symbol and f"{_PREFIX}{symbol}"
        pointed.append(replace(result, decided_by=decided_by, decided_at=places[symbol]))
    return pointed


def _place(config: DotConfig, symbol: str | None) -> Location:
    if symbol is None or symbol not in config.symbols:
        return Location(file=config.file, line=1, column=1)
    return config.place(symbol)


def _candidates(result: ValidateResult, config: DotConfig, capability: Capability) -> Iterator[str]:
    if result.decided_by:
        yield result.decided_by.removeprefix(_PREFIX)
    required = []
    for requirement in capability.requires:
        symbols = [
            name.removeprefix(_PREFIX)
            for name in names_in_order(requirement.condition.expression)
            if name.startswith(_PREFIX)
        ]
        if (
            result.answer.verdict is Verdict.ABSENT
            and requirement.otherwise in result.answer.reasons
        ):
            yield from symbols
        required += symbols
    yield from (symbol for symbol in reversed(required) if config.value(symbol))
