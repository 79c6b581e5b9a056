"""The condition of a prompt in a profile's words, from entries written by hand."""

from __future__ import annotations

import pytest

from matrix.kernel.kconfig import model
from matrix.kernel.kconfig.model import And, Compare, Expression, Not, Or, Ref, Text
from matrix.kernel.kconfig.prompts import said_prompt

BOOLS = frozenset({"EMBEDDED"})


def entry(*prompts: Expression) -> model.Entry:
    return model.Entry(
        name="X",
        type="bool",
        places=(),
        prompts=prompts,
        defaults=(),
        ranges=(),
        selected=model.NO,
        implied=model.NO,
        depends=model.YES,
        choice=None,
    )


@pytest.mark.parametrize(
    ("prompts", "says"),
    [
        ((), "false"),
        ((Text("y"),), "true"),
        ((Ref("EXPERT"),), "IS_ENABLED(CONFIG_EXPERT)"),
        ((Not(Ref("EMBEDDED")),), "!IS_ENABLED(CONFIG_EMBEDDED)"),
        (
            (And((Ref("A"), Or((Ref("B"), Ref("C"))))),),
            "IS_ENABLED(CONFIG_A) && (IS_ENABLED(CONFIG_B) || IS_ENABLED(CONFIG_C))",
        ),
        ((Ref("A"), Ref("B")), "IS_ENABLED(CONFIG_A) || IS_ENABLED(CONFIG_B)"),
        # `!A` of what may be m is visible where A is m, too; a text is compared, not set.
        ((Not(Ref("A")),), None),
        ((Text("m"),), None),
        ((Compare("=", Ref("A"), Text("m")),), None),
        ((Or((Ref("A"), Compare("=", Ref("B"), Text("y")))),), None),
        ((Or(tuple(Ref(f"A{number}") for number in range(9))),), None),
    ],
)
def test_a_prompt_is_said_as_c_or_not_at_all(
    prompts: tuple[Expression, ...], says: str | None
) -> None:
    assert said_prompt(entry(*prompts), BOOLS.__contains__) == says
