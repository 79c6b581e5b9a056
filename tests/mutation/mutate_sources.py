"""Seeded changes of kernel sources, on the lines that a profile cites: are they noticed?

    python -m tests.mutation.mutate_sources 7.3 DIR [--each 60] [--seed 0]

Each change is made in a scratch copy of the cited files and of the Kconfig files; then `matrix
kernels verify` is run. A change of meaning must end with 1, a neutral one without drift. Places are
found with regular expressions in the YAML and in the source, not with the code under test.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from tests.cli_runner import run_cli

ROOT = Path(__file__).parent.parent.parent
_CITED = re.compile(r"([\w./-]+/[\w./-]+|Kconfig[\w.]*):(\d+)(?:-(\d+))?(?= *[;\"])")
_ALSO = (
    "Makefile",
    "arch/arm64/tools/sysreg",
    "arch/arm64/include/asm/sysreg.h",
    "arch/arm64/include/asm/cputype.h",
)
# Lines whose texts are only printed, and lines of comments: no change there has a meaning.
_SAID = re.compile(
    r"\b(?:pr_|kvm_(?:info|err)|WARN|panic|BUILD_BUG|dev_)\w*\(|\.desc\b|^\s*\*|/\*|//"
)

Rule = Callable[[str], str | None]


class Change(Struct, frozen=True, kw_only=True):
    """One edit: the lines `first` to `last` (from 0) of a file become `lines`."""

    rule: str
    path: str
    first: int
    last: int
    lines: tuple[str, ...]


def _sub(pattern: str, replacement: str) -> Rule:
    compiled = re.compile(pattern)

    def apply(line: str) -> str | None:
        after = compiled.sub(replacement, line, count=1)
        return after if after != line else None

    return apply


# What each rule does to one line of C or assembly that is a statement.
_C_RULES: dict[str, Rule] = {
    "condition removed": _sub(r"^(\s*(?:\} else )?if) \(.+\)( \{)?$", r"\1 (true)\2"),
    "test negated": _sub(r"^(\s*(?:\} else )?if) \((.+)\)( \{)?$", r"\1 (!(\2))\3"),
    "and for or": _sub(r"&&", "||"),
    "or for and": _sub(r"\|\|", "&&"),
    "equal for unequal": _sub(r"==", "!="),
    "constant changed": _sub(r"(?<![\w\"])(\d+)(?![\w\"])", r"1\1"),
    "call removed": _sub(r"^\s+[a-z_]\w*(?:->\w+)?\([^{}]*\);$", ""),
    "value changed": _sub(r"\btrue\b", "false"),
    "return changed": _sub(r"^(\s*return) [^;]+;$", r"\1 -ENXIO;"),
    "word changed": _sub(r'"([a-z][\w.-]*)"', r'"x\1"'),
    "argument dropped": _sub(r"\((\w+), ", "("),
    "enumerator renamed": _sub(r"^(\t[A-Z][A-Z0-9_]+),$", r"\1_OTHER,"),
    "table type changed": _sub(r"\.type = \w+", ".type = ARM64_CPUCAP_BOOT_CPU_FEATURE"),
    "capability changed": _sub(r"(ARM64_HAS_\w+)\)", r"\1_OTHER)"),
}
_KCONFIG_RULES: dict[str, Rule] = {
    "select removed": _sub(r"^\tselect .*$", ""),
    "select conditional": _sub(r"^(\tselect \w+)$", r"\1 if EXPERT"),
    "dependency removed": _sub(r"^\tdepends on .*$", ""),
    "dependency changed": _sub(r"^(\tdepends on )", r"\1EXPERT && "),
    "default changed": _sub(r"^(\t(?:default|def_bool)) .*$", r"\1 EXPERT"),
    "type changed": _sub(r"^\t(?:bool|int)\b", "\ttristate"),
    "prompt removed": _sub(r"^(\t(?:bool|int)) \".*$", r"\1"),
    "prompt added": _sub(r"^\tbool$", '\tbool "now asked"'),
}
_NEUTRAL_RULES: dict[str, Rule] = {
    "comment behind": _sub(r"^([^\"#\\]*;)$", r"\1 /* as it was */"),
    "white space": _sub(r"^(\t+.*) (=|&&|\|\||==) ", r"\1   \2  "),
    "blank line": _sub(r"^(\t.*;)$", r"\1\n"),
    "described otherwise": _sub(r"\.desc = \"", '.desc = "newly '),
    "message reworded": _sub(r"\b((?:pr|kvm)_(?:info|warn|err)\(\")", r"\1again: "),
}
_NEUTRAL_KCONFIG: dict[str, Rule] = {
    "comment above": _sub(r"^(\t(?:select|depends|default) .*)$", r"\t# as it was\n\1"),
    "comment behind": _sub(r"^(\tselect \w+)$", r"\1 # as it was"),
    "prompt reworded": _sub(r"^(\t(?:bool|int) \")", r"\1Please: "),
    "help reworded": _sub(r"^(\t  [A-Z]\w+)", r"\1 (said again)"),
    "white space": _sub(r"^\t(depends on) ", r"        \1   "),
}


def cited_lines(profile: str, tree: Path) -> dict[str, set[int]]:
    """Return, by file, the lines (from 0) that the rows of a profile's YAML rest on."""
    found: dict[str, set[int]] = {}
    for line in profile.splitlines():
        if "because:" in line or line.lstrip().startswith("#") or '"v12' in line:
            continue
        for path, first, last in _CITED.findall(line):
            if not (tree / path).is_file():
                continue
            lines = (tree / path).read_text("utf-8").split("\n")
            start, end = int(first) - 1, int(last or first) - 1
            if _is_kconfig(path) and re.match(r"(menu)?config ", lines[start]):
                while end + 1 < len(lines) and re.match(r"\s|$", lines[end + 1]):
                    end += 1
            found.setdefault(path, set()).update(range(start, end + 1))
    return found


def changes(profile: str, tree: Path, *, neutral: bool) -> Iterator[Change]:
    """Yield every change that a rule can make on a cited line."""
    for path, numbers in sorted(cited_lines(profile, tree).items()):
        lines = (tree / path).read_text("utf-8").split("\n")
        helps = _help_lines(lines) if _is_kconfig(path) else set()
        comments = _comment_lines(lines) if not _is_kconfig(path) else set()
        for number in sorted(numbers - comments):
            line = lines[number]
            for name, rule in _rules(path, line, neutral=neutral, helped=number in helps).items():
                after = rule(line)
                if after is not None:
                    yield Change(rule=name, path=path, first=number, last=number, lines=(after,))
            if not neutral and number + 1 in numbers and not _is_kconfig(path):
                below = lines[number + 1]
                if _is_statement(line) and _is_statement(below) and line != below:
                    yield Change(
                        rule="order changed",
                        path=path,
                        first=number,
                        last=number + 1,
                        lines=(below, line),
                    )


def _rules(path: str, line: str, *, neutral: bool, helped: bool) -> dict[str, Rule]:
    if _is_kconfig(path):
        if not neutral:
            return {} if helped else _KCONFIG_RULES
        return {
            name: rule
            for name, rule in _NEUTRAL_KCONFIG.items()
            if (name == "help reworded") is helped
        }
    if neutral:
        return _NEUTRAL_RULES if path.endswith((".c", ".h")) else {}
    return {} if _SAID.search(line) else _C_RULES


def _is_kconfig(path: str) -> bool:
    return path.rpartition("/")[2].startswith("Kconfig")


def _is_statement(line: str) -> bool:
    return re.fullmatch(r"\t+[^/*\"{}]*[a-z][^/*\"{}]*;", line) is not None


def _help_lines(lines: list[str]) -> set[int]:
    found: set[int] = set()
    inside = False
    for number, line in enumerate(lines):
        if line.strip() in ("help", "---help---"):
            inside = True
        elif inside and line.strip() and not line.startswith(("\t  ", "          ")):
            inside = False
        elif inside:
            found.add(number)
    return found


def _comment_lines(lines: list[str]) -> set[int]:
    found: set[int] = set()
    inside = False
    for number, line in enumerate(lines):
        if inside or line.lstrip().startswith(("/*", "//")):
            found.add(number)
        inside = ("/*" in line or inside) and "*/" not in line
    return found


class Result(Struct, frozen=True, kw_only=True):
    """How many changes of a kind were as expected, and those that were not."""

    made: Counter[str]
    right: Counter[str]
    wrong: tuple[Change, ...]


def scratch_tree(profile: str, tree: Path, target: Path) -> None:
    """Copy what `kernels verify` reads: the cited files, the Kconfig files, the tree's parser."""
    named = {path for path, _, _ in _CITED.findall(profile)} | set(_ALSO)
    kconfig = {path.relative_to(tree).as_posix() for path in tree.rglob("Kconfig*")}
    parser = {path.relative_to(tree).as_posix() for path in (tree / "scripts/kconfig").rglob("*")}
    for path in sorted(named | kconfig | parser):
        if (tree / path).is_file():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tree / path, target / path)


def measure(release: str, tree: Path, *, each: int, seed: int = 0, neutral: bool = False) -> Result:
    """Make up to `each` changes on a release's tree, the rules in turn, and count."""
    profile = (ROOT / "configs" / "kernels" / f"linux-{release}-arm64.yaml").read_text("utf-8")
    chosen = _sample(list(changes(profile, tree, neutral=neutral)), each, seed)
    made, right, wrong = Counter[str](), Counter[str](), []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        scratch_tree(profile, tree, scratch)
        for change in chosen:
            drift = _drift(release, scratch, change)
            made[change.rule] += 1
            if drift is not neutral:
                right[change.rule] += 1
            else:
                wrong.append(change)
    return Result(made=made, right=right, wrong=tuple(wrong))


def _sample(found: list[Change], each: int, seed: int) -> list[Change]:
    """Return some of the changes: the rules in turn, so that a frequent one does not crowd out."""
    source = random.Random(seed)  # noqa: S311 - a sample
    by_rule: dict[str, list[Change]] = {}
    for change in found:
        by_rule.setdefault(change.rule, []).append(change)
    for rows in by_rule.values():
        source.shuffle(rows)
    chosen: list[Change] = []
    while len(chosen) < each and any(by_rule.values()):
        chosen += [rows.pop() for rows in by_rule.values() if rows]
    return chosen[:each]


def _drift(release: str, scratch: Path, change: Change) -> bool:
    file = scratch / change.path
    before = file.read_text("utf-8")
    lines = before.split("\n")
    lines[change.first : change.last + 1] = change.lines
    file.write_text("\n".join(lines), "utf-8")
    try:
        ran = run_cli("kernels", "verify", release, "--tree", str(scratch), "--format", "json")
    finally:
        file.write_text(before, "utf-8")
    if ran.code not in (0, 1, 4):
        raise RuntimeError(f"{change}: exit {ran.code}: {ran.err}")
    drift: int = json.loads(ran.out)["drift"]
    return drift > 0


def main() -> int:
    """Measure one release and print what was noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release")
    parser.add_argument("tree", type=Path)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for neutral in (False, True):
        result = measure(
            given.release,
            given.tree,
            each=given.each // 2 if neutral else given.each,
            seed=given.seed,
            neutral=neutral,
        )
        kind = "neutral changes unnoticed" if neutral else "changes of meaning noticed"
        total = result.made.total()
        lines = [f"{given.release}: {result.right.total()} of {total} {kind}"]
        lines += [f"    {result.right[rule]} of {result.made[rule]} {rule}" for rule in result.made]
        lines += [
            f"    not so: {change.rule} at {change.path}:{change.first + 1}: {change.lines}"
            for change in result.wrong
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
