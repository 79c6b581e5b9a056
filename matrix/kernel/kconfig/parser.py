"""kconfiglib's parser with our corrections, and what one parse knows of the toolchain.

The methods overridden here, and the attributes they read, are kconfiglib 14.1.0's own: hence the
pinned version.
"""

from __future__ import annotations

import errno
import io
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kconfiglib
from msgspec import Struct, field

from matrix.diagnostics import InputError
from matrix.door.folders import is_outside_allowed, leads_below, target_of
from matrix.kernel.kconfig.tree import KernelTree
from matrix.kernel.source.tree_files import is_kconfig, read_source

_MODULES = re.compile(r"^[ \t]+modules[ \t]*$", re.MULTILINE)
_TRANSITIONAL = re.compile(r"^([ \t]+)transitional[ \t]*$", re.MULTILINE)
# Kernel source packages may come without Documentation/; its Kconfig only adds warnings about
# documents, and nothing reads them.
_DOCUMENTATION = re.compile(r'^[ \t]*source[ \t]+"(Documentation/[^"$]*)"[ \t]*$', re.MULTILINE)
_CONDITION = re.compile(r"\s*(?:depends|default|def_)")
_SECONDS = 60  # for one question to the toolchain
# Macros within macros may double with each level. A whole tree makes some 2,000 calls of a few
# hundred bytes.
_MOST_CALLS = 100_000
_LONGEST_TEXT = 1 << 20


class Session(Struct, dict=True, kw_only=True):
    """What one parse knows of the toolchain, and what it learnt."""

    tree: KernelTree
    variables: Mapping[str, str]
    answers: dict[str, str]
    live: bool
    environment: Mapping[str, str]  # of this process, for a toolchain that is really asked
    calls: int = 0  # of macros
    place: tuple[str, int] | None = None  # file, relative to the tree, and line where it is
    asked: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)

    def run(self, command: str) -> str:
        """Return what a shell command of the tree prints, as `$(shell,…)` does.

        Raises:
            InputError: MX1011, it does not end.
        """
        try:
            done = subprocess.run(  # noqa: S602 - Kconfig's own shell, only where --live-toolchain
                command,
                shell=True,
                cwd=self.tree.root,
                env={**self.environment, **self.variables},
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError) as error:
            raise InputError.of(
                code="MX1011",
                message=f"the toolchain did not answer: {error}",
                hint="replay recorded answers: leave --live-toolchain out",
            ) from None
        return done.stdout.decode(errors="replace").rstrip("\n").replace("\n", " ")


def _call_text(text: str, start: int) -> str | None:
    """Return what stands between `$(` at `start` and its closing parenthesis."""
    depth = 0
    for index in range(start + 1, len(text)):
        if text[index] == "(":
            depth += 1
        elif text[index] == ")":
            depth -= 1
            if not depth:
                return text[start + 2 : index]
    return None


# kconfiglib has no types: its class, and what its methods return, is Any.
class Parser(kconfiglib.Kconfig):  # type: ignore[misc]
    """The tree of one session, parsed where it is made; raises what kconfiglib raises."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._depth = 0  # of macro calls
        self._toolchain = False  # whether the outermost call asked the toolchain
        self._tainted: set[str] = set()  # variables made from the toolchain's answers
        super().__init__("Kconfig", warn=False)

    def _open(self, filename: str, mode: str) -> io.StringIO:  # noqa: ARG002 - it only reads
        # By its name: a package of headers has links to the folder of another package. The tree may
        # be named by a link itself, which kconfiglib follows.
        path, root = Path(os.path.abspath(filename)), os.path.abspath(self._session.tree.root)  # noqa: PTH100
        if not is_outside_allowed():
            if not any(map(path.is_relative_to, (root, os.path.realpath(root)))):
                raise OSError(errno.EACCES, "it is not below the tree", filename)
            if not leads_below(path, Path(root)) and not is_kconfig(target_of(path).name):
                raise OSError(errno.EACCES, "a link leads out of the tree", filename)
        text = read_source(path)
        if "modules" in text:
            text = _MODULES.sub("\toption modules", text)
        if self._session.tree.rules.transitional and "transitional" in text:
            # A comment in its place keeps the number of lines, by which places are told.
            text = _TRANSITIONAL.sub(r"\1#", text)
        if "Documentation/" in text:
            text = _DOCUMENTATION.sub(self._without_documentation, text)
        return io.StringIO(text)

    def _without_documentation(self, line: re.Match[str]) -> str:
        if (self._session.tree.root / line[1]).exists():
            return line[0]
        self._session.left_out.append(line[1])
        return "#"

    def _expect_expr_and_eol(self) -> Any:
        if self._tokens[0] is not kconfiglib._T_DEPENDS:
            return super()._expect_expr_and_eol()
        expression = self._parse_expr(True)  # noqa: FBT003 - kconfiglib's own signature
        if (
            self._session.tree.rules.conditional_depends
            and self._tokens[self._tokens_i] is kconfiglib._T_IF
        ):
            self._tokens_i += 1
            condition = self._parse_expr(True)  # noqa: FBT003
            # menu_add_dep() of the tree's parser: `X if Y` is `X || !Y`, with `Y = n` for the
            # negation.
            expression = self._make_or(expression, self._is_no(condition))
        if self._tokens[self._tokens_i] is not None:
            self._trailing_tokens_error()
        return expression

    def _is_no(self, expression: Any, *, negated: bool = False) -> Any:
        """Return `expression = n`, or `!= n`: expr_trans_compare(), scripts/kconfig/expr.c.

        Under a `!` the kernel only turns = into !=, so that `!A = n` holds where A is m, too.
        """
        if not isinstance(expression, tuple):
            return (kconfiglib.UNEQUAL if negated else kconfiglib.EQUAL, expression, self.n)
        operator, *operands = expression
        if operator is kconfiglib.NOT:
            return self._is_no(operands[0], negated=not negated)
        if operator in (kconfiglib.AND, kconfiglib.OR):
            dual = kconfiglib.OR if operator is kconfiglib.AND else kconfiglib.AND
            found = (dual, *map(self._is_no, operands))
            return (kconfiglib.NOT, found) if negated else found
        return expression if negated else (kconfiglib.NOT, expression)  # a comparison is y or n

    def _parse_assignment(self, s: str) -> None:
        self._toolchain = False
        super()._parse_assignment(s)
        if self._toolchain and ":=" in s:
            # `:=` is expanded at once: whoever uses the variable later asks the toolchain no more,
            # but has what it answered.
            self._tainted.add(s.split(":=", maxsplit=1)[0].strip())

    def _expand_name(self, s: str, i: int) -> tuple[str, str, int]:
        call = _call_text(s, i) if s.startswith("$(", i) else None
        self._toolchain = False
        # Only what stands unquoted as a whole is put back as its call: the expression then has a
        # leaf that is answered later, once for each toolchain.
        name, text, end = super()._expand_name(s, i)
        # A call within a longer name is not put back: what stands around it has become part of the
        # name.
        if call is not None and self._toolchain and name == self._session.answers.get(call, "n"):
            name = f"$({call})"
        return name, text, end

    def _expand_str(self, s: str, i: int) -> tuple[str, int]:
        call = _call_text(s, i + 1) if s.startswith("$(", i + 1) else None
        text, end = super()._expand_str(s, i)
        variables = self._session.variables
        if (
            call is not None
            and call in variables
            and _CONDITION.match(s)
            and text[i + 1 : end - 1] == variables[call]
        ):
            # A variable of the build, such as CROSS_COMPILE_COMPAT: an answer like others.
            leaf = f"$({call})"
            self._session.answers.setdefault(call, variables[call])
            self._session.asked.add(call)
            return f"{text[: i + 1]}{leaf}{text[end - 1 :]}", i + len(leaf) + 2
        return text, end

    def _expand_macro(self, s: str, i: int, args: Any) -> tuple[str, int]:
        # Only the outermost call has an answer: what it is made of is the tree's own business.
        if self._depth:
            return super()._expand_macro(s, i, args)  # type: ignore[no-any-return] # as the class
        call = _call_text(s, i)
        session = self._session
        if call is not None and call in session.answers and not session.live:
            session.asked.add(call)
            self._toolchain = True
            answer = session.answers[call]
            return s[:i] + answer + s[i + len(call) + 3 :], i + len(answer)
        # Whether this call asked is seen from the flag that it sets; what was set before is put
        # back.
        outer, self._toolchain = self._toolchain, False
        self._depth += 1
        try:
            text, end = super()._expand_macro(s, i, args)
        finally:
            self._depth -= 1
        if self._toolchain and call is not None:
            if session.live:
                session.answers[call] = text[i:end]
                session.asked.add(call)
            else:
                session.unanswered.add(call)
        self._toolchain = self._toolchain or outer
        return text, end

    def _next_line(self) -> bool:
        found: bool = super()._next_line()
        self._session.place = (self.filename, self.linenr)
        return found

    def _fn_val(self, args: list[str]) -> str:
        self._session.calls += 1
        if self._session.calls > _MOST_CALLS:
            self._parse_error(f"more than {_MOST_CALLS:,} calls of macros")
        # A macro of itself may double what it is given before it stands for anything.
        given = sum(map(len, args))
        text = self._macro_text(args) if given <= _LONGEST_TEXT else ""
        if max(given, len(text)) > _LONGEST_TEXT:
            self._parse_error(f"a macro stands for more than {_LONGEST_TEXT:,} characters")
        return text

    def _macro_text(self, args: list[str]) -> str:
        name = args[0]
        session = self._session
        if name == "shell":
            self._toolchain = True
            # `n` is what most tests of the toolchain print when they fail; the call is noted as
            # unanswered.
            return session.run(args[1]) if session.live else "n"
        # What the tree would print is for who builds it. `error-if` is believed only of a toolchain
        # that is really asked: where nobody recorded an answer it would fire by itself.
        if name in ("info", "warning-if") or (name == "error-if" and not session.live):
            return ""
        if name in self._tainted:
            self._toolchain = True
        if name in session.variables and name not in self.variables:
            return session.variables[name]
        return super()._fn_val(args)  # type: ignore[no-any-return] # as the class
