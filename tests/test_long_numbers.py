"""Python refuses to read thousands of digits; where a user writes them, they get a diagnostic."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from matrix.diagnostics import InputError
from matrix.kernel.kconfig.comparing import number
from matrix.schema.files import Kind
from tests.cli_runner import run_cli
from tests.unit.schema.declarations import good_text, load

DIGITS = "9" * 5000
CONFIG = Path(__file__).parent / "data" / "booted" / "7.3.config"
PATCH = """\
From: A Reviewer <reviewer@example.org>
Subject: [PATCH] KVM: arm64: a check

diff --git a/arch/arm64/include/asm/kvm_host.h b/arch/arm64/include/asm/kvm_host.h
--- a/arch/arm64/include/asm/kvm_host.h
+++ b/arch/arm64/include/asm/kvm_host.h
@@ -1,1 +1,{length} @@ struct kvm;
 struct kvm;
+static inline bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)
+{{
+	return can_set_direct_map() && PAGE_SIZE == SZ_{size}K;
+}}
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--kernel", DIGITS),
        ("--kernel", f"7.{DIGITS}"),
        ("--kernel", "7.²"),
        ("--cpu", DIGITS),
        ("--cpu", f"midr={DIGITS}"),
        ("--cpu", f"free,dic={DIGITS}"),
        ("--cmdline", f"rodata={DIGITS} hugepagesz={DIGITS}"),
    ],
)
def test_validate(arguments: tuple[str, str]) -> None:
    assert run_cli("validate", str(CONFIG), *arguments).code in (0, 1, 3)


@pytest.mark.parametrize("release", [f"{DIGITS}.1", f"7.{DIGITS}"])
def test_a_header(release: str, tmp_path: Path) -> None:
    file = tmp_path / "long.config"
    file.write_text(re.sub(r"(# Linux/arm64 )\S+", rf"\g<1>{release}", CONFIG.read_text(), count=1))
    ran = run_cli("validate", str(file))
    assert ran.code in (0, 1)  # as any release: the header is none that conf writes
    assert "MX0912" in ran.err


@pytest.mark.parametrize(("length", "size"), [(DIGITS, "4"), ("5", DIGITS)])
def test_a_patch(length: str, size: str, tmp_path: Path) -> None:
    file = tmp_path / "long.mbox"
    file.write_text(PATCH.format(length=length, size=size))
    ran = run_cli("review", str(file), "--kernel", "7.3")
    assert ran.code == 3
    assert "MX12" in ran.err


def test_hosts(tmp_path: Path) -> None:
    file = tmp_path / "hosts.csv"
    file.write_text(f"host,kernel,config,cpu\na,{DIGITS},{CONFIG},{DIGITS}\nb,7.{DIGITS},,\n")
    ran = run_cli("fleet", str(file))
    assert ran.code == 3
    assert "MX1506" in ran.err


@pytest.mark.parametrize(
    ("kind", "old", "new", "code"),
    [
        (Kind.KERNEL, "release: ", f'release: "7.{DIGITS}" # ', "MX0217"),
        (Kind.CPU, "zeus,dic=0", f"zeus,dic={DIGITS}", "MX0222"),
        (Kind.CPU, "zeus,dic=0", DIGITS, "MX0221"),
    ],
)
def test_a_declaration(kind: Kind, old: str, new: str, code: str) -> None:
    assert old in good_text(kind)
    with pytest.raises(InputError) as caught:
        load({kind: lambda text: text.replace(old, new, 1)})
    assert code in {found.code for found in caught.value.diagnostics}


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        # strtoll() and strtoull() fail beyond 64 bits, and Kconfig then compares texts.
        (DIGITS, "int", None),
        ("9223372036854775807", "int", 2**63 - 1),
        ("9223372036854775808", "int", None),
        ("0xffffffffffffffff", "hex", 2**64 - 1),
        ("0x1ffffffffffffffff", "hex", None),
        ("0xffffffffffffffff", "string", None),
        (DIGITS, "string", None),
        ("017", "string", 15),
    ],
)
def test_a_number_of_kconfig(text: str, kind: str, expected: int | None) -> None:
    assert number(text, kind) == expected
