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

from matrix.expr.nodes import Binary, Call, Expression, Name
from matrix.kernel.source.c.conversion import (
    NotAnExpression,
    StopReadingError,
    Values,
    convert,
    stop,
    too_deep,
)
from matrix.kernel.source.c.decisions import Leaf, Tree, branch, pruned
from matrix.kernel.source.c.items import Item
from matrix.kernel.source.c.preprocessor import conjunction
from matrix.kernel.source.c.source import CSource, body_text
from matrix.kernel.source.c.syntax import (
    Statements,
    declared_name,
    first_error,
    holds_any,
    parse_statements,
    text_of,
)
from matrix.kernel.source.c.types import stored

if TYPE_CHECKING:
    from tree_sitter import Node


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


def execute(source: CSource, function: Item, *, exact: bool = False) -> Tree | NotAnExpression:
    """Return everything a function may do, or the first thing that cannot be said.

    `exact`: types and scopes are C's (`Statements`).
    """
    text, line = body_text(source, function)
    statements = parse_statements(text, line, exact=exact)
    runner = _Runner(source, function, statements)
    try:
        # Each statement under `#ifdef X` tests X by itself; a path needs the answer once.
        tree = pruned(runner.run(), {})
    except StopReadingError as stopped:
        return stopped.answer
    except RecursionError:
        return too_deep(function.line, function.name)
    # Whoever is given a parameter's address may change it; no path of the tree shows that.
    # `x & y` has an operand in front and an address has a bracket, comma or `=`, which is asked
    # below. Of a member's or an element's address the parameter itself stays what it was. `$`
    # stands for no parameter: no word follows the end of a line.
    changed = re.search(
        rf"(?<!&)&\s*({'|'.join(function.parameters) or '$'})\b(?!\s*(?:->|\.|\[|\())", text
    )
    if exact and changed is not None and re.search(r"[(,=]\s*$", text[: changed.start()]):
        return NotAnExpression(
            reason=f"its parameter `{changed.group(1)}` may be changed through its address",
            line=line + text.count("\n", 0, changed.start()),
            text=changed.group(1),
        )
    if exact and statements.has_error:
        # What a parser could not read may be in none of the statements.
        line = first_error(statements) or function.line
        return NotAnExpression(reason="it is no C", line=line, text=function.name)
    return tree


class _State(Struct, frozen=True):
    """What is known at one point of a path."""

    local: Values
    assigned: Mapping[str, Expression]

    def names(self) -> Values:
        """Return the values of everything that has one here."""
        return {**self.assigned, **self.local}


_Next = Callable[[_State], Tree]


def _without_own(outer: _State, after: _Next) -> _Next:
    """Return what follows a block: its own variables end with it, what it assigned stays."""

    def leave(reached: _State) -> Tree:
        # What the block gave the variables around it stays.
        kept = {name: reached.local[name] for name in outer.local}
        return after(_State(kept, reached.assigned))

    return leave


def _declared_by(nodes: Sequence[Node]) -> frozenset[str]:
    """Return the variables that statements declare for all that follow them."""
    return frozenset(
        declared_name(declarator)
        for node in nodes
        if node.type == "declaration"
        for declarator in node.children_by_field_name("declarator")
    )


def _with_values(state: _State, values: Mapping[str, Expression | None]) -> _State:
    """Return a state after assignments."""
    local, assigned = dict(state.local), dict(state.assigned)
    for name, value in values.items():
        if name in local:
            local[name] = value
        elif value is not None:
            assigned[name] = value
    return _State(local, assigned)


def _stored_by(call: Expression) -> dict[str, Expression | None]:
    """Return what a parser stores at its last argument, an address: the name `value`."""
    match call:
        case Call(_, (*_, Name(name))):
            return {name: Name("value")}
    return {}


class _Runner:
    def __init__(self, source: CSource, function: Item, statements: Statements) -> None:
        self._source = source
        self._function = function
        self._statements = statements
        self._paths = 0
        # What the local variables in scope were declared as.
        self._types: dict[str, str] = {}
        # Conditions around the whole function are its guard and no branch of it.
        self._base = len(source.preprocessed.guards[function.tokens[function.body or 0].line])

    def run(self) -> Tree:
        # A parameter is a name like any other: who reads the expression knows the caller. As a
        # variable it can be given another value.
        parameters: dict[str, Expression | None] = {}
        if self._statements.exact:
            for words in self._function.arguments:
                *types, name = [token.text for token in words]
                if types:
                    parameters[name] = Name(name)
                    self._types[name] = " ".join(types)
        return self._block(self._statements.nodes, _State(parameters, {}), self._end, None)

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

        # Continuations: what follows a statement is a function of the state that it leaves, and is
        # run anew for each path that gets there. So a path is followed to its end, and knows all it
        # did.
        def go_on(reached: _State) -> Tree:
            return self._block(rest, reached, after, leave)

        return self._guarded(node, state, go_on, leave)

    def _guarded(self, node: Node, state: _State, after: _Next, leave: _Next | None) -> Tree:
        """Run a statement under its own `#ifdef`s: as `if (condition) statement`."""
        guards = self._source.preprocessed.guards
        guard = guards[self._line(node)][self._base :]
        outer = guards[self._line(node.parent)][self._base :] if node.parent else ()
        # What the enclosing node stands under was asked there.
        own = guard[len(outer) :] if guard[: len(outer)] == outer else guard
        # A compound may hold directives between its statements, which are asked one by one.
        if node.type not in _COMPOUND:
            self._refuse_directives(node)
        if not own:
            return self._statement(node, state, after, leave)
        return branch(conjunction(own), self._statement(node, state, after, leave), after(state))

    def _statement(self, node: Node, state: _State, after: _Next, leave: _Next | None) -> Tree:
        if node.type in _NOTHING:
            return after(state)
        if node.type in _STATEMENTS and not node.is_missing:
            run: _Runs = getattr(self, _STATEMENTS[node.type])
            return run(node, state, after, leave)
        word = node.type.replace("_", " ")
        if node.type == "ERROR" or node.has_error:
            word = "a range of cases" if "..." in text_of(node) else "what is no C"
        raise stop(f"of {word}", node, self._statements)

    def _return(self, node: Node, state: _State, _after: _Next, _leave: _Next | None) -> Tree:
        # For the count of paths alone; what a return leaves is said below.
        self._end(state)
        children = node.named_children
        value = self._convert(children[0], state) if children else None
        assigned = dict(state.assigned)
        # `return kstrtobool(arg, &x);` stores as well.
        if isinstance(value, Call) and STORES.fullmatch(value.function):
            assigned = dict(_with_values(state, _stored_by(value)).assigned)
        return Leaf(value=value, assigned=tuple(sorted(assigned.items())), line=self._line(node))

    def _compound(self, node: Node, state: _State, after: _Next, leave: _Next | None) -> Tree:
        return self._block(
            node.named_children,
            state,
            _without_own(state, after),
            None if leave is None else _without_own(state, leave),
        )

    def _once(self, node: Node, state: _State, after: _Next, _leave: _Next | None) -> Tree:
        """Run `do { … } while (0)`, which is how a macro makes one statement of several."""
        body, condition = node.child_by_field_name("body"), node.child_by_field_name("condition")
        if (
            body is None
            or condition is None
            or text_of(condition).strip("( )") not in ("0", "false")
        ):
            raise stop("of do statement", node, self._statements)
        # A `break` inside leaves this loop, whatever is around it.
        return self._guarded(body, state, after, after)

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
            state = _with_values(state, _stored_by(condition))
        taken = self._guarded(then, state, after, leave)
        if alternative is None:
            return branch(condition, taken, after(state))
        return branch(
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

        after = _without_own(state, after)

        # A case runs on into those behind it until a `break`.
        def from_group(index: int) -> Tree:
            nodes = [node for _, statements in groups[index:] for node in statements]
            return self._block(nodes, state, after, after)

        default = next((at for at, (value, _) in enumerate(groups) if value is None), None)
        # Backwards, so that the first label is asked first; `default` is what none of them meets,
        # wherever it stands.
        tree = after(state) if default is None else from_group(default)
        for index in reversed(range(len(groups))):
            condition = groups[index][0]
            if condition is not None:
                tree = branch(condition, from_group(index), tree)
        return tree

    def _declare(self, node: Node, state: _State, after: _Next, _leave: _Next | None) -> Tree:
        local = dict(state.local)
        words = [text_of(child) for child in node.children]
        # It stands elsewhere, and is a name like any other.
        if "extern" in words:
            return after(state)
        if self._statements.exact and "static" in words and "const" not in words:
            raise stop("of a variable that keeps its value between calls", node, self._statements)
        for child in node.named_children:
            if child.type == "init_declarator":
                name, value = (
                    child.child_by_field_name("declarator"),
                    child.child_by_field_name("value"),
                )
                if name is None or value is None:
                    raise stop("of what cannot be parsed", child, self._statements)
                self._note_type(node, name, local)
                known = self._value_or_unknown(value, _State(local, state.assigned))
                # An array is its own address wherever it is read whole.
                array = name.type == "array_declarator"
                local[declared_name(name)] = (
                    Name(declared_name(name)) if array else self._stored(name, known, node)
                )
                if isinstance(known, Call) and STORES.fullmatch(known.function):
                    state = _with_values(_State(local, state.assigned), _stored_by(known))
                    local = dict(state.local)
            elif child.type.endswith("declarator") or child.type == "identifier":
                self._note_type(node, child, local)
                local[declared_name(child)] = None
        return after(_State(local, state.assigned))

    def _note_type(self, node: Node, declarator: Node, local: Values) -> None:
        """Keep what a variable is declared as; refuse one that hides another."""
        name = declared_name(declarator)
        if self._statements.exact and name in local:
            raise stop(f"a second `{name}` hides the first one", node, self._statements)
        kind = node.child_by_field_name("type")
        stars = text_of(declarator).count("*")
        self._types[name] = (text_of(kind) if kind is not None else "") + "*" * stars

    def _stored(self, target: Node, value: Expression | None, node: Node) -> Expression | None:
        """Return a value as the local variable that it is stored in holds it."""
        name = declared_name(target)
        if value is None or not self._statements.exact or name not in self._types:
            return value
        kept = stored(self._types[name], value)
        if kept is None:
            raise stop(
                f"what `{name}`, of type `{self._types[name]}`, holds of a value is not read here",
                node,
                self._statements,
            )
        return kept

    def _value_or_unknown(self, node: Node, state: _State) -> Expression | None:
        """Return an initial value; one that has no tree matters only where it is read."""
        try:
            return self._convert(node, state)
        except StopReadingError:
            if self._statements.exact and holds_any(node, _STORING):
                raise
            return None

    def _expression(self, node: Node, state: _State, after: _Next, _leave: _Next | None) -> Tree:
        children = node.named_children
        if not children:
            return after(state)
        inner = children[0]
        if _IDLE.fullmatch(text_of(node).replace(" ", "")):
            return after(state)
        if inner.type == "assignment_expression":
            return after(self._assign(inner, state)[0])
        if inner.type == "call_expression":
            function = inner.child_by_field_name("function")
            name = text_of(function) if function is not None else ""
            if _NO_EFFECT.fullmatch(name) and not (
                self._statements.exact and holds_any(inner, _ASSIGNING)
            ):
                return after(state)
            if STORES.fullmatch(name):
                call = self._convert(inner, state)
                return after(_with_values(state, _stored_by(call)))
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
            # A local variable may hold what has no tree, and matters only where it is read; what is
            # assigned to anything else is a result.
            known = name in state.local
            value = self._value_or_unknown(right, state) if known else self._convert(right, state)
        name = text_of(left).replace("->", ".")
        word = text_of(operator)
        # `x |= y` is `x = x | y`.
        if word != "=":
            before = self._convert(left, state)
            value = None if value is None else Binary(word.removesuffix("="), before, value)
        if name in state.local:
            value = self._stored(left, value, node)
        if left.type not in ("identifier", "field_expression"):
            raise stop("it stores through a pointer or into an array", node, self._statements)
        return _with_values(state, {name: value}), value

    def _break(self, node: Node, state: _State, _after: _Next, leave: _Next | None) -> Tree:
        if leave is None:
            raise stop("of a `break` outside of `switch`", node, self._statements)
        return leave(state)

    def _label(self, node: Node, state: _State, after: _Next, leave: _Next | None) -> Tree:
        # The first child is the label's own name.
        return self._block(node.named_children[1:], state, after, leave)

    def _goto(self, node: Node, state: _State, _after: _Next, _leave: _Next | None) -> Tree:
        label = node.child_by_field_name("label") or node.named_children[0]
        nodes = self._statements.nodes
        for index, target in enumerate(nodes):
            if target.type == "labeled_statement" and text_of(target.named_children[0]) == text_of(
                label
            ):
                # Backwards is a loop.
                if self._line(target) <= self._line(node):
                    raise stop("of a jump backwards", node, self._statements)
                if self._statements.exact:
                    # Variables of the blocks that the jump leaves end; those that it jumps over
                    # hold nothing.
                    own = _declared_by(nodes[:index]) | set(self._function.parameters)
                    local = {name: state.local.get(name) for name in own}
                    state = _State(local, state.assigned)
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
    "do_statement": "_once",
    "attributed_statement": "_expression",
}
# `fallthrough` is an attribute of an empty statement (include/linux/compiler_attributes.h); a cast
# to void is there for the compiler's warnings.
_IDLE = re.compile(
    r"(?:__)?fallthrough;|\[\[fallthrough]];|__attribute__\(\((?:__)?fallthrough(?:__)?\)\);"
    r"|\(void\)\w+;"
)
# What changes a variable where it stands, and what may do so through its address.
_ASSIGNING = frozenset({"assignment_expression", "update_expression"})
_STORING = _ASSIGNING | {"pointer_expression", "compound_statement"}
_NOTHING = ("comment", "type_definition", ";")
_COMPOUND = (
    *("compound_statement", "if_statement", "switch_statement", "labeled_statement"),
    *("for_statement", "while_statement", "do_statement"),
)
