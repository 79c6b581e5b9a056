"""Which forms of evidence a text has, told by what it says; all of them are read.

A bug report holds the output of several programs in one file, so that a text may have several.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from matrix.kernel.evidence import (
    ansible,
    boot_log,
    command_line,
    cpuinfo,
    json_log,
    lscpu,
    sysfs,
    uname,
)
from matrix.kernel.evidence.findings import Asked, EvidenceText, Read


class Form(Struct, frozen=True, kw_only=True):
    """A form: its name for people, how it is told, and how it is read."""

    name: str
    tells: Callable[[EvidenceText, Asked], bool]
    read: Callable[[EvidenceText, Asked], Read]


FORMS = (
    Form(name="facts of Ansible", tells=ansible.is_ansible, read=ansible.read_ansible),
    Form(name="lscpu", tells=lscpu.is_lscpu, read=lscpu.read_lscpu),
    Form(name="/proc/cpuinfo", tells=cpuinfo.is_cpuinfo, read=cpuinfo.read_cpuinfo),
    Form(name="uname -a", tells=uname.is_uname, read=uname.read_uname),
    Form(name="kernel log", tells=boot_log.is_boot_log, read=boot_log.read_boot_log),
    Form(
        name="/proc/cmdline",
        tells=command_line.is_command_line,
        read=command_line.read_command_line_file,
    ),
)
_SAVED, _NEAR = '"matrix/host/', 200
# A single line that is one of these is no command line, whatever words it has.
_BY_ITSELF = FORMS[-1]


def forms_of(text: EvidenceText, asked: Asked) -> tuple[Form, ...]:
    """Return the forms that a text has; none where it is no evidence."""
    found = tuple(form for form in FORMS if form is not _BY_ITSELF and form.tells(text, asked))
    return found or ((_BY_ITSELF,) if _BY_ITSELF.tells(text, asked) else ())


def read_text(text: EvidenceText, asked: Asked) -> Read | None:
    """Return all that a text says; None where it is no evidence.

    Raises:
        InputError: MX1431 another architecture's, MX1435 no such boot, MX1445 damaged JSON.
    """
    if text.lines and _SAVED in text.lines[0][:_NEAR]:
        return None  # a machine that `probe --save` wrote, whole or damaged
    if sysfs.is_register(text.file):
        return sysfs.read_register(text)
    if (parameter := sysfs.read_parameter(text, asked)) is not None:
        return parameter
    text = json_log.log_in_json(text)
    reads = [form.read(text, asked) for form in forms_of(text, asked)]
    if not reads:
        return None
    return Read(
        findings=tuple(item for read in reads for item in read.findings),
        remarks=tuple(item for read in reads for item in read.remarks),
        whole_log=any(read.whole_log for read in reads),
    )
