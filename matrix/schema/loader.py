"""From configuration folders to `Knowledge`: read, compose, check shape, merge, resolve names.

Each step goes on with what is left after an error, so that one run reports everything that is
wrong in all files, in one InputError sorted by place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Location
from matrix.schema import values
from matrix.schema.checking.architectures import cpu_architecture
from matrix.schema.checking.axes import AxisExpander
from matrix.schema.checking.catalogue import Catalogue
from matrix.schema.checking.cpus import CpuChecker
from matrix.schema.checking.distro_axis import answering_profiles, release_numbers
from matrix.schema.checking.overlays import OverlayMerger
from matrix.schema.checking.references import ReferenceChecker
from matrix.schema.checking.shape import check_shape
from matrix.schema.checking.spec import SpecChecker
from matrix.schema.checking.studies import StudyChecker
from matrix.schema.documents.architecture import ArchitectureDocument
from matrix.schema.documents.capability import CapabilityDocument
from matrix.schema.documents.cpu import CpuDocument, SourcesDocument
from matrix.schema.documents.distro import DistroDocument
from matrix.schema.documents.fields import Declaration
from matrix.schema.documents.kernel import KernelDocument, ToolchainDocument
from matrix.schema.documents.machine import MachineDocument
from matrix.schema.documents.overlay import OverlayDocument
from matrix.schema.documents.study import StudyDocument, ViewDocument
from matrix.schema.files import DeclarationFile, Kind, Reading, content_digest, read_folders
from matrix.schema.reading.composing import compose
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import Problems
from matrix.schema.reading.source import decode

DocumentT = TypeVar("DocumentT", bound=Declaration)


class Declared(Struct, Generic[DocumentT], frozen=True, kw_only=True):
    """One declaration: its document, the node it was read from, and the folder it is in."""

    id: str
    document: DocumentT
    node: Node
    folder: int
    place: Location


def load_knowledge(folders: Sequence[Path]) -> values.Knowledge:
    """Return everything the folders declare; a later folder adds, or overrides by id.

    Raises InputError with all that is wrong (MX02xx, MX01xx for C expressions), sorted by place.
    """
    return build_knowledge(read_folders(folders))


def build_knowledge(reading: Reading) -> values.Knowledge:
    """Return what the files declare; InputError as `load_knowledge`."""
    loader = _Loader(reading)
    knowledge = loader.load()
    loader.problems.raise_if_any()
    return knowledge


class _Loader:
    def __init__(self, reading: Reading) -> None:
        self.problems = Problems()
        self.problems.extend(reading.diagnostics)
        self._reading = reading
        self._broken: set[Kind] = set(reading.broken)
        # What is wrong in shape; what is right in it is checked all the same where that is cheap.
        self._half_read: list[tuple[Kind, Node]] = []
        # What a later folder overrides.
        self._overridden: list[tuple[Declared[Any], Declared[Any]]] = []

    def load(self) -> values.Knowledge:
        """Return the knowledge; it only holds where no problem was found."""
        architectures = self._declared(Kind.ARCHITECTURE, ArchitectureDocument)
        kernels = self._declared(Kind.KERNEL, KernelDocument)
        overlays = self._declared(Kind.OVERLAY, OverlayDocument)
        if Kind.OVERLAY in self._broken:  # it may declare what others ask for
            self._broken.update((Kind.KERNEL, Kind.ARCHITECTURE))
        toolchains = self._declared(Kind.TOOLCHAIN, ToolchainDocument)
        cpus = self._declared(Kind.CPU, CpuDocument)
        machines = self._declared(Kind.MACHINE, MachineDocument)
        capabilities = self._declared(Kind.CAPABILITY, CapabilityDocument)
        distros = self._declared(Kind.DISTRO, DistroDocument)
        studies = self._declared(Kind.MATRIX, StudyDocument)
        views = self._declared(Kind.VIEW, ViewDocument)
        # A folder may take an architecture over as a whole. Then what the earlier folders have of
        # it goes, with the views of the studies that went and the capabilities that nothing else
        # asks.
        taken = self._taken_over(kernels)
        asked = {item.document.capability for item in studies}
        declared = {item.id for item in studies}
        kernels, distros = _kept(kernels, taken), _kept(distros, taken)
        cpus, studies = _kept(cpus, taken), _kept(studies, taken)
        machines = _kept(machines, taken)
        lost = asked - {item.document.capability for item in studies}
        gone = declared - {item.id for item in studies}
        views = [item for item in views if item.document.study not in gone]
        mine = max(taken.values(), default=0)
        capabilities = [item for item in capabilities if item.id not in lost or item.folder >= mine]
        catalogue = Catalogue(
            architectures=_values(architectures),
            kernels=_values(sorted(kernels, key=_by_release)),
            toolchains=_values(toolchains),
            cpus={},
            sources={source.id: source for source in self._sources()},
            capabilities=_values(capabilities),
            distros={},
            broken=frozenset(self._broken),
        )
        # Before anything is checked against names: rows of overlays are names like others. CPUs and
        # distributions come after, for their fields and symbols may be those of an overlay.
        catalogue, added = OverlayMerger(catalogue, self.problems).merge(
            [(item.document, item.node) for item in overlays]
        )
        catalogue = replace(
            catalogue,
            cpus={
                item.id: item.document.completed(
                    item.node,
                    arch=cpu_architecture(catalogue, item.document, item.node, self.problems),
                )
                for item in cpus
            },
            distros=self._distros(distros, catalogue),
        )
        self._check_aliases(cpus, machines)
        self._check_releases(kernels)
        checker = ReferenceChecker(catalogue, self.problems)
        _each(checker.architecture, architectures)
        _each(checker.kernel, kernels)
        _each(checker.overlay, overlays)
        for kind, node in self._half_read:
            if kind is Kind.KERNEL:
                checker.mechanism_values(node)
        _each(CpuChecker(catalogue, self.problems).check, cpus)
        known = catalogue.known(Kind.ARCHITECTURE, catalogue.architectures)
        for item in machines:
            known.check(item.document.arch, item.node["arch"].location, self.problems)
            if item.document.arch not in catalogue.architectures:
                continue  # said, or its own file is broken
            specs = SpecChecker(catalogue.of(item.document.arch), self.problems)
            for row in item.node.rows("machines"):
                specs.canonical(row["cpu"], str(row["cpu"].data))
        _each(checker.capability, capabilities)
        knowledge = values.Knowledge(
            architectures=tuple(catalogue.architectures.values()),
            kernels=tuple(catalogue.kernels.values()),
            toolchains=tuple(catalogue.toolchains.values()),
            cpus=tuple(catalogue.cpus.values()),
            sources=tuple(catalogue.sources.values()),
            capabilities=tuple(catalogue.capabilities.values()),
            studies=self._studies(studies, views, catalogue, checker),
            distros=tuple(catalogue.distros.values()),
            overlays=added,
            machines=tuple(_values(machines).values()),
            digest=content_digest(self._reading.files),
        )
        checker.words(knowledge)
        return knowledge

    def _taken_over(self, kernels: Iterable[Declared[KernelDocument]]) -> dict[str, int]:
        """Return the architectures that a folder takes over from those before it, with the folder.

        An override that has all names of the former extends it, and one without kernels of its own
        is about the former's. Else the architecture is another one under the same name, and what
        other folders declare of the former would be asked of it.
        """
        own = {(item.document.arch, item.folder) for item in kernels}
        return {
            after.id: after.folder
            for before, after in self._overridden
            if isinstance(after.document, ArchitectureDocument)
            and (after.id, after.folder) in own
            and not _names(before) <= _names(after)
        }

    def _distros(
        self, distros: Iterable[Declared[DistroDocument]], catalogue: Catalogue
    ) -> dict[str, values.Distro]:
        """Return the kernels of distributions by id; their architecture and symbols are checked."""
        mine = {arch: catalogue.of(arch) for arch in catalogue.architectures}
        known = catalogue.known(Kind.ARCHITECTURE, catalogue.architectures)
        found = {}
        for item in distros:
            document = item.document
            known.check(document.arch, item.node["arch"].location, self.problems)
            meant = mine.get(document.arch, catalogue)
            if not meant.kernels:  # nothing is known of its symbols, or its profile is wrong
                meant = catalogue
            expander = AxisExpander(meant, self.problems)
            kernels = tuple(meant.kernels.values())
            kconfig = expander.kconfig_values(document.kconfig, item.node["kconfig"])
            complete = document.kind == "complete"
            profiles = answering_profiles(kernels, document, kconfig, complete=complete)
            found[item.id] = document.completed(item.node, kconfig=kconfig, profiles=profiles)
        return found

    def _studies(
        self,
        studies: Sequence[Declared[StudyDocument]],
        views: Sequence[Declared[ViewDocument]],
        catalogue: Catalogue,
        references: ReferenceChecker,
    ) -> tuple[values.MatrixStudy, ...]:
        checker = StudyChecker(catalogue, self.problems)
        known = catalogue.known(Kind.MATRIX, [item.id for item in studies], "study")
        for view in views:
            known.check(view.document.study, view.node["study"].location, self.problems)
        found = []
        for item in studies:
            references.claims(item.node)
            mine = [view for view in views if view.document.study == item.id]
            arch, axes = checker.axes(item.document, item.node, [view.node for view in mine])
            study = item.document.completed(item.node, arch=arch, axes=axes)
            added = tuple(view.document.value(view.node) for view in mine)
            # A name means one view of a study.
            self._check_names("view", ((one.id, one.location) for one in (*study.views, *added)))
            found.append(replace(study, views=(*study.views, *added)))
        return tuple(found)

    def _declared(self, kind: Kind, document: type[DocumentT]) -> list[Declared[DocumentT]]:
        """Return the declarations of a kind in the order of their ids, overridden ones left out."""
        found: dict[str, Declared[DocumentT]] = {}
        for file in self._files(kind):
            node, checked = self._checked(file, document)
            if node is None or checked is None:
                self._broken.add(kind)
                self._half_read += [(kind, node)] if node is not None else []
                continue
            place = node["id"].location
            item = Declared(
                id=str(node["id"].data),
                document=checked,
                node=node,
                folder=file.folder,
                place=place,
            )
            # Within a folder the order of its files says nothing, so two of one name are a mistake;
            # a folder stands behind another one on purpose.
            first = found.get(item.id)
            if first is not None and first.folder == item.folder:
                self._add_second(f"{kind} `{item.id}`", item.place, first.place)
            elif first is not None:
                self._overridden.append((first, item))
            found[item.id] = item
        return [found[name] for name in sorted(found)]

    def _sources(self) -> list[values.SourceReference]:
        """Return the sources of all folders in the order of their ids."""
        found: dict[str, values.SourceReference] = {}
        for file in self._files(Kind.SOURCES):
            node, document = self._checked(file, SourcesDocument)
            if node is None or document is None:
                self._broken.add(Kind.SOURCES)
            else:
                found.update({source.id: source for source in document.value(node)})
        return [found[name] for name in sorted(found)]

    def _files(self, kind: Kind) -> list[DeclarationFile]:
        return [file for file in self._reading.files if file.kind is kind]

    def _checked(
        self, file: DeclarationFile, document: type[DocumentT]
    ) -> tuple[Node | None, DocumentT | None]:
        # First without a place for problems, so that the result can be kept; what has some is read
        # again, and tells them.
        right = _read_right(file, document)
        return right or _read(file, document, self.problems)

    def _check_aliases(
        self,
        cpus: Iterable[Declared[CpuDocument]],
        machines: Iterable[Declared[MachineDocument]],
    ) -> None:
        """Check that a name in a SPEC means one CPU or machine: an id or alias of one only."""
        ids = {item.id: item.place for item in cpus}
        aliases = [alias for item in cpus for alias in item.node.rows("aliases")]
        rows = [row for item in machines for row in item.node.rows("machines")]
        named = (*aliases, *(name for row in rows for name in row.rows("names")))
        self._check_names("CPU name", ((str(one.data), one.location) for one in named), ids)

    def _check_names(
        self,
        kind: str,
        named: Iterable[tuple[str, Location]],
        known: Mapping[str, Location] = MappingProxyType({}),
    ) -> None:
        """Check that a name stands once, and is none of those that are known."""
        places = dict(known)
        for name, at in named:
            if name in places:
                self._add_second(f"{kind} `{name}`", at, places[name])
            places.setdefault(name, at)

    def _check_releases(self, kernels: Iterable[Declared[KernelDocument]]) -> None:
        """Check that a release means one profile of an architecture."""
        places: dict[tuple[str, str], Location] = {}
        for item in sorted(kernels, key=lambda one: one.folder):
            key = (item.document.arch, item.document.release)
            at = item.node["release"].location
            if key in places:
                hint = f"the first is at {places[key]}; give both the same id to override it"
                message = f"release `{key[1]}` of {key[0]} is declared twice"
                self.problems.add("MX0218", message, at, hint)
            places.setdefault(key, at)

    def _add_second(self, what: str, at: Location, first: Location) -> None:
        hint = f"the first is at {first}; rename one, or override it from a folder of your own"
        self.problems.add("MX0218", f"{what} is declared twice", at, hint)


def _read(
    file: DeclarationFile, document: type[DocumentT], problems: Problems
) -> tuple[Node | None, DocumentT | None]:
    """Return the tree of a file, and its document where nothing is wrong with it."""
    source = decode(file.file, file.data, problems)
    node = compose(source, problems) if source else None
    checked = check_shape(node, document, problems) if node else None
    # What YAML refuses may leave a document that is right, but not what its author meant.
    return node, None if problems.concern(file.file) else checked


@lru_cache(maxsize=1024)
def _read_right(file: DeclarationFile, document: type[DocumentT]) -> tuple[Node, DocumentT] | None:
    """Return what is read of a file without any problem; who reads a folder again, its changes."""
    problems = Problems()
    node, checked = _read(file, document, problems)
    return (node, checked) if node is not None and checked is not None and not problems else None


def _kept(
    items: Iterable[Declared[DocumentT]], taken: Mapping[str, int]
) -> list[Declared[DocumentT]]:
    """Return the items but those of an architecture that a later folder has taken over."""
    return [item for item in items if item.folder >= taken.get(str(_arch(item)), 0)]


def _arch(item: Declared[DocumentT]) -> object:
    node = item.node.get("arch")
    return None if node is None else node.data


def _names(item: Declared[ArchitectureDocument]) -> frozenset[str]:
    value = item.document.value(item.node)
    return frozenset(
        (
            *(row.name for row in (*value.fields, *value.environment, *value.cpucaps)),
            *(row.name for row in (*value.facts, *value.mechanisms)),
            *(function.signature for function in value.functions),
        )
    )


def _values(items: Iterable[Declared[DocumentT]]) -> dict[str, Any]:
    return {item.id: item.document.value(item.node) for item in items}


def _each(check: Callable[[DocumentT, Node], None], items: Iterable[Declared[DocumentT]]) -> None:
    for item in items:
        check(item.document, item.node)


def _by_release(item: Declared[KernelDocument]) -> tuple[str, tuple[int, ...], str]:
    """Order profiles by architecture and release, so that 6.12 comes after 6.6."""
    return item.document.arch, release_numbers(item.document.release), item.id
