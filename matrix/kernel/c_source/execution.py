"""What a function's statements do, as a decision tree: which way it goes, what it assigns, returns.

Every path is followed: `if`, `else`, `switch`, early returns, forward `goto`, `#ifdef` inside of
the body, local variables. What a loop does, or a call whose only point is its side effect, is not
known: then the answer is `NotAnExpression`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from matrix.expr.nodes import Binary, Call, Expression, Name, Unary
from matrix.kernel.c_source.conversion import (
    NotAnExpression,
    StopReadingError,
    Values,
    convert,
    stop,
    too_deep,
)
from matrix.kernel.c_source.items import Item
from matrix.kernel.c_source.preprocessor import conjunction
from matrix.kernel.c_source.source import CSource, body_text
from matrix.kernel.c_source.syntax import Statements, declared_name, parse_statements, text_of

if TYPE_CHECKING:
    from tree_sitter import Node


class Leaf(Struct, frozen=True, kw_only=True):
    """The end of a path: the returned value (None: nothing) and what was assigned on the way.

    `assigned` maps names that are not the function's own to their last values on this path.
    """

    value: Expression | None
    assigned: tuple[tuple[str, Expression], ...]
    line: int


class Branch(Struct, frozen=True, kw_only=True):
    """A condition and what happens on both sides."""

    condition: Expression
    then: Tree
    otherwise: Tree


Tree = Leaf | Branch

# Statements that only print, check or annotate: they change no value that a reader asks about.
_NO_EFFECT = re.compile(
    r"pr_\w+|kvm_(?:info|err|debug|pr_unimpl)|BUILD_BUG\w*|(?:VM_|KVM_)?(?:WARN|BUG)\w*|static_assert"
    r"|lockdep_\w+|might_\w+|trace_\w+|barrier|instrumentation_\w+|__?printk|dev_\w+"
)
# Calls that store what they parsed at the address they are given: the value is the name `value`
# (lib/kstrtox.c, lib/cmdline.c). The name of the call itself stands for "it parsed".
STORES = re.compile(r"kstrto\w+|strtobool|get_option")

# A function of more paths is none that a reader would call an expression.
_MOST_PATHS = 500


class _State(Struct, frozen=True):
    """What is known at one point of a path."""

    local: Values
    assigned: Mapping[str, Expression]

    def names(self) -> Values:
        return {**self.assigned, **self.local}


_Next = Callable[[_State], Tree]


def execute(source: CSource, function: Item) -> Tree | NotAnExpression:
    """Return everything a function may do, or the first thing that cannot be said."""
    text, line = body_text(source, function)
    runner = _Runner(source, function, parse_statements(text, line))
    try:
        return _pruned(runner.run(), {})
    except StopReadingError as stopped:
        return stopped.answer
    except RecursionError:
        return too_deep(function.line, function.name)


class _Runner:
    def __init__(self, source: CSource, function: Item, statements: Statements) -> None:
        self._source = source
        self._function = function
        self._statements = statements
        self._paths = 0
        self._base = len(source.preprocessed.guards[function.tokens[function.body or 0].line])

    def run(self) -> Tree:
        # A parameter is a name like any other: who reads the expression knows the caller.
        return self._block(self._statements.nodes, _State({}, {}), self._end, None)

    def _end(self, state: _State) -> Tree:
        self._paths += 1
        if self._paths > _MOST_PATHS:
            raise StopReadingError(
                f"it has more than {_MOST_PATHS} paths", self._function.line, self._function.name
            )
        return Leaf(
            value=None,
            assigned=tuple(sorted(state.assigned.items())),
            line=self._function.last_line,
        )

    def _block(
        self, nodes: Sequence[Node], state: _State, after: _Next, leave: _Next | None
    ) -> Tree:
        """Run statements in order, then `after`; `leave` is where `break` goes."""
        if not nodes:
            return after(state)
        node, rest = nodes[0], nodes[1:]

        def go_on(reached: _State) -> Tree:
            return self._block(rest, reached, after, leave)

        return self._guarded(node, state, go_on, leave)

    def _guarded(self, node: Node, state: _State, after: _Next, leave: _Next | None) -> Tree:
        """Run a statement under its own `#ifdef`s: as `if (condition) statement`."""
        guards = self._source.preprocessed.guards
        guard = guards[self._line(node)][self._base :]
        outer = guards[self._line(node.parent)][self._base :] if node.parent else ()
        own = guard[len(outer) :] if guard[: len(outer)] == outer else guard
        if node.type not in _COMPOUND:
            self._refuse_directives(node)
        if not own:
            return self._statement(node, state, after, leave)
        return _branch(conjunction(own), self._statement(node, state, after, leave), after(state))

    def _statement(self, node: Node, state: _State, after: _Next, leave: _Next | None) -> Tree:
        if node.type in _NOTHING:
            return after(state)
        if node.type in _STATEMENTS and not node.is_missing:
            run: _Runs = getattr(self, _STATEMENTS[node.type])
            return run(node, state, after, leave)
        word = node.type.replace("_", " ")
        if node.type == "ERROR" or node.has_error:
            word = "what cannot be parsed"
        raise stop(f"of {word}", node, self._statements)

    def _return(self, node: Node, state: _State, _after: _Next, _leave: _Next | None) -> Tree:
        self._end(state)
        children = node.named_children
        value = self._convert(children[0], state) if children else None
        assigned = dict(state.assigned)
        if isinstance(value, Call) and STORES.fullmatch(value.function):
            assigned = dict(_with(state, _stored(value)).assigned)
        return Leaf(value=value, assigned=tuple(sorted(assigned.items())), line=self._line(node))

    def _compound(self, node: Node, state: _State, after: _Next, leave: _Next | None) -> Tree:
        def without_own(reached: _State) -> Tree:
            # What the block declared ends with it; what it assigned to outer variables stays.
            kept = {name: reached.local[name] for name in state.local}
            return after(_State(kept, reached.assigned))

        return self._block(node.named_children, state, without_own, leave)

    def _if(self, node: Node, state: _State, after: _Next, leave: _Next | None) -> Tree:
        condition_node = node.child_by_field_name("condition")
        then = node.child_by_field_name("consequence")
        alternative = node.child_by_field_name("alternative")
        if condition_node is None or then is None:
            raise stop("of what cannot be parsed", node, self._statements)
        self._refuse_directives(condition_node)
        condition = self._convert(condition_node, state)
        if isinstance(condition, Call) and STORES.fullmatch(condition.function):
            # A parser that refuses its text stores nothing; who follows that path must know it.
            state = _with(state, _stored(condition))
        taken = self._guarded(then, state, after, leave)
        if alternative is None:
            return _branch(condition, taken, after(state))
        return _branch(
            condition, taken, self._block(alternative.named_children, state, after, leave)
        )

    def _switch(self, node: Node, state: _State, after: _Next, _leave: _Next | None) -> Tree:
        subject_node = node.child_by_field_name("condition")
        body = node.child_by_field_name("body")
        if subject_node is None or body is None:
            raise stop("of what cannot be parsed", node, self._statements)
        subject = self._convert(subject_node, state)
        cases = [child for child in body.named_children if child.type != "comment"]
        groups: list[tuple[Expression | None, list[Node]]] = []
        for case in cases:
            if case.type != "case_statement":
                raise stop("of a statement before the first `case`", case, self._statements)
            label = case.child_by_field_name("value")
            value = None if label is None else Binary("==", subject, self._convert(label, state))
            groups.append((value, [child for child in case.named_children if child != label]))

        def from_group(index: int) -> Tree:
            nodes = [node for _, statements in groups[index:] for node in statements]
            return self._block(nodes, state, after, after)

        default = next((at for at, (value, _) in enumerate(groups) if value is None), None)
        tree = after(state) if default is None else from_group(default)
        for index in reversed(range(len(groups))):
            condition = groups[index][0]
            if condition is not None:
                tree = _branch(condition, from_group(index), tree)
        return tree

    def _declare(self, node: Node, state: _State, after: _Next, _leave: _Next | None) -> Tree:
        local = dict(state.local)
        if any(text_of(child) == "extern" for child in node.children):
            return after(state)
        for child in node.named_children:
            if child.type == "init_declarator":
                name, value = (
                    child.child_by_field_name("declarator"),
                    child.child_by_field_name("value"),
                )
                if name is None or value is None:
                    raise stop("of what cannot be parsed", child, self._statements)
                known = self._value_or_unknown(value, _State(local, state.assigned))
                # An array is its own address wherever it is read whole.
                array = name.type == "array_declarator"
                local[declared_name(name)] = Name(declared_name(name)) if array else known
                if isinstance(known, Call) and STORES.fullmatch(known.function):
                    state = _with(_State(local, state.assigned), _stored(known))
                    local = dict(state.local)
            elif child.type.endswith("declarator") or child.type == "identifier":
                local[declared_name(child)] = None
        return after(_State(local, state.assigned))

    def _value_or_unknown(self, node: Node, state: _State) -> Expression | None:
        """Return an initial value; one that has no tree matters only where it is read."""
        try:
            return self._convert(node, state)
        except StopReadingError:
            return None

    def _expression(self, node: Node, state: _State, after: _Next, _leave: _Next | None) -> Tree:
        children = node.named_children
        if not children:
            return after(state)
        inner = children[0]
        if inner.type == "assignment_expression":
            return after(self._assign(inner, state)[0])
        if inner.type == "call_expression":
            function = inner.child_by_field_name("function")
            name = text_of(function) if function is not None else ""
            if _NO_EFFECT.fullmatch(name):
                return after(state)
            if STORES.fullmatch(name):
                call = self._convert(inner, state)
                return after(_with(state, _stored(call)))
            raise stop(f"`{name}()` is called for what it does", node, self._statements)
        raise stop("of a statement that is no assignment", node, self._statements)

    def _assign(self, node: Node, state: _State) -> tuple[_State, Expression | None]:
        """Return the state after `a = b = c`, and the value."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = node.child_by_field_name("operator")
        if left is None or right is None or operator is None:
            raise stop("of what cannot be parsed", node, self._statements)
        value: Expression | None
        if right.type == "assignment_expression":
            state, value = self._assign(right, state)
        else:
            name = text_of(left)
            known = name in state.local
            value = self._value_or_unknown(right, state) if known else self._convert(right, state)
        name = text_of(left).replace("->", ".")
        word = text_of(operator)
        if word != "=":
            before = self._convert(left, state)
            value = None if value is None else Binary(word.removesuffix("="), before, value)
        if left.type not in ("identifier", "field_expression"):
            raise stop("it stores through a pointer or into an array", node, self._statements)
        return _with(state, {name: value}), value

    def _break(self, node: Node, state: _State, _after: _Next, leave: _Next | None) -> Tree:
        if leave is None:
            raise stop("of a `break` outside of `switch`", node, self._statements)
        return leave(state)

    def _label(self, node: Node, state: _State, after: _Next, leave: _Next | None) -> Tree:
        return self._block(node.named_children[1:], state, after, leave)

    def _goto(self, node: Node, state: _State, _after: _Next, _leave: _Next | None) -> Tree:
        label = node.child_by_field_name("label") or node.named_children[0]
        nodes = self._statements.nodes
        for index, target in enumerate(nodes):
            if target.type == "labeled_statement" and text_of(target.named_children[0]) == text_of(
                label
            ):
                if self._line(target) <= self._line(node):
                    raise stop("of a jump backwards", node, self._statements)
                return self._block(nodes[index:], state, self._end, None)
        raise stop("of a jump to a label that is not at the top", node, self._statements)

    def _convert(self, node: Node, state: _State) -> Expression:
        return convert(node, self._statements, state.names())

    def _line(self, node: Node) -> int:
        return self._statements.line(node)

    def _refuse_directives(self, node: Node) -> None:
        lines = range(self._line(node), self._statements.last_line(node) + 1)
        if not self._source.preprocessed.directives.isdisjoint(lines):
            raise stop("of a preprocessor condition in the middle", node, self._statements)


_Runs = Callable[["Node", _State, _Next, _Next | None], Tree]
_STATEMENTS = {
    "return_statement": "_return",
    "compound_statement": "_compound",
    "if_statement": "_if",
    "switch_statement": "_switch",
    "declaration": "_declare",
    "expression_statement": "_expression",
    "break_statement": "_break",
    "goto_statement": "_goto",
    "labeled_statement": "_label",
}
_NOTHING = ("comment", "type_definition", ";")
_COMPOUND = (
    *("compound_statement", "if_statement", "switch_statement", "labeled_statement"),
    *("for_statement", "while_statement", "do_statement"),
)


def _pruned(tree: Tree, known: Mapping[Expression, bool]) -> Tree:
    """Return the tree without the branches that a path has already decided: `#ifdef` … `#else`."""
    if isinstance(tree, Leaf):
        return tree
    condition, holds = tree.condition, True
    while isinstance(condition, Unary) and condition.operator == "!":
        condition, holds = condition.operand, not holds
    if condition in known:
        return _pruned(tree.then if known[condition] is holds else tree.otherwise, known)
    return _branch(
        tree.condition,
        _pruned(tree.then, {**known, condition: holds}),
        _pruned(tree.otherwise, {**known, condition: not holds}),
    )


def _branch(condition: Expression, then: Tree, otherwise: Tree) -> Tree:
    if then == otherwise:
        return then
    return Branch(condition=condition, then=then, otherwise=otherwise)


def _with(state: _State, values: Mapping[str, Expression | None]) -> _State:
    local, assigned = dict(state.local), dict(state.assigned)
    for name, value in values.items():
        if name in local:
            local[name] = value
        elif value is not None:
            assigned[name] = value
    return _State(local, assigned)


def _stored(call: Expression) -> dict[str, Expression | None]:
    """Return what a parser stores at its last argument, an address: the name `value`."""
    match call:
        case Call(_, (*_, Name(name))):
            return {name: Name("value")}
    return {}
