"""Laws of evidence: a damaged log says less than the whole one, and never something else."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.diagnostics import InputError
from matrix.door.stream import decompress
from matrix.flows.evidence_request import asked_of
from matrix.flows.knowledge import Library
from matrix.kernel.evidence.collected import Collected
from matrix.kernel.evidence.findings import evidence_text
from matrix.kernel.evidence.forms import read_text
from matrix.kernel.evidence.union import machine_of
from matrix.kernel.host.kernel_log import log_lines
from matrix.kernel.host.readings import HostReadings

LIBRARY = Library()
ASKED = asked_of(LIBRARY)
LINES = log_lines(LIBRARY.architecture(LIBRARY.arch))
KNOWN = frozenset({"rodata", "kfence.sample_interval", "root", "console"})
DATA = Path(__file__).parents[1] / "data" / "evidence"

BIG_LITTLE = """\
[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x412fd050]
[    0.000000] Linux version 6.18.2 (build@host) (gcc 14.2.0) #1 SMP PREEMPT
[    0.000000] Kernel command line: root=/dev/mmcblk0p2 rootwait kfence.sample_interval=100 \
console=ttyS2,1500000n8 rodata=full
[    0.000000] Unknown kernel command line parameters "rodata=on", will be passed to user space.
[    0.000000] Dentry cache hash table entries: 524288 (order: 8, 4194304 bytes, linear)
[    0.000000] Detected VIPT I-cache on CPU0
[    0.001000] GICv3: 448 SPIs implemented
[    0.002736] Detected PIPT I-cache on CPU10
[    0.002791] CPU10: Booted secondary processor 0x0000000100 [0x414fd0b0]
[    0.003400] CPU: All CPU(s) started at EL1
[    0.003408] CPU features: detected: 32-bit EL0 Support
[    0.003410] CPU features: detected: CRC32 instructions
[    0.800000] systemd[1]: hint: boot with rodata=on
[    0.900000] kvm [1]: HYP mode not available
[    1.100000] Run /sbin/init as init process
"""
LOGS = [(DATA / "p08-dmesg.txt").read_text(), (DATA / "p08b-dmesg.txt").read_text(), BIG_LITTLE]
BARE = [re.sub(r"(?m)^\[\s*[\d.]+\] ", "", log) for log in LOGS]


def host_of(data: bytes) -> HostReadings | None:
    """Return what a log shows; None where it is refused, or no evidence any more."""
    try:
        read = read_text(evidence_text(decompress(data, "log"), "log"), ASKED)
        if read is None:
            return None
        collected = Collected(reads=(("log", read),), configs=())
        return machine_of(collected, LINES, KNOWN, "aarch64").host
    except InputError:
        return None


def known(host: HostReadings) -> dict[str, object]:
    """Return what is known: each value by its name, nothing that is only inferred."""
    found: dict[str, object] = {
        item.name: item.value for item in host.shown if item.value is not None and not item.inferred
    }
    for cpu, registers in (host.cpus.value or {}).items():
        found[f"CPU {cpu}"] = registers
    if host.version != "unknown":
        found["version"] = host.version
    if host.cmdline.value is not None:
        found["cmdline"] = host.cmdline.value
    if host.page_size.value is not None:
        found["page size"] = host.page_size.value
    return found


def check_says_no_other(damaged: str, log: str, encoding: str = "utf-8") -> None:
    whole, less = host_of(log.encode()), host_of(damaged.encode(encoding))
    assert whole is not None
    if less is None:
        return
    before, after = known(whole), known(less)
    assert {name: before.get(name) for name in after} == after


LOG = st.sampled_from([*LOGS, *BARE])


@given(log=LOG, data=st.data())
def test_dropped_lines(log: str, data: st.DataObject) -> None:
    kept = [line for line in log.splitlines(True) if data.draw(st.booleans())]
    check_says_no_other("".join(kept), log)


@given(log=LOG, data=st.data())
def test_reordered_lines(log: str, data: st.DataObject) -> None:
    check_says_no_other("".join(data.draw(st.permutations(log.splitlines(True)))), log)


@given(log=LOG, data=st.data())
def test_duplicated_lines(log: str, data: st.DataObject) -> None:
    lines = log.splitlines(True)
    for line in data.draw(st.lists(st.sampled_from(lines), max_size=4)):
        lines.insert(data.draw(st.integers(0, len(lines))), line)
    check_says_no_other("".join(lines), log)


@given(log=LOG, width=st.integers(20, 120), at_spaces=st.booleans())
def test_wrapped_lines(log: str, width: int, at_spaces: bool) -> None:
    check_says_no_other(wrapped(log, width, at_spaces=at_spaces), log)


def wrapped(log: str, width: int, *, at_spaces: bool) -> str:
    """Return a text as a terminal (anywhere) or a mail (at spaces) wraps it."""
    lines: list[str] = []
    for line in log.splitlines():
        rest = line
        while len(rest) > width:
            cut = rest.rfind(" ", 0, width) if at_spaces else width
            if cut <= 0:
                break
            lines.append(rest[:cut])
            rest = rest[cut:].removeprefix(" ") if at_spaces else rest[cut:]
        lines.append(rest)
    return "".join(f"{line}\n" for line in lines)


@given(
    log=LOG,
    prefix=st.sampled_from(
        ["<6>", "Nov 30 13:02:48 host kernel: ", "kernel: ", "> ", "\t", "| ", "systemd[1]: ", "# "]
    ),
    some=st.booleans(),
    data=st.data(),
)
def test_prefixed_lines(log: str, prefix: str, some: bool, data: st.DataObject) -> None:
    lines = log.splitlines(True)
    chosen = [not some or data.draw(st.booleans()) for _ in lines]
    dressed = (prefix + line if to else line for line, to in zip(lines, chosen, strict=True))
    check_says_no_other("".join(dressed), log)


@given(
    log=LOG,
    ends=st.sampled_from(["\r\n", "\r\r\n", "\r", "\n"]),
    encoding=st.sampled_from(["latin-1", "utf-8", "utf-16"]),
)
def test_line_ends_and_encodings(log: str, ends: str, encoding: str) -> None:
    text = log.replace("build@host", "bücher@host").replace("\n", ends)
    whole, other = host_of(log.encode()), host_of(text.encode(encoding))
    assert whole is not None
    assert other is not None
    assert known(whole) == known(other)


@given(log=LOG, data=st.data())
def test_colours(log: str, data: st.DataObject) -> None:
    """`dmesg --color=always` and a serial console put escape sequences anywhere in a line."""
    escape = st.sampled_from(
        ["\x1b[0m", "\x1b[32m", "\x1b[01;31m", "\x1b[K", "\x1b]0;title\x07", "\x1bc", "\x1b(B"]
    )
    text = log
    # The last first: an escape inside another one is none any more.
    for at in sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=8)), reverse=True):
        text = text[:at] + data.draw(escape) + text[at:]
    whole, other = host_of(log.encode()), host_of(gzip.compress(text.encode()))
    assert whole is not None
    if other is not None:
        assert {name: known(whole).get(name) for name in known(other)} == known(other)


@given(log=st.sampled_from(LOGS), at=st.integers(1, 20))
def test_halves_of_a_log_together_say_what_the_whole_says(log: str, at: int) -> None:
    lines = log.splitlines(True)
    texts = ["".join(lines[:at]), "".join(lines[at:])]
    reads = [read_text(evidence_text(part.encode(), part[:9]), ASKED) for part in texts]
    collected = Collected(reads=tuple(("log", read) for read in reads if read), configs=())
    whole = host_of(log.encode())
    assert whole is not None
    both = known(machine_of(collected, LINES, KNOWN, "aarch64").host)
    assert known(whole) | both == known(whole)
    # A file that ends with the command line may have been cut there.
    assert known(whole).keys() - both.keys() <= {"cmdline"}


@pytest.mark.parametrize("log", [*LOGS, *BARE])
def test_the_logs_say_something(log: str) -> None:
    host = host_of(log.encode())
    assert host is not None
    assert known(host)
