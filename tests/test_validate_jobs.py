"""Answers by several processes, and answers in parts, are those of one run in one piece."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.door.spool import Spool
from matrix.door.workers import default_jobs
from matrix.flows.validate import ValidateRequest, validate
from matrix.render.text import Detail
from matrix.render.validate import render_validate, writer_of
from tests.cli_runner import run_cli

BOOTED = Path(__file__).parent / "data" / "booted"
FORMS = ("text", "json", "github", "junit", "sarif")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only there processes are made so")

# Runs the command, but whoever answers says its number and waits for a signal.
WAITING = """
import os, signal, sys
from matrix.cli.main import run
from matrix.flows.validate import Validation
def answered(self, found):
    os.write(2, b"%d\\n" % os.getpid())
    while True:
        signal.pause()
Validation.answered = answered
run()
"""


def command(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own, in which no thread of the tests runs."""
    return subprocess.run(
        [sys.executable, "-m", "matrix", *arguments], capture_output=True, check=False
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Return files and folders, some of them wrong."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "empty").mkdir()
    (folder / "wrong.config").write_text("CONFIG_\0")
    (folder / "odd.config").write_text("CONFIG_ARM64=y\nCONFIG_ARM64=y\nCONFIG_KVM=x\n")
    return str(BOOTED), str(folder / "empty"), str(folder), str(folder / "missing.config")


@LINUX
@pytest.mark.parametrize("form", ["text", "junit"])
def test_several_processes_write_what_one_writes(form: str, files: tuple[str, ...]) -> None:
    asked = ("validate", *files, "--cpu", "graviton3", "--cpu", "apple-m4", "--format", form)
    one, three = (command(*asked, "--jobs", jobs) for jobs in ("1", "3"))
    assert one.returncode == 3
    assert b"MX1406" in one.stderr
    assert (three.returncode, three.stdout, three.stderr) == (
        one.returncode,
        one.stdout,
        one.stderr,
    )


@LINUX
def test_mutes_and_baselines_of_several_processes_are_those_of_one(tmp_path: Path) -> None:
    settings = tmp_path / "matrix.toml"
    settings.write_text(
        '[[mute]]\nverdict = "overstrict"\nbecause = "known"\n'
        '[[mute]]\nverdict = "unknown"\ncpu = "no-such"\nbecause = "of no use"\n'
    )
    asked = ("validate", str(BOOTED), "--cpu", "graviton3", "--settings", str(settings))
    written = []
    for jobs in ("1", "3"):
        new = tmp_path / f"{jobs}.json"
        made = command(*asked, "--jobs", jobs, "--write-baseline", str(new))
        again = command(*asked, "--jobs", jobs, "--baseline", str(new))
        said = made.stderr.replace(new.name.encode(), b"NAME")
        written.append((said, made.stdout, new.read_bytes(), again.stderr, again.stdout))
    assert written[0] == written[1]
    assert b"MX1414" in written[0][0]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cpus", [(), ("graviton3",), ("graviton3", "apple-m4", "ampere1")])
def test_answers_in_parts_are_those_in_one_piece(form: str, cpus: tuple[str, ...]) -> None:
    names = ("7.3.config", "6.1.config", "7.2-16k.config") if not cpus else ("",)
    request = ValidateRequest(
        files=tuple(str(BOOTED / name) for name in names), cpus=cpus, pointing=form in FORMS[2:]
    )
    whole = validate(request)
    for detail in Detail if cpus and form == "text" else (Detail.BRIEF,):
        frame = replace(whole, results=(), problems=())
        writer = writer_of(frame, form, detail=detail)
        for file in dict.fromkeys(result.file for result in whole.results):
            writer.add(writer.part([one for one in whole.results if one.file == file]))
        text = b"".join(writer.pieces(replace(whole, results=()))).decode()
        assert text == render_validate(whole, form, detail=detail)


def test_a_file_that_is_named_twice_is_answered_twice() -> None:
    file = str(BOOTED / "7.3.config")
    once, twice = (
        run_cli("validate", *files, "--cpu", "@server").out for files in ([file], [file, file])
    )
    assert once.count("confidence:") > 12
    assert twice == f"{once}\n{once}"


@LINUX
@pytest.mark.parametrize(
    ("ended", "code"), [("worker", 3), ("terminated", 143), ("interrupted", 130)]
)
def test_a_run_that_is_ended_leaves_no_process(ended: str, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, "validate", str(BOOTED), "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    # In the order in which they were made: the first one's answers are waited for first.
    workers = sorted(int(process.stderr.readline()) for _ in range(2))
    assert process.pid not in workers
    if ended == "worker":
        os.kill(workers[0], signal.SIGKILL)
    else:
        process.send_signal(signal.SIGTERM if ended == "terminated" else signal.SIGINT)
    out, said = process.communicate(timeout=300)
    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in said
    assert ("error[MX0665]" in said) == (ended == "worker")
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def test_few_files_are_answered_by_one_process() -> None:
    assert default_jobs(15) == default_jobs(0) == 1
    assert 1 <= default_jobs(10_000) <= (os.cpu_count() or 1)
    assert run_cli("validate", str(BOOTED / "7.3.config"), "--jobs", "0").code == 2


@pytest.mark.parametrize("size", [10, 9 << 20])
def test_a_spool_gives_back_what_was_written_in_whole_lines(size: int) -> None:
    lines = [b"%d %s\n" % (number, b"x" * (size // 100)) for number in range(100)]
    spool = Spool()
    for line in lines:
        spool.write(line)
    spool.begin()
    first = len(lines[0]) + len(lines[1])
    assert b"".join(spool.read(first)) == lines[0] + lines[1]
    rest = list(spool.read())
    assert b"".join(rest) == b"".join(lines[2:])
    assert all(piece.endswith(b"\n") for piece in rest)
