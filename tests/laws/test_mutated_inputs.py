"""Law: whatever is done to an input, the answer is right or a diagnostic says where it is wrong.

Random mutations of `.config` files, command lines, CPU SPECs, cells and documents go through the
whole command line. Nothing may end as our bug (70) or a traceback, and an input error (3) must
name a place or the offending text and say what to do.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli_runner import Ran, run_cli

EXTRACT = Path(__file__).parent.parent / "data" / "booted"
CONFIG = (EXTRACT / "7.3.config").read_bytes()

VERDICTS = {"absent", "supported", "unsound", "refused", "overstrict", "unknown"}
CODE = re.compile(r"\[MX\d{4}\]")
# Damage has more forms than a law has cases: in CI a thousand of them.
THOROUGH = settings(max_examples=300 if os.environ.get("CI") else settings().max_examples)


def check(ran: Ran) -> None:
    assert ran.code in {0, 1, 2, 3, 4}, ran.err
    assert "Traceback" not in ran.err
    if ran.code == 3:
        assert CODE.search(ran.err), ran.err
        assert "hint: " in ran.err, ran.err
    elif ran.code != 2:
        document = json.loads(ran.out)
        results = document.get("results", [document])
        assert {result["verdict"] for result in results} <= VERDICTS
        assert results


def validate(config: bytes, *arguments: str) -> Ran:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config"
        file.write_bytes(config)
        return run_cli("validate", str(file), "--format", "json", "--cpu", "graviton3", *arguments)


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """Bytes with a few lines or bytes changed, dropped, doubled or swapped."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 6))):
        lines = bytes(data).split(b"\n")
        kind = draw(st.sampled_from(["byte", "drop", "double", "insert", "cut", "join"]))
        place = draw(st.integers(0, max(0, len(lines) - 1)))
        if kind == "byte" and data:
            index = draw(st.integers(0, len(data) - 1))
            data[index] = draw(st.integers(0, 255))
            continue
        if kind == "drop":
            del lines[place]
        elif kind == "double":
            lines.insert(place, lines[place])
        elif kind == "insert":
            lines.insert(place, draw(st.binary(max_size=40)))
        elif kind == "cut":
            lines[place] = lines[place][: draw(st.integers(0, 30))]
        elif kind == "join" and place + 1 < len(lines):
            lines[place : place + 2] = [lines[place] + lines[place + 1]]
        data = bytearray(b"\n".join(lines))
    return bytes(data)


@THOROUGH
@given(mutated(CONFIG))
def test_a_mutated_dotconfig(config: bytes) -> None:
    check(validate(config))


@THOROUGH
@given(mutated(CONFIG))
def test_a_mutated_dotconfig_with_the_release_given(config: bytes) -> None:
    check(validate(config, "--kernel", "7.3"))


PARAMETERS = st.sampled_from(
    [
        "rodata=on",
        "rodata=off",
        "rodata=noalias",
        "rodata",
        'rodata="off"',
        "kfence.sample_interval=100",
        "kfence.sample_interval=0x",
        "kvm-arm.mode=protected",
        "kvm_arm.mode=nested",
        "debug_pagealloc=on",
        "arm64.nomte",
        "id_aa64mmfr1.vh=0",
        "--",
        '"',
    ]
)


@THOROUGH
@given(
    st.lists(PARAMETERS | st.text(max_size=12), max_size=8).map(" ".join),
    st.sampled_from(["7.3", "6.12", "5.10"]),
)
def test_any_command_line(text: str, kernel: str) -> None:
    check(validate(CONFIG, "--kernel", kernel, f"--cmdline={text}"))


SPECS = st.sampled_from(
    ["graviton3", "neoverse-v1", "qemu-max", "dic=0", "fwb=1", "midr=0xc00fac30", "l1ip=vipt"]
)


@THOROUGH
@given(
    st.lists(SPECS | st.text(max_size=8), min_size=1, max_size=4).flatmap(
        lambda parts: st.sampled_from([",", "+", "=", ""]).map(lambda glue: glue.join(parts))
    )
)
def test_any_cpu_spec(spec: str) -> None:
    check(run_cli("validate", str(EXTRACT / "7.3.config"), "--format", "json", f"--cpu={spec}"))


@THOROUGH
@given(st.text(max_size=12), st.text(max_size=12))
def test_any_setting_and_predicate(setting: str, predicate: str) -> None:
    check(validate(CONFIG, f"--set={setting}"))
    check(validate(CONFIG, f"--predicate={predicate}"))


AXES = st.sampled_from(["cpu=cortex-a710", "kernel=7.3", "boot.rodata=off", "vm=nested", ","])


@THOROUGH
@given(st.lists(AXES | st.text(max_size=10), max_size=5).map(",".join))
def test_any_cell(cell: str) -> None:
    check(
        run_cli("explain", "--matrix", "arm64-overview", "--format", "json", "--", cell or "cpu=x")
    )


DOCUMENT = b"""\
# Support

<!-- matrix:begin arm64-memfd-secret counts -->
old
<!-- matrix:end -->

text
"""


@THOROUGH
@given(mutated(DOCUMENT))
def test_a_mutated_document(document: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.md"
        file.write_bytes(document)
        ran = run_cli("embed", "--check", str(file))
        assert file.read_bytes() == document
    assert ran.code in {0, 1, 3}, ran.err
    if ran.code == 3:
        assert CODE.search(ran.err)
        assert "hint: " in ran.err
