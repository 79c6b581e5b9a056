"""The answer for a fleet: a summary by verdict, kernel and reason, as text or JSON.

Takes the groups that `flows/fleet.py` counted, gives one document (`matrix/fleet/1`).
"""

from __future__ import annotations

from matrix.analyze.cell.verdict import meanings_of
from matrix.diagnostics import Diagnostic
from matrix.flows.fleet_summary import FleetSummary, HostGroup, IdleWord
from matrix.render.fixes import fix_line
from matrix.render.json import Json, dump, fields
from matrix.render.markdown import plain
from matrix.render.quantities import first_names
from matrix.render.text import wrapped

FLEET_SCHEMA = "matrix/fleet/1"
# A group may have hundreds of CPUs; a reader needs some names and how many more there are.
_NAMED_CPUS = 6


def fleet_text(summary: FleetSummary, *, most_groups: int) -> str:
    """Return the summary for a reader, the largest `most_groups` groups of each verdict."""
    patch = f", kernels + {summary.assumes_patch}" if summary.assumes_patch else ""
    asked = f"{summary.capability} ({summary.predicate_version}{patch})"
    lines = [part for text in summary.defects for part in wrapped(text, "")]
    lines += wrapped(f"{summary.file}: {_count(summary.hosts)}, {asked}", "")
    if summary.surroundings:
        told = ", ".join(f"{axis}={option}" for axis, option in summary.surroundings)
        lines += wrapped(f"all with {told}, where a row names no other VM", "  ")
    width = max(map(len, (*summary.verdicts, "no answer")))
    lines += [
        f"  {verdict:{width}}  {hosts:>12,}  {_share(hosts, summary.hosts)}"
        for verdict, hosts in summary.verdicts.items()
    ]
    if summary.wrong_rows:
        lines.append(f"  {'no answer':{width}}  {summary.wrong_rows:>12,}")
    for verdict, meaning in meanings_of(summary.basis).items():
        groups = [item for item in summary.groups if item.answer.verdict is verdict]
        if not groups:
            continue
        lines += ["", *wrapped(f"{verdict}: {meaning}", "")]
        for group in groups[:most_groups]:
            lines += _group(group)
        if len(groups) > most_groups:
            rest = sum(item.hosts for item in groups[most_groups:])
            lines.append(f"  … and {len(groups) - most_groups:,} more groups of {rest:,} hosts")
    if summary.idle:
        lines += ["", "said in vain: words of command lines that mean nothing to the kernel"]
        for word in summary.idle[:most_groups]:
            lines += _idle_word(word)
        if len(summary.idle) > most_groups:
            lines.append(f"  … and {len(summary.idle) - most_groups:,} more words")
    return "\n".join(lines) + "\n"


def fleet_json(summary: FleetSummary) -> str:
    """Return the whole summary as JSON."""
    return dump(
        {
            "schema": FLEET_SCHEMA,
            **fields(summary, "defects file capability assumes_patch predicate_version hosts"),
            "verdicts": dict(summary.verdicts),
            "groups": [_group_json(group) for group in summary.groups],
            "idle_words": [_idle_word_json(word) for word in summary.idle],
            "wrong_rows": summary.wrong_rows,
            "problems": [_problem_json(group) for group in summary.wrong],
        }
    )


def _count(hosts: int) -> str:
    return "1 host" if hosts == 1 else f"{hosts:,} hosts"


def _group(group: HostGroup) -> list[str]:
    read_on = f" (read on {group.answer.read_on})" if group.answer.read_on else ""
    lines = wrapped(
        f"{_count(group.hosts)}, Linux {group.answer.release}{read_on}: {named_cpus(group)}", "  "
    )
    said = (*(f"with {text}" for text in group.answer.defects), *group.answer.reasons)
    lines += [part for reason in said for part in wrapped(reason, "    - ")]
    for item in group.answer.warnings:
        lines += wrapped(f"{item.severity}[{item.code}]: {item.message}", "    ")
        lines += wrapped(f"hint: {item.hint}", "    ") if item.hint else []
    if group.hosts > 1 and group.first_host:
        lines += wrapped(f"for instance {group.first_host} (row {group.first_row:,})", "    ")
    for fix in group.fixes:
        lines += wrapped(f"fix there: {fix_line(fix)}", "    ")
    return lines


def _idle_word(word: IdleWord) -> list[str]:
    said = f"{word.said.severity}[{word.said.code}]: {word.said.message}"
    lines = wrapped(f"{_count(word.hosts)}, Linux {word.release}: {said}", "  ")
    lines += wrapped(f"hint: {word.said.hint}", "    ") if word.said.hint else []
    if word.first_host:
        instance = "for instance " if word.hosts > 1 else ""
        lines += wrapped(f"{instance}{word.first_host} (row {word.first_row:,})", "    ")
    return lines


def named_cpus(group: HostGroup) -> str:
    """Return the CPUs of a group, those of most hosts first, and how many more there are."""
    ranked = sorted(group.cpus, key=lambda name: (-group.cpus[name], name))
    return first_names([plain(name) for name in ranked], _NAMED_CPUS)


def _share(hosts: int, of: int) -> str:
    return f"{hosts / of:6.1%}" if of else ""


def _group_json(group: HostGroup) -> dict[str, Json]:
    return {
        "verdict": str(group.answer.verdict),
        "kernel": group.answer.release,
        **fields(group.answer, "read_on predicate outcome"),
        "reasons": [*(f"with {text}" for text in group.answer.defects), *group.answer.reasons],
        "hosts": group.hosts,
        "cpus": dict(sorted(group.cpus.items())),
        "first": {"row": group.first_row, "host": group.first_host},
        "warnings": [_said_json(item) for item in group.answer.warnings],
        "fixes": [{"change": dict(fix.change), "verdict": str(fix.verdict)} for fix in group.fixes],
    }


def _idle_word_json(word: IdleWord) -> dict[str, Json]:
    return {
        "kernel": word.release,
        **fields(word.said, "code message hint"),
        "hosts": word.hosts,
        "first": {"row": word.first_row, "host": word.first_host},
    }


def _problem_json(group: HostGroup) -> dict[str, Json]:
    return {
        "problems": [_said_json(item) for item in group.answer.problems],
        "rows": group.hosts,
        "first": {"row": group.first_row, "host": group.first_host},
    }


def _said_json(item: Diagnostic) -> dict[str, Json]:
    return fields(item, "code message hint")
