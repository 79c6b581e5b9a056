"""The lines of the kernel log that tell what the kernel found: picked, and told from all others.

Takes the whole log, gives only lines that match a pattern here in full, without their time stamps:
everything else in a log is private. Each pattern has the source of the message.
"""

from __future__ import annotations

import re

# Beginnings of the messages; all are whole lines of the log.
_PATTERNS = (
    # arch/arm64/kernel/setup.c:95 (7.3): the first line, the sign that nothing was overwritten
    r"Booting Linux on physical CPU 0x[0-9a-f]+ \[0x[0-9a-f]+\]",
    # arch/arm64/kernel/cpuinfo.c __cpuinfo_store_cpu(): "Detected %s I-cache on CPU%d"
    r"Detected [A-Za-z]+ I-cache on CPU\d+",
    # arch/arm64/kernel/cpufeature.c: "detected: %s", in some releases with the CPUs
    r"CPU features: detected: [\w /().,:+-]+",
    # arch/arm64/kernel/smp.c hyp_mode_check()
    r"CPU: All CPU\(s\) started at EL[12]",
    r"CPU: CPUs started in inconsistent modes",
    # arch/arm64/kvm/arm.c kvm_arm_init()
    r"kvm \[\d+\]: [A-Za-z0-9+ ]*VHE[A-Za-z0-9+ ]* mode initialized successfully",
    r"kvm \[\d+\]: Hyp mode initialized successfully",
    r"kvm \[\d+\]: HYP mode not available",
    r"kvm \[\d+\]: KVM disabled from command line",
    # arch/arm64/kernel/rsi.c:45 (7.3)
    r"RME: Using RSI version \d+\.\d+",
)
_LINE = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS))
# "<6>[    0.000000] " of the log's buffer, "[    0.000000] [    T1] " with CONFIG_PRINTK_CALLER.
_STAMP = re.compile(r"^(?:<\d+>)?(?:\[\s*\d+\.\d+\]\s?)?(?:\[\s*[TC]\d+\]\s?)?")

_FIRST = "Booting Linux on physical CPU "


def known_lines(log: str) -> tuple[str, ...]:
    """Return the lines that the model knows, in order, without time stamps."""
    stripped = (_STAMP.sub("", line, count=1).rstrip() for line in log.splitlines())
    return tuple(line for line in stripped if _LINE.fullmatch(line))


def is_known_line(line: str) -> bool:
    """Tell whether a line is one that `known_lines` gives."""
    return _LINE.fullmatch(line) is not None


def holds_whole_boot(lines: tuple[str, ...]) -> bool:
    """Tell whether the log still has the boot's first line: the buffer loses its oldest lines."""
    return any(line.startswith(_FIRST) for line in lines)
