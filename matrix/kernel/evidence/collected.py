"""The files that a user names as evidence, opened: texts, packed ones, folders, archives.

Of a folder or an archive (a report of sosreport or supportconfig) those files are read whose names
say that they hold evidence. Nothing is unpacked to disk, and every text is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.door.archive import archive_members, is_archive
from matrix.door.bounded import STANDARD_INPUT, InputKind, file_name, open_input
from matrix.door.folders import check_inside, regular_files
from matrix.door.stream import Stream, unpacked
from matrix.kernel.evidence.findings import Asked, EvidenceText, Finding, Read, evidence_text
from matrix.kernel.evidence.forms import FORMS, read_text

_EVIDENCE = InputKind(
    limit=64 << 20,  # the journal of a busy machine; the log of a boot has some hundred kB
    unreadable="MX0301",
    too_large="MX1430",
    hint="give the log of one boot: `journalctl -k -b`, or `dmesg`",
)
_ARCHIVE = InputKind(
    limit=2 << 30,
    unreadable="MX0301",
    too_large="MX1430",
    hint="give the files that matter: the boot log, /proc/cpuinfo, /proc/cmdline, the `.config`",
)
# A text of Windows that begins with a mark has a NUL in every character.
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MOST_TEXTS = 4096

# Of a folder or an archive: what files with evidence are called, and copies of former boots.
_NAMES = re.compile(
    r"(?:^|[/!])(?:[^/]*(?:dmesg|journalctl|lscpu|uname|cpuinfo|bootlog|boot[._-]log)[^/]*"
    r"|(?:boot|basic-environment|hardware)\.txt|kern\.log|proc/cmdline|[^/]*facts[^/]*\.json"
    r"|cpu\d+/regs/identification/(?:revidr|midr)\w*|sys/module/\w+/parameters/\w+)$",
    re.IGNORECASE,
)
_FORMER = re.compile(r"(?:\.(?:old|\d+)(?:\.gz)?|--list-boots|-b_-\d+|_-1)$")
_CONFIGS = re.compile(
    r"(?:^|[/!])(?:boot/config-[^/]+|proc/config\.gz|lib/modules/[^/]+/config|config-\d[^/]*"
    r"|config\.gz|\.config)$"
)


class ConfigFound(Struct, frozen=True, kw_only=True):
    """A kernel configuration among the evidence: `data` may be packed."""

    file: str
    data: bytes


class Collected(Struct, frozen=True, kw_only=True):
    """All that was read, in the order of the files; `passed` are files that are no evidence."""

    reads: tuple[tuple[str, Read], ...]
    configs: tuple[ConfigFound, ...]
    passed: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of every text."""
        return tuple(item for _, read in self.reads for item in read.findings)


# What is wrong with evidence: who says so has recognised it.
_RECOGNISED = frozenset({"MX1431", "MX1435", "MX1445"})


def collect_evidence(
    paths: Sequence[str],
    asked: Asked,
    perhaps: Sequence[str] = (),
    *,
    within: Path | None = None,
) -> Collected:
    """Read every file, folder and archive of `paths`, and what of `perhaps` is evidence; each once.

    A kernel configuration in `perhaps`, and what cannot be read there, is `passed` to its reader.
    What no person named lies below `within`.

    Raises:
        InputError: all at once: MX0301 unreadable, MX1430 too large, MX1433 no evidence, and what
            its readers raise.
    """
    reads: list[tuple[str, Read]] = []
    configs: list[ConfigFound] = []
    passed: list[str] = []
    problems: list[Diagnostic] = []
    for path in (*paths, *perhaps):
        certain = path in paths
        if not certain and (path == STANDARD_INPUT or not Path(path).is_file()):
            passed.append(path)
            continue
        try:
            found = list(_collect(path, asked, within))
        except InputError as error:
            # Wrong evidence is told; what is none, its own reader may know.
            if certain or any(item.code in _RECOGNISED for item in error.diagnostics):
                problems += error.diagnostics
            else:
                passed.append(path)
            continue
        if not certain and all(isinstance(item, ConfigFound) for item in found):
            passed.append(path)
            continue
        configs += (item for item in found if isinstance(item, ConfigFound))
        reads += (item for item in found if not isinstance(item, ConfigFound))
    if problems:
        raise InputError(problems)
    return Collected(reads=tuple(reads), configs=tuple(configs), passed=tuple(passed))


def _collect(
    path: str, asked: Asked, within: Path | None = None
) -> Iterator[tuple[str, Read] | ConfigFound]:
    """Yield what one file, folder or archive holds.

    Raises:
        InputError: as `collect_evidence`.
    """
    name = file_name(path)
    if path != STANDARD_INPUT and Path(path).is_dir():
        if within is not None:
            _refuse_outside(path, within)
        yield from _some(_of_members(_folder(path), asked), name)
        return
    with open_input(path, _EVIDENCE, within=within) as source:
        stream = unpacked(Stream(source, name, kind=_ARCHIVE), kind=_ARCHIVE)
        if is_archive(stream):
            yield from _some(_of_members(_archive(stream), asked), name)
            return
        stream.bound(_EVIDENCE)
        data = stream.rest()
    if _CONFIGS.search(name) or _is_config(data):
        yield ConfigFound(file=name, data=data)
        return
    read = _read(data, name, asked)
    if read is None:
        raise _no_evidence(name, data)
    yield name, read


def _refuse_outside(folder: str, within: Path) -> None:
    try:
        check_inside(Path(folder), within)
    except OSError as error:
        raise InputError.of(
            code=_EVIDENCE.unreadable,
            message=f"cannot read `{folder}`: {error.strerror}",
            location=Location(file=folder),
            hint="give a folder below that of the table",
        ) from error


def _some(
    found: Iterator[tuple[str, Read] | ConfigFound], name: str
) -> Iterator[tuple[str, Read] | ConfigFound]:
    """Yield what was found in a folder or archive; MX1433 where that is nothing."""
    items = list(found)
    if not items:
        raise _none_in(name)
    yield from items


def _read(data: bytes, name: str, asked: Asked) -> Read | None:
    binary = b"\0" in data[:4096] and not data.startswith(_UTF16)
    return None if binary else read_text(evidence_text(data, name), asked)


def _of_members(
    members: Iterator[tuple[str, bytes]], asked: Asked
) -> Iterator[tuple[str, Read] | ConfigFound]:
    for name, data in members:
        if _CONFIGS.search(name):
            yield ConfigFound(file=name, data=data)
            continue
        read = _read(data, name, asked)
        if read is not None:
            yield name, read


def _wanted(name: str) -> bool:
    if _CONFIGS.search(name):
        return True
    return _NAMES.search(name) is not None and _FORMER.search(name) is None


def _folder(folder: str) -> Iterator[tuple[str, bytes]]:
    count = 0
    # Below proc and sys files are regular and have no size.
    for path in regular_files(Path(folder), hidden=True):
        if not _wanted(path.as_posix()):
            continue
        count += 1
        if count > _MOST_TEXTS:
            raise _too_many(folder)
        with open_input(path, _EVIDENCE, within=Path(folder)) as source:
            stream = Stream(source, str(path), kind=_EVIDENCE)
            # A configuration may stay packed: its own reader unpacks it.
            packed = not _CONFIGS.search(path.as_posix())
            yield str(path), (unpacked(stream, kind=_EVIDENCE) if packed else stream).rest()


def _archive(stream: Stream) -> Iterator[tuple[str, bytes]]:
    for count, member in enumerate(m for m in archive_members(stream) if _wanted(m.name)):
        if count >= _MOST_TEXTS:
            raise _too_many(stream.file)
        name = f"{stream.file}!{member.name}"
        content = Stream(member.content, name, kind=_EVIDENCE)
        packed = not _CONFIGS.search(member.name)
        yield name, (unpacked(content, kind=_EVIDENCE) if packed else content).rest()


_SETTING = re.compile(rb"^(?:CONFIG_\w+=|# CONFIG_\w+ is not set)", re.MULTILINE)


def _is_config(data: bytes) -> bool:
    return len(_SETTING.findall(data[: 1 << 16])) > 1


def _no_evidence(name: str, data: bytes) -> InputError:
    line = data[:200].decode("utf-8", "replace").split("\n")[0].rstrip("\r")
    known = ", ".join(form.name for form in FORMS)
    return InputError.of(
        code="MX1433",
        message="nothing in this file is evidence of a machine" if data.strip() else "it is empty",
        location=Location(
            file=name,
            line=1 if line and "\0" not in line else 0,
            column=1,
            length=max(1, len(line)),
            text=EvidenceText(file=name, lines=(line,)).lines[0],
        ),
        hint=f"known are {known}, a folder or tar archive of these",
    )


def _none_in(name: str) -> InputError:
    return InputError.of(
        code="MX1433",
        message=f"no file in `{name}` is evidence of a machine",
        location=Location(file=name),
        hint="looked for dmesg, journalctl, kern.log, lscpu, uname, cpuinfo, proc/cmdline, "
        "regs/identification, sys/module and config-VERSION; name a file of another name itself",
    )


def _too_many(name: str) -> InputError:
    return InputError.of(
        code="MX1430",
        message=f"`{name}` holds more than a report of a machine does",
        location=Location(file=name),
        hint=_ARCHIVE.hint,
    )
