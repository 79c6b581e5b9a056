"""What `validate` says of names that mean nothing in the kernel they are written for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, Location
from matrix.flows.answers import Build
from matrix.flows.validate_job import ValidateJob
from matrix.kernel.config.dotconfig import DotConfig
from matrix.kernel.line.cmdline import CommandLine, Parameter

_CMDLINE = 'CONFIG_CMDLINE="'


def stale_names(
    job: ValidateJob, build: Build, lines: Iterable[CommandLine]
) -> Iterator[Diagnostic]:
    """Yield what of a `.config`, its command line and `--set` means nothing to its kernel.

    `lines` are the readings of the command line: one, unless CONFIG_CMDLINE leaves several open.
    """
    profile, config = build.profile, build.config
    history = job.library.name_history(profile.arch)
    yield from history.config(profile, config)
    # A tree that was given says more (MX1717).
    if job.tree is None or not job.tree.is_of(config):
        yield from history.slips(profile, config)
    said = set()
    for line in lines:
        for item in history.line(profile, line, partial(_place, job, config, line)):
            # The readings quote other lines around a word that they share.
            where = item.location and replace(item.location, text=None)
            if (item.message, where) not in said:
                said.add((item.message, where))
                yield item
    yield from _idle_settings(job, build)


def _idle_settings(job: ValidateJob, build: Build) -> Iterator[Diagnostic]:
    """Yield the axes of `--set` that nothing rests on in the answer for this kernel."""
    chosen = [
        f"{axis.name}={job.surroundings[axis.name]}"
        for axis in job.architecture.environment
        if job.surroundings.get(axis.name, axis.default) != axis.default
    ]
    for setting in chosen:
        if setting.partition("=")[0] not in build.asked.reads:
            yield Diagnostic.note(
                code="MX1705",
                message=f"`{setting}` changes nothing for {job.capability.id} in Linux "
                f"{build.profile.release}",
                hint="nothing that the answer rests on reads it",
            )


def _place(job: ValidateJob, config: DotConfig, line: CommandLine, found: Parameter) -> Location:
    """Return where a parameter was written: in CONFIG_CMDLINE, or in the line that was given."""
    built_in = config.symbols.get("CMDLINE")
    # What was given may end as the built-in line does, and be all that the kernel reads.
    given = line.text == job.boot_loader
    if given or built_in is None or not isinstance(built_in.value, str):
        return line.locate(found)
    # The built-in line is the whole, or where it is appended the end of what the kernel parses.
    start = len(line.text) - len(built_in.value)
    prefix = built_in.text.find(_CMDLINE) + len(_CMDLINE)
    written = built_in.text[prefix : prefix + len(built_in.value)]
    if found.offset < start or line.text[start:] != written:
        return line.locate(found)
    own = line.locate(found)
    return Location(
        file=config.file,
        line=built_in.line,
        column=prefix + found.offset - start + 1,
        length=own.length,
        text=built_in.text,
    )
