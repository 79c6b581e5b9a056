"""The names that kernel, architecture, CPU and capability files use of each other.

Studies are `matrix.schema.checking.studies`. Names inside of C expressions are checked where they
get their meaning (`analyze`), but for `mechanism.X`, which only declarations define.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Location
from matrix.expr.trees import calls, names
from matrix.schema.checking.catalogue import Catalogue, Known
from matrix.schema.checking.spec import SpecChecker
from matrix.schema.documents import (
    ArchitectureDocument,
    CapabilityDocument,
    CpuDocument,
    DirectMapDocument,
    KernelDocument,
)
from matrix.schema.documents.cpucaps import CapDeclaration
from matrix.schema.files import Kind
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import Problems
from matrix.schema.values import Architecture, Condition

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
        self._fields = catalogue.fields()
        self._field_names = Known(
            kind="CPU field",
            names=self._fields,
            complete=catalogue.knows_all(Kind.ARCHITECTURE),
        )
        self._mechanisms = Known(
            kind="mechanism",
            names={
                mechanism.name
                for kernel in catalogue.kernels.values()
                for mechanism in kernel.mechanisms
            },
            complete=catalogue.knows_all(Kind.KERNEL),
        )

    def kernel(self, document: KernelDocument, at: Node) -> None:
        """Check a kernel profile: its architecture, toolchain and the fields of its cpucaps."""
        catalogue = self._catalogue
        Known(
            kind="architecture",
            names=catalogue.architectures,
            complete=catalogue.knows_all(Kind.ARCHITECTURE),
        ).check(document.arch, at["arch"].location, self._problems)
        if document.kconfig.toolchain is not None:
            Known(
                kind="toolchain",
                names=catalogue.toolchains,
                complete=catalogue.knows_all(Kind.TOOLCHAIN),
            ).check(document.kconfig.toolchain, at["kconfig"]["toolchain"].location, self._problems)
        architecture = catalogue.architectures.get(document.arch)
        if architecture is not None:
            for cap, node in zip(document.cpucaps.values(), at.rows("cpucaps"), strict=True):
                self._cap(cap, node, architecture)

    def architecture(self, document: ArchitectureDocument, at: Node) -> None:
        """Check an architecture: no name twice, and the fields of its cpucaps."""
        for list_name, key in _NAMED_LISTS:
            self._named_once(at, list_name, key)
        architecture = self._catalogue.architectures[document.id]
        for cap, node in zip(document.cpucaps, at.rows("cpucaps"), strict=True):
            self._cap(cap, node, architecture)

    def cpu(self, document: CpuDocument, at: Node) -> None:
        """Check a CPU: its fields and their values, sources, and the SPECs that settle a field."""
        sources = Known(
            kind="source",
            names=self._catalogue.sources,
            complete=self._catalogue.knows_all(Kind.SOURCES),
        )
        for (name, field), node in zip(document.fields.items(), at.rows("fields"), strict=True):
            if self._field_names.check(name, node.place, self._problems):
                register_field = self._fields[name]
                if field.known is not None:
                    self._specs.check_value(
                        register_field, field.known, node["value"].location, domain=False
                    )
            for source in node.rows("sources"):
                sources.check(str(source.data), source.location, self._problems)
        for node in at.rows("settled_by"):
            self._field_names.check(node.name, node.place, self._problems)
            for spec in node.children.values():
                self._specs.canonical(spec, str(spec.data))

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
        for condition in conditions((declared.requires, declared.predicates, declared.truth)):
            asked = names(condition.expression) | {
                f"{call.function}()" for call in calls(condition.expression) if not call.arguments
            }
            for name in sorted(asked):
                place = _within(condition, name.removesuffix("()"))
                if name.startswith(_SYMBOL):
                    symbols.check(name.removeprefix(_SYMBOL), place, self._problems)
                elif not name.startswith(_MECHANISM):
                    known.check(name, place, self._problems)

    def direct_map(self, document: DirectMapDocument, at: Node) -> None:
        """Check the direct map of another architecture: its releases have kernel profiles."""
        del document
        releases = Known(
            kind="kernel",
            names=tuple(kernel.release for kernel in self._catalogue.kernels.values()),
            complete=self._catalogue.knows_all(Kind.KERNEL),
        )
        for release in at.rows("releases"):
            releases.check(release.name, release.place, self._problems)

    def claims(self, at: Node) -> None:
        """Check the releases that the claims of a capability or a study name."""
        releases = Known(
            kind="kernel",
            names=("*", *(kernel.release for kernel in self._catalogue.kernels.values())),
            complete=self._catalogue.knows_all(Kind.KERNEL),
        )
        for claim in at.rows("claims"):
            for release in claim.rows("expected"):
                releases.check(release.name, release.place, self._problems)

    def mechanisms(self, declared: object) -> None:
        """Check that each `mechanism.X` of the conditions in a declared value exists somewhere."""
        for condition in conditions(declared):
            for name in sorted(names(condition.expression)):
                word = name.removeprefix(_MECHANISM)
                if word != name:
                    self._mechanisms.check(word, _within(condition, name), self._problems)

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
    found = (at.text or "").find(name, max(0, at.column - 1))
    if found < 0:
        return at
    return replace(at, column=found + 1, length=len(name))
