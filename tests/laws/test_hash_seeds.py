"""Python's hash seed decides nothing: equal input gives equal bytes, as docs/json.md promises.

Every command that README and docs show runs under two seeds: standard output, standard error,
exit code and every file it leaves must be equal. The first run begins without caches, the second
reads those that the first has written. Each finds other bytes in memory that nobody has written
yet, so that none of them gets into a file. Outside of CI the commands that ask the largest study,
or need a kernel tree, are left out: they take minutes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from matrix.cli import commands as command_line
from tests.documented_commands import documented_commands

ROOT = Path(__file__).parents[2]
IN_CI = bool(os.environ.get("CI"))
SEEDS = ("0", "1")

# What is run of each command: at least what its output can be made of, on small inputs.
EXAMPLES: dict[str, tuple[str, ...]] = {
    "report": ("report arm64-memfd-secret --output small-reports", "report --output reports"),
    "validate": (
        "validate two-switches.config --cpu graviton3 --cpu cortex-a710",
        "validate two-switches.config --cpu graviton3 --format github",
        "validate two-switches.config --cpu graviton3 --format sarif --output found.sarif",
        "validate tests/data/booted/7.3.config --format json",
        "validate tests/data/booted/6.12.config --capability memfd-secret --format junit",
        "validate tests/data/booted/7.3.config --write-baseline known.json",
        "validate tests/data/booted/7.3.config --kernel 7.4 --cpu nope --predicate v13",
    ),
    "fleet": ("fleet hosts.csv", "fleet hosts.csv --format json --table answers.parquet"),
    "probe": ("probe --host tests/data/probed/7.3-max.json.gz --format json",),
    "explain": (
        "explain cpu=apple-m2 --format json",
        "explain cpu=neoverse-n1",
        "explain cpus=apple-m2",
    ),
    "simulate": ("simulate cpu=apple-m2 --format json",),
    "count": (
        "count arm64-memfd-secret --format json",
        "count arm64-distros",
        "count arm64-memfd-secret --by kernel,cpu --format csv",
    ),
    "cells": (
        "cells arm64-memfd-secret --output cells.parquet",
        "cells arm64-memfd-secret --output cells.arrow",
        "cells arm64-memfd-secret --output cells.csv",
        "cells arm64-memfd-secret --random 50",
        "cells arm64-memfd-secret --columns kernel,verdict",
    ),
    "rules": ("rules arm64-memfd-secret", "rules arm64-memfd-secret --format json", "rules"),
    "claims": ("claims arm64-memfd-secret --format json", "claims"),
    "synthesize": ("synthesize arm64-memfd-secret", "synthesize", "synthesize --format json"),
    "diff": (
        "diff arm64-distros-memfd-secret arm64-memfd-secret",
        "diff v12 cacheable-pfnmap --format json",
    ),
    "review": ("review tests/cases/review/reply-of-a-reply.mbox --format json",),
    "embed": ("embed page.md", "embed --check page.md"),
    "block": ("block arm64-memfd-secret --as html", "block arm64-memfd-secret --format json"),
    "view": ("view arm64-memfd-secret", "view arm64-memfd-secret --format csv"),
    "capabilities list": ("capabilities list", "capabilities list --format json"),
    "capabilities show": ("capabilities show memfd-secret --format json",),
    "studies list": ("studies list", "studies list --format json"),
    "studies show": ("studies show arm64-distros --format json",),
    "groups list": ("groups list", "groups list --format json"),
    "groups show": ("groups show server", "groups show server --format json"),
    "kernels list": ("kernels list", "kernels list --format json"),
    "kernels show": ("kernels show 7.3", "kernels show 6.1 --format json"),
    "kernels verify": (
        "kernels verify 7.3 --tree linux-7.3",
        "kernels verify 7.3 --tree linux-7.3 --configs own --record --format json",
    ),
    "kernels census": (
        "kernels census --tree linux-7.3",
        "kernels census --tree linux-7.2 --output places.txt",
        "kernels census --tree linux-7.3 --format json --allow-outside",
    ),
    "kernels add": ("kernels add --tree linux-7.2 --from 6.12 --output draft.yaml",),
    "kconfig project": (
        "kconfig project --tree linux-7.3 --kernel 7.3 --format json",
        "kconfig project --tree linux-7.3 --kernel 7.3 --configs own --write",
    ),
    "cpus list": ("cpus list", "cpus list --format json"),
    "cpus show": ("cpus show cortex-a710", "cpus show graviton3 --format json"),
    "distros list": ("distros list", "distros list --format json"),
    "distros import": ("distros import tests/data/booted/7.3.config --id mine --output imported",),
    "check": ("check my-configs", "check unknown --format json"),
    "schema": ("schema",),
    "init": ("init started",),
}

# What stands for a name of the reader's, or shows an option alone, and what is run in its place.
COMPLETED: dict[str, tuple[str, ...]] = {
    "cells --columns": ("cells arm64-overview --columns kernel,cpu,verdict",),
    "cells --format json-lines": ("cells arm64-memfd-secret --format json-lines --limit 500",),
    "cells --sample": ("cells arm64-memfd-secret --sample 2",),
    "cells --where": ("cells arm64-memfd-secret --where 'kernel == \"7.3\"' --limit 5",),
    # tests/test_cell_clusters.py starts a scheduler.
    "cells arm64-gmem-no-direct-map --limit 1000000000 --output /shared/cells --engine dask "
    "--scheduler tcp://10.0.0.1:8786": (),
    # tests/test_fleet_parts.py starts one.
    "fleet /shared/hosts.parquet --table /shared/answers --engine dask "
    "--scheduler tcp://10.0.0.1:8786": (),
    "check DIR": EXAMPLES["check"],
    # Followed to the letter by tests/test_how_tos.py and tests/test_first_table.py.
    "cpus show my-cpu --configs my-configs": (),
    "cpus show my-cpu,dic=1 --configs my-configs": (),
    "explain cpu=my-cpu --matrix my-study --configs my-configs": (),
    "embed README.md --configs my-configs": (),
    "embed verdicts.md": (),
    "embed --check verdicts.md": (),
    "embed cell.rst debian.adoc": (),
    "init my-configs --capability guest-tags": (),
    "view guest-tags --configs my-configs": (),
    "view my-study --configs mine": (),
    "count my-study --configs mine --where 'verdict != \"absent\"' --by kernel,page_size": (),
    "diff A B": EXAMPLES["diff"],
    "embed --check": EXAMPLES["embed"],
    "embed --check FILE": EXAMPLES["embed"],
    "embed --check FILE...": EXAMPLES["embed"],
    "embed FILE...": EXAMPLES["embed"],
    "embed FILE": EXAMPLES["embed"],
    "explain CELL": EXAMPLES["explain"],
    "init --capability": ("init begun --capability my-capability",),
    "init mine --capability ID": (),
    "report ID --configs mine": (),
    # They end with whoever started them: tests/test_report_folder.py.
    "report --serve": (),
    "report --configs my-configs --serve": (),
    "report --save": (),
    "report --since": (),
    "report STUDY --save FILE": ("report arm64-memfd-secret --save verdicts.json",),
    "report --since FILE": ("report --since verdicts.json",),
    "validate --evidence dmesg.txt --evidence lscpu.txt": (
        "validate --evidence tests/data/evidence/p08-dmesg.txt",
    ),
    "validate --evidence sosreport.tar.xz": (),
    "validate .config --evidence dmesg.txt --evidence cpuinfo.txt": (
        "validate tests/data/booted/7.2.config --evidence tests/data/evidence/p08-dmesg.txt",
    ),
    "kconfig project --write": EXAMPLES["kconfig project"],
    "fleet hosts.csv --fail-on none --format json > answers.json": EXAMPLES["fleet"],
    "kernels add --tree DIR": EXAMPLES["kernels add"],
    "kernels census --tree DIR": EXAMPLES["kernels census"],
    "simulate --variant": ("simulate --brief cpu=aws-graviton3 --variant add-folio",),
    "simulate --variant VERSION": ("simulate --brief cpu=aws-graviton3 --variant v12-not-ported",),
    "kernels add --tree linux-7.4 --output my-configs/kernels/linux-7.4-arm64.yaml": EXAMPLES[
        "kernels add"
    ],
    "kernels show 7.4 --configs my-configs": ("kernels show 7.3",),
    "kernels verify 7.4 --tree linux-7.4 --configs my-configs --record": EXAMPLES["kernels verify"],
    "schema --contract": ("schema --contract matrix/validate/1",),
    "kernels verify --fix": (
        "kernels verify 7.3 --tree linux-7.3-moved --configs own --fix --format json",
    ),
    "kernels verify --record": EXAMPLES["kernels verify"],
    "kernels verify X --tree DIR": EXAMPLES["kernels verify"],
    "probe --save": ("probe --save other-host.json",),
    "review FILE": EXAMPLES["review"],
    "review PATCH": EXAMPLES["review"],
    "review PATCH --tree DIR": EXAMPLES["review"],
    "review mail.mbox": EXAMPLES["review"],
    "review mail.mbox --format mbox --output reply.mbox": (
        "review tests/cases/review/reply-of-a-reply.mbox --format mbox --output reply.mbox",
    ),
    "review PATCH.mbox": EXAMPLES["review"],
    "simulate --two-actors": ("simulate cpu=apple-m2 --two-actors",),
    "validate CONFIG --tree linux-7.3": (
        "validate tests/data/booted/7.3.config --tree linux-7.3 --cpu graviton3",
        "validate two-switches.config --tree linux-7.3 --cpu graviton3 --format json",
    ),
}

# Commands that cannot be answered here, and say so: this machine may be none of arm64.
REFUSED = ("probe", "validate --host host.json")
# Examples of what is said of wrong names.
WRONG = ("--cpu nope", "cpus=apple-m2", "check unknown")

# Commands that ask a study of billions of cells: in CI only.
LARGE = {"report", "rules", "claims", "synthesize", "diff", "review", "count"}
SMALL = ("arm64-memfd-secret", "arm64-overview")

RUN = """
import contextlib, io, json, sys
from matrix.cli.main import main

def collect():
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\\n")

def shown(stream):
    stream.flush()
    return stream.buffer.getvalue().decode("utf-8", "backslashreplace")

answers = []
for arguments in json.load(sys.stdin):
    out, err = collect(), collect()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = int(main(arguments))
    answers.append([code, shown(out), shown(err)])
json.dump(answers, sys.stdout)
"""


def leaves() -> frozenset[str]:
    """Return every command as a person types it: `kernels list`, `count`."""

    def below(command: Any, name: str) -> Iterator[str]:
        children = getattr(command, "commands", None)
        if children is None:
            yield name
            return
        for key, child in children.items():
            yield from below(child, f"{name} {key}".strip())

    app = command_line.command_line(command_line.COMMANDS)
    return frozenset(below(typer.main.get_command(app), ""))


def is_name(command: str) -> bool:
    """Tell whether this names a command, or a group of them, and asks nothing."""
    return any(f"{leaf} ".startswith(f"{command} ") for leaf in EXAMPLES)


def all_commands() -> list[str]:
    """Return what is to be run, each once: what is documented, and all examples."""
    found = ["init my-configs"]
    for command in documented_commands():
        found += COMPLETED.get(command, () if is_name(command) else (command,))
    for examples in EXAMPLES.values():
        found += examples
    return list(dict.fromkeys(found))


def is_cheap(command: str) -> bool:
    """Tell whether a command takes about a second or less, and needs no kernel tree."""
    large = command.split(maxsplit=1)[0] in LARGE and not any(name in command for name in SMALL)
    return not large and "--tree" not in command


def lay_out(folder: Path, trees: dict[str, Path]) -> None:
    """Make what the commands name."""
    config = (ROOT / "tests/data/booted/7.3.config").read_text()
    (folder / "tests").symlink_to(ROOT / "tests")
    # Two symbols have to be set: the order in which a fix names them is one of the profile.
    off = "# CONFIG_KVM is not set\n# CONFIG_KVM_GUEST_MEMFD is not set\n"
    kept = [
        line
        for line in config.splitlines(keepends=True)
        if not line.startswith(("CONFIG_KVM=", "CONFIG_KVM_GUEST_MEMFD="))
    ]
    (folder / "two-switches.config").write_text("".join(kept) + off)
    (folder / "page.md").write_text(
        "# Ours\n\n<!-- matrix:begin arm64-memfd-secret -->\n<!-- matrix:end -->\n"
    )
    # A table's configurations lie below its folder, through links too.
    shutil.copy(ROOT / "tests/data/booted/6.12.config", folder)
    (folder / "hosts.csv").write_text(
        "host,kernel,config,cpu,cmdline\n"
        "a,7.3,two-switches.config,graviton3,rodata=full nokaslr foo=1 rodata=noalias\n"
        "b,7.3,two-switches.config,cortex-a710,kpti=maybe rodata=full kvm-arm.mode=pkvm\n"
        "c,6.12,6.12.config,neoverse-v1,rodata=noalias debug_pagealloc=yes\n"
    )
    wrong = folder / "unknown" / "cpus"
    wrong.mkdir(parents=True)
    shutil.copyfile(ROOT / "tests/cases/bad/MX0213-unknown-key.yaml", wrong / "wrong.yaml")
    # Without its evidence: that is of a whole tree, and of a part nothing less is recorded.
    own = folder / "own" / "kernels"
    own.mkdir(parents=True)
    shutil.copy(ROOT / "configs" / "kernels" / "linux-7.3-arm64.yaml", own)
    for name, tree in trees.items():
        (folder / name).symlink_to(tree)


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of every file that lies in a folder itself, not behind a link."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for place, _, names in os.walk(folder)
        for path in (Path(place, name) for name in names)
        if path.is_file()
    }


def answers(commands: list[str], seed: str, folder: Path, cache: Path) -> list[Any]:
    """Return exit code, standard output and standard error of each command, and then the files."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "MATRIX_CACHE_DIR": str(cache),
        "MALLOC_PERTURB_": str(1 + int(seed) % 255),
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }
    ran = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps([shlex.split(command) for command in commands]),
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return [*json.loads(ran.stdout), digests(folder)]


@pytest.fixture(scope="module")
def trees(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Return the kernel trees by the names that commands give them; in CI only."""
    if not IN_CI:
        return {}
    kernel_tree = request.getfixturevalue("kernel_tree")
    moved = tmp_path_factory.mktemp("moved") / "tree"
    shutil.copytree(kernel_tree("7.3"), moved)
    source = moved / "arch/arm64/mm/pageattr.c"
    source.write_text("\n" * 5 + source.read_text())
    found = {"linux-7.3": kernel_tree("7.3"), "linux-7.2": kernel_tree("7.2")}
    return {**found, "linux-7.3-moved": moved}


@pytest.fixture(scope="module")
def runs(
    trees: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[str], list[list[Any]]]:
    """Return the commands, and what they answered under each seed."""
    commands = [command for command in all_commands() if IN_CI or is_cheap(command)]
    # One path for all runs, so that what an answer says of it is the same.
    place = tmp_path_factory.mktemp("seeds")
    found = []
    for seed in SEEDS:
        folder = place / "work"
        folder.mkdir()
        lay_out(folder, trees)
        found.append(answers(commands, seed, folder, place / "cache"))
        shutil.rmtree(folder)
    return commands, found


def test_every_documented_command_answers_alike_under_every_hash_seed(
    runs: tuple[list[str], list[list[Any]]],
) -> None:
    commands, found = runs
    assert len(commands) > 60
    first, *others = found
    differing = [
        (seed, command)
        for seed, other in zip(SEEDS[1:], others, strict=True)
        for command, one, two in zip(commands, first, other, strict=False)
        if one != two
    ]
    assert not differing, "a set decides the order of what these write"
    files = first[-1]
    assert {"cells.parquet", "cells.csv", "known.json", "answers.parquet"} <= files.keys()
    for other in others:
        assert other[-1] == files
    # In one test, since each test process would run all commands for its own.
    failed = [
        (command, answer[0], answer[2][:200])
        for command, answer in zip(commands, first, strict=False)
        if answer[0] not in (0, 1, 4)
        and not command.startswith(REFUSED)
        and not any(words in command for words in WRONG)
    ]
    assert not failed, "COMPLETED says what to run in place of a documented command"


def test_every_command_has_an_example() -> None:
    assert leaves() == EXAMPLES.keys()


def test_the_declarations_compile_to_equal_bytes(tmp_path: Path) -> None:
    """What a wheel carries, and what is cached, does not depend on who made it."""
    call = (
        "import sys; from pathlib import Path; from matrix.schema.compiled import compile_shipped; "
        "assert compile_shipped(Path(sys.argv[1]))"
    )
    made = []
    for seed in SEEDS:
        target = tmp_path / seed
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", call, str(target)]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        made.append(target.read_bytes())
    assert made[0] == made[1]
