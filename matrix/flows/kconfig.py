"""`matrix kconfig project`: a real Kconfig tree to the constraints of a profile.

Parse the tree, translate what decides the symbols to clauses, project onto the symbols, and say why
each clause of the projection holds. What comes out is compared with the profile, or written to it.

Projections are kept between runs, keyed by the tree's files, architecture, toolchain and symbols.
An entry holds the size and the time of change of every file that was read; it is as good as absent
where one of them differs. Nothing of a run that failed is kept: an entry is written after it.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

import matrix
from matrix.diagnostics import Diagnostic, ExitCode, InputError, refuse, unknown_word_hint
from matrix.door import kept
from matrix.door.files import digest_of
from matrix.door.folders import found_below, is_outside_allowed, target_of
from matrix.door.kept import cache_folder
from matrix.expr.nodes import Binary, Call, Constant, Expression, Name
from matrix.expr.printer import to_c
from matrix.expr.trees import fold, rewrite, walk
from matrix.flows.kconfig_result import SCHEMA, Constraint, Projected
from matrix.flows.knowledge import Library
from matrix.schema.values import KernelProfile, Toolchain

if TYPE_CHECKING:
    from matrix.kernel.kconfig.reading import ParsedTree

# Bytes: of all projections that are kept, and of one that is read.
_MOST_KEPT = 16 * 1024 * 1024
_MAX_BYTES = 4 * 1024 * 1024
_MOST_NAMED = 8
# The times of files are those of the system's last tick, 10 ms ago at most.
_TICK_NS = 10_000_000


class CacheKey(Struct, frozen=True, kw_only=True):
    """What a projection depends on besides the contents of the tree."""

    tree: Path
    arch: str
    answers: tuple[tuple[tuple[str, str], ...], ...]
    symbols: tuple[str, ...]
    constants: tuple[int, ...]
    prompts: tuple[tuple[str, str, str], ...]

    def digest(self) -> str:
        """Return what tells this entry from all others, 64 hex digits."""
        digest = hashlib.sha256(f"{matrix.__version__} {SCHEMA}\n".encode())
        for source in _sources():
            digest.update(bytes.fromhex(digest_of(source)))
        said = (str(target_of(self.tree)), self.arch, self.answers, self.symbols, self.constants)
        digest.update(msgspec.json.encode((*said, self.prompts, is_outside_allowed())))
        return digest.hexdigest()


# Size, inode and times of each file, None where it is not there.
_Stamps = dict[str, list[int] | None]


class _Entry(Struct, frozen=True, kw_only=True):
    """A projection that is kept, with what was read for it."""

    stamps: _Stamps
    projected: Projected


def load(key: CacheKey) -> Projected | None:
    """Return what an earlier run found in the same tree, None where there is none."""
    digest, folder = key.digest(), cache_folder()
    if folder is None:
        return None
    payload = kept.load(folder / _entry(digest), digest, _MAX_BYTES)
    if payload is None:
        return None
    try:
        found = msgspec.msgpack.decode(payload, type=_Entry)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found.projected if found.stamps == _stamps(key.tree, found.stamps) else None


def store(key: CacheKey, projected: Projected, files: Iterable[str], began: int) -> None:
    """Keep what was found; a cache that cannot be written is silently done without.

    So is a tree that changed since its reading `began`, in ns: what was read of it is not known.
    """
    digest, folder = key.digest(), cache_folder()
    if folder is None:
        return
    stamps = _stamps(key.tree, files)
    if any(stamp and max(stamp[2:]) > began - _TICK_NS for stamp in stamps.values()):
        return
    payload = msgspec.msgpack.encode(_Entry(stamps=stamps, projected=projected))
    if kept.store(folder / _entry(digest), digest, payload):
        kept.forget_unused(folder, _entry("*"), _MOST_KEPT)


def _entry(digest: str) -> str:
    return f"kconfig-{digest[:32]}.bin"


def _stamps(tree: Path, files: Iterable[str]) -> _Stamps:
    root = str(tree)
    found: _Stamps = {}
    for name in files:
        try:
            status = os.stat(f"{root}/{name}")  # noqa: PTH116 - 2,000 of them: Path is slower
        except OSError:
            found[name] = None
        else:
            # A copy may set the time of a file, and never that of its change.
            times = status.st_mtime_ns, status.st_ctime_ns
            found[name] = [status.st_size, status.st_ino, *times]
    return found


def _sources() -> Iterable[Path]:
    """Return the modules that decide what a projection turns out to be."""
    package = Path(__file__).resolve().parent.parent
    yield from found_below(package / "kernel" / "kconfig", "*.py")
    yield package / "solve" / "projection.py"
    yield from found_below(package / "flows", "kconfig*.py")


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
        prompts=tuple(
            (symbol.name, symbol.type, symbol.prompt.text if symbol.prompt else "")
            for symbol in profile.symbols
            if symbol.name in symbols
        ),
    )
    # What a live toolchain answers is of this machine and this moment: it is never kept.
    projected = None if request.live else load(key)
    if projected is None:
        began = time.time_ns()
        projected, files = _project(request, profile, toolchain, symbols, constants)
        if not request.live:
            store(key, projected, files, began)
    # Asked again, since what is kept may come from a run with --borrow.
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
        raise InputError.of(
            code="MX1016",
            message=f"unknown toolchain `{wanted}`",
            hint=unknown_word_hint(wanted, known, "toolchains"),
        )
    return known[wanted]


def _constants(profile: KernelProfile) -> tuple[int, ...]:
    """Return what the profile compares int symbols with; 0 always."""
    found = {0}
    for condition in _conditions(profile):
        for part in walk(condition):
            match part:
                # `CONFIG_X != false` asks whether it is set; to Python `False` would be the number
                # 0 as well.
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
    from matrix.kernel.kconfig.prompts import said_prompt
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
        # The projection alone says that it holds; what it follows from has the lines.
        why = because(parsed, literals, explain(clauses, clause))
        constraints.append(
            Constraint(
                c=" || ".join(_spell(atoms, item) for item in clause),
                because=why.sentence,
                source=why.source,
            )
        )
    prompts = tuple(_as_declared(parsed, profile, symbols, constants))

    def is_bool(name: str) -> bool:
        entry = parsed.entry(name)
        return entry is not None and entry.type == "bool"

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
        prompts=prompts,
        asked=tuple(
            (name, entry.type, condition)
            for name in symbols
            if name not in prompts
            and (entry := parsed.entry(name)) is not None
            and (condition := said_prompt(entry, is_bool)) is not None
        ),
    )
    return projected, (*parsed.files, "Makefile", *tree.rules.evidence_files)


def _as_declared(
    parsed: ParsedTree,
    profile: KernelProfile,
    symbols: Sequence[str],
    constants: tuple[int, ...],
) -> Iterator[str]:
    """Yield the symbols whose type and prompt in the tree are what the profile declares.

    Two conditions are the same where no configuration that can be built tells them apart: a
    profile leaves out what always holds. A condition on more than `_MOST_NAMED` names is not asked.
    """
    from matrix.kernel.kconfig.encoding import encode_prompts
    from matrix.solve.projection import possible

    declared = {
        symbol.name: symbol.prompt.expression if symbol.prompt else Constant(False)
        for symbol in profile.symbols
        if symbol.name in symbols
        and (entry := parsed.entry(symbol.name)) is not None
        and entry.type == symbol.type
    }
    used = {name: sorted(_enabled(condition)) for name, condition in declared.items()}
    every = sorted({atom for atoms in used.values() for atom in atoms})
    named = [atom.removeprefix("IS_ENABLED(CONFIG_").removesuffix(")") for atom in every]
    clauses = encode_prompts(parsed, tuple(declared), named, constants)
    for name, condition in declared.items():
        if len(used[name]) > _MOST_NAMED or not set(used[name]) <= clauses.atoms.keys():
            continue
        differing = []
        # Every answer of the names (at most 2^_MOST_NAMED) with the visibility that the profile
        # does not declare for it: the two agree where none of these can be built.
        for bits in product((True, False), repeat=len(used[name])):
            chosen = dict(zip(used[name], bits, strict=True))
            shown = _value(condition, chosen)
            visible = clauses.atoms[f"prompt CONFIG_{name}"]
            literals = [clauses.atoms[atom] * (1 if on else -1) for atom, on in chosen.items()]
            differing.append([*literals, -visible if shown else visible])
        if not possible(clauses, differing):
            yield name


def _enabled(condition: Expression) -> set[str]:
    return {
        to_c(part)
        for part in walk(condition)
        if isinstance(part, Call) and part.function == "IS_ENABLED"
    }


def _value(condition: Expression, chosen: Mapping[str, bool]) -> bool:
    def decided(node: Expression) -> Expression:
        text = to_c(node)
        return Constant(chosen[text]) if text in chosen else node

    return fold(rewrite(condition, decided)) == Constant(True)


def _refuse_unknown(symbols: Sequence[str], names: Sequence[str]) -> None:
    known = set(names)
    refuse(
        [
            Diagnostic(
                code="MX1009",
                message=f"the tree has no symbol `{symbol}`",
                hint=_near(symbol, names),
            )
            for symbol in symbols
            if symbol not in known
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
