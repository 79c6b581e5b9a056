"""What is refused rather than answered wrongly: bounds, clashing axes, foreign predicates."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.analyze.cell import answering, behaviour
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.question import lower_question, predicate_version
from matrix.diagnostics import ExitCode, InputError, UndecidedError
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.schema.values import MatrixStudy
from tests.cli_runner import run_cli


@pytest.fixture(scope="module")
def prepared() -> PreparedStudy:
    return prepare_study(Library(), "arm64-overview")


def code_of(caught: pytest.ExceptionInfo[InputError]) -> str:
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.code


def test_a_state_space_past_the_bound_is_never_safe(
    prepared: PreparedStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    question, concrete, _ = prepared.cell({"cpu": "aws-graviton3"})
    inputs = answering.inputs_of(question, concrete, prepared.behaviours)
    complete = prepared.behaviours.result(inputs)
    cut = replace(complete, complete=False)
    monkeypatch.setattr(behaviour, "simulate", lambda *_: cut)
    with pytest.raises(UndecidedError) as caught:
        Behaviours().result(inputs)
    assert code_of(caught) == "MX0710"


def test_the_command_line_exits_undecided_past_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise UndecidedError(())

    monkeypatch.setattr(Behaviours, "result", refuse)
    assert run_cli("count", "arm64-overview").code == ExitCode.UNDECIDED


def test_too_many_completions_are_refused(
    prepared: PreparedStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "_MAX_LEAVES", 1)
    question, concrete, _ = prepared.cell({"cpu": "ampere1"})
    with pytest.raises(UndecidedError) as caught:
        answering.settle(question, concrete, prepared.behaviours)
    assert code_of(caught) == "MX0903"


def test_two_axes_that_set_one_variable_are_refused(prepared: PreparedStudy) -> None:
    twice = next(axis for axis in prepared.study.axes if axis.name == "boot.rodata")
    study: MatrixStudy = replace(
        prepared.study, axes=(*prepared.study.axes, replace(twice, name="boot.again"))
    )
    with pytest.raises(InputError) as caught:
        replace(prepared, study=study).solve()
    assert code_of(caught) == "MX0610"


def test_a_constraint_that_would_do_nothing_is_refused(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "configs" / "matrices" / "arm64-overview.yaml"
    text = shipped.read_text().replace("id: arm64-overview", "id: mine")
    folder = tmp_path / "matrices"
    folder.mkdir()
    (folder / "mine.yaml").write_text(
        text.replace('c: "granule_supported()"', "c: 'boot.rodata != \"off\"'")
    )
    with pytest.raises(InputError) as caught:
        prepare_study(Library([tmp_path]), "mine")
    assert code_of(caught) == "MX0608"


def test_a_predicate_that_a_release_cannot_be_asked() -> None:
    library = Library()
    capability = replace(library.capability("gmem-no-direct-map"), requires=())
    program = library.program(library.kernel("6.12"))
    version = predicate_version(capability, "cacheable-pfnmap")
    question = lower_question(program, capability, version)
    assert question.predicate is None
    assert "kvm_supports_cacheable_pfnmap()" in question.lacking
    prepared = prepare_study(library, "arm64-overview")
    _, concrete, _ = prepared.cell({"kernel": "6.12"})
    with pytest.raises(InputError) as caught:
        answering.settle(question, concrete, Behaviours())
    assert code_of(caught) == "MX0902"
