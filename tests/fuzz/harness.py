"""Runs mutated inputs through a parser; whatever is no value and no diagnostic is a finding."""

from __future__ import annotations

import re
import traceback
import zlib
from random import Random

from msgspec import Struct

from matrix.diagnostics import InputError, format_diagnostic
from tests.cpu_bound import TookTooLong, cpu_bound
from tests.fuzz.parsers import PARSERS, Parser

# Of the processor, for one input: a hang, however busy the machine is.
MOST_SECONDS = 10
_CODE = re.compile(r"MX\d{4}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Finding(Struct, frozen=True, kw_only=True):
    """An input that ended as none may: its parser and number make it again."""

    parser: str
    number: int
    what: str
    data: bytes


class Tally(Struct, kw_only=True):
    """What became of the inputs of one parser."""

    inputs: int = 0
    values: int = 0
    errors: int = 0
    codes: set[str]
    findings: list[Finding]


def input_of(name: str, number: int) -> bytes:
    """Return the input of a parser with this number."""
    return PARSERS[name].input(Random(zlib.crc32(name.encode()) << 32 | number))


def run(name: str, numbers: range) -> Tally:
    """Give a parser the inputs with these numbers."""
    parser = PARSERS[name]
    tally = Tally(codes=set(), findings=[])
    for number in numbers:
        data = input_of(name, number)
        tally.inputs += 1
        what = _outcome(parser, data, tally)
        if what is not None:
            tally.findings.append(Finding(parser=name, number=number, what=what, data=data))
    return tally


def _outcome(parser: Parser, data: bytes, tally: Tally) -> str | None:
    """Return what is wrong with how an input ended; None where nothing is."""
    try:
        with cpu_bound(MOST_SECONDS):
            parser.read(data)
    except InputError as error:
        tally.errors += 1
        tally.codes.update(item.code for item in error.diagnostics)
        said = "\n".join(format_diagnostic(item, 80) for item in error.diagnostics)
        if not error.diagnostics or not all(_CODE.fullmatch(d.code) for d in error.diagnostics):
            return f"an error without a code: {error!r}"
        return "a control character is printed" if _CONTROL.search(said) else None
    except TookTooLong:
        return f"more than {MOST_SECONDS} s"
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        return "".join(traceback.format_exception(error)[-3:])
    tally.values += 1
    return None
