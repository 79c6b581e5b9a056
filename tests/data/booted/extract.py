"""Cuts the `.config`s of the booted kernels down to the lines that bear on what the model reads.

`python -m tests.data.booted.extract FOLDER` reads the whole files, `FOLDER/<kernel>.config`, and
writes those of this folder anew. README.md says where the whole files come from;
`tests/test_booted_extract.py` compares.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Symbols to keep, by subject: wider than what the profiles read today, since a `.config` that is
# silent about a symbol says "off". Each is a whole name, `.*` stands for any part.
_SUBJECTS = (
    r"ARM64(_.*)?|ARM_PKVM_GUEST|64BIT|MMU|PGTABLE_LEVELS|PAGE_(SHIFT|SIZE_.*)",
    r"UNMAP_KERNEL_AT_EL0|RANDOMIZE_BASE|CAVIUM_ERRATUM_.*|(CPU|SPECULATION)_MITIGATIONS",
    r"NUMA|ZONE_DMA(32)?|ACPI|EFI|MODULES|EXPERT|DEBUG_KERNEL",
    # KVM and guest_memfd
    r"VIRTUALIZATION|(.*_)?KVM(_.*)?",
    # what decides how the linear map is built and who changes it
    r"RODATA_.*|STRICT_(KERNEL|MODULE)_RWX|ARCH_HAS_SET_(DIRECT_MAP|MEMORY)|(.*_)?SECRETMEM",
    r"(.*_)?KFENCE(_.*)?|(.*_)?DEBUG_PAGEALLOC(_.*)?|KASAN(_.*)?|(.*_)?HIBERNATION",
    r"MEMORY_(HOTPLUG|FAILURE)",
    r"CRASH_(DUMP|CORE|RESERVE)|KEXEC(_.*)?|TRANSPARENT_HUGEPAGE(_.*)?|(.*_)?PTDUMP(_.*)?|DEBUG_WX",
    # what a prompt or a mistake asks about
    r"SWAP|SUSPEND|CPU_IDLE|MULTIUSER|NET|SLAB|SLUB",
    # the command line
    r"CMDLINE(_.*)?|BOOT_CONFIG(_.*)?",
    # the toolchain, which decides what Kconfig offers
    r"CC_IS_.*|CC_VERSION_TEXT|(GCC|CLANG|AS|LD|LLD)_VERSION|LOCALVERSION",
    # written by conf alone, at both ends of the file: by them a whole `.config` is recognised
    r"CLONE_BACKWARDS|GENERIC_IRQ_(PROBE|SHOW)|GENERIC_SMP_IDLE_THREAD|HARDIRQS_SW_RESEND",
    r"HAVE_ARCH_TRACEHOOK|HAVE_PERF_EVENTS|IRQ_DOMAIN|MODULES_USE_ELF_RELA|SYSCTL_EXCEPTION_TRACE",
    r"ARCH_WANT_FRAME_POINTERS|GENERIC_ALLOCATOR|HAVE_DEBUG_KMEMLEAK|NEED_(DMA_MAP_STATE|SG_DMA_.*)",
)
_SYMBOL = f"CONFIG_({'|'.join(_SUBJECTS)})"
_KEPT = re.compile(rf"{_SYMBOL}=.*|# {_SYMBOL} is not set")
_HEADER_LINES = 4


def extract(text: str) -> str:
    """Return the header of a whole `.config` and its lines about the subjects, in their order."""
    lines = text.splitlines(keepends=True)
    kept = (line for line in lines[_HEADER_LINES:] if _KEPT.fullmatch(line.rstrip("\n")))
    return "".join((*lines[:_HEADER_LINES], *kept))


def main() -> None:
    """Write every extract anew from the folder named on the command line."""
    here = Path(__file__).resolve().parent
    for whole in sorted(Path(sys.argv[1]).glob("*.config")):
        (here / whole.name).write_text(extract(whole.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
