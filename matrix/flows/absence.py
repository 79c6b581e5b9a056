"""What a `.config` alone decides, whatever the kernel's release: the capability is not built in."""

from __future__ import annotations

from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Call, Expression, Value
from matrix.expr.printer import to_c
from matrix.expr.trees import names
from matrix.kernel.config.dotconfig import DotConfig
from matrix.schema.values import Capability


def absent_reason(capability: Capability, config: DotConfig) -> str | None:
    """Return why the capability is absent from what the file alone says, or None."""
    for requirement in capability.requires:
        expression: Expression = requirement.condition.expression
        symbols = names(expression)
        if not symbols or not all(name.startswith("CONFIG_") for name in symbols):
            continue
        value = evaluate(expression, config.value, lambda call: _is_enabled(config, call))
        if truth(value) is False:
            return requirement.otherwise
    return None


def _is_enabled(config: DotConfig, call: Call) -> Value:
    """Return what IS_ENABLED() of a symbol is: `m` is set, too."""
    value = config.value(to_c(call.arguments[0]))
    return None if value is None else value is not False
