"""Why nothing is selected: the core is unsatisfiable, and without any member the rest is not."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.analyze.space.contradiction import Contradiction, SelectionSpace
from matrix.diagnostics import InputError, Severity
from matrix.expr.parser import parse
from matrix.flows.cell_argument import parse_cell
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.selection import contradictory_study, no_such_cell, nothing_selected
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.schema.values import Condition
from tests.cli_runner import run_cli
from tests.unit.analyze.small_study import declarations


@pytest.fixture(scope="module")
def shipped() -> PreparedStudy:
    return prepare_study(Library(), DEFAULT_STUDY)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> PreparedStudy:
    folder = declarations(tmp_path_factory.mktemp("small"))
    return prepare_study(Library((folder,)), "small")


def condition(prepared: PreparedStudy, text: str, because: str | None = None) -> Condition:
    place = replace(prepared.study.location, file="asked")
    return Condition(expression=parse(text), text=text, location=place, because=because)


def bounded(prepared: PreparedStudy, *texts: str) -> PreparedStudy:
    """Return the study with other constraints."""
    constraints = tuple(condition(prepared, text) for text in texts)
    library = prepared.library
    study = replace(prepared.study, constraints=constraints)
    asked = {item.id: item for item in prepared.library.knowledge.studies}
    assert study.id in asked
    knowledge = replace(
        library.knowledge,
        studies=tuple(study if item.id == study.id else item for item in asked.values()),
    )
    changed = copy.copy(library)
    changed.knowledge = knowledge
    return prepare_study(changed, study.id)


def lines(error: InputError | None) -> list[str]:
    assert error is not None
    head, *members = error.diagnostics
    assert head.severity is Severity.ERROR
    assert head.hint
    assert {item.code for item in members} == {"MX0660"}
    assert all(item.location for item in members)
    return [item.message for item in members]


# A cell that does not exist, and what each line of its core begins with.
CELLS = [
    (
        "realm=yes,entry=el2",
        ["`entry=el2` is asked", "`realm=yes` is asked", 'the study demands `realm == "no" || e'],
    ),
    (
        "realm=yes",
        ["`realm=yes` is asked", "`entry=el2` is the baseline's", "the study demands"],
    ),
    (
        "kernel=6.12,realm=yes,entry=el1",
        ["`kernel=6.12` is asked", "`realm=yes` is asked", 'the study demands `realm == "no" || m'],
    ),
    (
        "page_size=16k,cpu=cortex-a72",
        [
            "`cpu=cortex-a72` is asked for: tgran16 of cortex-a72 is 0",
            "`page_size=16k` is asked",
            "the study demands `granule_supported()`: a kernel boots only on a CPU",
        ],
    ),
    (
        "host=l1-dic-hidden,cpu=neoverse-n1",
        [
            "`cpu=neoverse-n1` is asked for: nv of neoverse-n1 is ",
            "`host=l1-dic-hidden` is asked",
            'the study demands `host == "bare-metal" || cpus_have_final_cap(nv2)`',
        ],
    ),
]


@pytest.mark.parametrize(("cell", "expected"), CELLS, ids=[cell for cell, _ in CELLS])
def test_a_cell_that_cannot_exist(shipped: PreparedStudy, cell: str, expected: list[str]) -> None:
    said = lines(no_such_cell(shipped, parse_cell(shipped, cell)))
    assert len(said) == len(expected)
    for line, start in zip(said, expected, strict=True):
        assert line.startswith(start), line


@pytest.mark.parametrize("cell", [cell for cell, _ in CELLS])
def test_the_nearest_cell_that_is_named_exists(shipped: PreparedStudy, cell: str) -> None:
    chosen = parse_cell(shipped, cell)
    hint = no_such_cell(shipped, chosen).diagnostics[0].hint
    assert hint is not None
    kept = hint.startswith("such a cell exists with ")
    text = hint.removeprefix("the nearest cell that exists has ").partition(";")[0]
    changed = parse_cell(shipped, text.removeprefix("such a cell exists with "))
    # Only where nothing else helps is what was asked for given up.
    assert kept is (cell == "realm=yes")
    assert kept is not bool(changed.keys() & chosen.keys())
    assert shipped.answer(chosen) is None
    assert shipped.answer({**chosen, **changed}) is not None


def found(prepared: PreparedStudy) -> Contradiction:
    pairs = [(item, prepared.questions[item.id]) for item in prepared.kernels]
    space = SelectionSpace(prepared.study, pairs, prepared.architecture, prepared.systems)
    contradiction = space.contradiction({}, {})
    assert contradiction is not None
    return contradiction


# Constraints of a study that contradict each other, and the numbers of a smallest core.
CONTRADICTIONS = [
    (["false"], (0,)),
    (["rodata_full", "kvm_mode != KVM_MODE_PROTECTED", "!rodata_full"], (0, 2)),
    (
        [
            "IS_ENABLED(CONFIG_KVM)",
            'vm == "default"',
            '!IS_ENABLED(CONFIG_KVM) || vm == "protected"',
            "PAGE_SIZE == 4096",
        ],
        (0, 1, 2),
    ),
    # Two cores share a member; the smaller one is shown, though the larger stands before it.
    (
        [
            'vm == "default"',
            'vm == "protected" || rodata_full',
            'vm == "protected" || !rodata_full',
            "IS_ENABLED(CONFIG_KVM)",
            "!IS_ENABLED(CONFIG_KVM)",
        ],
        (3, 4),
    ),
]


@pytest.mark.parametrize(("texts", "core"), CONTRADICTIONS)
def test_a_contradictory_study(
    small: PreparedStudy, texts: list[str], core: tuple[int, ...]
) -> None:
    prepared = bounded(small, *texts)
    members = found(prepared).members
    assert [member.text for member in members] == [texts[index] for index in core]
    with pytest.raises(InputError) as raised:
        prepared.solve()
    assert raised.value.diagnostics[0].code == "MX0661"
    assert lines(raised.value) == lines(contradictory_study(prepared))


@pytest.mark.parametrize(("texts", "core"), CONTRADICTIONS)
def test_without_any_member_the_rest_can_be(
    small: PreparedStudy, texts: list[str], core: tuple[int, ...]
) -> None:
    for kept in itertools.combinations(core, len(core) - 1):
        solved = bounded(small, *(texts[index] for index in kept)).solve()
        assert solved.valid.count() > 0


def with_impossible_option(folder: Path) -> PreparedStudy:
    """Return the small study with an option that no release's Kconfig can make."""
    file = declarations(folder) / "matrices" / "small.yaml"
    option = "      usual: {"
    impossible = "      impossible: {ARM64_4K_PAGES: 'y', DEBUG_PAGEALLOC_ENABLE_DEFAULT: 'y'}\n"
    text = file.read_text()
    assert option in text
    file.write_text(text.replace(option, impossible + option, 1))
    return prepare_study(Library((folder,)), "small")


def test_kconfig_takes_part_in_a_cell(tmp_path: Path) -> None:
    prepared = with_impossible_option(tmp_path)
    error = no_such_cell(prepared, {"kconfig": "impossible"})
    asked, baseline, kconfig = lines(error)
    assert asked == "`kconfig=impossible` is asked for"
    assert baseline == "`kernel=7.3` is the baseline's"
    assert kconfig.startswith("the Kconfig of Linux 7.3 demands ")
    assert kconfig.endswith(
        ": DEBUG_PAGEALLOC_ENABLE_DEFAULT depends on DEBUG_PAGEALLOC (mm/Kconfig.debug:43)"
    )
    assert str(error.diagnostics[3].location).startswith("configs/kernels/linux-7.3-arm64.yaml:")


def test_the_kconfig_of_every_release_takes_part_in_a_study(tmp_path: Path) -> None:
    prepared = with_impossible_option(tmp_path)
    asked = "IS_ENABLED(CONFIG_DEBUG_PAGEALLOC_ENABLE_DEFAULT)"
    members = found(bounded(prepared, asked)).members
    assert [member.release for member in members] == [None, "6.12", "6.18", "7.3"]
    assert [member.kind for member in members] == ["study", *["Kconfig"] * 3]
    assert [bool(member.source) for member in members] == [False, True, True, True]
    assert all(member.because for member in members[1:])


def test_an_expression_that_nothing_satisfies(small: PreparedStudy) -> None:
    where = condition(small, 'vm == "protected" && !IS_ENABLED(CONFIG_KVM)')
    error = nothing_selected(small, {}, (where,))
    said = lines(error)
    assert error is not None
    assert error.diagnostics[0].code == "MX0662"
    assert len(said) == 2
    assert said[0].startswith('`vm == "protected" && !IS_ENABLED(CONFIG_KVM)` is asked for')
    assert said[1].startswith('the study demands `vm == "default" || IS_ENABLED(CONFIG_KVM)`')


def test_an_expression_over_axes(small: PreparedStudy) -> None:
    """`rodata=off` clears rodata_full in every release: the expression contradicts itself."""
    where = condition(small, 'boot.rodata == "off" && rodata_full')
    assert lines(nothing_selected(small, {"kernel": "7.3"}, (where,))) == [
        f"`{where.text}` is asked for"
    ]
    absent = condition(small, 'boot.kvm_arm_mode == "protected" && is_protected_kvm_enabled()')
    assert nothing_selected(small, {"kernel": "7.3"}, (absent,)) is None
    asked = {"kernel": "7.3", "boot.kvm_arm_mode": "absent"}
    assert lines(nothing_selected(small, asked, (absent,))) == [
        "`boot.kvm_arm_mode=absent` is asked for",
        f"`{absent.text}` is asked for",
    ]


def test_a_selection_with_cells_has_no_core(small: PreparedStudy) -> None:
    assert nothing_selected(small, {"kernel": "7.3", "vm": "protected"}) is None
    assert nothing_selected(small, {}, (condition(small, "rodata_full"),)) is None


@pytest.mark.parametrize("command", ["count", "rules", "claims", "report", "synthesize"])
def test_every_command_on_a_contradictory_study(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = declarations(tmp_path / "mine")
    file = folder / "matrices" / "small.yaml"
    file.write_text(
        file.read_text().replace(
            "constraints:\n", 'constraints:\n  - {c: "false", because: "no"}\n'
        )
    )
    monkeypatch.chdir(tmp_path)
    ran = run_cli(command, "small", "--configs", str(folder))
    assert ran.code == 3
    assert ran.out == ""
    assert "error[MX0661]" in ran.err
    assert "small.yaml:32:10: note[MX0660]: the study demands `false`: no" in ran.err
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("command", ["explain", "simulate"])
def test_a_cell_that_does_not_exist_exits_3(command: str) -> None:
    ran = run_cli(command, "realm=yes,entry=el2")
    assert (ran.code, ran.out) == (3, "")
    head, *_, last = ran.err.splitlines()
    assert "error[MX0607]" in head
    assert "matrices/arm64-gmem-no-direct-map.yaml:" in last
    assert "note[MX0660]: the study demands" in last
