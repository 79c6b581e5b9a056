"""Which architecture a study or a CPU is of: what it says, or what all that it names has in common.

A name of one architecture means nothing in another: releases, CPUs, fields and environment axes of
two architectures may be called alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from matrix.diagnostics import Location
from matrix.schema.checking.catalogue import Catalogue
from matrix.schema.checking.spec import FREE
from matrix.schema.documents.cpu import CpuDocument
from matrix.schema.documents.study import CpuAxis, CpuOptions, EnvironmentAxisChoice, StudyDocument
from matrix.schema.files import Kind
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import Problems
from matrix.schema.values import Architecture


class _Named(Struct, frozen=True):
    """A name in a study: of which architectures it is, none where nobody declares it."""

    what: str
    architectures: frozenset[str]
    location: Location


def cpu_architecture(
    catalogue: Catalogue, document: CpuDocument, at: Node, problems: Problems
) -> str:
    """Return the architecture of a CPU; where it cannot be told, add what is wrong (MX0227)."""
    if document.arch is not None:
        catalogue.known(Kind.ARCHITECTURE, catalogue.architectures).check(
            document.arch, at["arch"].location, problems
        )
        return document.arch
    # A CPU is of the architecture most of whose fields it has; equal numbers are a doubt.
    fields = {name: {field.name for field in item.fields} for name, item in _declared(catalogue)}
    shared = {name: len(fields[name] & document.fields.keys()) for name in fields}
    most = max(shared.values(), default=0)
    fitting = [name for name, count in shared.items() if count == most]
    if len(fitting) > 1 and catalogue.knows_all(Kind.ARCHITECTURE):
        _add_doubt(catalogue, fitting, f"CPU `{document.id}`", at["id"].location, problems)
    return fitting[0] if fitting else ""


def study_architecture(
    catalogue: Catalogue, document: StudyDocument, at: Node, problems: Problems
) -> str | None:
    """Return the architecture of a study, None where that cannot be told (MX0227, MX0228).

    Nothing is said where an architecture is missing or could not be read: that has been said.
    """
    if not _all_known(catalogue):
        return None
    candidates = frozenset(catalogue.architectures)
    # What the study is of one architecture by.
    decided: _Named | None = None
    if document.arch is not None:
        place = at["arch"].location
        if not catalogue.known(Kind.ARCHITECTURE, catalogue.architectures).check(
            document.arch, place, problems
        ):
            return None
        candidates = frozenset({document.arch})
        decided = _Named("`arch`", candidates, place)
    for named in filter(lambda one: one.architectures, _names(catalogue, document, at)):
        if not candidates & named.architectures:
            _add_mixed(named, decided, sorted(candidates), problems)
            return None
        # The name that narrowed the choice is the one to point at when another contradicts it.
        decided = decided if candidates <= named.architectures else named
        candidates &= named.architectures
    candidates = candidates & {item.arch for item in catalogue.kernels.values()} or candidates
    if len(candidates) == 1:
        return next(iter(candidates))
    if candidates and catalogue.knows_all(Kind.KERNEL):
        what = f"study `{document.id}`"
        _add_doubt(catalogue, sorted(candidates), what, at["id"].location, problems)
    return None


def _all_known(catalogue: Catalogue) -> bool:
    """Return whether every kernel, CPU and distribution is of an architecture that was read."""
    used = {item.arch for item in catalogue.kernels.values()}
    used |= {item.arch for item in catalogue.cpus.values()}
    used |= {item.arch for item in catalogue.distros.values()}
    return bool(catalogue.architectures) and used <= catalogue.architectures.keys()


def _names(catalogue: Catalogue, document: StudyDocument, at: Node) -> Iterator[_Named]:
    """Yield what a study names, its kernels first."""
    for kind, names in _by_kind(catalogue):
        for name, axis in document.axes.items():
            if axis.kind == kind:
                yield from _options(kind, names, at["axes"][name]["options"])
                chosen = at["baseline"].get(name)
                if chosen is not None:
                    yield from _option(kind, names, chosen)
    fields = _architectures_of(
        (field.name, arch) for arch, item in _declared(catalogue) for field in item.fields
    )
    environment = _architectures_of(
        (choice.name, arch) for arch, item in _declared(catalogue) for choice in item.environment
    )
    for name, axis in document.axes.items():
        if isinstance(axis, CpuAxis) and isinstance(axis.options, CpuOptions):
            for node in at["axes"][name]["options"].rows("free"):
                known = fields.get(node.name, frozenset())
                yield _Named(f"CPU field `{node.name}`", known, node.place)
        if isinstance(axis, EnvironmentAxisChoice):
            known = environment.get(name, frozenset())
            yield _Named(f"environment axis `{name}`", known, at["axes"][name].place)


def _by_kind(catalogue: Catalogue) -> Iterator[tuple[str, Mapping[str, frozenset[str]]]]:
    """Yield kinds of axes, and of which architectures each name of an option is."""
    kernels = catalogue.kernels.values()
    yield (
        "kernel",
        _architectures_of(
            (name, item.arch) for item in kernels for name in (item.id, item.release)
        ),
    )
    yield "distro", _architectures_of((item.id, item.arch) for item in catalogue.distros.values())
    members = catalogue.groups().items()
    yield (
        "cpu",
        _architectures_of(
            (
                *((name, cpu.arch) for name, cpu in catalogue.cpu_names().items()),
                *((f"@{name}", cpu.arch) for name, cpus in members for cpu in cpus),
            )
        ),
    )


def _architectures_of(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for name, arch in pairs:
        found[name] = found.get(name, frozenset()) | {arch}
    return found


def _options(kind: str, known: Mapping[str, frozenset[str]], options: Node) -> Iterator[_Named]:
    """Yield the options of an axis that are written out; `all` names none."""
    for key in ("named", "systems"):
        if kind == "cpu" and options.get(key) is not None:
            yield from _options(kind, known, options[key])
    for item in options.children.values():
        if isinstance(item.data, str):
            yield from _option(kind, known, item)


def _option(kind: str, known: Mapping[str, frozenset[str]], item: Node) -> Iterator[_Named]:
    text = str(item.data)
    parts = text.split("+") if kind == "cpu" else (text,)
    for part in parts:
        name = part.split(",")[0].strip().lower() if kind == "cpu" else part
        if kind == "distro":
            name = part.partition("@")[0]
        if name != FREE:
            yield _Named(f"{kind} `{name}`", known.get(name, frozenset()), item.location)


def _declared(catalogue: Catalogue) -> list[tuple[str, Architecture]]:
    return sorted(catalogue.architectures.items())


def _add_mixed(
    named: _Named, decided: _Named | None, wanted: list[str], problems: Problems
) -> None:
    other = " or ".join(sorted(named.architectures))
    mine = " or ".join(f"`{arch}`" for arch in wanted)
    message = f"{named.what} is of `{other}`, and the study of {mine}"
    said = f"{decided.what} at {decided.location} says so; " if decided else ""
    hint = f"{said}a study has one architecture: make one for each"
    problems.add("MX0228", message, named.location, hint)


def _add_doubt(
    catalogue: Catalogue, fitting: list[str], what: str, at: Location, problems: Problems
) -> None:
    known = [catalogue.architectures[name] for name in fitting if name in catalogue.architectures]
    places = " and ".join(f"{item.id} at {item.location}" for item in known)
    listed = " or ".join(f"`{name}`" for name in fitting)
    hint = f"write `arch: {fitting[0]}`; declared are {places}"
    problems.add("MX0227", f"{what} may be of {listed}", at, hint)
