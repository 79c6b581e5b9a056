"""What an answer means to who runs the machine: declared for each verdict, said at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.analyze.cell.verdict import meanings_of
from matrix.flows.knowledge import Library
from tests.cli_runner import run_cli

LIBRARY = Library()
CONFIG = str(Path(__file__).parent / "data" / "booted" / "7.3.config")


@pytest.mark.parametrize("one", LIBRARY.knowledge.capabilities, ids=lambda one: one.id)
def test_each_verdict_of_a_shipped_capability_has_a_sentence(one: object) -> None:
    capability = LIBRARY.capability(one.id)  # type: ignore[attr-defined]
    said = {row.verdict for row in capability.so_what if row.condition is None}
    assert said == {str(verdict) for verdict in meanings_of(capability.basis)}
    for row in capability.so_what:
        assert len(row.says) <= 160
        assert not row.says.endswith(".")


@pytest.mark.parametrize(
    ("ask", "last"),
    [
        # The check is false: nothing is hidden, and pages are not forced.
        (
            ("--cpu", "graviton3", "--cmdline", "rodata=noalias kfence.sample_interval=100"),
            "guest memory stays readable to the host kernel, and the linear map keeps its blocks",
        ),
        # DEBUG_PAGEALLOC maps pages whatever rodata= says: noalias gains nothing.
        (
            ("--cpu", "graviton3", "--cmdline", "rodata=noalias debug_pagealloc=on"),
            "gains no larger mappings of the linear map here, since something else forces pages",
        ),
        (
            ("--cpu", "neoverse-v1"),
            "hidden guest memory yet; it is settled by neoverse-v1,dic=1 or graviton3",
        ),
    ],
)
def test_an_answer_ends_with_what_it_means(ask: tuple[str, ...], last: str) -> None:
    ran = run_cli("validate", CONFIG, *ask)
    assert " ".join(ran.out.split()).endswith(last)


def test_alike_cpus_share_the_sentence() -> None:
    ran = run_cli("validate", CONFIG)
    flat = " ".join(ran.out.split())
    assert "so what: do not switch it on" in flat
    assert "settled by NAME,dic=0" in flat


def test_a_defect_over_many_cpus_stands_once() -> None:
    base = Path(__file__).parent / "data" / "evidence" / "p25-base.config"
    ran = run_cli("validate", str(base))
    head = " ".join(ran.out.partition("all with")[0].split())
    assert head.count("a defect of Linux 6.18") == 1
    assert "on some of them it hangs on" in head
