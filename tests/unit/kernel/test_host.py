"""Reading a machine from a tree that a test made: what is read, what is not, and what is kept."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.diagnostics import InputError
from matrix.kernel.host.bundle import dump_bundle, load_bundle
from matrix.kernel.host.collect import collect
from matrix.kernel.host.evidence import evidence, memfd_secret_result, surroundings
from matrix.kernel.host.kernel_log import architecture_of, log_lines
from matrix.kernel.host.privacy import private_command_line, private_config
from matrix.kernel.host.readings import HostReadings
from matrix.kernel.line.cmdline import read_command_line
from tests.bundle_builder import (
    ARCHITECTURES,
    GRAVITON3,
    KNOWN,
    VERSION,
    FakeSystem,
    bundle_document,
    make_tree,
)


def machine(root: Path, system: FakeSystem | None = None) -> HostReadings:
    return collect(KNOWN, ARCHITECTURES, root=make_tree(root), system=system or FakeSystem())


def test_everything_of_a_machine_is_read(tmp_path: Path) -> None:
    host = machine(tmp_path)
    assert [name for name, reading in host.readings() if reading.why_not] == []
    assert host.cpus.value == {cpu: {"midr_el1": GRAVITON3, "revidr_el1": 0} for cpu in (0, 1)}
    assert host.cmdline.value == "root=xxxxxxxxxxxxx quiet rodata=on"
    assert host.interrupt_controllers.value == ("GICv3",)
    assert {name: item.value for name, item in surroundings(host).items()} == {
        "entry": "el2",
        "gic": "v3",
        "realm": "no",
    }


def test_what_is_not_there_says_why(tmp_path: Path) -> None:
    host = collect(
        KNOWN, ARCHITECTURES, root=tmp_path, system=FakeSystem(log=None, kvm_refused="EACCES")
    )
    missing = {name: reading.why_not for name, reading in host.readings() if reading.why_not}
    assert set(missing) == {
        "config",
        "cmdline",
        "cpus",
        "log",
        "secretmem_enable",
        "seccomp",
        "interrupt_controllers",
        "kvm",
    }
    assert missing["log"] == "syslog(2): EPERM; /var/log/dmesg: ENOENT"
    assert f"/boot/config-{VERSION}: ENOENT" in str(missing["config"])
    shown = {item.source: item.why_not for item in evidence(host) if item.why_not}
    assert shown["ID_AA64MMFR2_EL1 of a vCPU"] == "no rights to open /dev/kvm (group kvm)"


def test_the_config_is_found_in_each_of_its_places(tmp_path: Path) -> None:
    root = make_tree(tmp_path)
    boot = root / f"boot/config-{VERSION}"
    modules = root / f"lib/modules/{VERSION}/config"
    modules.parent.mkdir(parents=True)
    boot.rename(modules)
    assert (
        collect(KNOWN, ARCHITECTURES, root=root, system=FakeSystem()).config.source
        == f"/{modules.relative_to(root)}"
    )
    (root / "proc/config.gz").write_bytes(gzip.compress(modules.read_bytes()))
    found = collect(KNOWN, ARCHITECTURES, root=root, system=FakeSystem()).config
    assert found.source == "/proc/config.gz"
    assert found.value is not None
    assert "CONFIG_KVM=y\n" in found.value


def test_midrs_come_from_cpuinfo_where_sysfs_has_none(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(
        "processor\t: 3\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\n"
        "CPU part\t: 0xd40\nCPU revision\t: 1\n\n"
    )
    host = collect(KNOWN, ARCHITECTURES, root=tmp_path, system=FakeSystem())
    assert host.cpus.value == {3: {"midr_el1": GRAVITON3}}
    assert host.cpus.source == "/proc/cpuinfo"


def test_a_missing_line_says_nothing_where_the_log_lost_the_boot(tmp_path: Path) -> None:
    late = "[ 99.0] CPU features: detected: Stage-2 Force Write-Back\n"
    host = machine(tmp_path, FakeSystem(log=late))
    found = {item.fact: item for item in evidence(host) if item.source == "kernel log"}
    assert found["has_stage2_fwb"].value is True
    assert found["has_bbml"].value is None
    assert found["has_bbml"].why_not == "the log has lost the beginning of the boot"


def test_the_kept_log_of_the_boot_is_taken_where_the_buffer_lost_it(tmp_path: Path) -> None:
    root = make_tree(tmp_path)
    (root / "var/log").mkdir(parents=True)
    (root / "var/log/dmesg").write_text(str(FakeSystem().log))
    host = collect(
        KNOWN, ARCHITECTURES, root=root, system=FakeSystem(log="[ 99.0] usb 1-1: new device\n")
    )
    assert host.log.source == "/var/log/dmesg"
    assert host.log_complete


def test_a_seccomp_filter_makes_enosys_worthless(tmp_path: Path) -> None:
    root = make_tree(tmp_path)
    (root / "proc/self/status").write_text("Seccomp:\t2\n")
    host = collect(KNOWN, ARCHITECTURES, root=root, system=FakeSystem(memfd_result="ENOSYS"))
    assert memfd_secret_result(host).value is None
    assert "seccomp" in str(memfd_secret_result(host).why_not)
    host = collect(KNOWN, ARCHITECTURES, root=root, system=FakeSystem(memfd_result="OK"))
    assert memfd_secret_result(host).value is True


def test_dic_hidden_from_programs_on_neoverse_n1_is_no_observation(tmp_path: Path) -> None:
    root = make_tree(tmp_path)
    for cpu in (0, 1):
        place = root / f"sys/devices/system/cpu/cpu{cpu}/regs/identification/midr_el1"
        place.write_text("0x00000000413fd0c1\n")
    host = collect(KNOWN, ARCHITECTURES, root=root, system=FakeSystem(ctr=0x8444C004))
    (found,) = (
        item
        for item in evidence(host)
        if (item.fact, item.source) == ("has_cache_dic", "mrs ctr_el0")
    )
    assert found.value is None
    assert "1542419" in str(found.why_not)


def test_only_known_lines_of_the_log_are_kept() -> None:
    known = log_lines(architecture_of("aarch64", ARCHITECTURES)).known
    lines = known(str(FakeSystem().log))
    assert len(lines) == 7
    assert not [line for line in lines if re.search(r"UUID|host|52:54", line)]
    assert known("CPU features: detected: X\tkey=secret") == ()


WORDS = st.sampled_from(
    [
        *("rodata=off", "rodata=on", 'rodata="off"', "kvm_arm.mode=none", "root=UUID=1-2"),
        *("quiet", "--", "ip=10.0.0.1::host", '"a b"', 'x="y rodata=off z"', '"', "="),
        *("\xa0", "rodata"),
    ]
)


@given(st.lists(WORDS, max_size=8).map(" ".join))
def test_a_private_command_line_has_the_same_known_parameters(text: str) -> None:
    def known(line: str) -> list[Any]:
        read = read_command_line(line)
        return [
            (stream, item.name, item.value, item.offset)
            for stream in ("early", "idreg")
            for item in read.stream(stream)
            if item.name.replace("-", "_") in {name.replace("-", "_") for name in KNOWN}
        ]

    private = private_command_line(text, KNOWN)
    assert len(private) == len(text)
    assert known(private) == known(text)
    assert not re.search(r"1-2|10\.0", private)


def test_texts_of_a_config_are_emptied_but_its_command_line() -> None:
    text = (
        'CONFIG_CMDLINE="root=/dev/sda rodata=off"\nCONFIG_DEFAULT_HOSTNAME="host \\" x"\n'
        "CONFIG_KFENCE_SAMPLE_INTERVAL=0\n# CONFIG_KVM is not set\n"
    )
    assert private_config(text, KNOWN) == (
        'CONFIG_CMDLINE="root=xxxxxxxx rodata=off"\nCONFIG_DEFAULT_HOSTNAME=""\n'
        "CONFIG_KFENCE_SAMPLE_INTERVAL=0\n# CONFIG_KVM is not set\n"
    )


def test_a_bundle_is_read_as_it_was_written(tmp_path: Path) -> None:
    host = machine(tmp_path / "tree", FakeSystem(kvm_refused="ENOENT"))
    file = tmp_path / "bundle.json"
    file.write_text(dump_bundle(host))
    assert load_bundle(file, ARCHITECTURES) == host
    file.write_bytes(gzip.compress(dump_bundle(host).encode()))
    assert load_bundle(file, ARCHITECTURES) == host


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "MX1612"),
    "no text": (b"\xff\xfe\x00", "MX1612"),
    "a list": (b"[]", "MX1612"),
    "another schema": (b'{"schema": "matrix/validate/1"}', "MX1612"),
    "deep": (b"[" * 200_000, "MX1612"),
    "deep and whole": (b'{"schema":' * 100_000 + b"1" + b"}" * 100_000, "MX1612"),
    "a long number": (b'{"schema": ' + b"9" * 10_000 + b"}", "MX1612"),
    "only a schema": (b'{"schema": "matrix/host/1"}', "MX1614"),
    "packed and damaged": (gzip.compress(b"{}" * 999)[:-9], "MX0303"),
    "a packed bomb": (gzip.compress(b" " * (33 << 20)), "MX1611"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_diagnostic(name: str, tmp_path: Path) -> None:
    data, code = HOSTILE[name]
    file = tmp_path / "bundle"
    file.write_bytes(data)
    with pytest.raises(InputError) as caught:
        load_bundle(file, ARCHITECTURES)
    assert [item.code for item in caught.value.diagnostics] == [code]


BAD_VALUES = [None, True, -1, 1 << 70, "0x", "\x1b[31m", [], {}, {"0": 1}, ["\x00"], 1.5, "x" * 999]


@given(data=st.data())
def test_no_damaged_value_gets_past_the_reader(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Any value of the document may be any other: it is refused, or the readings are well typed."""
    folder = tmp_path_factory.mktemp("damaged")
    document = bundle_document(make_tree(folder / "tree"))
    place: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(st.sampled_from(BAD_VALUES))
    file = folder / "bundle.json"
    file.write_text(json.dumps(document))
    try:
        host = load_bundle(file, ARCHITECTURES)
    except InputError as error:
        refused = {item.code for item in error.diagnostics}
    else:
        refused = set()
        evidence(host)
        surroundings(host)
    assert refused <= {"MX1612", "MX1613", "MX1614"}
