"""`matrix init`: a study and a CPU of one's own to start from."""

from __future__ import annotations

from pathlib import Path

from matrix.diagnostics import Diagnostic, InputError
from matrix.door.output import Rewrite, check_writable, rewrite

_STUDY = """\
# A study of your own: `matrix report my-study --configs {folder}`.
id: my-study
title: "guest_memfd without a direct map on our fleet"
description: "The kernels and CPUs we run, with the boot parameters we may set."
capability: gmem-no-direct-map
predicate: v12

axes:
  kernel: {{kind: kernel, title: "Linux release", options: ["6.18", "7.3"]}}
  cpu: {{kind: cpu, title: "CPU", options: [my-cpu, aws-graviton3, cortex-a710]}}
  page_size:
    kind: kconfig
    title: "page size"
    options:
      "4k": {{ARM64_4K_PAGES: "y", KVM: "y", KVM_GUEST_MEMFD: "y"}}
  boot.rodata:
    kind: boot
    title: "rodata="
    options: {{absent: "", "off": "rodata=off"}}

constraints: []

baseline: {{kernel: "7.3", cpu: my-cpu, page_size: "4k", boot.rodata: absent}}

profiles:
  default: {{}}
  "rodata=off": {{boot.rodata: "off"}}

pivots:
  - {{title: "CPU × kernel × command line", rows: cpu, columns: [kernel, profiles]}}

formats: [html, markdown]
"""

_CPU = """\
# A CPU of your own. What you do not know, leave as `{unknown: unrecorded}`: nothing is guessed.
id: my-cpu
name: "Our CPU"
vendor: "Ourselves"
groups: [server]
midr: {implementer: 0x41, parts: [0xd49]}
fields:
  fwb: {value: 1, confidence: inferred, sources: []}
  dic: {unknown: unrecorded}
"""


def init(folder: Path) -> tuple[Path, ...]:
    """Write a starter study and CPU into a new or empty folder.

    Raises:
        InputError: MX0915, the folder already holds declarations.
    """
    files = {
        Path("matrices/my-study.yaml"): _STUDY.format(folder=folder),
        Path("cpus/my-cpu.yaml"): _CPU,
    }
    taken = [folder / path for path in files if (folder / path).exists()]
    if taken:
        raise InputError(
            Diagnostic(
                code="MX0915",
                message=f"`{taken[0]}` exists already",
                hint="choose another folder: init never overwrites",
            )
        )
    check_writable([folder / path for path in files])
    rewrite(Rewrite(path=folder / path, read=None, new=text) for path, text in files.items())
    return tuple(folder / path for path in files)
