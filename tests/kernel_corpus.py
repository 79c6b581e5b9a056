"""Every tree at hand, through everything that is done with one: one row of a table a release.

    python -m tests.kernel_corpus DIR [--each 60] [--seed 0]

DIR holds the trees, one a folder. Each shipped release is drafted from its nearest neighbour with
its own tree, and held to its profile: a row is right, open (in `open`, without a value), missing,
or wrong; the last two must be nothing. The profile is verified against the tree; seeded changes of
meaning must be noticed, neutral ones not. Patches that negate functions of the profile are
reviewed against the tree: two kernels must be compared, of that function.
"""

from __future__ import annotations

import argparse
import difflib
import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from matrix.analyze.facts.unread import subjects
from matrix.diagnostics import InputError
from matrix.expr.printer import to_c
from matrix.flows.kconfig import ProjectRequest, project_tree
from matrix.flows.kernels_add import AddRequest, add_kernel
from matrix.flows.kernels_verify import evidence_of, nearest_profiles
from matrix.flows.knowledge import Library
from matrix.kernel.source.tree_files import read_release
from matrix.kernel.source.version import read_version
from matrix.schema.values import CpuCap, KernelProfile, Mechanism, ParameterParser
from tests.cli_runner import run_cli
from tests.mutation.mutate_sources import measure

# Patches that are reviewed against one tree.
_PATCHES = 3
_STUDY = "arm64-memfd-secret"
_NO_FILE = "the tree has no such file"
_RETURN = re.compile(r"\treturn (?P<value>[^;{}]+);")


def contents(profile: KernelProfile) -> dict[tuple[str, str], object]:
    """Return what each row says, without its lines: what answers rest on."""
    rows: dict[tuple[str, str], object] = {}
    for one in profile.functions:
        rows["function", one.signature] = to_c(one.body.expression)
    for variable in profile.variables:
        numbers = tuple(sorted(variable.enumerators))
        initial = {"1": "true", "0": "false"}
        said = to_c(variable.initial.expression)
        rows["variable", variable.name] = (initial.get(said, said), numbers)
    for parameter in profile.parameters:
        rows["parameter", parameter.name] = tuple(map(_parser, parameter.parsers))
    for cap in profile.cpucaps:
        rows["cpucap", cap.name] = _cap(cap)
    for mechanism in profile.mechanisms:
        rows["mechanism", mechanism.name] = _holds(mechanism, profile.verified_on.version)
    for symbol in profile.symbols:
        prompt = symbol.prompt and to_c(symbol.prompt.expression)
        rows["symbol", symbol.name] = (symbol.type, prompt)
    return rows


def _holds(mechanism: Mechanism, version: str) -> tuple[object, str | None]:
    """Return the value that holds on a version, and the fix point of its series."""
    since, read = mechanism.since, read_version(version)
    if since is None or read is None:
        return mechanism.value, None
    point = next((one for one in since.versions if one.startswith(f"{read.release}.")), None)
    return (mechanism.value if read.has(since.versions) else since.before), point


def _parser(parser: ParameterParser) -> object:
    effects = tuple(
        (one.match, one.when and one.when.text, tuple((n, c.text) for n, c in one.assign))
        for one in parser.effects
    )
    return parser.stream, parser.grammar, parser.exists_if and parser.exists_if.text, effects


def _cap(cap: CpuCap) -> object:
    midrs = tuple((one.implementer, one.part) for one in cap.midrs)
    conditions = (cap.kconfig and cap.kconfig.text, cap.unless and cap.unless.text)
    return cap.field, cap.minimum, cap.values, midrs, cap.scope, conditions


def compare(drafted: KernelProfile, written: KernelProfile) -> Mapping[str, list[str]]:
    """Return the rows of the written profile by what the draft makes of them.

    `no file` are those of the open ones for which the tree at hand lacks a file.
    """
    mine, right = contents(drafted), contents(written)
    unread = set(subjects(drafted.open))
    lacking = set(subjects(tuple(text for text in drafted.open if text.endswith(_NO_FILE))))
    names = ("right", "open", "no file", "missing", "wrong")
    found: dict[str, list[str]] = {name: [] for name in names}
    for row, content in right.items():
        if row in unread:
            kind = "open"
        elif row not in mine:
            kind = "missing"
        else:
            kind = "right" if mine[row] == content else "wrong"
        found[kind].append(" ".join(row))
        if kind == "open" and row in lacking:
            found["no file"].append(" ".join(row))
    return found


def _with_trees(library: Library, trees: Path) -> Iterator[tuple[Path, KernelProfile]]:
    """Yield each tree whose release has a profile that was read from that very version."""
    for folder in sorted(path for path in trees.iterdir() if (path / "Makefile").is_file()):
        named = read_release(folder)
        profile = named and library.kernels_of(library.arch).get(named.release)
        if named and profile and named.version == profile.verified_on.version:
            yield folder, profile


def _draft(folder: Path, profile: KernelProfile) -> str | tuple[str, Mapping[str, list[str]]]:
    """Return the neighbour and the rows of a draft, or why there is none."""
    library = Library()
    near = nearest_profiles(library, profile.release, profile.arch)
    neighbour = next(one for one in near if evidence_of(one) and not one.open)
    with tempfile.TemporaryDirectory() as out:
        request = AddRequest(tree=folder, neighbour=neighbour.release, without=profile.id)
        try:
            outcome = add_kernel(request)
        except InputError as error:
            # A name that this profile alone has, and that other declarations need.
            return error.diagnostics[0].message
        (Path(out) / f"{profile.id}.yaml").write_text(outcome.draft.text)
        drafted = Library((Path(out),)).kernel(profile.id)
        # Two prompts in other words are one where the tree has both.
        asked = ProjectRequest(tree=folder, kernel=profile.id, configs=(Path(out),))
        same = set(project_tree(asked).projected.prompts)
    rows = compare(drafted, profile)
    alike = [row for row in rows["wrong"] if row.removeprefix("symbol ") in same]
    rows["right"].extend(alike)
    rows["wrong"][:] = [row for row in rows["wrong"] if row not in alike]
    return neighbour.release, rows


def verified(release: str, tree: Path) -> tuple[int, int]:
    """Return how much of a profile has drifted from its tree, and how much was not compared."""
    ran = run_cli("kernels", "verify", release, "--tree", str(tree), "--format", "json")
    document = json.loads(ran.out)
    return document["drift"], document["not_compared"]


def reviewed(profile: KernelProfile, tree: Path, seed: int) -> Counter[str]:
    """Count the reviews of patches that negate what a function of the profile returns.

    `compared`: two kernels were, of that function; `refused`: it was said why not; `else`: neither.
    """
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, path, text, changed) in enumerate(_negations(profile, tree, seed)):
            diff = difflib.unified_diff(
                text.splitlines(keepends=True),
                changed.splitlines(keepends=True),
                f"a/{path}",
                f"b/{path}",
            )
            file = Path(folder) / f"{number}.patch"
            file.write_text(f"Subject: [PATCH] x\n\n---\n{''.join(diff)}")
            ran = run_cli("review", str(file), "--tree", str(tree), "--matrix", _STUDY)
            if ran.code in (0, 1) and f"a change of {name}" in " ".join(ran.out.split()):
                found["compared"] += 1
            else:
                found["refused" if ran.code == 3 and "error[MX" in ran.err else "else"] += 1
    return found


def _negations(
    profile: KernelProfile, tree: Path, seed: int
) -> Iterator[tuple[str, str, str, str]]:
    """Yield (signature, path, file before, file after) for some functions of one `return`."""
    chosen = []
    for function in profile.functions:
        place = re.match(r"([\w./-]+\.[ch]):(\d+)(?:-(\d+))?", function.source)
        if place is None or not (tree / place[1]).is_file():
            continue
        text = (tree / place[1]).read_text("utf-8")
        lines = text.split("\n")
        first, last = int(place[2]) - 1, int(place[3] or place[2])
        body = "\n".join(lines[first:last])
        found = _RETURN.findall(body)
        if len(found) == 1 and f"{function.signature.removesuffix('()')}(" in body:
            negated = _RETURN.sub(lambda match: f"\treturn !({match['value']});", body)
            after = "\n".join([*lines[:first], *negated.split("\n"), *lines[last:]])
            chosen.append((function.signature, place[1], text, after))
    source = random.Random(seed)  # noqa: S311 - a sample
    yield from source.sample(chosen, min(_PATCHES, len(chosen)))


def main() -> None:
    """Print the table as Markdown, then what is missing or wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", type=Path)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    heads: tuple[str, ...] = ("release", "drafted from", "right", "open", "open: no file")
    heads += ("missing", "wrong", "drift", "not compared")
    heads += ("changes noticed", "neutral unnoticed", "patches compared", "refused", "else")
    sys.stdout.write(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n")
    notes = []
    for folder, profile in _with_trees(Library(), given.trees):
        release = profile.release
        row: list[object] = [release]
        drafted = _draft(folder, profile)
        if isinstance(drafted, str):
            notes.append(f"{release}: {drafted}")
            row += ["–"] * 6
        else:
            neighbour, found = drafted
            kinds = ("right", "open", "no file", "missing", "wrong")
            row += [neighbour, *(len(found[kind]) for kind in kinds)]
            notes += [f"{release}: {kind}: {x}" for kind in kinds[3:] for x in found[kind]]
        row += verified(release, folder)
        for neutral, count in ((False, given.each), (True, given.each // 3)):
            result = measure(release, folder, each=count, seed=given.seed, neutral=neutral)
            row.append(f"{result.right.total()} of {result.made.total()}")
            notes += [
                f"{release}: not so: {change.rule} at {change.path}:{change.first + 1}"
                for change in result.wrong
            ]
        patches = reviewed(profile, folder, given.seed)
        row += [patches["compared"], patches["refused"], patches["else"]]
        sys.stdout.write(f"| {' | '.join(map(str, row))} |\n")
        sys.stdout.flush()
    sys.stdout.write("".join(f"\n{note}" for note in notes) + "\n")


if __name__ == "__main__":
    main()
