"""What a user writes for a name: other names of a CPU, codes in lower case, groups without `@`."""

from __future__ import annotations

import json

import pytest

from matrix.diagnostics import unknown_word_hint
from matrix.flows.knowledge import Library
from matrix.kernel.cpu.resolve import canonical_system
from tests.cli_runner import run_cli


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("graviton3", ["aws-graviton3"]),
        ("Graviton3", ["aws-graviton3"]),
        ("APPLE_M2", ["apple-m2"]),
        ("cortex-a725+cortex-x925", ["cortex-x925", "cortex-a725"]),
    ],
)
def test_a_cell_takes_every_name_of_a_cpu_and_answers_with_its_own(
    written: str, meant: list[str]
) -> None:
    ran = run_cli("explain", f"cpu={written}", "--format", "json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert document["cpu"] == meant
    assert document["cell"]["cpu"] == "+".join(meant)


def test_a_field_of_a_cpu_is_sent_to_who_changes_it() -> None:
    ran = run_cli("explain", "cpu=neoverse-v1,dic=1")
    assert ran.code == 3
    assert "matrix validate FILE --cpu NAME,dic=1" in ran.err


def test_systems_are_equal_however_they_are_written() -> None:
    knowledge = Library(()).knowledge
    one = canonical_system("graviton3,dic=0,fwb=1+neoverse-n1", knowledge)
    assert one == canonical_system(" neoverse_n1 + AWS-Graviton3,fwb=1,dic=0", knowledge)
    assert one != canonical_system("graviton3,dic=1,fwb=1+neoverse-n1", knowledge)
    assert canonical_system("a,,", knowledge) == ("a,,",)


def test_a_code_may_be_written_in_lower_case() -> None:
    assert run_cli("explain", "mx0606").out == run_cli("explain", "MX0606").out


def test_a_group_may_be_written_without_its_sign() -> None:
    assert run_cli("cpus", "list", "server").out == run_cli("cpus", "list", "@server").out
    wrong = run_cli("cpus", "list", "sever")
    assert wrong.code == 3
    assert "did you mean `@server`?" in wrong.err


def test_releases_are_listed_as_they_came() -> None:
    hint = unknown_word_hint("nothing", ["6.12", "7.3", "6.6", "5.10", "cortex-a510"], "words")
    assert hint == "known words: 5.10, 6.6, 6.12, 7.3, cortex-a510"


def test_fleet_takes_none_for_fail_on_as_validate_does() -> None:
    for command in (("fleet", "absent.csv"), ("validate", "absent.config")):
        ran = run_cli(*command, "--fail-on", "none")
        assert "MX0907" not in ran.err
