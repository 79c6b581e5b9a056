"""A machine's readings as a file: JSON, packed where its name ends in .gz, written and read back.

A bundle comes from somebody else's machine: nothing in it is trusted. Its size is bounded, its
shape is checked down to each value, and what it says is only ever shown or compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from matrix.diagnostics import InputError, Location
from matrix.door.bounded import InputKind, file_name, read_bounded
from matrix.door.stream import decompress
from matrix.kernel.host.kernel_log import architecture_of, log_lines
from matrix.kernel.host.readings import NO_FIELDS, NO_SPECS, HostReadings, KvmAnswers, Reading
from matrix.schema.values import Architecture

SCHEMA = "matrix/host/1"
_FAMILY = "matrix/host/"

_BUNDLE = InputKind(
    limit=32 << 20,  # a bundle has 0.4 MB, nearly all of it the `.config`
    unreadable="MX1610",
    too_large="MX1611",
    hint="is it the right file? `matrix probe --save FILE` writes one",
)


def dump_bundle(host: HostReadings) -> str:
    """Return the readings as a JSON document with a fixed order of keys."""
    document: dict[str, object] = {
        "schema": SCHEMA,
        "machine": host.machine,
        "version": host.version,
        "readings": {name: _document(reading) for name, reading in host.readings()},
    }
    # Left out where they say nothing, and then read so: a whole log without places, no CPU types.
    if host.log_places:
        document["log_places"] = list(host.log_places)
        document["log_complete"] = host.log_complete
    if host.cpu_specs.value is not None:
        document["cpu_specs"] = _document(host.cpu_specs)
    if host.cpu_fields.value is not None:
        document["cpu_fields"] = {**asdict(host.cpu_fields), "value": dict(host.cpu_fields.value)}
    # ASCII: a command line may hold bytes that are no text, as surrogates.
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


def _document(reading: Reading[Any]) -> dict[str, object]:
    return {**asdict(reading), "value": _encoded(reading.value)}


def _encoded(value: object) -> object:
    if isinstance(value, KvmAnswers):
        return {**asdict(value), "registers": _encoded(value.registers)}
    if isinstance(value, Mapping):
        return {
            str(key): _encoded(item) if isinstance(item, Mapping) else f"{item:#x}"
            for key, item in value.items()
        }
    return list(value) if isinstance(value, tuple) else value


def load_bundle(path: Path, architectures: Sequence[Architecture]) -> HostReadings:
    """Read a bundle that `dump_bundle` wrote, packed or not, of a machine of whatever architecture.

    Raises:
        InputError: MX1610 the file cannot be read, MX1611 it is too large, MX1612 it is no bundle
            or damaged, MX1613 another program version wrote it, MX1614 a value cannot be.
    """
    name = file_name(path)
    data = decompress(read_bounded(path, _BUNDLE), name, _BUNDLE)
    try:
        document = json.loads(data.decode("ascii"))
    except json.JSONDecodeError as error:
        place = Location(file=name, line=error.lineno, column=error.colno)
        raise _no_bundle(place, f"not JSON: {error.msg}") from error
    except ValueError as error:  # not ASCII, or an integer of more than 4300 digits
        raise _no_bundle(Location(file=name), "not JSON in ASCII") from error
    except RecursionError as error:
        raise _no_bundle(Location(file=name), "nested deeper than any bundle") from error
    return _host(document, Location(file=name), architectures)


def _no_bundle(location: Location, why: str) -> InputError:
    return InputError.of(
        code="MX1612",
        message=f"the file is no bundle of `matrix probe --save`: {why}",
        location=location,
        hint="save it anew on the machine, and copy it whole",
    )


def _host(
    document: object, location: Location, architectures: Sequence[Architecture]
) -> HostReadings:
    if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
        raise _no_bundle(location, "there is no `schema`")
    schema = document["schema"]
    if not schema.startswith(_FAMILY):
        raise _no_bundle(location, f"its schema is `{schema[:40]}`")
    if schema != SCHEMA:
        raise InputError.of(
            code="MX1613",
            message=f"the bundle has the schema `{schema[:40]}`, this program reads `{SCHEMA}`",
            location=location,
            hint="save it anew with this version, or use the version that wrote it",
        )
    try:
        return _checked(document, architectures)
    except _WrongValueError as error:
        raise InputError.of(
            code="MX1614",
            message=f"`{error.place[:80]}` of the bundle is not {error}",
            location=location,
            hint="save it anew on the machine; a bundle is not edited by hand",
        ) from error


class _WrongValueError(Exception):
    """A value that no bundle has, at its path in the document."""

    def __init__(self, place: str, wanted: str, found: object) -> None:
        shown = "nothing" if found is None else f"`{str(found)[:40]}`"
        super().__init__(f"{wanted}, but {shown}")
        self.place = place


# What checks a value at its place in the document, and returns it as the readings hold it.
_Form = Callable[[Any, str], Any]


def _form(wanted: str, holds: Callable[[Any], object], of: Callable[[Any], Any]) -> _Form:
    def checked(value: object, place: str) -> object:
        if holds(value):
            return of(value)
        raise _WrongValueError(place, wanted, value)

    return checked


def _written(wanted: str, pattern: str, of: Callable[[str], object] = str) -> _Form:
    form = re.compile(pattern)
    return _form(wanted, lambda value: isinstance(value, str) and form.fullmatch(value), of)


def _object_of(item: _Form) -> _Form:
    return lambda value, place: {
        key: item(found, f"{place}.{key}") for key, found in _object(value, place).items()
    }


_object = _form("an object", lambda value: isinstance(value, dict), dict)
_list = _form("a list", lambda value: isinstance(value, list), tuple)
_text = _form("a text", lambda value: isinstance(value, str), str)
_flag = _form("true or false", lambda value: isinstance(value, bool), bool)
# A bool is an int to Python; JSON has integers of any length.
_number = _form("a number", lambda value: type(value) is int and abs(value) < 1 << 64, int)
_word = _written("a word", r"[\w .:/+-]{1,80}")
_cpu = _written("the number of a CPU", r"[0-9]{1,5}", int)
_registers = _object_of(
    _written("a register in hex", r"0x[0-9a-f]{1,16}", lambda text: int(text, 16))
)


def _words(value: object, place: str) -> tuple[str, ...]:
    return tuple(_word(item, place) for item in _list(value, place))


def _kvm(value: object, place: str) -> KvmAnswers:
    item = _object(value, place)
    parts = {
        "extensions": _object_of(_number),
        "registers": _registers,
        "refused": _object_of(_word),
    }
    return KvmAnswers(
        **{name: form(item.get(name), f"{place}.{name}") for name, form in parts.items()}
    )


def _cache_types(value: object, place: str) -> Mapping[int, int]:
    return {_cpu(key, place): register for key, register in _registers(value, place).items()}


def _cpus(value: Mapping[str, object], place: str) -> Mapping[int, Mapping[str, int]]:
    found = _object_of(_registers)(value, place)
    for key, registers in found.items():
        # Without MIDR_EL1 nothing says which part the other registers are of.
        if "midr_el1" not in registers:
            raise _WrongValueError(f"{place}.{key}", "midr_el1", value[key])
    return {_cpu(key, place): registers for key, registers in found.items()}


_spec_words = _form(
    "a list of CPU types",
    lambda value: (
        isinstance(value, list)
        and all(isinstance(item, str) and re.fullmatch(r"[\w.,=-]{1,80}", item) for item in value)
    ),
    tuple,
)
_cpu_fields = _object_of(
    _form(
        "a value of a CPU field",
        lambda value: isinstance(value, int | str) and re.fullmatch(r"\w{1,40}", str(value)),
        lambda value: value,
    )
)
_READINGS: Mapping[str, _Form] = {
    "page_size": _number,
    "config": _text,
    "cmdline": _text,
    "cpus": _cpus,
    "cache_types": _cache_types,
    "memfd_secret": _word,
    "secretmem_enable": _flag,
    "seccomp": _flag,
    "interrupt_controllers": _words,
    "kvm": _kvm,
}


def _reading(readings: Mapping[str, object], name: str, form: _Form) -> Reading[Any]:
    place = f"readings.{name}"
    item = _object(readings.get(name), place)
    why_not, value = item.get("why_not"), item.get("value")
    if why_not is not None and not isinstance(why_not, str):
        raise _WrongValueError(f"{place}.why_not", "a text or null", why_not)
    if (value is None) != (why_not is not None):
        raise _WrongValueError(place, "a value or a reason, and not both", value)
    return Reading(
        value=None if value is None else form(value, f"{place}.value"),
        source=_text(item.get("source"), f"{place}.source"),
        why_not=why_not,
    )


def _checked(document: Mapping[str, Any], architectures: Sequence[Architecture]) -> HostReadings:
    machine = _word(document.get("machine"), "machine")
    lines = log_lines(architecture_of(machine, architectures))
    readings = _object(document.get("readings"), "readings")
    known_lines = _form(
        "lines of the kernel log that the model knows",
        lambda value: (
            isinstance(value, list)
            and all(isinstance(line, str) and lines.is_known(line) for line in value)
        ),
        tuple,
    )
    log: Reading[tuple[str, ...]] = _reading(readings, "log", known_lines)
    found = log.value or ()
    # What a bundle claims of its log counts only where the lines bear it out.
    complete = lines.holds_whole_boot(found) and _flag(
        document.get("log_complete", True), "log_complete"
    )
    places = document.get("log_places")
    if places is not None and not (isinstance(places, list) and len(places) == len(found)):
        wanted = "a list with a place for each line of the log"
        raise _WrongValueError("log_places", wanted, places)
    places = tuple(_text(item, "log_places") for item in places or ())
    return HostReadings(
        machine=machine,
        version=_word(document.get("version"), "version"),
        **{name: _reading(readings, name, form) for name, form in _READINGS.items()},
        log=log,
        log_complete=complete,
        log_places=places,
        shown=lines.shown(found, log.source, complete=complete, why_not=log.why_not, places=places),
        cpu_specs=_reading(document, "cpu_specs", _spec_words)
        if "cpu_specs" in document
        else NO_SPECS,
        cpu_fields=_reading(document, "cpu_fields", _cpu_fields)
        if "cpu_fields" in document
        else NO_FIELDS,
    )
