"""Names that people use for machines: which CPU each means, in SPECs, lists and evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.diagnostics import InputError
from matrix.flows.evidence_request import asked_of, host_request, read_evidence
from matrix.flows.knowledge import Library
from matrix.flows.validate_job import ValidateRequest
from matrix.kernel.cpu.resolve import canonical_system, machine_named, resolve_system
from tests.cli_runner import run_cli

LIBRARY = Library()
ARM64 = LIBRARY.architecture("arm64")
DATA = Path(__file__).parent / "data" / "evidence"

# By hand, from the makers' own lists.
MEANT = {
    "m7g.metal": "aws-graviton3",
    "c7g": "aws-graviton3",
    "C7GN.16xlarge": "aws-graviton3",
    "m6g.8xlarge": "aws-graviton2",
    "m8g.metal-24xl": "aws-graviton4",
    "a1.metal": "aws-graviton1",
    "Standard_D4ps_v6": "microsoft-cobalt-100",
    "Standard_E16pds_v5": "ampere-altra",
    "dpsv6": "microsoft-cobalt-100",
    "c4a-standard-8": "google-axion-c4a",
    "VM.Standard.A1.Flex": "ampere-altra",
    "ecs.g8y.large": "alibaba-yitian-710",
    "gb10": "cortex-a725+cortex-x925",
    "dgx-spark": "cortex-a725+cortex-x925",
    "rk3588": "cortex-a55+cortex-a76",
    "rpi5": "cortex-a76",
    "m2-pro": "apple-m2",
    "kunpeng-920": "hisi-tsv110",
    "q80-30": "ampere-altra",
    "gh200": "nvidia-grace",
}


@pytest.mark.parametrize("name", MEANT)
def test_a_machine_is_its_cpu(name: str) -> None:
    assert resolve_system(name, LIBRARY.knowledge, ARM64).spec == MEANT[name]
    assert canonical_system(name, LIBRARY.knowledge) == tuple(sorted(MEANT[name].split("+")))


def test_every_machine_has_a_source_and_a_system() -> None:
    for one in LIBRARY.knowledge.machines:
        architecture = LIBRARY.architecture(one.arch)
        for row in one.machines:
            assert row.source
            assert resolve_system(row.cpu, LIBRARY.knowledge, architecture).spec == row.cpu
            assert all(name == name.lower() and name.count("*") < 2 for name in row.names)


# By hand: sizes that are a whole machine, and those that are a part of one.
WHOLE = ("m7g.metal", "m8g.metal-24xl", "c4a-highmem-96-metal", "BM.Standard.A1.160", "rk3588")
VIRTUAL = ("c7g.large", "t4g.micro", "Standard_D4ps_v6", "c4a-standard-8", "VM.Standard.A1.Flex")


@pytest.mark.parametrize("name", [*WHOLE, *VIRTUAL, "c7g"])
def test_a_virtual_machine_is_said(name: str) -> None:
    said = resolve_system(name, LIBRARY.knowledge, ARM64).diagnostics
    assert [item.code for item in said] == ([] if name in WHOLE else ["MX0512"])
    if name == "c7g":
        assert "unless it is a metal size" in said[0].message


def test_a_virtual_machine_among_hosts_and_in_a_log_is_said(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.csv"
    hosts.write_text("kernel,cpu\n7.3,c7g.large\n7.3,m7g.metal\n7.3,c7g.large\n")
    ran = run_cli("fleet", str(hosts))
    assert ran.err.count("MX0512") == 1
    log = tmp_path / "log"
    log.write_text(
        "[    0.0] Linux version 7.3.0 (a@b) #1 SMP\n"
        "[    0.0] DMI: Amazon EC2 m7g.large/Not Specified, BIOS 1.0 11/1/2018\n"
    )
    (note,) = [
        one
        for one in read_evidence([str(log)], LIBRARY, asked_of(LIBRARY)).remarks
        if one.code == "MX0512"
    ]
    assert note.location is not None
    assert note.location.line == 2


def test_fields_behind_a_machine() -> None:
    assert resolve_system("m7g.metal,dic=0", LIBRARY.knowledge, ARM64).spec == "aws-graviton3,dic=0"
    with pytest.raises(InputError) as caught:
        resolve_system("rk3588,dic=1", LIBRARY.knowledge, ARM64)
    assert [item.code for item in caught.value.diagnostics] == ["MX0510"]


@pytest.mark.parametrize(
    ("written", "meant"), [("m7gg.metal", "m7g"), ("rk3858", "rk3588"), ("dgx-sparc", "dgx-spark")]
)
def test_a_misspelt_machine_is_said_with_the_one_that_is_meant(written: str, meant: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve_system(written, LIBRARY.knowledge, ARM64)
    (item,) = caught.value.diagnostics
    assert item.code == "MX0502"
    assert f"did you mean `{meant}`?" in str(item.hint)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("v1", "`neoverse-v1`"), ("a76", "`cortex-a76`"), ("x-elite", "`snapdragon-x-elite`")],
)
def test_a_name_without_its_maker_is_said_with_the_whole_one(written: str, meant: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve_system(written, LIBRARY.knowledge, ARM64)
    assert meant in str(caught.value.diagnostics[0].hint).partition("?")[0]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("m7g.metal", {"aws-graviton3"}),
        ("spark", {"cortex-a725", "cortex-x925"}),
        ("0xd40", {"aws-graviton3", "neoverse-v1", "qemu-neoverse-v1"}),
        ("0x411fd401", {"aws-graviton3", "neoverse-v1", "qemu-neoverse-v1"}),
        ("Graviton", {f"aws-graviton{number}" for number in range(1, 6)}),
    ],
)
def test_cpus_are_found_by_the_names_of_machines(word: str, found: set[str]) -> None:
    ran = run_cli("cpus", "list", "--search", word)
    assert ran.code == 0
    listed = {line.split()[0] for line in ran.out.splitlines()[1:] if line[:1].isalpha()}
    assert found <= listed
    assert len(listed) <= len(found) + 1


def test_the_product_tells_cpus_apart_that_share_a_midr(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "[    0.0] Booting Linux on physical CPU 0x0000000000 [0x411fd401]\n"
        "[    0.0] Linux version 7.3.0 (a@b) #1 SMP\n"
        "[    0.0] DMI: Amazon EC2 m7g.metal/Not Specified, BIOS 1.0 11/1/2018\n"
    )
    shown = read_evidence([str(log)], LIBRARY, asked_of(LIBRARY))
    found = host_request(shown, ValidateRequest(files=()), LIBRARY)
    assert found.request.cpus == ("aws-graviton3,midr=0x411fd401",)
    log.write_text(log.read_text().replace("m7g.metal", "m6g.metal"))  # the MIDR is none of its
    shown = read_evidence([str(log)], LIBRARY, asked_of(LIBRARY))
    found = host_request(shown, ValidateRequest(files=()), LIBRARY)
    assert found.request.cpus == ("neoverse-v1,midr=0x411fd401",)


def test_the_number_of_memory_slots_is_no_product(tmp_path: Path) -> None:
    """Newer kernels have a second line `DMI: `: drivers/firmware/dmi_scan.c:834 (6.18.2)."""
    log = tmp_path / "log"
    log.write_text(
        "[    0.0] Booting Linux on physical CPU 0x0000000000 [0x411fd401]\n"
        "[    0.0] DMI: Amazon EC2 m7g.metal/Not Specified, BIOS 1.0 11/1/2018\n"
        "[    0.0] DMI: Memory slots populated: 16/32\n"
    )
    products = read_evidence([str(log)], LIBRARY, asked_of(LIBRARY)).machine.products
    assert [item.value for item in products] == ["Amazon EC2 m7g.metal"]


def test_a_product_alone_is_its_cpu(tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    facts.write_text('{"ansible_kernel": "7.3.0", "ansible_product_name": "m8g.metal-24xl"}')
    shown = read_evidence([str(facts)], LIBRARY, asked_of(LIBRARY))
    found = host_request(shown, ValidateRequest(files=()), LIBRARY)
    assert found.request.cpus == ("aws-graviton4",)


@pytest.mark.parametrize(
    ("name", "found"), [("ab-cd", True), ("ab-d", False), ("a-xd", False), ("big.4xlarge", True)]
)
def test_each_name_of_a_machine_is_looked_at(name: str, found: bool) -> None:
    names = ("ab-*-cd", "ab-*d", "big")
    row = replace(LIBRARY.knowledge.machines[0].machines[0], names=names, sized=True)
    machines = (replace(LIBRARY.knowledge.machines[0], machines=(row,)),)
    knowledge = replace(LIBRARY.knowledge, machines=machines)
    assert (machine_named(name, knowledge, machines[0].arch) is not None) == found
