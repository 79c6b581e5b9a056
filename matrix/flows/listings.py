"""What is known: kernels, CPUs, the schema of declarations, and a starter study.

Takes names a user writes, gives text or JSON for `kernels`, `cpus`, `schema`, `check` and `init`.
"""

from __future__ import annotations

from pathlib import Path

from matrix.expr.nodes import Scalar
from matrix.expr.printer import to_c
from matrix.flows.knowledge import Library, release_key
from matrix.kernel.cpu.resolve import expand_group, resolve_system
from matrix.render.columns import align, align_wrapped, listed
from matrix.render.json import dump
from matrix.render.text import hanging
from matrix.schema.values import BootParameter, Cpu, CpuCap, FieldValue, KernelProfile

# The fields of a CPU that decide the shipped capabilities, in the order of `cpus list`.
_DECIDING_FIELDS = ("fwb", "dic", "l1ip", "bbm", "mte")
# Words that would leave no room for the names; a line beneath the table says what they stand for.
_MARKS = {"unknown": "?", "build option": "opt"}


def kernels_list(configs: tuple[Path, ...], *, as_json: bool) -> str:
    """Return the known releases, oldest first."""
    profiles = sorted(
        Library(configs).knowledge.kernels, key=lambda one: (release_key(one.release), one.arch)
    )
    if as_json:
        return dump(
            {
                "schema": "matrix/kernels/1",
                "kernels": [
                    {
                        "id": profile.id,
                        "release": profile.release,
                        "arch": profile.arch,
                        "verified_on": profile.verified_on.version,
                        "how": profile.verified_on.how,
                    }
                    for profile in profiles
                ],
            }
        )
    return align_wrapped(
        ("release", "arch", "verified on", "how"),
        [
            (
                profile.release,
                profile.arch,
                profile.verified_on.version,
                profile.verified_on.how,
            )
            for profile in profiles
        ],
    )


def kernels_show(name: str, configs: tuple[Path, ...], *, as_json: bool) -> str:
    """Return one profile: functions, boot parameters, CPU properties, with source lines."""
    profile = Library(configs).kernel(name)
    if as_json:
        return dump({"schema": "matrix/kernel/1", **_profile_document(profile)})
    head = (
        f"Linux {profile.release} on {profile.arch}: {profile.verified_on.version}, "
        f"{profile.verified_on.how}"
    )
    return "\n".join(
        (
            "\n".join(hanging(head, "", "  ")) + "\n",
            listed(
                "functions, as C",
                [
                    (function.signature, function.body.text, function.source)
                    for function in profile.functions
                ],
            ),
            listed(
                "boot parameters, with their parsers",
                [row for parameter in profile.parameters for row in _parameter_rows(parameter)],
            ),
            listed(
                "CPU properties, with where they are detected",
                [(cap.name, _detected_where(cap), cap.source) for cap in profile.cpucaps],
            ),
            listed(
                "mechanisms",
                [
                    (mechanism.name, _word(mechanism.value), mechanism.source)
                    for mechanism in profile.mechanisms
                ],
            ),
        )
    )


def _profile_document(profile: KernelProfile) -> dict[str, object]:
    return {
        "id": profile.id,
        "release": profile.release,
        "arch": profile.arch,
        "verified_on": profile.verified_on.version,
        "how": profile.verified_on.how,
        "functions": [
            {"signature": item.signature, "c": to_c(item.body.expression), "source": item.source}
            for item in profile.functions
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


def cpus_list(group: str | None, configs: tuple[Path, ...], *, as_json: bool) -> str:
    """Return the known CPUs with the fields that decide."""
    library = Library(configs)
    wanted = None
    if group is not None:
        wanted = set(expand_group(f"@{group.strip().removeprefix('@')}", library.knowledge))
    cpus = [cpu for cpu in library.knowledge.cpus if wanted is None or cpu.id in wanted]
    fields = [_deciding_words(cpu) for cpu in cpus]
    if as_json:
        keys = ("id", "name", *_DECIDING_FIELDS)
        return dump(
            {
                "schema": "matrix/cpus/1",
                "cpus": [
                    dict(zip(keys, (cpu.id, cpu.name, *words), strict=True))
                    for cpu, words in zip(cpus, fields, strict=True)
                ],
            }
        )
    table = align_wrapped(
        ("id", *_DECIDING_FIELDS, "name"),
        [
            (cpu.id, *(_MARKS.get(word, word) for word in words), cpu.name)
            for cpu, words in zip(cpus, fields, strict=True)
        ],
    )
    used = {word for words in fields for word in words if word in _MARKS}
    legend = "; ".join(f"{_MARKS[word]} = {word}" for word in sorted(used, reverse=True))
    return table + (f"{legend}\n" if legend else "")


def _deciding_words(cpu: Cpu) -> list[str]:
    by_name = {item.name: item for item in cpu.fields}
    return [_field_word(by_name.get(name)) for name in _DECIDING_FIELDS]


def cpus_show(spec: str, configs: tuple[Path, ...], *, as_json: bool) -> str:
    """Return every field of a CPU system with its confidence and sources."""
    library = Library(configs)
    arch = library.arch_of_cpus(spec)
    system = resolve_system(spec, library.knowledge_of(arch), library.architecture(arch))
    if as_json:
        return dump(
            {
                "schema": "matrix/cpu/1",
                "cpus": [
                    {
                        "name": cpu.name,
                        "fields": [
                            {
                                "name": item.name,
                                "value": item.value,
                                "confidence": item.confidence,
                                "why_unknown": item.why_unknown,
                                "sources": list(item.sources),
                                "note": item.note,
                            }
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


def _word(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def schema_text() -> str:
    """Return the JSON Schema of the declarations."""
    from matrix.schema.jsonschema import schema_document

    return dump(schema_document())
