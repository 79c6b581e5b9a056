"""Machines that nobody has: a tree of files and the answers to system calls, and their bundles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from matrix.kernel.host.bundle import dump_bundle
from matrix.kernel.host.collect import collect
from matrix.kernel.host.readings import KvmAnswers, Reading, unread
from matrix.schema.compiled import knowledge

CONFIG = Path(__file__).parent / "data" / "booted" / "7.3.config"
KNOWN = frozenset({"rodata", "kfence.sample_interval", "kvm-arm.mode", "secretmem.enable"})
GRAVITON3 = 0x411FD401
VERSION = "7.3.0-test"

ARCHITECTURES = knowledge().architectures

LOG = """\
<6>[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x411fd401]
<6>[    0.000000] Kernel command line: root=UUID=0badc0de rodata=on
<6>[    0.000000] Detected PIPT I-cache on CPU0
<6>[    0.100000] CPU: All CPU(s) started at EL2
<6>[    0.100000] CPU features: detected: Stage-2 Force Write-Back
<6>[    0.100000] CPU features: detected: Data cache clean to the PoU not required for I/D coherence
<6>[    0.100000] CPU features: detected: Instruction cache invalidation not required for I/D \
coherence
<6>[    0.200000] kvm [1]: VHE mode initialized successfully
<6>[    0.300000] eth0: 52:54:00:12:34:56 on host.example
"""


class FakeSystem(Struct, frozen=True, kw_only=True):
    """Answers to system calls: a Neoverse V1 with DIC, root's rights, Linux 7.3."""

    machine: str = "aarch64"
    log: str | None = LOG
    memfd_result: str = "OK"
    ctr: int = 0xB444C004
    kvm_refused: str | None = None
    fwb: int = 1
    gmem_flags: int = 3

    def names(self) -> tuple[str, str]:
        return self.machine, VERSION

    def page_size(self) -> Reading[int]:
        return Reading(value=4096, source="sysconf(_SC_PAGE_SIZE)")

    def kernel_log(self) -> Reading[str]:
        if self.log is None:
            return unread("kernel log", "syslog(2): EPERM")
        return Reading(value=self.log, source="kernel log")

    def memfd_secret(self) -> Reading[str]:
        return Reading(value=self.memfd_result, source="memfd_secret(2)")

    def cache_types(self) -> Reading[Mapping[int, int]]:
        return Reading(value={0: self.ctr, 1: self.ctr}, source="mrs ctr_el0")

    def kvm(self) -> Reading[KvmAnswers]:
        if self.kvm_refused:
            return unread("/dev/kvm", self.kvm_refused)
        answers = KvmAnswers(
            extensions={"KVM_CAP_GUEST_MEMFD": 1, "KVM_CAP_GUEST_MEMFD_FLAGS": self.gmem_flags},
            registers={"ctr_el0": self.ctr, "id_aa64mmfr2_el1": self.fwb << 40},
            refused={},
        )
        return Reading(value=answers, source="/dev/kvm, VM and vCPU")


def make_tree(root: Path, *, cmdline: str = "root=UUID=0badc0de quiet rodata=on") -> Path:
    """Write the files that a kernel of this machine shows, and return their root."""
    files = {
        f"boot/config-{VERSION}": CONFIG.read_text(),
        "proc/cmdline": cmdline + "\n",
        "proc/self/status": "Name:\tpython\nSeccomp:\t0\n",
        "proc/interrupts": " 11:   4242   GICv3  30 Level     arch_timer\n",
        "sys/module/secretmem/parameters/enable": "Y\n",
    }
    for cpu in (0, 1):
        folder = f"sys/devices/system/cpu/cpu{cpu}/regs/identification"
        files[f"{folder}/midr_el1"] = f"{GRAVITON3:#018x}\n"
        files[f"{folder}/revidr_el1"] = f"{0:#018x}\n"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def bundle_document(root: Path, system: FakeSystem | None = None) -> dict[str, Any]:
    """Return the bundle of a machine as a document that a test may damage."""
    document: dict[str, Any] = json.loads(
        dump_bundle(collect(KNOWN, ARCHITECTURES, root=root, system=system or FakeSystem()))
    )
    return document


def lay_out(folder: Path) -> None:
    """Write the bundles that `tests/cases/bad/commands.yaml` names."""
    tree = make_tree(folder / "machine")
    good = bundle_document(tree)

    def write(name: str, **changes: Any) -> None:
        (folder / f"{name}.json").write_text(json.dumps({**good, **changes}))

    def unreadable(name: str, **left_out: str) -> None:
        readings = {
            key: {"value": None, "source": value["source"], "why_not": left_out[key]}
            if key in left_out
            else value
            for key, value in good["readings"].items()
        }
        write(name, readings=readings)

    unreadable("host-x86", log="syslog(2): EPERM")
    x86 = json.loads((folder / "host-x86.json").read_text())
    (folder / "host-x86.json").write_text(json.dumps({**x86, "machine": "x86_64"}))
    write("host-newer", schema="matrix/host/2")
    unreadable("host-no-config", config="/proc/config.gz: ENOENT")
    unreadable("host-no-cpu", cpus="ENOENT")
    unreadable("host-no-cmdline", cmdline="EACCES")
    unreadable("host-no-log", log="syslog(2): EPERM", interrupt_controllers="EACCES")
    cpus = {"0": {"midr_el1": "graviton3"}}
    wrong = {**good["readings"], "cpus": {"value": cpus, "source": "sysfs", "why_not": None}}
    write("host-wrong", readings=wrong)
    whole = json.dumps(good)
    (folder / "host-cut.json").write_text(whole[: len(whole) // 2])
    (folder / "host-huge.json").write_bytes(b" " * ((32 << 20) + 1))
