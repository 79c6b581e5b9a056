"""Text to trees: a recursive-descent parser of the C subset, one function per grammar rule.

Takes a condition as a declaration or a user wrote it, gives an `Expression`; anything wrong is an
`InputError` with the exact place. The grammar, with C's precedence (ISO C11, 6.5):

    expression = binary [ "?" expression ":" expression ]
    binary     = unary { OPERATOR unary }       (ten levels, all left associative)
    unary      = ( "!" | "-" | "~" ) unary | primary
    primary    = INTEGER | "true" | "false" | STRING | call | "(" expression ")"
    call       = NAME [ "(" [ expression { "," expression } ] ")" ]
"""

from __future__ import annotations

from matrix.diagnostics import InputError, Location
from matrix.expr.lexer import MIN_INTEGER, Token, read_integer, read_string, tokenize
from matrix.expr.nodes import Binary, Call, Conditional, Constant, Expression, Name, Unary
from matrix.expr.position import Source, shown

# ISO C11, 6.5.5-6.5.14: the binary operators level by level, from the loosest to the tightest.
_LEVELS = ("||", "&&", "|", "^", "&", "== !=", "< <= > >=", "<< >>", "+ -", "* / %")
# How tightly each binds; a larger number binds tighter.
PRECEDENCE = {name: level for level, row in enumerate(_LEVELS, start=1) for name in row.split()}
UNARY_OPERATORS = ("!", "-", "~")
WORDS = {"true": True, "false": False}
# Operators of other languages, with C's own.
_IN_WORDS = {"and": "&&", "or": "||", "not": "!"}

# Open parentheses, calls, prefixes, `?:` arms and pending operators at one place. C compilers need
# accept only 63 parentheses (ISO C11, 5.2.4.1); the bound keeps every walk of a tree off Python's
# recursion limit. Chains such as `a && b && c …` are not nesting and may be of any length.
MAX_NESTING = 100


def parse(text: str, location: Location | None = None) -> Expression:
    """Return the tree of a condition; `location` is where the text starts, for the diagnostics.

    Raises InputError (MX01xx): every bad token, or else the first place where the grammar fails.

    >>> parse("rodata_full || PAGE_SIZE == 0x1000").operator
    '||'
    """
    source = Source(text, location)
    parser = _Parser(source, tokenize(source))
    return parser.whole()


class _Parser:
    """One pass over the tokens; `_depth` counts what is open, against `MAX_NESTING`."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self._source = source
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    def whole(self) -> Expression:
        """Parse `expression END`."""
        if self._next.kind == "end":
            raise InputError(
                self._source.diagnostic(
                    "MX0105",
                    "the condition is empty",
                    len(self._source.text) if self._source.text.strip() else 0,
                    hint="write `true` for a condition that always holds",
                )
            )
        tree = self._expression()
        if self._next.kind != "end":
            raise self._unexpected("an operator or the end of the condition")
        return tree

    def _expression(self) -> Expression:
        """Parse `binary [ "?" expression ":" expression ]`."""
        condition = self._binary()
        if not self._accept("?"):
            return condition
        self._enter()
        then = self._expression()
        self._expect(":", "`:` and the other value of `?:`")
        otherwise = self._expression()
        self._leave()
        return Conditional(condition, then, otherwise)

    def _binary(self) -> Expression:
        """Parse `unary { OPERATOR unary }`, grouped by `PRECEDENCE` instead of by ten rules."""
        # Operator precedence parsing with two stacks. What is pending binds ever more tightly
        # upwards, so an operator that binds no tighter than the last closes it: equal ones group to
        # the left.
        operands = [self._unary()]
        pending: list[str] = []
        while (level := PRECEDENCE.get(self._operator, 0)) > 0:
            while pending and PRECEDENCE[pending[-1]] >= level:
                self._reduce(operands, pending)
            # An operator that waits for its right side is a level of the tree, as a parenthesis is.
            self._enter()
            pending.append(self._take().text)
            operands.append(self._unary())
        while pending:
            self._reduce(operands, pending)
        return operands[0]

    def _reduce(self, operands: list[Expression], pending: list[str]) -> None:
        right, left = operands.pop(), operands.pop()
        operands.append(Binary(pending.pop(), left, right))
        self._leave()

    def _unary(self) -> Expression:
        """Parse `( "!" | "-" | "~" ) unary | primary`; `-` and an integer are one constant."""
        if self._operator not in UNARY_OPERATORS:
            return self._primary()
        self._enter()
        operator = self._take().text
        # Looked at before the operand is parsed: `-(5)` stays an operator with an operand.
        number = self._next if operator == "-" and self._next.kind == "number" else None
        operand = self._unary()
        self._leave()
        magnitude = read_integer(number.text) if number else None
        # No integer type holds less; the rest is left to the evaluation, which finds no value.
        if magnitude is not None and -magnitude >= MIN_INTEGER:
            return Constant(-magnitude)
        return Unary(operator, operand)

    def _primary(self) -> Expression:
        """Parse `INTEGER | "true" | "false" | STRING | call | "(" expression ")"`."""
        token = self._next
        match token.kind:
            case "number":
                return Constant(read_integer(self._take().text) or 0)
            case "string":
                return Constant(read_string(self._take().text))
            case "name" if token.text in WORDS:
                return Constant(WORDS[self._take().text])
            case "name":
                return self._call()
        if self._operator != "(":
            raise self._unexpected("a name, a number, a quoted option or `(`")
        self._enter()
        self._take()
        inner = self._expression()
        self._expect(")", "an operator or `)`", opened=token)
        self._leave()
        return inner

    def _call(self) -> Expression:
        """Parse `NAME [ "(" [ expression { "," expression } ] ")" ]`."""
        name = self._take()
        opened = self._next
        if not self._accept("("):
            return Name(name.text)
        self._enter()
        arguments: list[Expression] = []
        if self._operator != ")":
            arguments.append(self._expression())
            while self._accept(","):
                arguments.append(self._expression())
        self._expect(")", "an operator, `,` or `)`", opened=opened)
        self._leave()
        return Call(name.text, tuple(arguments))

    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    @property
    def _operator(self) -> str:
        """The next token where it is an operator, else nothing."""
        token = self._tokens[self._position]
        return token.text if token.kind == "operator" else ""

    def _take(self) -> Token:
        token = self._tokens[self._position]
        self._position += 1
        return token

    def _accept(self, operator: str) -> bool:
        found = self._operator == operator
        self._position += found
        return found

    def _expect(self, operator: str, what: str, opened: Token | None = None) -> None:
        if not self._accept(operator):
            raise self._unexpected(what, opened)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise InputError(
                self._source.diagnostic(
                    "MX0107",
                    f"nested more than {MAX_NESTING} levels deep",
                    self._next.offset,
                    len(self._next.text),
                    hint="give a part of the condition a name of its own",
                )
            )

    def _leave(self) -> None:
        self._depth -= 1

    def _unexpected(self, expected: str, opened: Token | None = None) -> InputError:
        """Return the error for the next token: what stands there and what could."""
        token = self._next
        found = "the end of the condition" if token.kind == "end" else f"`{shown(token.text)}`"
        hint = "an operand is missing" if "a name" in expected else None
        if opened is not None and token.kind == "end":
            hint = f"the `(` at character {opened.offset + 1} is never closed"
        elif operator := _IN_WORDS.get(token.text):
            hint = f"C writes `{operator}`"
        elif token.kind in ("name", "number", "string"):
            hint = hint or "is an operator missing before it?"
        elif token.text == "+":
            hint = "a sign `+` is not needed"
        return InputError(
            self._source.diagnostic(
                "MX0106",
                f"expected {expected}, found {found}",
                token.offset,
                max(1, len(token.text)),
                hint=hint,
            )
        )
