"""What people hold, read: each form by itself, mixed, packed, in folders, damaged."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import tarfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import pytest

from matrix.diagnostics import InputError
from matrix.door.bounded import InputKind, open_input
from matrix.flows.evidence_request import EvidenceMachine, asked_of, read_evidence, with_machine
from matrix.flows.knowledge import Library
from matrix.flows.validate_job import ValidateRequest
from matrix.kernel.evidence import collected
from matrix.kernel.evidence.findings import evidence_text
from matrix.kernel.evidence.forms import read_text
from matrix.kernel.host.bundle import dump_bundle, load_bundle
from matrix.kernel.host.evidence import evidence, surroundings
from matrix.kernel.host.readings import HostReadings
from tests.bundle_builder import ARCHITECTURES
from tests.cpu_bound import cpu_bound

DATA = Path(__file__).parents[2] / "data" / "evidence"
LIBRARY = Library()
LOG = (DATA / "p08-dmesg.txt").read_text()
V1 = 0x411FD401


def read(*paths: Path, boot: int | None = None) -> EvidenceMachine:
    return read_evidence([str(path) for path in paths], LIBRARY, asked_of(LIBRARY, boot=boot))


def host_of(text: str | bytes, folder: Path, name: str = "log") -> HostReadings:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(file).machine.host


def told(host: HostReadings) -> dict[str, object]:
    """Return every known value by its name; what is inferred has a name of its own."""
    found: dict[str, object] = {
        f"{item.name}{' inferred' if item.inferred else ''}": item.value
        for item in host.shown
        if item.value is not None
    }
    readings = {
        "cmdline": host.cmdline.value,
        "page_size": host.page_size.value,
        "cpus": host.cpus.value,
    }
    found |= {name: value for name, value in readings.items() if value is not None}
    if host.version != "unknown":
        found["version"] = host.version
    return found


def codes(*paths: Path, boot: int | None = None) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(*paths, boot=boot)
    return [item.code for item in caught.value.diagnostics]


def test_a_boot_log_says_all_it_holds() -> None:
    host = read(DATA / "p08-dmesg.txt").machine.host
    assert host.version == "7.2.4-gcp"
    assert str(host.cmdline.value).endswith("console=xxxxx rodata=noalias")
    assert host.cpus.value == {cpu: {"midr_el1": V1} for cpu in (0, 1)}
    assert told(host) | {"cmdline": "", "cpus": ""} == {
        "version": "7.2.4-gcp",
        "has_stage2_fwb": True,
        "fwb": 1,
        "has_cache_idc": True,
        "has_cache_dic": True,
        "dic": 1,
        "entry": "el2",
        "kvm_mode": "vhe",
        "icache_is_aliasing inferred": False,
        "has_bbml inferred": False,
        "realm inferred": "no",
        "is_realm_world inferred": False,
        "cmdline": "",
        "cpus": "",
    }


def test_every_fact_has_the_line_it_was_read_from() -> None:
    host = read(DATA / "p08-dmesg.txt").machine.host
    file = DATA / "p08-dmesg.txt"
    sources = {item.fact: item.source for item in evidence(host) if item.value is not None}
    assert sources["has_cache_dic"] == f"{file}:12:16"
    assert sources["kvm_mode"] == f"{file}:14:16"
    assert host.cmdline.source == f"{file}:3:16"
    assert surroundings(host)["entry"].source == f"{file}:10:16"


def test_only_the_kernels_own_line_is_its_command_line() -> None:
    host = read(DATA / "p08b-dmesg.txt").machine.host
    assert host.cmdline.value == "root=xxxxxxxx ro rodata=off kfence.sample_interval=100"


@pytest.mark.parametrize(
    "line",
    [
        "[    1.0] systemd[1]: Kernel command line: rodata=off",
        "Nov 30 13:02:48 host systemd[1]: Kernel command line: rodata=off",
        'Nov 30 13:02:48 host kernel: note "Kernel command line: rodata=off"',
        "[    1.0] CPU features: not detected: Stage-2 Force Write-Back",
        "[    1.0] my-driver: CPU: All CPU(s) started at EL2",
    ],
)
def test_what_others_say_of_the_kernel_is_not_taken(line: str, tmp_path: Path) -> None:
    alone = told(host_of("[    0.0] Linux version 7.3.0 (a@b) #1\n", tmp_path))
    assert told(host_of(f"[    0.000] Linux version 7.3.0 (a@b) #1\n{line}\n", tmp_path)) == alone


PREFIXES: dict[str, Callable[[str], str]] = {
    "none": lambda line: line.partition("] ")[2],
    "syslog": lambda line: f"Nov 30 13:02:48 host kernel: {line}",
    "journal": lambda line: f"Nov 30 13:02:48 host kernel: {line.partition('] ')[2]}",
    "iso": lambda line: f"2026-11-30T13:02:48.123456+00:00 host kernel: {line}",
    "ctime": lambda line: f"[Mon Nov 30 13:02:48 2026] {line.partition('] ')[2]}",
    "decoded": lambda line: f"kern  :info  : {line}",
    "level": lambda line: f"<6>{line}",
    "rfc5424": lambda line: f"<6>1 2026-11-30T13:02:48Z host kernel - - - {line}",
    "monotonic": lambda line: line.replace("] ", "] host kernel: ", 1),
    "caller": lambda line: line.replace("] ", "] [    T0] ", 1),
    "serial": lambda line: f"[2026-11-30 13:02:48] {line}",
    "quoted": lambda line: f"> {line}",
    "delta": lambda line: line.replace("] ", " <    0.000012>] ", 1),
    "human": lambda line: f"[  +0.000012] {line.partition('] ')[2]}",
    "human, in another language": lambda line: f"[déc. 2 13:02] {line.partition('] ')[2]}",
    "coloured": lambda line: f"\x1b[32m{line[:14]}\x1b[0m{line[14:]}",
}


@pytest.mark.parametrize("name", PREFIXES)
def test_prefixes_change_no_fact(name: str, tmp_path: Path) -> None:
    dressed = "".join(f"{PREFIXES[name](line)}\n" for line in LOG.splitlines())
    found, plain = told(host_of(dressed, tmp_path)), told(read(DATA / "p08-dmesg.txt").machine.host)
    inferred = {key for key in plain if key.endswith(" inferred")}
    assert {key: plain[key] for key in plain.keys() - inferred} == {
        key: found[key] for key in found.keys() - inferred
    }
    # Without any time nothing tells that the log is whole.
    assert inferred <= found.keys() or name == "none"


JOURNAL = {
    "json": lambda entries: "".join(f"{json.dumps(one)}\n" for one in entries),
    "json-pretty": lambda entries: "".join(f"{json.dumps(one, indent=8)}\n" for one in entries),
    "json-seq": lambda entries: "".join(f"\x1e{json.dumps(one)}\n" for one in entries),
}


@pytest.mark.parametrize("name", JOURNAL)
def test_a_journal_in_json_is_a_log(name: str, tmp_path: Path) -> None:
    entries: list[dict[str, object]] = []
    for line in LOG.splitlines():
        stamp, _, message = line.partition("] ")
        since = str(round(float(stamp.strip("[ ")) * 1e6))
        kernel: dict[str, object] = {
            "_TRANSPORT": "kernel",
            "_SOURCE_MONOTONIC_TIMESTAMP": since,
            "MESSAGE": message,
        }
        entries += [kernel, {"_TRANSPORT": "stdout", "MESSAGE": "Kernel command line: rodata=off"}]
    file = tmp_path / "journal"
    file.write_text(JOURNAL[name](entries))
    host = read(file).machine.host
    assert told(host) == told(read(DATA / "p08-dmesg.txt").machine.host)
    begins = file.read_text().split("\n")[int(host.cmdline.source.split(":")[-2]) - 1]
    assert ("Kernel command line" in begins) == (name != "json-pretty")
    # A message that is not text may be any: what is missing then means nothing.
    entries = [one for one in entries if "Instruction" not in str(one)]
    file.write_text(JOURNAL[name](entries))
    assert told(read(file).machine.host)["dic inferred"] == 0
    entries[4] |= {"MESSAGE": [27, 91]}
    file.write_text(JOURNAL[name](entries))
    assert "dic inferred" not in told(read(file).machine.host)


@pytest.mark.parametrize(("field", "other"), [("Output", "InstanceId"), ("contents", "selfLink")])
def test_a_console_in_json_is_a_log(field: str, other: str, tmp_path: Path) -> None:
    file = tmp_path / "console"
    file.write_text(json.dumps({other: "i-0", field: LOG.replace("\n", "\r\n")}, indent=4))
    host = read(file).machine.host
    assert told(host) == told(read(DATA / "p08-dmesg.txt").machine.host)
    assert host.cmdline.source == f"{file} ({field}):3:16"


def test_other_json_is_no_evidence(tmp_path: Path) -> None:
    file = tmp_path / "log"
    for text in (
        '{"a": 1}\n{"b": 2}\n',
        '{"_TRANSPORT": "kernel"}\n{',
        '{"_TRANSPORT": 1}\n',
        '{"Output": "Linux version 7.3.0 (a@b)", "InstanceId"',
        '{"Output": 1, "InstanceId": 2}',
    ):
        file.write_text(text)
        assert codes(file) == ["MX1433"]


def test_gzip_crlf_latin_1_and_utf_16_change_no_fact(tmp_path: Path) -> None:
    plain = told(host_of(LOG, tmp_path))
    text = LOG.replace("build@host", "bücher@host")
    for data in (
        gzip.compress(LOG.encode()),
        text.replace("\n", "\r\n").encode(),
        text.encode("latin-1"),
        text.encode("utf-16"),
    ):
        assert told(host_of(data, tmp_path)) == plain


def test_a_missing_line_is_inferred_only_in_a_whole_log(tmp_path: Path) -> None:
    without = "".join(line for line in LOG.splitlines(True) if "Instruction" not in line)
    assert told(host_of(without, tmp_path))["dic inferred"] == 0
    dropped = "[    0.002] ** 3 printk messages dropped **\n"
    lost = without.replace("[    0.002531]", f"{dropped}[    0.002531]")
    late = without.partition("\n")[2]
    for text in (lost, late, without.rpartition("[    0.9")[0]):
        assert not {"dic", "dic inferred"} & told(host_of(text, tmp_path)).keys()


def test_a_command_line_that_may_be_cut_is_not_used(tmp_path: Path) -> None:
    long = LOG.replace("rodata=noalias", f"rodata=noalias word={'x' * 960}")
    wrapped = LOG.replace(" rodata=noalias", "\nrodata=noalias")
    split = LOG.replace(" rodata=noalias", " \\\n[    0.0] Kernel command line: rodata=noalias")
    for text in (long, wrapped, split):
        assert "cmdline" not in told(host_of(text, tmp_path))


def test_of_several_boots_the_last_or_the_one_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text(LOG + LOG.replace("7.2.4-gcp", "7.3.1").replace("rodata=noalias", "rodata=on"))
    assert read(file).machine.host.version == "7.3.1"
    assert [item.code for item in read(file).remarks] == ["MX1434"]
    assert read(file, boot=1).machine.host.version == "7.2.4-gcp"
    assert read(file, boot=1).remarks == ()
    assert codes(file, boot=3) == ["MX1435"]


BANNERS = {
    "x86_64": "6.8.0-51-generic (buildd@host) (x86_64-linux-gnu-gcc-13 (Ubuntu 13.3.0) 13.3.0) #1",
    "powerpc64le": "6.12.9 (a@b) (powerpc64le-linux-gnu-gcc-14 (Debian 14.2.0-12) 14.2.0) #1 SMP",
    "s390x": "6.12.9-200.fc41.s390x (mockbuild@host) (gcc (GCC) 14.2.1, GNU ld) #1 SMP",
    "amd64": "6.1.0-28-amd64 (debian-kernel@host) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP",
}
ONLY_X86 = (
    "smpboot: CPU0: Intel(R) Xeon(R) CPU @ 2.30GHz (family: 0x6, model: 0x3f, stepping: 0x2)",
    "Command line: BOOT_IMAGE=/vmlinuz ro quiet",
    "tsc: Detected 2300.000 MHz processor",
)


@pytest.mark.parametrize("machine", BANNERS)
def test_the_banner_tells_another_architecture(machine: str, tmp_path: Path) -> None:
    file = tmp_path / "log"
    line = "[    0.01] Kernel command line: ro quiet\n"
    file.write_text(f"[    0.0] Linux version {BANNERS[machine]}\n{line}")
    with pytest.raises(InputError) as caught:
        read(file)
    (said,) = caught.value.diagnostics
    assert said.code == "MX1431"
    assert f"of a kernel of {machine}" in said.message
    assert said.location is not None
    assert said.location.line == 1


@pytest.mark.parametrize("line", ONLY_X86)
def test_a_line_of_x86_without_firmware_is_said(line: str, tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text(f"[    0.0] Linux version 6.12.9 (a@b) (gcc 14.2.0) #1 SMP\n[    0.1] {line}\n")
    assert codes(file) == ["MX1431"]


# show_cpuinfo() of arch/x86/kernel/cpu/proc.c and c_show() of arch/riscv/kernel/cpu.c.
OTHER_CPUS = {
    "x86_64": "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n",
    "riscv64": "processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\nmvendorid\t: 0x489\n",
}


@pytest.mark.parametrize("machine", OTHER_CPUS)
def test_the_cpus_tell_another_architecture(machine: str, tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(OTHER_CPUS[machine])
    with pytest.raises(InputError) as caught:
        read(file)
    (said,) = caught.value.diagnostics
    assert (said.code, said.location and said.location.line) == ("MX1431", 1)
    assert f"a machine of {machine}, not of arm64" in said.message
    assert f"--capability {machine.removesuffix('_64').removesuffix('64')}" in (said.hint or "")


def test_a_word_of_another_architecture_is_not_yet_its_cpuinfo(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_text("vendor_id\t: AuthenticAMD\nhart\t: 1\n")
    assert codes(file) == ["MX1433"]


@pytest.mark.parametrize("gcc", ["aarch64-linux-gnu-gcc-14", "aarch64-unknown-linux-gnu-gcc"])
def test_the_banner_of_arm64_refuses_nothing(gcc: str, tmp_path: Path) -> None:
    banner = f"Linux version 7.2.4-arm64 (a@b) ({gcc} (GCC) 14.2.0, GNU ld) #1 SMP"
    host = host_of(LOG.replace(LOG.splitlines()[1].partition("] ")[2], banner), tmp_path)
    assert host.version == "7.2.4-arm64"


def test_a_copied_first_line_is_no_other_boot(tmp_path: Path) -> None:
    lines = LOG.splitlines(True)
    host = host_of("".join((*lines[:6], lines[0], *lines[6:])), tmp_path)
    assert host.version == "7.2.4-gcp"


def test_a_table_of_pages_shows_the_page_size(tmp_path: Path) -> None:
    line = "[    0.0] Dentry cache hash table entries: 524288 (order: {}, 4194304 bytes, linear)\n"
    for order, size in ((10, 4096), (8, 16384), (6, 65536)):
        assert host_of(line.format(order), tmp_path).page_size.value == size


@pytest.mark.parametrize("table", ["(order: 0, 8192 bytes", "(order: 1, 24576 bytes"])
def test_a_table_with_pages_to_spare_shows_no_page_size(table: str, tmp_path: Path) -> None:
    """As `posixtimers` and `MPTCP token` of Linux 7.x with pages of 16 KiB."""
    line = f"[    0.0] posixtimers hash table entries: 512 {table}, linear)\n"
    assert host_of(line, tmp_path).page_size.value is None


def test_lscpu_as_text_and_as_json() -> None:
    text = read(DATA / "p06-lscpu-rk3588.txt").machine.host
    assert text.cpu_specs.value == ("cortex-a55,midr=0x412fd050", "cortex-a76,midr=0x414fd0b0")
    assert text.machine == "aarch64"
    assert read(DATA / "p17d.json").machine.host.cpu_specs.value == (f"neoverse-v1,midr={V1:#x}",)


def test_agreeing_evidence_gives_the_union(tmp_path: Path) -> None:
    uname = tmp_path / "uname"
    uname.write_text("Linux host 7.2.4-gcp #1 SMP PREEMPT Mon Nov 30 2026 aarch64 GNU/Linux\n")
    cmdline = tmp_path / "cmdline"
    cmdline.write_text("BOOT_IMAGE=/boot/vmlinuz root=/dev/vda rodata=on\n")
    found = told(read(DATA / "p07-cpuinfo-graviton3.txt", uname, cmdline).machine.host)
    assert found["version"] == "7.2.4-gcp"
    assert found["cpus"] == {0: {"midr_el1": V1}}
    assert str(found["cmdline"]).endswith("rodata=on")


def test_contradicting_evidence_shows_both_lines(tmp_path: Path) -> None:
    uname = tmp_path / "uname"
    uname.write_text("Linux host 6.1.90 #1 SMP Mon Nov 30 2026 aarch64 GNU/Linux\n")
    with pytest.raises(InputError) as caught:
        read(DATA / "p08-dmesg.txt", uname)
    (item,) = caught.value.diagnostics
    assert item.code == "MX1432"
    assert "6.1.90" in str(item.location and item.location.text)
    assert f"{DATA / 'p08-dmesg.txt'}:2:" in item.message
    assert "Linux version 7.2.4-gcp" in item.message
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text((DATA / "p07-cpuinfo-graviton3.txt").read_text().replace("0xd40", "0xd0c"))
    assert codes(DATA / "p08-dmesg.txt", cpuinfo) == ["MX1432"]
    assert codes(cpuinfo, DATA / "p17d.json") == ["MX1432"]


ANSIBLE = """\
host1 | SUCCESS => {
    "ansible_facts": {
        "ansible_architecture": "aarch64",
        "ansible_kernel": "7.2.4",
        "ansible_proc_cmdline": {"root": "/dev/vda", "ro": true, "rodata": "off"},
        "ansible_product_name": "m7g.metal"
    },
    "changed": false
}
"""


def test_facts_of_ansible(tmp_path: Path) -> None:
    file = tmp_path / "facts"
    file.write_text(ANSIBLE)
    found = read(file).machine
    assert found.host.version == "7.2.4"
    assert found.host.cmdline.value == "root=xxxxxxxx ro rodata=off"
    assert [item.value for item in found.products] == ["m7g.metal"]
    file.write_text(ANSIBLE.replace('"off"', '"a b"'))  # its quotes are lost
    assert read(file).machine.host.cmdline.value is None


def report(folder: Path) -> Path:
    """Lay out what a report of a machine holds, with much besides."""
    files = {
        "proc/cpuinfo": (DATA / "p07-cpuinfo-graviton3.txt").read_text(),
        "proc/cmdline": "ro rodata=off\n",
        "sos_commands/kernel/dmesg": LOG.replace("Kernel command line", "Colonel command line"),
        "sos_commands/kernel/uname_-a": "Linux h 7.2.4-gcp #1 SMP aarch64 aarch64 GNU/Linux\n",
        "boot/config-7.2.4-gcp": "# Linux/arm64 7.2.4 Kernel Configuration\nCONFIG_KVM=y\n",
        "boot/config-6.1.90": "# Linux/arm64 6.1.90 Kernel Configuration\nCONFIG_KVM=y\n",
        "var/log/dmesg.0": LOG.replace("7.2.4-gcp", "6.1.90"),
        "etc/fstab": "/dev/vda / ext4 ro 0 0\n",
        "sys/devices/system/cpu/cpu0/regs/identification/midr_el1": "0x00000000411fd401\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_report_of_a_machine_as_folder_and_as_archive(tmp_path: Path) -> None:
    folder = report(tmp_path / "sos")
    packed = tmp_path / "sos.tar.xz"
    with tarfile.open(packed, "w:xz") as archive:
        archive.add(folder, arcname="sosreport-host")
    for path in (folder, packed):
        found = read(path)
        assert found.machine.host.version == "7.2.4-gcp"
        assert found.machine.host.cmdline.value == "ro rodata=off"
        assert told(found.machine.host)["dic"] == 1
        assert [config.version for config in found.configs] == ["7.2.4"]


def test_what_stands_at_the_top_of_an_archive_is_found_as_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "top"
    register = folder / "cpu0/regs/identification/midr_el1"
    files = {
        "config-7.2.4-gcp": "# Linux/arm64 7.2.4 Kernel Configuration\nCONFIG_KVM=y\n",
        "boot/config-7.1.0": "# Linux/arm64 7.1.0 Kernel Configuration\nCONFIG_KVM=y\n",
        "dmesg.txt": LOG,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    register.parent.mkdir(parents=True)
    register.write_text(f"{V1:#018x}\n")
    packed = tmp_path / "top.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, arcname=path.name)
    for path in (folder, packed):
        found = read(path)
        assert [config.version for config in found.configs] == ["7.2.4"]
        assert (found.machine.host.cpus.value or {})[0] == {"midr_el1": V1}


def test_each_file_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def counting(
        path: str, kind: InputKind, *, within: Path | None = None
    ) -> AbstractContextManager[BinaryIO]:
        opened.append(Path(path).name)
        return open_input(path, kind, within=within)

    monkeypatch.setattr(collected, "open_input", counting)
    config = tmp_path / "config-7.2"
    config.write_text("# Linux/arm64 7.2.4 Kernel Configuration\nCONFIG_KVM=y\n")
    files = ("p08-dmesg.txt", "p07-cpuinfo-graviton3.txt")
    paths = [str(DATA / name) for name in files]
    request = ValidateRequest(files=(str(config), paths[1]))
    asked = with_machine(request, None, [paths[0]], None)
    assert asked.files == (str(config),)
    assert sorted(opened) == sorted((*files, config.name))


def test_an_archive_that_ends_early_is_a_diagnostic(tmp_path: Path) -> None:
    folder = report(tmp_path / "sos")
    with tarfile.open(tmp_path / "whole.tar", "w") as archive:
        archive.add(folder, arcname="sos")
    cut = tmp_path / "cut.tar"
    cut.write_bytes((tmp_path / "whole.tar").read_bytes()[:3000])
    assert codes(cut) == ["MX1403"]


def test_an_archive_of_other_things_is_no_evidence(tmp_path: Path) -> None:
    other = tmp_path / "other.tar"
    with tarfile.open(other, "w") as archive:
        member = tarfile.TarInfo("readme")
        archive.addfile(member, io.BytesIO(b""))
    assert codes(other) == ["MX1433"]
    (tmp_path / "empty").mkdir()
    assert codes(tmp_path / "empty") == ["MX1433"]


def test_evidence_is_bounded(tmp_path: Path) -> None:
    huge = tmp_path / "huge.gz"
    huge.write_bytes(gzip.compress(b"\n" * ((64 << 20) + 1)))
    assert codes(huge) == ["MX1430"]


def test_the_record_is_what_probe_saves(tmp_path: Path) -> None:
    host = read(DATA / "p08-dmesg.txt", DATA / "p17d.json").machine.host
    file = tmp_path / "host.json"
    file.write_text(dump_bundle(host))
    assert load_bundle(file, ARCHITECTURES) == host


LARGE = {
    "blanks": b" " * (2 << 20),
    "one word": b"a" * (2 << 20),
    "marks of quoting": b" >" * (1 << 20),
    "fields of blanks": (b"Model name:" + b" " * 4000 + b"x\n") * 400,
    "lines of /proc/cpuinfo": b"CPU part : 0xd40\n" * 20_000,
    "braces": b'{"lscpu":' + b"[" * (1 << 20),
}


@pytest.mark.parametrize("case", sorted(LARGE))
def test_no_form_takes_more_than_time_for_its_length(case: str) -> None:
    asked = asked_of(LIBRARY)
    with cpu_bound(seconds=10), contextlib.suppress(InputError):
        read_text(evidence_text(LARGE[case], "log"), asked)
