"""What is declared: lists of each kind, and one thing with all that is said of it.

Takes declarations, gives text or JSON for the `list` and `show` of `kernels`, `cpus`, `groups`,
`capabilities` and `studies`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct, field

from matrix.expr.printer import to_c
from matrix.flows.knowledge import Library, release_key
from matrix.kernel.cpu.resolve import cpus_found, expand_group, resolve_system
from matrix.kernel.cpu.system import CpuSystem
from matrix.render.columns import align, listed
from matrix.render.json import Json, dump, fields
from matrix.render.text import hanging
from matrix.schema.values import (
    Architecture,
    BootParameter,
    Capability,
    Condition,
    Cpu,
    CpuCap,
    FieldValue,
    KernelProfile,
    MatrixStudy,
    Variable,
)

# The fields of a CPU that decide the shipped capabilities, in the order of `cpus list`.
_DECIDING_FIELDS = ("fwb", "dic", "l1ip", "bbm", "mte")
# Words that would leave no room for the names; a line beneath the table says what they stand for.
_MARKS = {"unknown": "?", "build option": "opt"}


class Column(Struct, frozen=True, kw_only=True):
    """One thing that a list says of each entry: under `key` in JSON, below `head` in text.

    None for a head leaves it out of the text, None for a key out of the JSON.
    """

    key: str | None
    head: str | None
    value: Callable[[Any], Json]


class Listing(Struct, frozen=True, kw_only=True):
    """A kind of declared things: which there are, in which order, and what is said of each."""

    things: Callable[[Library], Iterable[Any]]
    columns: tuple[Column, ...]
    # What stands for a word for which a table has no room; a line beneath says what they mean.
    marks: Mapping[str, str] = field(default_factory=dict)


def _column(key: str | None, head: str | None, attribute: str = "") -> Column:
    return Column(key=key, head=head, value=attrgetter(attribute or key or ""))


def _cpu_field(name: str) -> Column:
    def word(cpu: Cpu) -> str:
        return _field_word(next((item for item in cpu.fields if item.name == name), None))

    return Column(key=name, head=name, value=word)


def _groups(library: Library) -> list[tuple[str, tuple[Cpu, ...]]]:
    """Return the groups of CPUs by name, with their members."""
    found: dict[str, tuple[Cpu, ...]] = {}
    for cpu in library.knowledge.cpus:
        for name in cpu.groups:
            found[name] = (*found.get(name, ()), cpu)
    return sorted(found.items())


LISTINGS: Final[Mapping[str, Listing]] = {
    "kernels": Listing(
        things=lambda library: sorted(
            library.knowledge.kernels, key=lambda one: (release_key(one.release), one.arch)
        ),
        columns=(
            _column("id", None),
            _column("release", "release"),
            _column("arch", "arch"),
            _column("verified_on", "verified on", "verified_on.version"),
            _column("how", "how", "verified_on.how"),
        ),
    ),
    "cpus": Listing(
        things=lambda library: library.knowledge.cpus,
        columns=(
            _column("id", "id"),
            _column("arch", None),
            _column("name", None),
            *map(_cpu_field, _DECIDING_FIELDS),
            Column(
                key="midrs", head=None, value=lambda cpu: [f"{midr:#010x}" for midr in cpu.midrs]
            ),
            Column(key="aliases", head=None, value=lambda cpu: list(cpu.aliases)),
            # In text at the end of the line, where its length moves no other column.
            _column(None, "name", "name"),
        ),
        marks=_MARKS,
    ),
    "groups": Listing(
        things=_groups,
        columns=(
            Column(key="name", head="group", value=lambda row: f"@{row[0]}"),
            Column(key=None, head="CPUs", value=lambda row: len(row[1])),
            Column(key="cpus", head="members", value=lambda row: [cpu.id for cpu in row[1]]),
        ),
    ),
    "capabilities": Listing(
        things=lambda library: library.knowledge.capabilities,
        columns=(
            _column("id", "id"),
            _column("basis", "decided by"),
            Column(
                key="predicates",
                head="predicates",
                value=lambda one: [row.name for row in one.predicates],
            ),
            _column("default_predicate", None),
            _column("title", "title"),
        ),
    ),
    "studies": Listing(
        things=lambda library: library.knowledge.studies,
        columns=(
            _column("id", "id"),
            _column("arch", None),
            _column("capability", "capability"),
            _column("predicate", "predicate"),
            Column(key="axes", head=None, value=lambda one: [axis.name for axis in one.axes]),
            _column("title", "title"),
        ),
    ),
}


def listed_things(
    kind: str,
    library: Library,
    *,
    as_json: bool,
    group: str | None = None,
    search: str | None = None,
) -> str:
    """Return what is declared of one kind of `LISTINGS`, as text or JSON.

    `group` keeps the CPUs of one group, `search` those that a word finds.

    Raises:
        InputError: MX0507, no such group; MX0511, no CPU has the word.
    """
    listing = LISTINGS[kind]
    things = list(listing.things(library))
    if group is not None:
        wanted = set(expand_group(f"@{group.strip().removeprefix('@')}", library.knowledge))
        things = [thing for thing in things if thing.id in wanted]
    if search is not None:
        found = cpus_found(search, library.knowledge)
        things = [thing for thing in things if thing.id in found]
    rows = [[(column, column.value(thing)) for column in listing.columns] for thing in things]
    if as_json:
        entries = [{column.key: said for column, said in row if column.key} for row in rows]
        return dump({"schema": f"matrix/{kind}/1", kind: entries})
    heads = [column.head for column in listing.columns if column.head is not None]
    words = [[_word(said) for column, said in row if column.head is not None] for row in rows]
    marks = listing.marks
    table = align(heads, [[marks.get(word, word) for word in row] for row in words])
    used = {word for row in words for word in row if word in marks}
    legend = "; ".join(f"{marks[word]} = {word}" for word in sorted(used, reverse=True))
    return table + (f"{legend}\n" if legend else "")


def _capability(capability: Capability, *, as_json: bool) -> str:
    """Return one capability: what it needs, its predicates, and what decides whether they hold."""
    sections: dict[str, list[tuple[str, Condition]]] = {
        "requires": [(row.otherwise, row.condition) for row in capability.requires],
        "predicates": [(row.name, row.condition) for row in capability.predicates],
        "truth": [(row.id, row.condition) for row in capability.truth],
        "claims": [(row.id, row.statement) for row in capability.claims],
    }
    if as_json:
        return dump(
            {
                "schema": "matrix/capability/1",
                **fields(capability, "id title description basis scenario default_predicate"),
                **{
                    title: [
                        {"name": said, "c": row.text, "source": row.source} for said, row in rows
                    ]
                    for title, rows in sections.items()
                },
                "series": [
                    {
                        **fields(version, "name description source"),
                        "options": dict(version.options),
                    }
                    for version in capability.series
                ],
                "so_what": [
                    {
                        **fields(row, "verdict says"),
                        "c": row.condition.text if row.condition else None,
                    }
                    for row in capability.so_what
                ],
                "synthesis": capability.synthesis
                and {
                    "function": capability.synthesis.function,
                    "atoms": [fields(atom, "c meaning") for atom in capability.synthesis.atoms],
                },
            }
        )
    decided = {
        "simulation": f"the simulation of `{capability.scenario}`",
        "truth": "the conditions below `truth`",
        "nothing": "nothing: answers are granted and not-granted",
    }
    return _shown(
        f"{capability.id}: {capability.title}",
        (capability.description, f"What decides is {decided[capability.basis]}."),
        {
            title: [(said, row.text, row.source or "") for said, row in rows]
            for title, rows in sections.items()
        }
        | {
            "series": [
                (version.name, version.description, version.source) for version in capability.series
            ],
            "so what": [
                (
                    f"{row.verdict} where {row.condition.text}" if row.condition else row.verdict,
                    row.says,
                    "",
                )
                for row in capability.so_what
            ],
            "synthesis": [
                (atom.c, atom.meaning, "")
                for atom in (capability.synthesis.atoms if capability.synthesis else ())
            ],
        },
    )


def _study(study: MatrixStudy, *, as_json: bool) -> str:
    """Return one study: its axes with their options, constraints, tables and claims."""
    axes = [(axis, [option.name for option in axis.options]) for axis in study.axes]
    if as_json:
        return dump(
            {
                "schema": "matrix/study/1",
                **fields(study, "id title description arch capability predicate"),
                "axes": [
                    {"name": axis.name, "kind": axis.kind, "options": options}
                    for axis, options in axes
                ],
                "baseline": dict(study.baseline),
                "constraints": [
                    {"c": row.text, "because": row.because} for row in study.constraints
                ],
                "tables": [
                    {"title": row.title, "rows": row.rows, "columns": list(row.columns)}
                    for row in study.pivots
                ],
                "views": [
                    {"id": row.id, "title": row.title, "rows": row.rows, "columns": [*row.columns]}
                    for row in study.views
                ],
                "claims": [row.id for row in study.claims],
            }
        )
    baseline = ", ".join(f"{axis}={option}" for axis, option in study.baseline)
    return _shown(
        f"{study.id}: {study.title}",
        (
            study.description,
            f"It asks about {study.capability}, predicate {study.predicate}, on {study.arch}.",
            f"Baseline: {baseline}.",
        ),
        {
            "axes": [
                (axis.name, ", ".join(options), f"{axis.kind}, {len(options)} options")
                for axis, options in axes
            ],
            "constraints": [(row.because or "", row.text, "") for row in study.constraints],
            "tables": [
                (row.title, f"{row.rows} by {', '.join(row.columns)}", "") for row in study.pivots
            ],
            "views": [
                (row.id, f"{row.title}: {row.rows} by {', '.join(row.columns)}", "")
                for row in study.views
            ],
            "claims": [(row.id, row.statement.text, "") for row in study.claims],
        },
    )


def _shown(
    title: str, paragraphs: Sequence[str], sections: Mapping[str, list[tuple[str, str, str]]]
) -> str:
    """Return a title, paragraphs and the sections that hold anything."""
    lines = [*hanging(title, "", "  "), *(line for x in paragraphs for line in hanging(x, "", ""))]
    parts = ["\n".join(lines) + "\n"]
    parts += [listed(name, rows) for name, rows in sections.items() if rows]
    return "\n".join(parts)


def _profile(library: Library, name: str) -> tuple[KernelProfile, Architecture]:
    profile = library.kernel(name)
    return profile, library.architecture(profile.arch)


def _kernel(found: tuple[KernelProfile, Architecture], *, as_json: bool) -> str:
    """Return the names of one profile that an expression may use, with source lines."""
    profile, architecture = found
    if as_json:
        return dump({"schema": "matrix/kernel/1", **_profile_document(profile, architecture)})
    head = (
        f"Linux {profile.release} on {profile.arch}: {profile.verified_on.version}, "
        f"{profile.verified_on.how}"
    )
    return _shown(
        head,
        (),
        {
            "functions, as C": [
                (function.signature, function.body.text, function.source)
                for function in profile.functions
            ],
            "variables, as they are before the command line is read": [
                (variable.name, _initial(variable), variable.source)
                for variable in profile.variables
            ],
            "boot parameters, with their parsers": [
                row for parameter in profile.parameters for row in _parameter_rows(parameter)
            ],
            "CPU properties, with where they are detected": [
                (cap.name, _detected_where(cap), cap.source) for cap in profile.cpucaps
            ],
            "mechanisms": [
                (f"mechanism.{mechanism.name}", _word(mechanism.value), mechanism.source)
                for mechanism in profile.mechanisms
            ],
            "environment axes, compared with a word": [
                (axis.name, ", ".join(f'"{word}"' for word, _ in axis.options), axis.description)
                for axis in architecture.environment
            ],
        },
    )


def _initial(variable: Variable) -> str:
    """Return the initial value of a variable, and the values of an enum by name."""
    named = ", ".join(f"{name} = {number}" for name, number in variable.enumerators)
    return f"{variable.initial.text}; {named}" if named else variable.initial.text


def _profile_document(profile: KernelProfile, architecture: Architecture) -> dict[str, object]:
    return {
        **fields(profile, "id release arch"),
        "verified_on": profile.verified_on.version,
        "how": profile.verified_on.how,
        "functions": [
            {"signature": item.signature, "c": to_c(item.body.expression), "source": item.source}
            for item in profile.functions
        ],
        "variables": [
            {
                "name": item.name,
                "initial": to_c(item.initial.expression),
                "enumerators": dict(item.enumerators),
                "source": item.source,
            }
            for item in profile.variables
        ],
        "parameters": [
            {"name": name, "parser": parser, "source": source}
            for parameter in profile.parameters
            for name, parser, source in _parameter_rows(parameter)
        ],
        "cpucaps": [
            {"name": cap.name, "detected_where": _detected_where(cap), "source": cap.source}
            for cap in profile.cpucaps
        ],
        "mechanisms": [
            {"name": item.name, "value": item.value, "source": item.source}
            for item in profile.mechanisms
        ],
        "environment": [
            {"name": axis.name, "options": dict(axis.options), "default": axis.default}
            for axis in architecture.environment
        ],
    }


def _parameter_rows(parameter: BootParameter) -> list[tuple[str, str, str]]:
    rows = []
    for parser in parameter.parsers:
        words = ", ".join(str(effect.match) for effect in parser.effects if effect.match)
        accepted = f"{parser.grammar} ({words})" if words else parser.grammar
        rows.append((parameter.name, f"{parser.stream}: {accepted}", parser.source))
    return rows


def _detected_where(cap: CpuCap) -> str:
    conditions = []
    if cap.field is not None and cap.minimum is not None:
        conditions.append(f"{cap.field} >= {cap.minimum}")
    if cap.field is not None and cap.values:
        conditions.append(f"{cap.field} is {' or '.join(cap.values)}")
    if cap.midrs:
        conditions.append(f"MIDR in a list of {len(cap.midrs)}")
    return f"{' or '.join(conditions)} ({cap.scope.replace('_', ' ')})"


def _system(library: Library, spec: str) -> CpuSystem:
    arch = library.arch_of_cpus(spec)
    return resolve_system(spec, library.knowledge_of(arch), library.architecture(arch))


def _cpus(system: CpuSystem, *, as_json: bool) -> str:
    """Return every field of a CPU system with its confidence and sources."""
    if as_json:
        return dump(
            {
                "schema": "matrix/cpu/1",
                "cpus": [
                    {
                        "name": cpu.name,
                        "fields": [
                            fields(item, "name value confidence why_unknown sources note")
                            for item in cpu.fields
                        ],
                    }
                    for cpu in system.cpus
                ],
            }
        )
    return "\n".join(
        f"{cpu.name}\n"
        + align(
            ("field", "value", "confidence", "sources", "note"),
            [
                (
                    item.name,
                    _field_word(item),
                    item.confidence,
                    ", ".join(item.sources),
                    item.note or "",
                )
                for item in cpu.fields
            ],
        )
        for cpu in system.cpus
    )


def _field_word(item: FieldValue | None) -> str:
    if item is None or item.value is None:
        return "build option" if item and item.why_unknown == "build-option" else "unknown"
    return _word(item.value)


def _word(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(map(_word, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


# How one thing of a kind is found by the name a user writes, and what is said of it.
_SHOWN: Final[Mapping[str, tuple[Callable[[Library, str], Any], Callable[..., str]]]] = {
    "capabilities": (Library.capability, _capability),
    "studies": (Library.study, _study),
    "kernels": (_profile, _kernel),
    "cpus": (_system, _cpus),
}


def shown_thing(kind: str, name: str, library: Library, *, as_json: bool) -> str:
    """Return all that is declared of one thing of a kind, of a group its CPUs.

    Raises:
        InputError: nothing of the kind has that name.
    """
    if kind == "groups":
        return listed_things("cpus", library, as_json=as_json, group=name)
    find, say = _SHOWN[kind]
    return say(find(library, name), as_json=as_json)
