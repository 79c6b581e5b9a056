"""The expression of a function is worth what the function returns.

The programs are made here, printed as C, and run by an interpreter of their own that never sees
the C: it shares nothing with what it checks.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Call
from matrix.expr.printer import to_c
from matrix.kernel.source.c.derivation import Derived, derive
from matrix.kernel.source.c.source import parse_c

_INPUTS = ("a", "b", "c")
_SYMBOLS = ("CONFIG_X", "CONFIG_Y")


class Question(Struct, frozen=True, dict=True):
    """A condition: its C text and what it is worth."""

    text: str
    inputs: tuple[str, ...]
    kind: str

    def value(self, state: dict[str, bool]) -> bool:
        values = [state[name] for name in self.inputs]
        return {
            "name": lambda: values[0],
            "not": lambda: not values[0],
            "and": lambda: values[0] and values[1],
            "or": lambda: values[0] or values[1],
            "differ": lambda: values[0] != values[1],
        }[self.kind]()


Statement = tuple[object, ...]


@st.composite
def conditions(draw: st.DrawFn) -> Question:
    kind, form = draw(
        st.sampled_from(
            (
                ("name", "{0}"),
                ("not", "!{0}"),
                ("and", "({0} && {1})"),
                ("or", "{0} || {1}"),
                ("differ", "{0} != {1}"),
            )
        )
    )
    inputs = draw(st.tuples(*[st.sampled_from((*_INPUTS, "local"))] * 2))
    return Question(form.format(*inputs), inputs, kind)


def statements(depth: int = 2) -> st.SearchStrategy[list[Statement]]:
    single = st.one_of(
        st.tuples(st.just("return"), conditions()),
        st.tuples(st.just("set"), conditions()),
        st.tuples(st.just("say")),
    )
    if depth == 0:
        return st.lists(single, max_size=2)
    inner = statements(depth - 1)
    nested = st.one_of(
        st.tuples(st.just("if"), conditions(), inner, st.one_of(st.none(), inner)),
        st.tuples(st.just("ifdef"), st.sampled_from(_SYMBOLS), inner),
        st.tuples(st.just("block"), inner),
    )
    return st.lists(st.one_of(single, nested), max_size=3)


def as_c(program: list[Statement]) -> str:
    lines: list[str] = []
    for statement in program:
        match statement:
            case ("return", Question() as test):
                lines.append(f"return {test.text};")
            case ("set", Question() as test):
                lines.append(f"local = {test.text};")
            case ("say",):
                lines.append('pr_info("here, /* not */ there\\n"); /* said */')
            case ("if", Question() as test, list(then), otherwise):
                lines.append(f"if ({test.text}) {{\n{as_c(then)}\n}}")
                if isinstance(otherwise, list):
                    lines[-1] += f" else {{\n{as_c(otherwise)}\n}}"
            case ("ifdef", symbol, list(inner)):
                lines.append(f"#ifdef {symbol}\n{as_c(inner)}\n#endif")
            case ("block", list(inner)):
                lines.append(f"{{\n{as_c(inner)}\n}}")
    return "\n".join(lines)


def run(program: list[Statement], state: dict[str, bool]) -> bool | None:
    """Return what the program returns; None where it goes on."""
    for statement in program:
        result: bool | None = None
        match statement:
            case ("return", Question() as test):
                return test.value(state)
            case ("set", Question() as test):
                state["local"] = test.value(state)
            case ("if", Question() as test, list(then), otherwise):
                branch = then if test.value(state) else (otherwise or [])
                assert isinstance(branch, list)
                result = run(branch, state)
            case ("ifdef", str(symbol), list(inner)) if state[symbol]:
                result = run(inner, state)
            case ("block", list(inner)):
                result = run(inner, state)
        if result is not None:
            return result
    return None


@given(
    statements(),
    conditions(),
    st.fixed_dictionaries({name: st.booleans() for name in (*_INPUTS, *_SYMBOLS)}),
)
def test_the_expression_is_worth_what_the_function_returns(
    program: list[Statement], last: Question, inputs: dict[str, bool]
) -> None:
    text = f"bool f(void)\n{{\nbool local = a;\n{as_c(program)}\nreturn {last.text};\n}}\n"
    found = derive(parse_c(text, "f.c"), "f")
    assert isinstance(found, Derived), found

    state = {**inputs, "local": inputs["a"]}
    expected = run([*program, ("return", last)], state)

    def call(node: Call) -> bool:
        assert node.function == "IS_ENABLED"
        return inputs[to_c(node.arguments[0])]

    assert truth(evaluate(found.expression, inputs.__getitem__, call)) == expected
