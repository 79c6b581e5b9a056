"""The names that kernel, architecture and capability files use of each other.

Studies are `matrix.schema.checking.studies`, CPUs `matrix.schema.checking.cpus`. Names inside of C
expressions are checked where they get their meaning (`analyze`), but for `mechanism.X`, which only
declarations define, and for words that they are compared with: a misspelt one never holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Location, unknown_word_hint
from matrix.expr.nodes import Binary, Constant, Expression, Name, Scalar
from matrix.expr.trees import calls, names, walk
from matrix.schema.checking.catalogue import Catalogue, Known
from matrix.schema.checking.spec import SpecChecker
from matrix.schema.documents.architecture import ArchitectureDocument
from matrix.schema.documents.capability import CapabilityDocument
from matrix.schema.documents.cpucaps import CapDeclaration
from matrix.schema.documents.kernel import KernelDocument, ProfileRows
from matrix.schema.documents.overlay import OverlayDocument
from matrix.schema.files import Kind
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import Problems
from matrix.schema.values import (
    Architecture,
    Condition,
    KernelProfile,
    Knowledge,
    MechanismDomain,
    RegisterField,
)

_MECHANISM, _SYMBOL = "mechanism.", "CONFIG_"
# The lists of an architecture, and the key that names their items.
_NAMED_LISTS = (
    ("fields", "name"),
    ("rules", "id"),
    ("environment", "name"),
    ("cpucaps", "name"),
    ("functions", "c"),
    ("facts", "name"),
    ("simulation", "name"),
    ("assumptions", "name"),
)


class ReferenceChecker:
    """Checks the names in the files of one load."""

    def __init__(self, catalogue: Catalogue, problems: Problems) -> None:
        self._catalogue = catalogue
        self._problems = problems
        self._specs = SpecChecker(catalogue, problems)

    def kernel(self, document: KernelDocument, at: Node) -> None:
        """Check a kernel profile: its architecture, toolchain and the fields of its cpucaps."""
        catalogue = self._catalogue
        known = catalogue.known(Kind.ARCHITECTURE, catalogue.architectures)
        known.check(document.arch, at["arch"].location, self._problems)
        if document.kconfig.toolchain is not None:
            known = catalogue.known(Kind.TOOLCHAIN, catalogue.toolchains)
            place = at["kconfig"]["toolchain"].location
            known.check(document.kconfig.toolchain, place, self._problems)
        architecture = catalogue.architectures.get(document.arch)
        if architecture is not None:
            self._missing_mechanisms(catalogue.kernels[document.id], at, architecture)
            self._rows(document, at, architecture)

    def overlay(self, document: OverlayDocument, at: Node) -> None:
        """Check the rows of an overlay as those of a profile."""
        architecture = self._catalogue.architectures.get(document.arch)
        if architecture is not None:
            self._rows(document, at, architecture)

    def _rows(self, document: ProfileRows, at: Node, architecture: Architecture) -> None:
        self.mechanism_values(at)
        for cap, node in zip(document.cpucaps.values(), at.rows("cpucaps"), strict=True):
            self._cap(cap, node, architecture)

    def architecture(self, document: ArchitectureDocument, at: Node) -> None:
        """Check an architecture: no name twice, and the fields of its cpucaps."""
        for list_name, key in _NAMED_LISTS:
            self._named_once(at, list_name, key)
        architecture = self._catalogue.architectures[document.id]
        for cap, node in zip(document.cpucaps, at.rows("cpucaps"), strict=True):
            self._cap(cap, node, architecture)
        self._shown(at, architecture)

    def _shown(self, at: Node, architecture: Architecture) -> None:
        """Check that what lines of the log and missing flags show is declared."""
        shown = Known(
            kind="fact, environment axis or CPU field",
            names={
                *(item.name for item in architecture.facts),
                *(item.name for item in architecture.environment),
                *(item.name for item in architecture.fields),
            },
            complete=True,
        )
        for row in at.rows("log"):
            for node in (*row.rows("shows"), *row.rows("absent")):
                shown.check(node.name, node.place, self._problems)
        fields = Known(
            kind="CPU field", names=[item.name for item in architecture.fields], complete=True
        )
        for row in at.rows("missing_flags"):
            for node in row.rows("absent"):
                fields.check(node.name, node.place, self._problems)
        for row, declared in zip(
            at.rows("module_parameters"), architecture.module_parameters, strict=True
        ):
            fields.check(declared.shows, row["shows"].location, self._problems)

    def capability(self, document: CapabilityDocument, at: Node) -> None:
        """Check a capability: the releases of its claims, and the names in its conditions.

        What one release lacks is off there, or is not asked. What no profile has is a mistake: a
        requirement that is never asked would be met.
        """
        self.claims(at)
        catalogue = self._catalogue
        complete = catalogue.knows_all(Kind.KERNEL) and catalogue.knows_all(Kind.ARCHITECTURE)
        symbols = catalogue.known_symbols()
        known = Known(kind="name", names=catalogue.expression_names(), complete=complete)
        declared = catalogue.capabilities[document.id]
        asked_of_kernels = (
            declared.requires,
            declared.predicates,
            declared.truth,
            declared.so_what,
            # An atom that no kernel has would be left out, and the check found that is right
            # without it.
            declared.synthesis,
        )
        for condition in conditions(asked_of_kernels):
            # Functions with operands are not looked up here: which ones a release has `analyze`
            # says.
            asked = names(condition.expression) | {
                f"{call.function}()" for call in calls(condition.expression) if not call.arguments
            }
            for name in sorted(asked):
                place = _within(condition, name.removesuffix("()"))
                if name.startswith(_SYMBOL):
                    symbols.check(name.removeprefix(_SYMBOL), place, self._problems)
                elif not name.startswith(_MECHANISM):
                    known.check(name, place, self._problems)

    def claims(self, at: Node) -> None:
        """Check the releases that the claims of a capability or a study name."""
        declared = (kernel.release for kernel in self._catalogue.kernels.values())
        releases = self._catalogue.known(Kind.KERNEL, ("*", *declared))
        for claim in at.rows("claims"):
            for release in claim.rows("expected"):
                releases.check(release.name, release.place, self._problems)

    def words(self, knowledge: Knowledge) -> None:
        """Check what conditions say of mechanisms and environment axes: that they exist, values.

        A condition of an architecture or a kernel is over what that architecture has; one of a
        capability over what any has, unless it is a study's.
        """
        for architecture in knowledge.architectures:
            mine = [kernel for kernel in knowledge.kernels if kernel.arch == architecture.id]
            self._conditions((architecture, tuple(mine)), self._catalogue.of(architecture.id))
        self._conditions(knowledge.capabilities, self._catalogue)
        for study in knowledge.studies:
            self._conditions(study, self._catalogue.of(study.arch))

    def _conditions(self, declared: object, catalogue: Catalogue) -> None:
        domains = (row.name for item in catalogue.architectures.values() for row in item.mechanisms)
        given = (row.name for item in catalogue.kernels.values() for row in item.mechanisms)
        mechanisms = catalogue.known(Kind.KERNEL, {*domains, *given}, "mechanism")
        possible = _possible_words(catalogue)
        for condition in conditions(declared):
            for name in sorted(names(condition.expression)):
                word = name.removeprefix(_MECHANISM)
                if word != name:
                    mechanisms.check(word, _within(condition, name), self._problems)
            for name, compared in _compared(condition.expression):
                if name in possible and compared not in possible[name]:
                    message = f"`{compared}` is no value of `{name}`: the comparison never holds"
                    hint = unknown_word_hint(
                        compared, map(_as_written, possible[name]), f"values of {name}"
                    )
                    at = _within(condition, compared)
                    self._problems.add("MX0222", message, at, hint)

    def mechanism_values(self, at: Node) -> None:
        """Check that the mechanisms of a profile have values that its architecture knows.

        Only nodes are looked at: a file that is wrong elsewhere is checked as well.
        """
        arch = at.get("arch")
        architecture = self._catalogue.architectures.get(str(arch.data)) if arch else None
        domains = {} if architecture is None else {x.name: x for x in architecture.mechanisms}
        for node in at.rows("mechanisms"):
            since = node.get("since")
            for place in (node.get("value"), since.get("before") if since else None):
                if place is not None and node.name in domains:
                    self._mechanism_value(domains[node.name], place)

    def _mechanism_value(self, domain: MechanismDomain, place: Node) -> None:
        # True == 1 in Python, and not in a declaration.
        if (type(place.data), place.data) in [(type(word), word) for word in domain.values]:
            return
        message = f"`{place.raw}` is no value of the mechanism `{domain.name}`"
        shown = [_as_written(word) for word in domain.values]
        hint = unknown_word_hint(place.raw, shown, f"values of {domain.name}")
        hint += f"; they stand at {domain.location}"
        self._problems.add("MX0222", message, place.location, hint)

    def _missing_mechanisms(
        self, profile: KernelProfile, at: Node, architecture: Architecture
    ) -> None:
        given = {mechanism.name for mechanism in profile.mechanisms}
        for domain in architecture.mechanisms:
            if domain.name not in given:
                message = (
                    f"no mechanism `{domain.name}`, which every profile of {architecture.id} has"
                )
                near = unknown_word_hint(domain.name, given, "mechanisms here")
                hint = f"declared at {domain.location}; {near}"
                node = at.get("mechanisms") or at["id"]
                self._problems.add("MX0232", message, node.place, hint)

    def _cap(self, cap: CapDeclaration, at: Node, architecture: Architecture) -> None:
        """Check field, minimum and words of a cpucap."""
        if cap.field is None:
            return
        fields = {field.name: field for field in architecture.fields}
        place = at["field"].location
        if not Known(kind="CPU field", names=fields).check(cap.field, place, self._problems):
            return
        field = fields[cap.field]
        if cap.minimum is not None and not field.words:
            self._specs.check_value(field, cap.minimum, at["minimum"].location, domain=False)
        for word in at.rows("values"):
            self._specs.check_value(field, str(word.data), word.location, domain=False)

    def _named_once(self, at: Node, list_name: str, key: str) -> None:
        first: dict[str, Location] = {}
        for row in at.rows(list_name):
            node = row[key]
            name = str(node.data)
            if name in first:
                message = f"`{name}` stands twice in `{list_name}`"
                hint = f"the first is at {first[name]}; remove one of the two"
                self._problems.add("MX0219", message, node.location, hint)
            first.setdefault(name, node.location)


def conditions(declared: object) -> Iterator[Condition]:
    """Return every condition in a declared value, in the order of the file."""
    if isinstance(declared, Condition):
        yield declared
    elif isinstance(declared, tuple):
        for item in declared:
            yield from conditions(item)
    elif isinstance(declared, Struct) and not isinstance(declared, Location):
        for name in declared.__struct_fields__:
            yield from conditions(getattr(declared, name))


def _within(condition: Condition, name: str) -> Location:
    """Return the place of a name in a condition, or of the condition where lines are folded."""
    at = condition.location
    found = (at.text or "").find(name, at.index)
    if found < 0:
        return at
    return replace(at, column=at.skipped + found + 1, length=len(name))


def _as_written(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _has_words(field: RegisterField) -> bool:
    return any(isinstance(word, str) for _, word in field.words)


def _possible_words(catalogue: Catalogue) -> dict[str, frozenset[Scalar]]:
    """Return the names whose values are words, with every value that one may have."""
    rows: list[tuple[str, Iterable[Scalar]]] = []
    for item in catalogue.architectures.values():
        rows += [(axis.name, [name for name, _ in axis.options]) for axis in item.environment]
        rows += [(f"{_MECHANISM}{domain.name}", domain.values) for domain in item.mechanisms]
        worded = (field for field in item.fields if _has_words(field))
        rows += [(field.name, [word for _, word in field.words]) for field in worded]
    found: dict[str, frozenset[Scalar]] = {}
    for name, possible in rows:
        found[name] = found.get(name, frozenset()) | frozenset(possible)
    return found


def _compared(expression: Expression) -> Iterator[tuple[str, str]]:
    """Yield (name, word) of every comparison of a name with a word."""
    for node in walk(expression):
        match node:
            case Binary("==" | "!=", Name(name), Constant(str(word))):
                yield name, word
            case Binary("==" | "!=", Constant(str(word)), Name(name)):
                yield name, word
            case _:
                pass
