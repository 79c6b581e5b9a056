"""The JSON of `validate`, key by key against its contract."""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer
from matrix.diagnostics import Diagnostic, Location, Severity
from matrix.flows.validate_result import ValidateResult
from matrix.render.json import dump, dump_without_fractions, validate_document
from tests.golden_files import Golden
from tests.unit.render import builder

RESULT_KEYS = [
    *(
        "file",
        "kernel",
        "version",
        "read_on",
        "between",
        "assumes_patch",
        "cpu",
        "cmdline",
        "vm",
        "capability",
        "predicate_version",
    ),
    *("facts", "predicate", "simulation", "verdict", "confidence", "so_what"),
    *("reasons", "fixes", "diagnostics", "standing", "muted_because", "defects"),
]
PLACE = Location(file="a.config", line=3, column=1, text="CONFIG_KVM=maybe")


def result(answer: Answer, file: str = "trixie.config") -> ValidateResult:
    return ValidateResult(
        file=file,
        kernel="7.3",
        assumes_patch="v12",
        cpu=("cortex-x925", "cortex-a725"),
        cmdline="rodata=off",
        vm="default",
        capability="gmem-no-direct-map",
        predicate_version="v12",
        answer=answer,
    )


def test_golden(golden: Callable[[str], Golden]) -> None:
    told = (
        Diagnostic(
            code="MX0310", message="malformed value `maybe`", location=PLACE, hint="y, m, n"
        ),
        Diagnostic(code="MX0901", message="not recorded", severity=Severity.NOTE),
    )
    answers = (replace(builder.answer(), diagnostics=told), builder.answer("absent"))
    golden("render/validate.json").check(dump(validate_document([result(a) for a in answers])))


def test_keys_and_their_order() -> None:
    document = json.loads(dump(validate_document([result(builder.answer())])))
    assert list(document) == ["schema", "results"]
    assert document["schema"] == "matrix/validate/1"
    (found,) = document["results"]
    assert list(found) == RESULT_KEYS
    assert list(found["simulation"]) == ["outcome", "violations", "advisories"]
    violation = found["simulation"]["violations"][0]
    assert list(violation) == ["invariant", "certainty", "trace", "source"]
    assert found["fixes"] == [
        {
            "change": {"boot.kvm_arm_mode": "protected"},
            "verdict": "supported",
            "scripts_config": None,
            "fragment": [],
            "boot": "kvm_arm_mode=protected",
            "costs": [],
        }
    ]


def test_what_is_unknown_is_null() -> None:
    document = json.loads(dump(validate_document([result(builder.answer("unknown"))])))
    found = document["results"][0]
    assert found["predicate"] is None
    assert found["facts"] == {"can_set_direct_map": True, "page_size": 4096, "has_cache_dic": None}


def test_no_answer_is_a_document_too() -> None:
    assert dump(validate_document([])) == (
        '{\n  "schema": "matrix/validate/1",\n  "results": []\n}\n'
    )


@given(st.text())
def test_any_text_survives(text: str) -> None:
    written = dump(validate_document([result(replace(builder.answer(), reasons=(text,)), text)]))
    found = json.loads(written.encode("utf-8"))["results"][0]
    assert found["file"] == text
    assert found["reasons"] == [text]


@given(
    st.text(st.sampled_from('\x7f\x85\x9b\u061c\u200f\u2028\u202e\u2066\\"aäß\n\x1b€'), max_size=20)
)
def test_no_document_holds_what_a_terminal_obeys(text: str) -> None:
    for written in (dump({text: text}), dump_without_fractions({text: text})):
        assert json.loads(written) == {text: text}
        assert not set("\x7f\x85\x9b\u061c\u200f\u2028\u202e\u2066\x1b") & set(written)
