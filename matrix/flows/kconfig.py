"""`matrix kconfig project`: a real Kconfig tree to the constraints of a profile.

Parse the tree, translate what decides the symbols to clauses, project onto the symbols, and say why
each clause of the projection holds. What comes out is compared with the profile, or written to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from matrix.diagnostics import Diagnostic, ExitCode, InputError, unknown_word_hint
from matrix.expr.nodes import Binary, Constant, Expression, Name
from matrix.expr.trees import walk
from matrix.flows.kconfig_cache import CacheKey, load, store
from matrix.flows.kconfig_result import Constraint, Projected
from matrix.flows.knowledge import Library
from matrix.schema.values import KernelProfile, Toolchain

DEFAULT_TOOLCHAIN = "gcc-12-aarch64"


class ProjectRequest(Struct, frozen=True, kw_only=True):
    """What `kconfig project` was asked; empty `symbols` are those the profile reads."""

    tree: Path
    kernel: str
    symbols: tuple[str, ...] = ()
    toolchain: str | None = None
    live: bool = False
    borrow: bool = False
    configs: tuple[Path, ...] = ()


class ProjectOutcome(Struct, frozen=True, kw_only=True):
    """The projection, the profile it is for, and the toolchain it rests on.

    `whole`: of all symbols that the profile reads; `written` is the file that it was put into.
    """

    projected: Projected
    profile: KernelProfile
    toolchain: Toolchain
    whole: bool
    written: Path | None = None

    @property
    def agrees(self) -> bool:
        """Whether the profile says exactly this."""
        declared = {
            (
                item.condition.text,
                item.grounded,
                item.condition.because,
                item.condition.source or "",
            )
            for item in self.profile.constraints
        }
        mine = {(item.c, item.grounded, item.because, item.source) for item in self.constraints}
        return declared == mine and self.profile.toolchain == self.toolchain.id

    @property
    def contradicts(self) -> bool:
        """Whether the profile should say this and does not."""
        return self.written is None and self.whole and not self.agrees

    @property
    def exit_code(self) -> ExitCode:
        """1 where the profile says something else."""
        return ExitCode.FINDINGS if self.contradicts else ExitCode.OK

    @property
    def new_answers(self) -> tuple[tuple[str, str], ...]:
        """What a live toolchain answered otherwise than is recorded."""
        recorded = {**dict(self.toolchain.environment), **dict(self.toolchain.answers)}
        return tuple(
            (call, answer)
            for call, answer in self.projected.answers
            if recorded.get(call) != answer
        )

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The constraints, marked where they are another release's."""
        return self.projected.for_release(self.profile.release)


def project_tree(request: ProjectRequest) -> ProjectOutcome:
    """Return what a tree says about a profile's symbols.

    Raises:
        InputError: MX0905 unknown kernel, MX1001 to MX1007 a tree that cannot be read, MX1009 a
            symbol the tree does not have, MX1016 an unknown toolchain.
        UndecidedError: MX1010, too many assignments.
    """
    library = Library(request.configs)
    profile = library.kernel(request.kernel)
    toolchain = find_toolchain(library, request.toolchain or profile.toolchain)
    symbols = request.symbols or tuple(symbol.name for symbol in profile.symbols)
    constants = _constants(profile)
    key = CacheKey(
        tree=request.tree,
        arch=profile.arch,
        answers=(toolchain.environment, toolchain.answers),
        symbols=symbols,
        constants=constants,
    )
    projected = None if request.live else load(key)
    if projected is None:
        projected, files = _project(request, profile, toolchain, symbols, constants)
        if not request.live:
            store(key, projected, files)
    if projected.release != profile.release and not request.borrow:
        from matrix.kernel.kconfig.tree import check_release, open_tree

        check_release(open_tree(request.tree, profile.arch), profile.release)
    return ProjectOutcome(
        projected=projected,
        profile=profile,
        toolchain=toolchain,
        whole=not request.symbols,
    )


def find_toolchain(library: Library, name: str | None) -> Toolchain:
    """Return a declared toolchain; without a name the one that ships.

    Raises:
        InputError: MX1016.
    """
    known = {item.id: item for item in library.knowledge.toolchains}
    wanted = name or DEFAULT_TOOLCHAIN
    if wanted not in known:
        raise InputError(
            Diagnostic(
                code="MX1016",
                message=f"unknown toolchain `{wanted}`",
                hint=unknown_word_hint(wanted, known, "toolchains"),
            )
        )
    return known[wanted]


def _constants(profile: KernelProfile) -> tuple[int, ...]:
    """Return what the profile compares int symbols with; 0 always."""
    found = {0}
    for condition in _conditions(profile):
        for part in walk(condition):
            match part:
                case Binary(_, Name(symbol), Constant(bool())) if symbol.startswith("CONFIG_"):
                    pass
                case Binary(_, Name(symbol), Constant(int(value))) if symbol.startswith("CONFIG_"):
                    found.add(value)
                case _:
                    pass
    return tuple(sorted(found))


def _conditions(profile: KernelProfile) -> Iterator[Expression]:
    yield from (variable.initial.expression for variable in profile.variables)
    yield from (function.body.expression for function in profile.functions)
    yield from (cap.kconfig.expression for cap in profile.cpucaps if cap.kconfig is not None)
    for parameter in profile.parameters:
        for parser in parameter.parsers:
            if parser.exists_if is not None:
                yield parser.exists_if.expression


def _project(
    request: ProjectRequest,
    profile: KernelProfile,
    toolchain: Toolchain,
    symbols: Sequence[str],
    constants: tuple[int, ...],
) -> tuple[Projected, tuple[str, ...]]:
    from matrix.kernel.kconfig.because import because
    from matrix.kernel.kconfig.encoding import encode
    from matrix.kernel.kconfig.reading import parse_tree
    from matrix.kernel.kconfig.tree import check_release, open_tree
    from matrix.solve.projection import explain, project

    tree = open_tree(request.tree, profile.arch)
    if not request.borrow:
        check_release(tree, profile.release)
    environment = dict(toolchain.environment)
    parsed = parse_tree(tree, environment, dict(toolchain.answers), live=request.live)
    _refuse_unknown(symbols, parsed.names)
    clauses = encode(parsed, symbols, constants)
    atoms = {literal: text for text, literal in clauses.atoms.items()}
    found = project(clauses, list(atoms))
    constraints = []
    for clause in found.clauses:
        literals = [(_symbol(atoms[abs(item)]), _is_set(atoms, item)) for item in clause]
        why = because(parsed, literals, explain(clauses, clause))
        constraints.append(
            Constraint(
                c=" || ".join(_spell(atoms, item) for item in clause),
                because=why.sentence,
                source=why.source,
            )
        )
    projected = Projected(
        release=tree.release,
        version=tree.version,
        arch=tree.arch,
        evidence=tree.rules.evidence,
        symbols=tuple(symbols),
        assignments=found.assignments,
        constraints=tuple(constraints),
        answers=tuple(parsed.answers.items()) if request.live else (),
        unanswered=parsed.unanswered,
        left_out=parsed.left_out,
    )
    return projected, (*parsed.files, "Makefile", *tree.rules.evidence_files)


def _refuse_unknown(symbols: Sequence[str], names: Sequence[str]) -> None:
    known = set(names)
    missing = [symbol for symbol in symbols if symbol not in known]
    if missing:
        raise InputError(
            [
                Diagnostic(
                    code="MX1009",
                    message=f"the tree has no symbol `{symbol}`",
                    hint=_near(symbol, names),
                )
                for symbol in missing
            ]
        )


def _near(symbol: str, names: Sequence[str]) -> str:
    from matrix.diagnostics import did_you_mean

    return did_you_mean(symbol, names) or "symbols are written without `CONFIG_`, in upper case"


def _symbol(atom: str) -> str:
    return atom.removeprefix("IS_ENABLED(").removeprefix("CONFIG_").rstrip(")").split(" ")[0]


def _is_set(atoms: Mapping[int, str], literal: int) -> bool:
    """Tell whether a literal says that its symbol is set; a number that is 0 counts as not set."""
    return (literal > 0) == atoms[abs(literal)].startswith("IS_ENABLED")


def _spell(atoms: Mapping[int, str], literal: int) -> str:
    atom = atoms[abs(literal)]
    if literal > 0:
        return atom
    return f"!{atom}" if atom.startswith("IS_ENABLED") else atom.replace(" == ", " != ")
