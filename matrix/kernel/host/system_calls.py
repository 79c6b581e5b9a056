"""What only a system call can tell: memfd_secret(2), KVM on a VM and a vCPU, CTR_EL0, the log.

`LiveSystem` asks the machine it runs on; tests give `collect` another `System`. Numbers are those
of the kernel's uapi headers, which never change; lines are of Linux 7.3. Nothing is left behind:
every descriptor is closed, the VM has no memory and never runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import platform
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from matrix.kernel.host.readings import KvmAnswers, Reading, unread

# include/uapi/asm-generic/unistd.h __NR_memfd_secret; x86 has the same number.
_MEMFD_SECRET = 447
# klogctl(3): SYSLOG_ACTION_READ_ALL, SYSLOG_ACTION_SIZE_BUFFER, include/linux/syslog.h
_READ_ALL, _SIZE_BUFFER = 3, 10
# A log buffer has up to CONFIG_LOG_BUF_SHIFT = 25 bits.
_MAX_LOG = 32 << 20

# uname(2) where CTR_EL0 and KVM's system registers are.
_ARM64 = "aarch64"
_KVM = "/dev/kvm"
_KVMIO = 0xAE  # include/uapi/linux/kvm.h:687
# By the fd of a VM: include/uapi/linux/kvm.h:855-994.
EXTENSIONS: Mapping[str, int] = {
    "KVM_CAP_ARM_VM_IPA_SIZE": 165,
    "KVM_CAP_ARM_MTE": 205,
    "KVM_CAP_GUEST_MEMFD": 234,
    "KVM_CAP_ARM_EL2": 240,
    "KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED": 243,
    "KVM_CAP_GUEST_MEMFD_FLAGS": 244,
}
# op0, op1, CRn, CRm, op2: arch/arm64/tools/sysreg; ARM64_SYS_REG() of uapi/asm/kvm.h.
REGISTERS: Mapping[str, tuple[int, int, int, int, int]] = {
    "midr_el1": (3, 0, 0, 0, 0),
    "ctr_el0": (3, 3, 0, 0, 1),
    "clidr_el1": (3, 1, 0, 0, 1),
    "id_aa64pfr1_el1": (3, 0, 0, 4, 1),
    "id_aa64mmfr0_el1": (3, 0, 0, 7, 0),
    "id_aa64mmfr1_el1": (3, 0, 0, 7, 1),
    "id_aa64mmfr2_el1": (3, 0, 0, 7, 2),
}
# KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG
_SYSTEM_REGISTER = 0x6000_0000_0000_0000 | 0x0030_0000_0000_0000 | 0x0013 << 16
_VCPU_INIT = struct.Struct("=8I")  # struct kvm_vcpu_init: target, features[7]
_ONE_REGISTER = struct.Struct("=2Q")  # struct kvm_one_reg: id, addr


class System(Protocol):
    """What `collect` asks the machine; each answer has its value or the reason there is none."""

    def names(self) -> tuple[str, str]:
        """Return the machine (`aarch64`) and the kernel's full version, as uname(2) has them."""

    def page_size(self) -> Reading[int]:
        """Return the page size in bytes."""

    def kernel_log(self) -> Reading[str]:
        """Return the kernel's log."""

    def memfd_secret(self) -> Reading[str]:
        """Return `OK`, or the name of the error."""

    def cache_types(self) -> Reading[Mapping[int, int]]:
        """Return CTR_EL0 as a program reads it, by number of the CPU."""

    def kvm(self) -> Reading[KvmAnswers]:
        """Return what KVM answers."""


class LiveSystem:
    """The machine this program runs on."""

    def names(self) -> tuple[str, str]:
        """Return uname's machine and release; no other name of it."""
        return platform.machine(), platform.release()

    def page_size(self) -> Reading[int]:
        """Return sysconf(_SC_PAGE_SIZE)."""
        return Reading(value=os.sysconf("SC_PAGE_SIZE"), source="sysconf(_SC_PAGE_SIZE)")

    def kernel_log(self) -> Reading[str]:
        """Read the log's buffer by syslog(2), which needs rights where dmesg_restrict is 1."""
        source = "kernel log"
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            size = libc.klogctl(_SIZE_BUFFER, None, 0)
            if size < 0:
                return unread(source, f"syslog(2): {error_name(ctypes.get_errno())}")
            buffer = ctypes.create_string_buffer(min(size, _MAX_LOG))
            length = libc.klogctl(_READ_ALL, buffer, len(buffer))
        except (AttributeError, OSError):
            return unread(source, "this C library has no klogctl(3)")
        if length < 0:
            why = f"syslog(2): {error_name(ctypes.get_errno())}; kernel.dmesg_restrict is 1"
            return unread(source, why)
        return Reading(value=buffer.raw[:length].decode("utf-8", "replace"), source=source)

    def memfd_secret(self) -> Reading[str]:
        """Ask for a secret file and close it at once."""
        source = "memfd_secret(2)"
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            descriptor = libc.syscall(ctypes.c_long(_MEMFD_SECRET), ctypes.c_uint(os.O_CLOEXEC))
        except (AttributeError, OSError):
            return unread(source, "this C library has no syscall(2)")
        if descriptor < 0:
            return Reading(value=error_name(ctypes.get_errno()), source=source)
        os.close(descriptor)
        return Reading(value="OK", source=source)

    def cache_types(self) -> Reading[Mapping[int, int]]:
        """Read CTR_EL0 on each CPU this process may run on, in a child process.

        Should the instruction be undefined (no Linux since 4.9 leaves it so), only the child dies.
        """
        source = "mrs ctr_el0"
        if platform.machine() != _ARM64:
            return unread(source, "only arm64 has the register")
        try:
            found = _in_child(_read_cache_types)
        except OSError as error:
            return unread(source, error_name(error.errno))
        if not found:
            return unread(source, "the instruction, or a mapping that may be executed, was refused")
        pairs = (line.split() for line in found.decode("ascii").splitlines())
        return Reading(value={int(cpu): int(value, 16) for cpu, value in pairs}, source=source)

    def kvm(self) -> Reading[KvmAnswers]:
        """Create a VM and a vCPU, ask both, and close them."""
        try:
            descriptor = os.open(_KVM, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            return unread(_KVM, error_name(error.errno))
        with _closing(descriptor):
            return Reading(value=_ask_kvm(descriptor), source=f"{_KVM}, VM and vCPU")


def _ask_kvm(kvm: int) -> KvmAnswers:
    extensions: dict[str, int] = {}
    registers: dict[str, int] = {}
    refused: dict[str, str] = {}
    # What is asked now, the variable of the loop as well: whatever fails is refused under its name.
    step = "KVM_CREATE_VM"
    try:
        with _closing(_create_vm(kvm)) as machine:
            for step, number in EXTENSIONS.items():
                # KVM_CHECK_EXTENSION of the VM, not of /dev/kvm: some answers hang on the type of
                # the VM.
                extensions[step] = fcntl.ioctl(machine, _io(0x03), number)
            if platform.machine() != _ARM64:
                return KvmAnswers(extensions=extensions, registers=registers, refused=refused)
            step = "KVM_CREATE_VCPU"
            with _closing(fcntl.ioctl(machine, _io(0x41), 0)) as vcpu:
                target = bytearray(_VCPU_INIT.size)
                step = "KVM_ARM_PREFERRED_TARGET"
                # Registers have values only once the vCPU is initialised, for which the target must
                # be told.
                fcntl.ioctl(machine, _ioc(2, 0xAF, len(target)), target)
                step = "KVM_ARM_VCPU_INIT"
                fcntl.ioctl(vcpu, _ioc(1, 0xAE, len(target)), target)
                for name, encoding in REGISTERS.items():
                    try:
                        registers[name] = _register(vcpu, encoding)
                    except OSError as error:
                        refused[name] = error_name(error.errno)
    except OSError as error:
        refused[step] = error_name(error.errno)
    return KvmAnswers(extensions=extensions, registers=registers, refused=refused)


def _create_vm(kvm: int) -> int:
    """Return the fd of a VM; where 40 address bits are too many, with as many as there are."""
    try:
        return fcntl.ioctl(kvm, _io(0x01), 0)
    except OSError:
        bits = fcntl.ioctl(kvm, _io(0x03), EXTENSIONS["KVM_CAP_ARM_VM_IPA_SIZE"])
        if bits <= 0:
            raise
        return fcntl.ioctl(kvm, _io(0x01), bits)


def _register(vcpu: int, encoding: tuple[int, int, int, int, int]) -> int:
    op0, op1, crn, crm, op2 = encoding
    # The shifts of ARM64_SYS_REG(), arch/arm64/include/uapi/asm/kvm.h.
    number = _SYSTEM_REGISTER | op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
    # KVM_GET_ONE_REG writes through a pointer inside of its argument, where fcntl's own buffer does
    # not reach.
    value = ctypes.c_uint64()
    request = _ONE_REGISTER.pack(number, ctypes.addressof(value))
    fcntl.ioctl(vcpu, _ioc(1, 0xAB, len(request)), request)
    return value.value


def _io(number: int) -> int:
    return _ioc(0, number, 0)


def _ioc(direction: int, number: int, size: int) -> int:
    """_IOC() of include/uapi/asm-generic/ioctl.h; `direction` 1 writes, 2 reads."""
    return direction << 30 | size << 16 | _KVMIO << 8 | number


# `mrs x0, ctr_el0; ret`
_READ_CTR = struct.pack("<2I", 0xD53B0020, 0xD65F03C0)


def _read_cache_types(report: int) -> None:
    """Write a line "CPU CTR_EL0" for each CPU to the fd `report`.

    The two instructions are mapped from a file, as those of a library are: the kernel then sees to
    the caches, and no page is ever both written and executed.
    """
    descriptor = os.memfd_create("ctr_el0")
    os.write(descriptor, _READ_CTR)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_long,
    ]
    executable = mmap.PROT_READ | mmap.PROT_EXEC
    address = libc.mmap(None, mmap.PAGESIZE, executable, mmap.MAP_PRIVATE, descriptor, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        return
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(address)
    # CPU types of one system may differ in it; a thread reads that of the CPU it is on.
    for cpu in sorted(os.sched_getaffinity(0)):
        os.sched_setaffinity(0, {cpu})
        os.write(report, f"{cpu} {read():#x}\n".encode())


def _in_child(work: Callable[[int], None]) -> bytes:
    """Return what `work` writes to the fd it is given, done by a child; a signal ends it early."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(send)
        finally:
            # Not sys.exit: the parent's buffers and handlers were copied, and must not be run
            # twice.
            os._exit(0)
    os.close(send)
    with os.fdopen(receive, "rb") as stream:
        found = stream.read()
    os.waitpid(child, 0)
    return found


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def error_name(number: int | None) -> str:
    """Return the name of an error: `ENOENT` of 2."""
    return errno.errorcode.get(number or 0, f"error {number}")
