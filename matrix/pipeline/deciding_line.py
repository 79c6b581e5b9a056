"""The `CONFIG_` line of a `.config` that a verdict hangs on, for formats that point at a line.

It is the symbol that a fix changes; else, of what is absent, the symbol that is missing; else the
last symbol the capability requires, without which there were no finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from matrix.analyze.verdict import Verdict
from matrix.diagnostics import Location
from matrix.expr.trees import names
from matrix.kernel.dotconfig import DotConfig
from matrix.render.json import ValidateResult
from matrix.schema.values import Capability

_PREFIX = "CONFIG_"


def with_deciding_line(
    result: ValidateResult, config: DotConfig, capability: Capability
) -> ValidateResult:
    """Return the result with `decided_by` and `decided_at`; the first line where it is absent."""
    symbol = next(_candidates(result, config, capability), None)
    setting = config.symbols.get(symbol) if symbol else None
    if setting is None:
        place = Location(file=config.file, line=1, column=1)
    else:
        place = Location(
            file=config.file,
            line=setting.line,
            column=1,
            length=len(setting.text),
            text=setting.text,
        )
    return replace(result, decided_by=symbol and f"{_PREFIX}{symbol}", decided_at=place)


def _candidates(result: ValidateResult, config: DotConfig, capability: Capability) -> Iterator[str]:
    for fix in result.answer.fixes:
        for name, _ in fix.change:
            kind, _, symbol = name.partition(".")
            if kind == "kconfig":
                yield symbol
    required = []
    for requirement in capability.requires:
        symbols = [
            name.removeprefix(_PREFIX)
            for name in names(requirement.condition.expression)
            if name.startswith(_PREFIX)
        ]
        if (
            result.answer.verdict is Verdict.ABSENT
            and requirement.otherwise in result.answer.reasons
        ):
            yield from symbols
        required += symbols
    yield from (symbol for symbol in reversed(required) if config.value(symbol))
