"""What a `.config` is: of which release and architecture, and whether it is complete.

Takes the text and the symbols that `dotconfig.py` found. The header is what conf wrote; it can be
wrong (a `.config` copied to another tree keeps it until conf runs) or missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

# conf writes it into the first three lines; a licence or a comment may stand above.
_HEADER_CHARACTERS = 4096
_HEADER = re.compile(
    r"\n# (?:Linux/(?P<arch>[\w-]+) (?P<version>\S+)|Linux kernel version: (?P<old>\S+))[^\n]*"
)
_HEADER_TAIL = " Kernel Configuration"
# Fedora's merged files begin with the name of the architecture alone.
_FIRST_LINE_ARCH = re.compile(r"\n# (arm64|x86_64|powerpc|s390|riscv)\n")
# Armbian's defconfigs name the release alone, and 32-bit ARM boards have the same line.
_FIRST_LINE_RELEASE = re.compile(r"\n(# Armbian defconfig generated with (\d+\.\d+))\n", re.ASCII)
_RELEASE = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?!\d)", re.ASCII)

# Names of the header, and of Fedora, that are not the name of the folder below arch/.
_ARCH_ALIASES = {"x86_64": "x86", "i386": "x86", "aarch64": "arm64", "ppc64": "powerpc"}

# The symbol that every `.config` of an architecture sets, each the first in its arch/*/Kconfig.
_ARCH_SYMBOLS = {
    "ARM64": "arm64",
    "X86": "x86",
    "X86_64": "x86",
    "X86_32": "x86",
    "ARM": "arm",
    "RISCV": "riscv",
    "PPC": "powerpc",
    "S390": "s390",
    "LOONGARCH": "loongarch",
    "MIPS": "mips",
    "SPARC": "sparc",
    "PARISC": "parisc",
    "M68K": "m68k",
    "SUPERH": "sh",
    "ALPHA": "alpha",
    "XTENSA": "xtensa",
}

# Symbols without a prompt that `config ARM64` selects without a condition in every release from
# 5.10 to 7.3 (arch/arm64/Kconfig), and that all complete `.config`s from 3.10 on have. A person or
# a generator of answers never writes them; only conf does. The first ones stand in the first tenth
# of the file, the others in its last twentieth (lib/Kconfig, lib/Kconfig.debug).
EARLY_WITNESSES = (
    "CLONE_BACKWARDS",
    "GENERIC_IRQ_PROBE",
    "GENERIC_IRQ_SHOW",
    "GENERIC_SMP_IDLE_THREAD",
    "HARDIRQS_SW_RESEND",
    "HAVE_ARCH_TRACEHOOK",
    "HAVE_PERF_EVENTS",
    "IRQ_DOMAIN",
    "MODULES_USE_ELF_RELA",
    "SYSCTL_EXCEPTION_TRACE",
)
LATE_WITNESSES = (
    "ARCH_WANT_FRAME_POINTERS",
    "GENERIC_ALLOCATOR",
    "HAVE_DEBUG_KMEMLEAK",
    "NEED_DMA_MAP_STATE",
    "NEED_SG_DMA_LENGTH",
)


class Header(Struct, frozen=True, kw_only=True):
    """The header line: its `line` number (0: none), its `text`, and what it says."""

    line: int = 0
    text: str = ""
    arch: str | None = None
    version: str | None = None

    @property
    def release(self) -> str | None:
        """The first two numbers of the version: "6.12" of "6.12.0-144.el10.aarch64"."""
        match = _RELEASE.match(self.version or "")
        return f"{int(match[1])}.{int(match[2])}" if match else None


class Completeness(Struct, frozen=True, kw_only=True):
    """Whether a file is a complete `.config`; `cut_short`: it begins like one and lacks its end."""

    complete: bool
    cut_short: bool
    reason: str


def read_header(text: str) -> Header:
    """Return the header of a normalised text; an empty `Header` where it has none."""
    top = text[:_HEADER_CHARACTERS]
    for match in _HEADER.finditer(top):
        line = match.group()[1:]
        if match["version"] and _HEADER_TAIL not in line:
            continue  # a sentence of a comment
        arch = match["arch"]
        return Header(
            line=top.count("\n", 0, match.start() + 1),
            text=line,
            arch=_ARCH_ALIASES.get(arch, arch),
            version=match["version"] or match["old"],
        )
    first = _FIRST_LINE_ARCH.match(top)
    if first:
        return Header(
            line=1, text=first.group().strip(), arch=_ARCH_ALIASES.get(first[1], first[1])
        )
    first = _FIRST_LINE_RELEASE.match(top)
    if first:
        return Header(line=1, text=first[1], version=first[2])
    return Header()


def arch_of_symbols(raw: Mapping[str, str]) -> str | None:
    """Return the architecture whose own symbol is set, None where none or several are."""
    found = {arch for symbol, arch in _ARCH_SYMBOLS.items() if raw.get(symbol) == "y"}
    return found.pop() if len(found) == 1 else None


def completeness(raw: Mapping[str, str]) -> Completeness:
    """Decide whether a symbol that is missing is off or unknown.

    Complete is a file with three quarters of the witnesses of each kind: one may go in a later
    release, a fragment that somebody wrote has none. (All 111 complete files of the test data have
    every one of them, the 83 others have none.)
    """
    early = sum(raw.get(symbol) == "y" for symbol in EARLY_WITNESSES)
    late = sum(raw.get(symbol) == "y" for symbol in LATE_WITNESSES)
    # Three quarters, in integers.
    begins = early * 4 >= len(EARLY_WITNESSES) * 3
    ends = late * 4 >= len(LATE_WITNESSES) * 3
    total = len(EARLY_WITNESSES) + len(LATE_WITNESSES)
    return Completeness(
        complete=begins and ends,
        cut_short=begins and not ends,
        reason=f"{early + late} of {total} symbols that only conf writes are there",
    )
