"""When a symbol of a tree is asked for, in the words of a profile: its prompt's condition as C.

What always holds is left in: it is the tree's own text, every menu and `if` around it included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from matrix.expr.nodes import Binary, Call, Constant, Expression, Name, Unary
from matrix.expr.printer import to_c
from matrix.expr.trees import fold, names
from matrix.kernel.kconfig import model

# A condition on more names is no row that a person reads.
_MOST_NAMED = 8


IsBool = Callable[[str], bool]


def said_prompt(entry: model.Entry, is_bool: IsBool) -> str | None:
    """Return the condition of an entry's prompts as C, `false` without one; None: it is no C.

    A profile's condition is about y and m alike, so a text, a number, `A = m`, or `!A` of what may
    be m has none; `is_bool` tells of a symbol that it may not.
    """
    found = _joined("||", entry.prompts, is_bool) if entry.prompts else Constant(False)
    if found is None:
        return None
    found = fold(found)
    return to_c(found) if len(names(found)) <= _MOST_NAMED else None


def _as_c(condition: model.Expression, is_bool: IsBool) -> Expression | None:
    match condition:
        case model.Text("y" | "n" as value):
            return Constant(value == "y")
        case model.Ref(name):
            return Call("IS_ENABLED", (Name(f"CONFIG_{name}"),))
        case model.Not(model.Ref(name)) if is_bool(name):
            return Unary("!", Call("IS_ENABLED", (Name(f"CONFIG_{name}"),)))
        case model.And(terms):
            return _joined("&&", terms, is_bool)
        case model.Or(terms):
            return _joined("||", terms, is_bool)
    return None


def _joined(operator: str, terms: Iterable[model.Expression], is_bool: IsBool) -> Expression | None:
    found: Expression | None = None
    for term in terms:
        condition = _as_c(term, is_bool)
        if condition is None:
            return None
        found = condition if found is None else Binary(operator, found, condition)
    return found
