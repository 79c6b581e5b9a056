"""Logs of really booted kernels, read as evidence, say what another program saw in the guest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from matrix.flows.evidence_request import asked_of, read_evidence
from matrix.flows.knowledge import Library
from tests.cli_runner import run_cli

DATA = Path(__file__).parent / "data" / "booted_logs"
ROWS: list[dict[str, Any]] = json.loads((DATA / "oracle.json").read_text())
LIBRARY = Library()
# What the oracle calls the modes.
MODES = {
    "VHE mode initialized successfully": "vhe",
    "Hyp nVHE mode initialized successfully": "nvhe",
    "Hyp mode initialized successfully": "nvhe",
    "Protected hVHE mode initialized successfully": "protected",
    "HYP mode not available": "none",
    "KVM disabled from command line": "none",
    "GICv2 not supported in protected mode": None,
}
# 6.1 and 6.12 go on behind this line, 7.x give up: it settles no mode, and such a boot without an
# init has no line that shows its log to be whole. What is absent there is unknown.
OPEN_ENDED = {"7.3-cortex-a57-el2-protected.log.gz"}
CONFIGS = Path(__file__).parent / "data" / "booted"


SEEN = ("midr", "page_size", "fwb", "idc", "dic", "started_at")


def facts(row: dict[str, Any]) -> dict[str, Any]:
    host = read_evidence([str(DATA / row["log"])], LIBRARY, asked_of(LIBRARY)).machine.host
    shown = {item.name: item for item in host.shown}
    # Absent is inferred, present is known.
    for name in ("has_stage2_fwb", "has_cache_idc", "has_cache_dic"):
        assert shown[name].inferred == (shown[name].value is False)
    (midr,) = {registers["midr_el1"] for registers in (host.cpus.value or {}).values()}
    words = str(host.cmdline.value).split()
    return {
        "midr": f"{midr:#018x}",
        "page_size": host.page_size.value,
        "fwb": shown["has_stage2_fwb"].value,
        "idc": shown["has_cache_idc"].value,
        "dic": shown["has_cache_dic"].value,
        "started_at": str(shown["entry"].value).upper(),
        "kvm_mode": shown["kvm_mode"].value,
        "cmdline": " ".join(word for word in words if not word.startswith(("console=", "panic="))),
        "series": ".".join(host.version.split(".")[:2]),
        "processors": len(host.cpus.value or {}),
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["log"].removesuffix(".log.gz"))
def test_a_log_says_what_was_seen_in_the_guest(row: dict[str, Any]) -> None:
    found, row = facts(row), dict(row)
    if row["kvm_mode"] is None:  # entered at EL1: the oracle has no line of KVM
        assert found.pop("kvm_mode") in (None, "none")
    else:
        assert found.pop("kvm_mode") == MODES[row["kvm_mode"]]
    if row["log"] in OPEN_ENDED:
        assert [found.pop(name) for name in ("fwb", "idc", "dic")] == [None, None, None]
        assert not any(row.pop(name) for name in ("fwb", "idc", "dic"))
    assert found == {
        **{name: row[name] for name in SEEN if name in row},
        "cmdline": row["cmdline"],
        "series": row["kernel"].removesuffix("-16k"),
        "processors": row.get("smp", 1),
    }


def test_there_are_twenty_boots_and_more() -> None:
    assert len({row["oracle"] for row in ROWS}) >= 20
    assert {row["log"] for row in ROWS} == {path.name for path in DATA.glob("*.gz")}
    assert all(path.stat().st_size <= 8192 for path in DATA.glob("*.gz"))


def test_a_log_of_a_v1_settles_dic() -> None:
    log = str(DATA / "7.3-neoverse-v1-el2.log.gz")
    ran = run_cli("validate", str(CONFIGS / "7.3.config"), "--evidence", log)
    assert "neoverse-v1,midr=0x411fd402,dic=1" in " ".join(ran.out.split())
    assert "not settled: dic" not in ran.out


# MIDR_EL1 of Neoverse V1 r1p1, V2 r0p1 (also Grace and Axion), by the makers' manuals.
@pytest.mark.parametrize("midr", ["411fd401", "410fd4f1"])
def test_the_cpucap_lines_settle_dic(midr: str, tmp_path: Path) -> None:
    text = (DATA.parent / "evidence" / "p08-dmesg.txt").read_text().replace("411fd401", midr)
    log = tmp_path / "log"
    log.write_text(text)
    ask = ("validate", str(CONFIGS / "7.3.config"), "--evidence", str(log))
    assert "not settled" not in run_cli(*ask, "--cmdline", "rodata=on").out
    # Without the line, and with no sign that the log is whole, nothing is known.
    lines = [line for line in text.splitlines(True) if "Instruction cache" not in line]
    log.write_text("".join(lines[:-1]))
    out = run_cli(*ask, "--cmdline", "rodata=on").out
    assert midr != "411fd401" or "not settled: dic" in out
