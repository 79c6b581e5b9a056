"""Machines of x86 and RISC-V by what people hold of them: cpuinfo, lscpu, logs, saved readings.

What is expected follows from the kernel: sev_hardware_setup() (arch/x86/kvm/svm/sev.c:2989-3143,
6.18.2) uses nothing whose flag is missing, and says in the log what it uses.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrix.kernel.host.files import read_cpu_fields
from matrix.kernel.host.kernel_log import architecture_of
from tests.bundle_builder import ARCHITECTURES, FakeSystem, bundle_document
from tests.cli_runner import run_cli

X86 = "x86-gmem-no-direct-map"
CONFIG = """\
# Linux/x86 6.18.2 Kernel Configuration
CONFIG_X86_64=y
CONFIG_KVM=m
CONFIG_KVM_AMD=m
CONFIG_KVM_AMD_SEV=y
CONFIG_KVM_GUEST_MEMFD=y
"""
EPYC = "fpu vme svm npt lbrv sme sev sev_es sev_snp debug_swap"
XEON = "fpu vme vmx ept vpid tdx_host_platform"
CPUINFO = """\
processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 1
flags\t\t: {}
bugs\t\t: sysret_ss_attrs

"""
LSCPU = """\
Architecture:            x86_64
CPU(s):                  2
Vendor ID:               AuthenticAMD
  Model name:            AMD EPYC 7763 64-Core Processor
    Flags:               {}
Virtualization features:
"""
LOG = """\
[    0.000000] Linux version 6.18.2-1-default (geeko@host) (gcc 14.2.0) #1 SMP
[    0.000000] Command line: quiet
[    0.000000] BIOS-provided physical RAM map:
[    0.020000] Kernel command line: quiet
[    1.500000] Run /init as init process
[    9.100000] kvm_amd: SEV enabled (ASIDs 100 - 509)
[    9.100000] kvm_amd: SEV-ES enabled (ASIDs 1 - 99)
[    9.100000] kvm_amd: SEV-SNP enabled (ASIDs 1 - 99)
"""


def answered(
    folder: Path, *texts: str, vm: str = "default", capability: str = X86
) -> tuple[str, str]:
    """Return (CPU, verdict) of the configuration with these texts as evidence."""
    config = folder / "x.config"
    config.write_text(CONFIG)
    given = []
    for number, text in enumerate(texts):
        file = folder / f"text{number}"
        file.write_text(text)
        given += ["--evidence", str(file)]
    ran = run_cli(
        "validate", str(config), *given, "--capability", capability, "--vm", vm, "--format", "json"
    )
    assert ran.code in (0, 4), ran.err
    (result,) = json.loads(ran.out)["results"]
    return result["cpu"][0], result["verdict"]


def refused(folder: Path, text: str, *more: str) -> str:
    file = folder / "text"
    file.write_text(text)
    ran = run_cli("validate", "--evidence", str(file), *more)
    assert ran.code == 3
    return ran.err


@pytest.mark.parametrize(
    ("flags", "denied"),
    [
        (EPYC, {"tdx"}),
        (XEON, {"sev", "sev_es", "snp"}),
        ("fpu vme svm npt sme sev sev_es", {"snp", "tdx"}),
        ("fpu vme", {"sev", "sev_es", "snp", "tdx", "tdp"}),
        # A word is a flag only where it is one whole.
        ("npt sev_es_debug sev_snp2 xsev", {"sev", "sev_es", "snp", "tdx"}),
    ],
)
@pytest.mark.parametrize("form", [CPUINFO, LSCPU])
def test_what_flags_deny_is_known_and_what_they_list_is_not(
    flags: str, denied: set[str], form: str, tmp_path: Path
) -> None:
    cpu, _ = answered(tmp_path, form.format(flags))
    assert set(cpu.split(",")[1:]) == {f"{name}=0" for name in denied}
    assert cpu.startswith("x86-any")


def test_the_json_of_lscpu_has_flags_too(tmp_path: Path) -> None:
    rows = [
        {"field": "Architecture:", "data": "x86_64"},
        {
            "field": "Vendor ID:",
            "data": "GenuineIntel",
            "children": [{"field": "Flags:", "data": XEON}],
        },
    ]
    cpu, _ = answered(tmp_path, json.dumps({"lscpu": rows}))
    assert cpu == "x86-any,sev=0,sev_es=0,snp=0"


@pytest.mark.parametrize("form", [CPUINFO, LSCPU])
def test_a_line_of_flags_that_was_wrapped_denies_nothing(form: str, tmp_path: Path) -> None:
    wrapped = form.format("fpu vme de pse tsc msr pae mce cx8\n    sev sev_es")
    assert answered(tmp_path, wrapped)[0] == "x86-any"


def test_a_copy_that_ends_with_the_flags_denies_nothing(tmp_path: Path) -> None:
    whole = CPUINFO.format("fpu vme de pse")
    assert answered(tmp_path, whole[: whole.index("de pse")])[0] == "x86-any"


@pytest.mark.parametrize(
    ("word", "field", "verdict"), [("enabled", "snp=1", "refused"), ("disabled", "snp=0", "absent")]
)
def test_the_log_says_what_kvm_uses(word: str, field: str, verdict: str, tmp_path: Path) -> None:
    log = LOG.replace("SEV-SNP enabled", f"SEV-SNP {word}")
    assert answered(tmp_path, CPUINFO.format(EPYC), vm="snp")[1] == "unknown"
    cpu, found = answered(tmp_path, CPUINFO.format(EPYC), log, vm="snp")
    assert (field in cpu.split(","), found) == (True, verdict)


def with_modules(root: Path, **said: str) -> Path:
    """Write parameters of kvm_amd, and kvm_intel's if it is built in as well."""
    for name, text in said.items():
        module = "kvm_intel" if name == "tdx" else "kvm_amd"
        file = root / "sys" / "module" / module / "parameters" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    return root


@pytest.mark.parametrize(("said", "verdict"), [("Y", "refused"), ("N", "absent")])
def test_the_parameters_of_kvm_say_what_it_uses(said: str, verdict: str, tmp_path: Path) -> None:
    config = tmp_path / "x.config"
    config.write_text(CONFIG)
    host = with_modules(tmp_path / "host", sev="Y", sev_es="Y", sev_snp=said)
    (host / "proc").mkdir()
    (host / "proc" / "cpuinfo").write_text(CPUINFO.format(EPYC))
    ran = run_cli(
        *("validate", str(config), "--evidence", str(host), "--capability", X86),
        *("--vm", "snp", "--format", "json"),
    )
    (result,) = json.loads(ran.out)["results"]
    assert result["verdict"] == verdict
    alone = host / "sys" / "module" / "kvm_amd" / "parameters" / "sev_snp"
    asked = ("--evidence", str(alone), "--capability", X86, "--vm", "snp", "--format", "json")
    (result,) = json.loads(run_cli("validate", str(config), *asked).out)["results"]
    assert result["verdict"] == verdict
    # The machine itself reads the same files.
    read = read_cpu_fields(host, architecture_of("x86_64", ARCHITECTURES)).value
    assert read == {"tdx": 0, "sev": 1, "sev_es": 1, "snp": int(said == "Y")}


def test_a_module_that_found_no_cpu_of_its_own_says_nothing(tmp_path: Path) -> None:
    """Built in, kvm_amd keeps the default `sev=Y` on a CPU of Intel."""
    config = tmp_path / "x.config"
    config.write_text(CONFIG)
    host = with_modules(tmp_path / "host", sev="Y", sev_es="Y", sev_snp="Y", tdx="Y")
    (host / "proc").mkdir()
    (host / "proc" / "cpuinfo").write_text(CPUINFO.format(XEON))
    asked = ("--evidence", str(host), "--capability", X86, "--format", "json")
    (result,) = json.loads(run_cli("validate", str(config), *asked).out)["results"]
    assert set(result["cpu"][0].split(",")) == {"x86-any", "sev=0", "sev_es=0", "snp=0", "tdx=1"}
    read = read_cpu_fields(host, architecture_of("x86_64", ARCHITECTURES)).value
    assert read == {"tdx": 1, "sev": 0, "sev_es": 0, "snp": 0}


def test_flags_and_log_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(CPUINFO.format("svm npt sev sev_es"))
    error = refused(tmp_path, LOG, "--evidence", str(cpuinfo), "--capability", X86)
    assert "error[MX1432]: what shows snp is `kvm_amd: SEV-SNP enabled" in error
    assert "and `0` at" in error


def test_the_log_tells_version_and_command_line(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text(LOG)
    ran = run_cli("validate", "--evidence", str(file), "--capability", X86, "--format", "json")
    results = json.loads(ran.out)["results"]
    assert {item["kernel"] for item in results} == {"6.18"}
    assert {item["cmdline"] for item in results} == {"quiet"}
    assert {item["cpu"][0] for item in results} == {"x86-any,sev=1,sev_es=1,snp=1"}


def test_the_log_of_a_booted_kernel_of_x86() -> None:
    """It has what every kernel writes, too: tables, a product, the number of memory slots."""
    log = Path(__file__).parent / "data" / "evidence" / "6.12-x86-max.log.gz"
    ran = run_cli("validate", "--evidence", str(log), "--capability", X86, "--format", "json")
    assert "error" not in ran.err
    (result,) = json.loads(ran.out)["results"]
    assert (result["kernel"], result["cpu"]) == ("6.12", ["x86-any"])
    assert result["cmdline"] == "console=xxxxx panic=xx edd=xxx secretmem.enable=1"
    for capability in ("gmem-no-direct-map", "riscv-memfd-secret"):
        other = run_cli("validate", "--evidence", str(log), "--capability", capability)
        assert (other.code, f"--capability {X86}" in other.err) == (3, True)


@pytest.mark.parametrize("text", [CPUINFO.format(EPYC), LSCPU.format(EPYC), LOG])
def test_evidence_of_another_architecture_is_refused_with_what_to_ask(
    text: str, tmp_path: Path
) -> None:
    error = refused(tmp_path, text)
    assert "error[MX1431]" in error
    assert "x86" in error
    assert f"--capability {X86}" in error
    riscv = refused(tmp_path, text, "--capability", "riscv-memfd-secret")
    assert "error[MX1431]" in riscv


def test_a_log_of_arm64_is_none_of_x86(tmp_path: Path) -> None:
    log = (
        "[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x411fd401]\n"
        "[    0.000000] Linux version 7.3.0 (a@b) #1 SMP\n"
        "[    0.000000] Kernel command line: quiet\n"
    )
    assert "error[MX1431]" in refused(tmp_path, log, "--capability", X86)
    ran = run_cli("validate", "--evidence", str(tmp_path / "text"), "--format", "json")
    assert {item["kernel"] for item in json.loads(ran.out)["results"]} == {"7.3"}


def test_a_machine_of_riscv_is_answered_by_its_log(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text(
        "[    0.000000] Booting Linux on hartid 0\n"
        "[    0.000000] Linux version 6.18.2 (a@b) (riscv64-linux-gnu-gcc 14.2.0, GNU ld) #1 SMP\n"
        "[    0.000000] Machine model: riscv-virtio,qemu\n"
        "[    0.000000] SBI specification v3.0 detected\n"
        "[    0.000000] Kernel command line: secretmem.enable=0\n"
        "[    1.000000] Run /init as init process\n"
    )
    ran = run_cli(
        "validate",
        "--evidence",
        str(file),
        "--capability",
        "riscv-memfd-secret",
        "--format",
        "json",
    )
    (result,) = json.loads(ran.out)["results"]
    assert (result["kernel"], result["cpu"], result["verdict"]) == ("6.18", ["riscv-any"], "absent")
    assert "error[MX1431]" in run_cli("validate", "--evidence", str(file)).err


def x86_machine(root: Path, flags: str) -> Path:
    """Save a machine of x86 as `matrix probe --save` does, and return the file."""
    for name, text in (
        ("proc/cpuinfo", CPUINFO.format(flags)),
        ("proc/cmdline", "quiet\n"),
        ("boot/config-7.3.0", CONFIG.replace("6.18.2", "6.18.44")),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    file = root / "host.json"
    saved = bundle_document(root, FakeSystem(machine="x86_64", log=LOG))
    saved["version"] = "6.18.44"
    file.write_text(json.dumps(saved))
    return file


def test_a_saved_machine_of_x86_is_answered_and_compared(tmp_path: Path) -> None:
    file = x86_machine(tmp_path, EPYC)
    saved = json.loads(file.read_text())
    config = {"value": CONFIG, "source": "/boot/config-6.18.44", "why_not": None}
    saved["readings"]["config"] = config
    file.write_text(json.dumps(saved))
    assert saved["cpu_fields"]["value"] == {"tdx": 0}
    ran = run_cli("probe", "--host", str(file), "--capability", X86, "--format", "json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["answer"]["cpu"] == ["x86-any,sev=1,sev_es=1,snp=1,tdx=0"]
    compared = {item["fact"]: item["agreement"] for item in found["comparison"]}
    assert compared["guest_memfd"] == "agree"
    # Nothing is asked about memfd_secret(2) on x86.
    assert compared["memfd_secret"] == "model-unknown"
    answer = run_cli("validate", "--host", str(file), "--capability", X86, "--format", "json")
    (result,) = json.loads(answer.out)["results"]
    assert result["verdict"] == found["answer"]["verdict"] == "supported"


def test_without_the_capability_it_is_said_which_to_ask_about(tmp_path: Path) -> None:
    file = x86_machine(tmp_path, EPYC)
    ran = run_cli("probe", "--host", str(file))
    assert ran.code == 3
    assert "error[MX1601]: the machine is x86_64" in ran.err
    assert f"--capability {X86}" in ran.err


@pytest.mark.parametrize("value", [{"tdx": [1]}, {"tdx": "0,snp=1"}, {"tdx": None}, []])
def test_fields_of_a_saved_machine_are_not_trusted(value: object, tmp_path: Path) -> None:
    file = x86_machine(tmp_path, EPYC)
    saved = json.loads(file.read_text())
    saved["cpu_fields"]["value"] = value
    file.write_text(json.dumps(saved))
    ran = run_cli("probe", "--host", str(file), "--capability", X86)
    assert ran.code == 3
    assert "error[MX1614]" in ran.err


def test_a_fleet_reads_the_evidence_of_x86(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO.format("fpu vme svm npt sev"))
    (tmp_path / "x.config").write_text(CONFIG)
    table = tmp_path / "hosts.csv"
    table.write_text("host,config,evidence\na,x.config,cpuinfo\n")
    ran = run_cli("fleet", str(table), "--capability", X86, "--format", "json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["verdicts"]["supported"] == 1


@pytest.mark.parametrize(
    ("spec", "capability", "hint"),
    [
        ("x86-any,tdx=0", "gmem-no-direct-map", f"--capability {X86}"),
        ("graviton3", X86, "--capability cacheable-pfnmap or gmem-no-direct-map"),
    ],
)
def test_a_cpu_of_another_architecture_is_named_as_one(
    spec: str, capability: str, hint: str, tmp_path: Path
) -> None:
    config = tmp_path / "x.config"
    config.write_text(CONFIG)
    ran = run_cli("validate", str(config), "--cpu", spec, "--capability", capability)
    assert ran.code == 3
    assert "error[MX0502]: this is a CPU of" in ran.err
    assert hint in ran.err
