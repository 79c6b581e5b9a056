"""A machine's readings as a file: JSON, packed where its name ends in .gz, written and read back.

A bundle comes from somebody else's machine: nothing in it is trusted. Its size is bounded, its
shape is checked down to each value, and what it says is only ever shown or compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from matrix.diagnostics import InputError, Location
from matrix.door.bounded import InputKind, file_name, read_bounded
from matrix.door.stream import decompress
from matrix.expr.nodes import Scalar
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
_Value = TypeVar("_Value")
_Object = Mapping[str, object]

_MAX_REGISTER = (1 << 64) - 1
_WORD = re.compile(r"[\w .:/+-]{1,80}")


def dump_bundle(host: HostReadings) -> str:
    """Return the readings as a JSON document with a fixed order of keys."""
    document: dict[str, object] = {
        "schema": SCHEMA,
        "machine": host.machine,
        "version": host.version,
        "readings": {
            name: {
                "value": _encoded(reading.value),
                "source": reading.source,
                "why_not": reading.why_not,
            }
            for name, reading in host.readings()
        },
    }
    # Left out where they say nothing, and then read so: a whole log without places, no CPU types.
    if host.log_places:
        document["log_places"] = list(host.log_places)
        document["log_complete"] = host.log_complete
    if host.cpu_specs.value is not None:
        document["cpu_specs"] = {
            "value": list(host.cpu_specs.value),
            "source": host.cpu_specs.source,
            "why_not": None,
        }
    if host.cpu_fields.value is not None:
        document["cpu_fields"] = {
            "value": dict(host.cpu_fields.value),
            "source": host.cpu_fields.source,
            "why_not": None,
        }
    # ASCII: a command line may hold bytes that are no text, as surrogates.
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


def _encoded(value: object) -> object:
    if isinstance(value, KvmAnswers):
        return {
            "extensions": dict(value.extensions),
            "registers": {name: f"{item:#x}" for name, item in value.registers.items()},
            "refused": dict(value.refused),
        }
    if isinstance(value, Mapping):
        return {
            str(key): {name: f"{register:#x}" for name, register in item.items()}
            if isinstance(item, Mapping)
            else f"{item:#x}"
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
    return _Reader(name, architectures).host(document)


def _no_bundle(location: Location, why: str) -> InputError:
    return InputError.of(
        code="MX1612",
        message=f"the file is no bundle of `matrix probe --save`: {why}",
        location=location,
        hint="save it anew on the machine, and copy it whole",
    )


class _Reader:
    """Checks a document value by value; the place of a value is its path in the document."""

    def __init__(self, file: str, architectures: Sequence[Architecture]) -> None:
        self._location = Location(file=file)
        self._architectures = architectures
        self._lines = log_lines(None)

    def host(self, document: object) -> HostReadings:
        if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
            raise _no_bundle(self._location, "there is no `schema`")
        schema = document["schema"]
        if not schema.startswith(_FAMILY):
            raise _no_bundle(self._location, f"its schema is `{schema[:40]}`")
        if schema != SCHEMA:
            raise InputError.of(
                code="MX1613",
                message=f"the bundle has the schema `{schema[:40]}`, this program reads `{SCHEMA}`",
                location=self._location,
                hint="save it anew with this version, or use the version that wrote it",
            )
        machine = self._word(document.get("machine"), "machine")
        self._lines = log_lines(architecture_of(machine, self._architectures))
        readings = self._object(document.get("readings"), "readings")
        log = self._reading(readings, "log", self._log)
        # What a bundle claims of its log counts only where the lines bear it out.
        complete = self._lines.holds_whole_boot(log.value or ()) and self._flag(
            document.get("log_complete", True), "log_complete"
        )
        places = self._places(document.get("log_places"), len(log.value or ()))
        return HostReadings(
            machine=machine,
            version=self._word(document.get("version"), "version"),
            page_size=self._reading(readings, "page_size", self._number),
            config=self._reading(readings, "config", self._text),
            cmdline=self._reading(readings, "cmdline", self._text),
            cpus=self._reading(readings, "cpus", self._cpus),
            cache_types=self._reading(readings, "cache_types", self._cache_types),
            log=log,
            log_complete=complete,
            log_places=places,
            shown=self._lines.shown(
                log.value or (), log.source, complete=complete, why_not=log.why_not, places=places
            ),
            memfd_secret=self._reading(readings, "memfd_secret", self._word),
            secretmem_enable=self._reading(readings, "secretmem_enable", self._flag),
            seccomp=self._reading(readings, "seccomp", self._flag),
            interrupt_controllers=self._reading(readings, "interrupt_controllers", self._words),
            kvm=self._reading(readings, "kvm", self._kvm),
            cpu_specs=self._reading(document, "cpu_specs", self._spec_words)
            if "cpu_specs" in document
            else NO_SPECS,
            cpu_fields=self._reading(document, "cpu_fields", self._fields)
            if "cpu_fields" in document
            else NO_FIELDS,
        )

    def _reading(
        self, readings: _Object, name: str, of: Callable[[object, str], _Value]
    ) -> Reading[_Value]:
        place = f"readings.{name}"
        item = self._object(readings.get(name), place)
        why_not = item.get("why_not")
        if why_not is not None and not isinstance(why_not, str):
            raise self._wrong(f"{place}.why_not", "a text or null", why_not)
        value = item.get("value")
        if (value is None) != (why_not is not None):
            raise self._wrong(place, "a value or a reason, and not both", value)
        return Reading(
            value=None if value is None else of(value, f"{place}.value"),
            source=self._text(item.get("source"), f"{place}.source"),
            why_not=why_not,
        )

    def _kvm(self, value: object, place: str) -> KvmAnswers:
        item = self._object(value, place)
        extensions = self._object(item.get("extensions"), f"{place}.extensions")
        registers = self._object(item.get("registers"), f"{place}.registers")
        refused = self._object(item.get("refused"), f"{place}.refused")
        return KvmAnswers(
            extensions={
                name: self._number(found, f"{place}.extensions.{name}")
                for name, found in extensions.items()
            },
            registers=self._registers(registers, f"{place}.registers"),
            refused={
                name: self._word(found, f"{place}.refused.{name}")
                for name, found in refused.items()
            },
        )

    def _cpus(self, value: object, place: str) -> Mapping[int, Mapping[str, int]]:
        found = {}
        for key, item in self._object(value, place).items():
            registers = self._registers(self._object(item, f"{place}.{key}"), f"{place}.{key}")
            # Without MIDR_EL1 nothing says which part the other registers are of.
            if "midr_el1" not in registers:
                raise self._wrong(f"{place}.{key}", "midr_el1", item)
            found[self._index(key, place)] = registers
        return found

    def _cache_types(self, value: object, place: str) -> Mapping[int, int]:
        items = self._object(value, place).items()
        return {
            self._index(key, place): self._register(item, f"{place}.{key}") for key, item in items
        }

    def _registers(self, value: _Object, place: str) -> Mapping[str, int]:
        return {name: self._register(item, f"{place}.{name}") for name, item in value.items()}

    def _register(self, value: object, place: str) -> int:
        if isinstance(value, str) and re.fullmatch(r"0x[0-9a-f]{1,16}", value):
            return int(value, 16)
        raise self._wrong(place, "a register in hex", value)

    def _index(self, key: str, place: str) -> int:
        if re.fullmatch(r"\d{1,5}", key, re.ASCII):
            return int(key)
        raise self._wrong(place, "the number of a CPU", key)

    def _log(self, value: object, place: str) -> tuple[str, ...]:
        if isinstance(value, list) and all(
            isinstance(line, str) and self._lines.is_known(line) for line in value
        ):
            return tuple(value)
        raise self._wrong(place, "lines of the kernel log that the model knows", value)

    def _places(self, value: object, lines: int) -> tuple[str, ...]:
        if value is None:
            return ()
        if isinstance(value, list) and len(value) == lines:
            return tuple(self._text(item, "log_places") for item in value)
        raise self._wrong("log_places", "a list with a place for each line of the log", value)

    def _spec_words(self, value: object, place: str) -> tuple[str, ...]:
        if isinstance(value, list) and all(
            isinstance(item, str) and re.fullmatch(r"[\w.,=-]{1,80}", item) for item in value
        ):
            return tuple(value)
        raise self._wrong(place, "a list of CPU types", value)

    def _fields(self, value: object, place: str) -> Mapping[str, Scalar]:
        found: dict[str, Scalar] = {}
        for name, item in self._object(value, place).items():
            word = f"{name}{item}" if isinstance(item, int | str) else ""
            if not isinstance(item, int | str) or not re.fullmatch(r"\w{2,80}", word, re.ASCII):
                raise self._wrong(place, "fields of a CPU with their values", value)
            found[name] = item
        return found

    def _words(self, value: object, place: str) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise self._wrong(place, "a list", value)
        return tuple(self._word(item, place) for item in value)

    def _word(self, value: object, place: str) -> str:
        if isinstance(value, str) and _WORD.fullmatch(value):
            return value
        raise self._wrong(place, "a word", value)

    def _text(self, value: object, place: str) -> str:
        if isinstance(value, str):
            return value
        raise self._wrong(place, "a text", value)

    def _flag(self, value: object, place: str) -> bool:
        if isinstance(value, bool):
            return value
        raise self._wrong(place, "true or false", value)

    def _number(self, value: object, place: str) -> int:
        # A bool is an int to Python; JSON has integers of any length.
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_REGISTER:
            return value
        raise self._wrong(place, "a number", value)

    def _object(self, value: object, place: str) -> _Object:
        if isinstance(value, dict):
            return value
        raise self._wrong(place, "an object", value)

    def _wrong(self, place: str, wanted: str, found: object) -> InputError:
        shown = "nothing" if found is None else f"`{str(found)[:40]}`"
        return InputError.of(
            code="MX1614",
            message=f"`{place[:80]}` of the bundle is not {wanted}, but {shown}",
            location=self._location,
            hint="save it anew on the machine; a bundle is not edited by hand",
        )
