"""Rows of a JSON document that lists machines: `kubectl get nodes -o json`, exports of clouds.

A machine is an object with others inside of it. A column is the last key of the way to a value,
as `kernelVersion` of `status.nodeInfo`; where several ways end alike, the shortest one counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from matrix.diagnostics import InputError, Location
from matrix.kernel.fleet.closed_quotes import Readable

# Where documents have their machines: a list of Kubernetes, and `aws ec2 describe-instances`.
_LISTS = (("items",), ("Reservations", "Instances"))
MOST_LEVELS = 50  # the facts of a machine have a dozen
# A hostile document takes some thirty times its size as values of Python.
_LARGEST = 12 << 20
# A list, an object of several lines, or a line with such a list; else the file is JSON Lines.
_BEGINS = re.compile(
    rb'\[|\{\s*[\r\n]|\{\s*(?:"apiVersion"\s*:\s*"[^"]*"\s*,\s*)?"(?:items|Reservations)"\s*:\s*\['
)


def begins_document(data: bytes) -> bool:
    """Tell whether a file that begins with these bytes is one JSON document."""
    return _BEGINS.match(data) is not None


def read_machines(stream: Readable, file: str) -> list[Mapping[str, Any]]:
    """Return the machines that a whole document lists, each as it stands there.

    Raises:
        InputError: MX1502, it is no JSON, too large, or lists no objects.
    """
    data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise InputError.of(
            code="MX1502",
            message=f"the JSON document has more than {_LARGEST >> 20} MiB",
            location=Location(file=file),
            hint="give JSON Lines, an object a line, or CSV: these may have any size",
        )
    found = _machines(_document(data, file))
    if found is None:
        raise InputError.of(
            code="MX1502",
            message="the JSON document lists no machines",
            location=Location(file=file),
            hint="give a list of objects, or an object with such a list as `items`",
        )
    return found


def _machines(document: object) -> list[Mapping[str, Any]] | None:
    found: Any = document
    if isinstance(document, dict):
        found = [document]
        for key in next((way for way in _LISTS if way[0] in document), ()):
            found = [inner for one in found for inner in _list_of(one, key)]
    whole = isinstance(found, list) and all(isinstance(one, dict) and one for one in found)
    return found if whole else None


def _list_of(one: object, key: str) -> list[object]:
    inner = one.get(key) if isinstance(one, dict) else None
    return inner if isinstance(inner, list) else []


def flat_row(machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a machine by the names of their columns."""
    row: dict[str, Any] = {}
    depths: dict[str, int] = {}
    for key, value, depth in _values(machine, 0):
        if depth < depths.get(key, MOST_LEVELS + 1):
            row[key], depths[key] = value, depth
    return row


def _values(machine: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any, int]]:
    for key, value in machine.items():
        if isinstance(value, dict) and depth < MOST_LEVELS:
            yield from _values(value, depth + 1)
        elif not isinstance(value, list | dict) or all(isinstance(one, str) for one in value):
            yield key, value, depth


def _document(data: bytes, file: str) -> object:
    """Return what a whole file says.

    Raises:
        InputError: MX1502, it is no JSON.
    """
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        lines = error.doc.split("\n")
        raise InputError.of(
            code="MX1502",
            message=f"the JSON is damaged: {error.msg}",
            location=Location(
                file=file, line=error.lineno, column=error.colno, text=lines[error.lineno - 1]
            ),
            hint="copy the file whole, as the program wrote it; JSON Lines have an object a line",
        ) from None
    except (UnicodeDecodeError, RecursionError) as error:
        why = "it is no UTF-8" if isinstance(error, UnicodeDecodeError) else "it is nested too deep"
        raise InputError.of(
            code="MX1502",
            message=f"the JSON is damaged: {why}",
            location=Location(file=file),
            hint="copy the file whole, as the program wrote it",
        ) from None
