"""A kernel's boot log: dmesg, the journal, syslog, a serial console; with or without time stamps.

What a message shows is declared with the architecture (`log:`). A line counts if the whole of it is
such a message behind the usual prefixes: a time, `host kernel:`, a level, the kernel's own stamp.
So nothing that another program says of the kernel is taken for the kernel's. A line that may have
been cut or wrapped gives nothing, and a missing one means something only in a log that is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.kernel.evidence.findings import LONGEST_LINE, Asked, EvidenceText, Finding, Kind, Read
from matrix.kernel.host.kernel_log import LogLines, log_lines
from matrix.schema.values import LogLine

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d+)?"
# What stands before a message: quoting of mail, a level, a time, the kernel as sender, `dmesg -x`.
_PREFIX = re.compile(
    rf"""
    (?:\s*>)*\s*
    (?:<\d{{1,3}}>(?:1\ )?)?
    (?P<time>\[?(?:
        \d{{4}}-\d\d-\d\d[T ]{_CLOCK}(?:Z|[+-]\d\d:?\d\d)?
        | (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\ )?(?:{_MONTHS})\ +\d{{1,2}}\ {_CLOCK}(?:\ \d{{4}})?
        | {_CLOCK}
    )\]?\s+)?
    (?:(?:[^\s:\[\]]+\s+)?kernel(?:\[\d+\])?:\s+ | [^\s:\[\]]+\ kernel\ -\ -\ -\s+)?
    (?:kern\s*:\s*\w+\s*:\s+)?
    (?:<\d{{1,3}}>)?
    (?P<stamp>\[\s*\d{{1,9}}\.\d{{1,9}}(?:\ <\s*\d{{1,9}}\.\d{{1,9}}>)?\]\s?)?
    (?P<since>\[(?:[^\W\d_]{{1,5}}\.?\ *\d{{1,2}}\ \d\d:\d\d | \s*\+\d{{1,9}}[.,]\d{{1,9}})\]\s?)?
    (?:[^\s:\[\]]+\s+kernel:\s+)?
    (?:\[\s*[TC]\d+\]\s?)?
    """,
    re.VERBOSE,
)
# What printk, its rate limit and the journal say of lines that are lost.
_LOST = re.compile(
    r"\*\* \d+ printk messages dropped \*\*|\d+ callbacks suppressed|Missed \d+ kernel messages"
)
# What a message of the kernel begins with that follows its command line: a subsystem and a colon.
_MESSAGE = re.compile(r"Unknown kernel command line parameters |[A-Za-z][\w /.()-]{0,60}:(?: |$)")
# LOG_LINE_MAX of kernel/printk/printk.c is 1024 less the prefix: a longer message is cut there.
_MAY_BE_CUT = 940
_SPLIT = " \\"  # print_kernel_cmdline(), init/main.c: the line goes on in the next message


# The kernel's own stamp in seconds, the time that somebody else wrote before the line, or what
# `dmesg --human` writes, the minute or the seconds since the line before: what it is, and how it
# sorts among others of its kind. The last is an order by itself.
_STAMP, _TIME, _SINCE = "stamp", "time", "since"
_When = tuple[str, float, str]


class _Message(Struct, frozen=True, kw_only=True):
    """A line without its prefixes; `when` orders lines, `dressed` says that it had a time."""

    number: int
    text: str
    when: _When | None
    dressed: bool


# The messages of one boot, as far as they are there.
_Boot = list[_Message]


def is_boot_log(text: EvidenceText, asked: Asked) -> bool:
    """Tell whether a text has lines of a kernel's log, of whatever architecture."""
    known = [lines for _, lines in _all_lines(asked)]
    return any(any(lines.matches(message.text)) for message in _messages(text) for lines in known)


def read_boot_log(text: EvidenceText, asked: Asked) -> Read:
    """Return what the log of one boot says: the last one, or that of `asked.boot`.

    Raises:
        InputError: MX1431 the log of another architecture, MX1435 it has no such boot.
    """
    lines = dict(_all_lines(asked))[asked.arch]
    boots = _boots(list(_messages(text)), lines)
    _check_architecture(text, boots, asked)
    remarks = []
    if asked.boot is not None and not 1 <= asked.boot <= len(boots):
        raise InputError.of(
            code="MX1435",
            message=f"the log has no boot {asked.boot}: it holds {len(boots)}",
            location=Location(file=text.file),
            hint=f"--boot takes 1 to {len(boots)}, the oldest first",
        )
    chosen = boots[(asked.boot or len(boots)) - 1]
    if len(boots) > 1 and asked.boot is None:
        remarks.append(_several_boots(text, boots))
    found: list[Finding] = []
    for message in chosen:
        for row, match in lines.matches(message.text):
            found += _findings(text, message, row, match)
    command_lines = [item for item in found if item.kind == "cmdline"]
    doubts = [(item, _may_be_cut(text, chosen, item)) for item in command_lines]
    for item, why in doubts:
        if why is not None:
            # What else the log calls so may be the rest of it.
            found = [one for one in found if one.kind != "cmdline"]
            remarks.append(_cut(item, why))
            break
    return Read(
        findings=tuple(found),
        remarks=tuple(remarks),
        whole_log=_is_whole(text, chosen, lines),
    )


def _all_lines(asked: Asked) -> list[tuple[str, LogLines]]:
    return [(one.id, log_lines(one)) for one in asked.knowledge.architectures]


def _messages(text: EvidenceText) -> Iterator[_Message]:
    for number, whole in enumerate(text.lines, start=1):
        line = whole[:LONGEST_LINE]
        prefix = _PREFIX.match(line)
        end = prefix.end() if prefix else 0
        when: _When | None = None
        stamp, time = (prefix["stamp"], prefix["time"]) if prefix else (None, None)
        if stamp:
            when = (_STAMP, float(stamp.strip().strip("[]").partition("<")[0]), "")
        elif prefix and prefix["since"]:
            when = (_SINCE, 0.0, "")
        elif time:
            when = (_TIME, 0.0, _sortable(time.strip().strip("[]")))
        if line.strip():
            yield _Message(
                number=number, text=line[end:].rstrip(), when=when, dressed=when is not None
            )


def _sortable(time: str) -> str:
    """Return a time as text that sorts as time does; a year that is not said is none."""
    found = re.search(rf"({_MONTHS}) +(\d{{1,2}}) ({_CLOCK})(?: (\d{{4}}))?", time)
    if found is None:
        return time
    month = _MONTHS.split("|").index(found[1]) + 1
    return f"{found[4] or ''}-{month:02}-{int(found[2]):02} {found[3]}"


def _boots(messages: Sequence[_Message], lines: LogLines) -> list[_Boot]:
    """Return the boots of a log, the oldest first; what stands before the first is of it.

    A first message begins another boot only where time begins anew behind it: one that was copied
    into the middle of a boot says nothing.
    """
    boots: list[_Boot] = [[]]
    for index, message in enumerate(messages):
        begins = any(row.mark == "begins" for row, _ in lines.matches(message.text))
        here = boots[-1]
        if begins and here and _begins_anew(here, message, messages[index + 1 :], lines):
            boots.append([])
        boots[-1].append(message)
    return boots


def _begins_anew(here: _Boot, first: _Message, rest: Sequence[_Message], lines: LogLines) -> bool:
    """Tell whether a first message behind others begins another boot."""
    following = next((one.when for one in rest if one.when is not None), None)
    latest = max((one.when for one in here if one.when is not None), default=None)
    if following is not None and latest is not None and following[0] == latest[0] == _STAMP:
        # The kernel's stamps count from its boot, so they go back only where another one began.
        return following < latest
    told = any(True for one in here for _ in lines.matches(one.text))
    return told and here[-1].text != first.text


def _findings(
    text: EvidenceText, message: _Message, row: LogLine, match: re.Match[str]
) -> Iterator[Finding]:
    place = text.place(message.number, message.text)
    groups = match.groupdict()
    cpu = groups.pop("cpu", None) or "0"
    groups.pop("machine", None)
    size, order = groups.pop("size", None), groups.pop("order", None)
    if size is not None and order is not None:
        # A table of 2^order pages. One of order 0 may be a part of a page, and one whose size is
        # no power of two has pages to spare.
        shift = int(size).bit_length() - 1 - int(order)
        # 4 kB to 64 kB: what no kernel has for a page is none.
        if int(order) != 0 and int(size).bit_count() == 1 and 12 <= shift <= 16:
            yield Finding(kind="page_size", value=1 << shift, place=place)
    for name, value in groups.items():
        if value is None:
            continue
        kind = _TEXT_GROUPS.get(name)
        if kind is not None:
            yield Finding(kind=kind, value=value.strip(), place=place)
        else:
            number = str(int(cpu))
            yield Finding(kind="register", value=int(value, 16), place=place, of=(number, name))
    if row.shows or row.mark == "begins" or not match.groupdict():
        yield Finding(kind="line", value=message.text, place=place, of=(message.text,))


_TEXT_GROUPS: dict[str, Kind] = {"version": "version", "cmdline": "cmdline", "product": "product"}


def _check_architecture(text: EvidenceText, boots: Sequence[_Boot], asked: Asked) -> None:
    """Refuse a log that only another architecture's kernel writes.

    Raises:
        InputError: MX1431.
    """
    own = dict(_all_lines(asked))[asked.arch]
    others = [(arch, lines) for arch, lines in _all_lines(asked) if arch != asked.arch]
    messages = [message for boot in boots for message in boot]
    # A line that tells something, and that no other architecture has, settles it.
    for message in messages:
        telling = any(row.shows or row.mark == "begins" for row, _ in own.matches(message.text))
        if telling and not any(_has(lines, message) for _, lines in others):
            return
    machines = asked.architecture.machines
    # A machine that is named outright counts before what only another architecture's kernel writes.
    for message in messages:
        for _, match in own.matches(message.text):
            named = match.groupdict().get("machine")
            if named is not None and named not in machines:
                raise _other(text, message, named, asked)
    for arch, lines in others:
        for message in messages:
            if _has(lines, message) and not _has(own, message):
                raise _other(text, message, arch, asked)


def _has(lines: LogLines, message: _Message) -> bool:
    return next(lines.matches(message.text), None) is not None


def _other(text: EvidenceText, message: _Message, found: str, asked: Asked) -> InputError:
    return InputError.of(
        code="MX1431",
        message=f"this is the log of a kernel of {found}, not of {asked.arch}",
        location=text.place(message.number, message.text),
        hint=asked.another(found),
    )


def _several_boots(text: EvidenceText, boots: Sequence[_Boot]) -> Diagnostic:
    begin = boots[-1][0]
    starts = ", ".join(str(boot[0].number) for boot in boots if boot)
    return Diagnostic(
        code="MX1434",
        severity=Severity.NOTE,
        message=f"the log holds {len(boots)} boots (from lines {starts}): the last one is taken",
        location=text.place(begin.number),
        hint=f"--boot 1 to --boot {len(boots)} choose another, the oldest first",
    )


def _may_be_cut(text: EvidenceText, boot: _Boot, item: Finding) -> str | None:
    """Return why a command line may not be whole, or None."""
    line = text.lines[item.place.line - 1]
    if len(str(item.value)) >= _MAY_BE_CUT:
        return f"a message of the log is cut at some {_MAY_BE_CUT} characters"
    if str(item.value).endswith(_SPLIT.strip()):
        return "it goes on in the next message"
    at = next(i for i, one in enumerate(boot) if one.number == item.place.line)
    following = boot[at + 1] if at + 1 < len(boot) else None
    if following is None:
        alone = len(boot) == 1
        return None if alone else "the file ends with it"
    dressed = boot[at].dressed
    wrapped = dressed and any(one.dressed for one in boot[at + 1 :]) and _is_torn(boot)
    if dressed and not wrapped and following.dressed:
        return None
    # What wraps a text makes no line longer than its width: a word that had fit was not wrapped.
    first = following.text.split(" ", 1)[0] if not following.dressed else ""
    width = max(map(len, text.lines))
    if len(line) + 1 + len(first) <= width and not (dressed and not following.dressed):
        return None
    if not following.dressed and not dressed and _MESSAGE.match(following.text):
        return None
    return "the next line of the file may be its end"


def _is_torn(boot: _Boot) -> bool:
    """Tell whether lines without a time stand among those with one: a text that was wrapped."""
    dressed = [index for index, one in enumerate(boot) if one.dressed]
    return bool(dressed) and not all(one.dressed for one in boot[dressed[0] : dressed[-1] + 1])


def _cut(item: Finding, why: str) -> Diagnostic:
    return Diagnostic(
        code="MX1436",
        severity=Severity.WARNING,
        message=f"the command line in the log may not be whole, and is not used: {why}",
        location=item.place,
        hint="give /proc/cmdline as well, or the line with --cmdline",
    )


def _is_whole(text: EvidenceText, boot: _Boot, lines: LogLines) -> bool:
    """Tell whether a missing line means that the kernel did not say it."""
    messages = [one for one in boot if one.dressed]
    if not messages or any(_LOST.search(text.lines[one.number - 1]) for one in boot):
        return False
    marks = [[row.mark for row, _ in lines.matches(one.text)] for one in messages]
    ends = [index for index, found in enumerate(marks) if "ends" in found]
    if "begins" not in marks[0] or not ends:
        return False
    until = messages[ends[-1]].number
    first = messages[0].number
    between = [one for one in boot if first <= one.number <= until]
    times = [one.when for one in between if one.when is not None]
    if len(times) < len(between) or len({kind for kind, _, _ in times}) > 1:
        return False
    # A text whose time goes back was put together, and may have lost lines where it was.
    return times == sorted(times)
