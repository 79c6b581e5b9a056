"""Small C functions drawn at random: what a person may write in a check, and mistakes besides.

A `random.Random` decides; the functions compile and are defined in every row, so that a compiler
can say what they return.
"""

from __future__ import annotations

from random import Random

from tests.c_oracle import FUNCTION, MODES, SYMBOLS

CALLS = (
    "can_set_direct_map()",
    "cpus_have_final_cap(ARM64_HAS_STAGE2_FWB)",
    "cpus_have_final_cap(ARM64_HAS_CACHE_DIC)",
    "icache_is_aliasing()",
    "kvm_supports_cacheable_pfnmap()",
    "kvm_vm_is_protected(kvm)",
    "is_protected_kvm_enabled()",
)
TYPES = ("bool", "bool", "int", "int", "unsigned int", "u8", "long", "enum kvm_mode", "u32")
COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")


class Program:
    """One function with its macros and helpers; `text` is what a patch would add."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._macros: list[str] = []
        self._functions: list[str] = []
        self._names = 0
        self._locals: list[list[str]] = []
        self._in_helper = False
        self._in_helper = True  # neither a macro nor a helper has the check's `kvm`
        head = [self._macro() for _ in range(random.choice((0, 0, 1, 2, 3)))]
        head.extend(self._helper() for _ in range(random.choice((0, 0, 1, 2))))
        self._in_helper = False
        body = self._body(depth=3)
        kind = random.choice(("bool", "bool", "bool", "bool", "int"))
        function = f"static inline {kind} {FUNCTION}(struct kvm *kvm)\n{body}"
        self.text = "\n".join([*head, function])

    def _name(self, stem: str) -> str:
        self._names += 1
        return f"{stem}_{self._names}"

    def _macro(self) -> str:
        name = self._name("GMEM").upper()
        match self._random.choice(
            ("object", "object", "call", "call", "number", "redefined", "if")
        ):
            case "object":
                text = f"#define {name} {self._plain(2)}"
                self._macros.append(name)
            case "call":
                text = f"#define {name}(a, b) {self._pick('a', 'b')}"
                self._functions.append(name)
            case "number":
                text = f"#define {name} {self._random.choice(('1', '0', '2', '-1', '1 - 1', '3'))}"
                self._macros.append(name)
            case "redefined":
                one, other = self._plain(1), self._plain(1)
                text = f"#define {name} {one}\n#undef {name}\n#define {name} {other}"
                self._macros.append(name)
            case _:
                symbol = self._random.choice(SYMBOLS)
                text = (
                    f"#ifdef {symbol}\n#define {name} {self._plain(1)}\n"
                    f"#else\n#define {name} {self._plain(1)}\n#endif"
                )
                self._macros.append(name)
        return text

    def _pick(self, one: str, other: str) -> str:
        forms = (
            f"{one} && {other}",
            f"{one} || {other}",
            f"!{one} && {other}",
            f"({one} || {other})",
        )
        more = (f"{one} ? {other} : {one}", f"{one} == {other}", f"(({one}) & ({other}))")
        return self._random.choice((*forms, *more))

    def _helper(self) -> str:
        name = self._name("gmem")
        kind = self._random.choice(("bool", "bool", "int", "unsigned int", "u8"))
        first = self._random.choice(("bool", "bool", "int"))
        self._locals.append(["a", "b"])
        value = self._body(depth=1)
        self._locals.pop()
        self._functions.append(name)
        return f"static inline {kind} {name}({first} a, bool b)\n{value}"

    def _plain(self, depth: int) -> str:
        """Return an expression of calls alone, often without parentheses around it."""
        calls = [call for call in CALLS if "(kvm)" not in call or not self._in_helper]
        random = self._random
        if depth == 0 or random.random() < 0.3:
            return random.choice(calls)
        left, right = self._plain(depth - 1), self._plain(depth - 1)
        return random.choice(
            (f"{left} && {right}", f"{left} || {right}", f"!{left}", f"({left} || {right})")
        )

    def _expression(self, depth: int) -> str:
        random = self._random
        if depth <= 0 or random.random() < 0.15:
            return self._leaf()
        left, right = self._expression(depth - 1), self._expression(depth - 1)
        comparison = f"({left}) {random.choice(COMPARISONS)} ({right})"
        forms = [
            *(f"{left} && {right}", f"{left} && {right}", f"{left} || {right}"),
            *(f"{left} || {right}", f"!({left})", f"({left})", comparison),
            f"({left} ? {right} : {self._expression(depth - 1)})",
            f"({left}) {random.choice(('&', '|', '^'))} ({right})",
            random.choice((f"likely({left})", f"unlikely({left}) == 1")),
            f"({random.choice(('bool', 'int', 'u8'))})({left})",
            random.choice((f"~({left})", f"-({left})", f"({left}) + ({right})", f"({left}) - 1")),
        ]
        if self._functions:
            forms.append(f"{random.choice(self._functions)}({left}, {right})")
        return random.choice(forms)

    def _leaf(self) -> str:
        random = self._random
        leaves = [self._plain(0), self._plain(0), self._plain(0), self._mode()]
        leaves.append(f"IS_ENABLED({random.choice(SYMBOLS)})")
        leaves.append(random.choice(("true", "false", "1", "0", "2")))
        names = [name for scope in self._locals for name in scope]
        if names:
            name = random.choice(names)
            leaves.append(random.choice((name, name, f"({name})")))
        if self._macros:
            leaves.append(random.choice(self._macros))
        return random.choice(leaves)

    def _mode(self) -> str:
        random = self._random
        number = random.choice((*MODES, "0", "1", "2", "3", "1U", "-1", "4"))
        comparison = f"kvm_get_mode() {random.choice(COMPARISONS)} {number}"
        return random.choice((comparison, comparison, f"({comparison})", "kvm_get_mode()"))

    def _body(self, depth: int) -> str:
        self._locals.append([])
        lines = [
            line for _ in range(self._random.randrange(1 + depth)) for line in self._some(depth)
        ]
        lines.append(self._return())
        self._locals.pop()
        return "{\n" + "\n".join(f"\t{line}" for line in lines) + "\n}"

    def _return(self) -> str:
        random = self._random
        if random.random() < 0.06:
            return "return -EOPNOTSUPP;"
        if random.random() < 0.12:
            symbol = random.choice(SYMBOLS)
            return f"return {self._plain(1)}\n#ifdef {symbol}\n&& {self._plain(1)}\n#endif\n;"
        return f"return {self._expression(2)};"

    def _some(self, depth: int) -> list[str]:
        random = self._random
        kinds = [self._declaration, self._declaration, self._choice, self._choice, self._choice]
        kinds += [self._assignment, self._switch, self._conditional, self._print]
        if depth > 0:
            kinds += [self._hiding, self._once]
        return random.choice(kinds)(depth)

    def _declaration(self, _depth: int) -> list[str]:
        value = self._expression(2)
        name = self._name("value")
        self._locals[-1].append(name)
        return [f"{self._random.choice(TYPES)} {name} = {value};"]

    def _assignment(self, _depth: int) -> list[str]:
        names = [name for scope in self._locals for name in scope if name not in ("a", "b")]
        if not names:
            return [";"]
        operator = self._random.choice(("=", "=", "&=", "|=", "^="))
        return [f"{self._random.choice(names)} {operator} {self._expression(1)};"]

    def _choice(self, depth: int) -> list[str]:
        lines = [f"if ({self._expression(2)})", *self._inner(depth)]
        while self._random.random() < 0.3:
            lines += [f"else if ({self._expression(1)})", *self._inner(depth)]
        if self._random.random() < 0.4:
            lines += ["else", *self._inner(depth)]
        return lines

    def _once(self, depth: int) -> list[str]:
        return ["do", *self._inner(depth), "while (0);"]

    def _print(self, _depth: int) -> list[str]:
        return [f'pr_info("%d", {self._plain(0)});']

    def _hiding(self, depth: int) -> list[str]:
        """Return a block, which may declare a name of the function's once more."""
        outer = [name for scope in self._locals for name in scope if name.startswith("value")]
        lines = self._inner(depth)
        if outer and self._random.random() < 0.4:
            name = self._random.choice(outer)
            return ["{", f"bool {name} = {self._plain(1)};", f"if ({name})", *lines, "}"]
        return lines

    def _inner(self, depth: int) -> list[str]:
        if depth <= 1 or self._random.random() < 0.4:
            return ["{", self._return(), "}"] if self._random.random() < 0.5 else [self._return()]
        self._locals.append([])
        lines = [line for _ in range(self._random.randrange(3)) for line in self._some(depth - 1)]
        if self._random.random() < 0.4:
            lines.append(self._return())
        self._locals.pop()
        return ["{", *lines, "}"]

    def _switch(self, depth: int) -> list[str]:
        random = self._random
        labels = random.sample((*MODES,), random.randrange(1, 4))
        if random.random() < 0.5:
            labels = [str(MODES.index(label)) for label in labels]
        lines = ["switch (kvm_get_mode()) {"]
        for label in labels:
            lines.append(f"case {label}:")
            if random.random() < 0.2:
                continue
            lines += [";", *self._inner(depth)]
            lines.append(random.choice(("break;", "fallthrough;", "break;", self._return())))
        end = self._random.choice(
            ("default:\n\tbreak;", "default:\n\t" + self._return(), "case 7:\n\tbreak;")
        )
        return [*lines, end, "}"]

    def _conditional(self, depth: int) -> list[str]:
        first, second = SYMBOLS
        statement = self._random.choice(("if", "return"))
        body = [f"if ({self._expression(1)})", self._return()]
        if statement == "return" and depth > 1:
            body = [self._return()]
        lines = [f"#if {self._condition(first)}", *body]
        if self._random.random() < 0.5:
            lines += [f"#elif {self._condition(second)}", f"if ({self._plain(1)})", self._return()]
        if self._random.random() < 0.5:
            lines += ["#else", f"if (!{self._plain(0)})", self._return()]
        return [*lines, "#endif"]

    def _condition(self, symbol: str) -> str:
        forms = (
            f"defined({symbol})",
            f"IS_ENABLED({symbol})",
            f"!defined({symbol})",
            f"defined {symbol}",
        )
        return self._random.choice(forms)
