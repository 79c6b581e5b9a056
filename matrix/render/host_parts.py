"""The answers of a fleet as a folder of Parquet files, each written by one of several workers.

Beside each part stands what its rows have together, as JSON (`_hosts-….json`; readers of folders
pass over what begins with `_`): the summary of the fleet is made of these, so that a run that ended
early is taken up by the same command.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.door.files import read_regular
from matrix.door.output import replacing
from matrix.door.processes import Workers
from matrix.flows.fleet import FleetOutcome, HostParts, HostSource
from matrix.flows.fleet_summary import FleetPart, read, written
from matrix.kernel.fleet.hosts import HostPart
from matrix.render.cell_parts import Parts, write_missing
from matrix.render.host_table import HostTableWriter


class HostFile(Struct, frozen=True, kw_only=True):
    """A part of a table of hosts, and the file of its answers."""

    part: HostPart
    path: Path

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.part.rows

    @property
    def beside(self) -> Path:
        """The file of what its rows have together."""
        return self.path.with_name(f"_{self.path.stem}.json")

    def answer(self) -> FleetPart | None:
        """Return what its rows have together, None where that is not whole."""
        if not self.path.is_file():
            return None
        try:
            return read(read_regular(self.beside, _MOST_BESIDE))
        except OSError:
            return None


# A group of hosts takes some hundred bytes; of problems there are 20,000 at most.
_MOST_BESIDE = 1 << 30


def write_host_parts(
    hosts: HostParts, folder: Path, workers: Workers, *, note: Callable[[str], object] = str
) -> tuple[Parts, FleetOutcome]:
    """Have a fleet's answers written into a folder; return what was written, and the outcome.

    Raises:
        InputError: MX0815, work that ended early; MX0816, the folder holds other tables; MX0801, a
            part cannot be written; what is wrong with the workers, or with the table.
    """
    place, digest = folder.absolute(), hosts.source.digest
    files = [
        HostFile(part=part, path=place / f"hosts-{digest}-{part.first:015}-{part.rows}.parquet")
        for part in hosts.parts
    ]
    missing = [file for file in files if file.answer() is None]
    parts = write_missing(write_part, hosts.source, files, missing, folder, workers, note)
    answered = []
    for file in files:
        answer = file.answer()
        if answer is None:
            raise InputError(_gone(file))
        answered.append(answer)
    return parts, hosts.outcome(answered)


def write_part(source: HostSource, file: HostFile) -> tuple[Diagnostic, ...]:
    """Write the answers of a part; return what is wrong."""
    try:
        with replacing(file.path) as sink:
            writer = HostTableWriter(sink, parquet=True)
            try:
                answer = source.answer(file.part, writer)
            finally:
                writer.close()
            # First: a part that is there is whole.
            with replacing(file.beside) as beside:
                beside.write(written(answer))
    except InputError as error:
        return error.diagnostics
    return ()


def _gone(file: HostFile) -> Diagnostic:
    return Diagnostic(
        code="MX0815",
        message="a part that was whole is gone",
        location=Location(file=str(file.path)),
        hint="the same command makes it again",
    )
