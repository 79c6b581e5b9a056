"""What the hosts of a part of a table have together, and of parts the whole.

A part is a value: another process or a later run may have made it. Joined in the order of the
table, parts say what one process says that reads all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic
from matrix.flows.fleet_summary import HostAnswer, HostGroup, IdleWord, in_order_of_hosts


class FleetPart(Struct, frozen=True, kw_only=True):
    """Rows that stand together: groups and remarks in the order in which they came first.

    `without_fixes` are situations of hosts in which nobody looked for a fix.
    """

    hosts: int
    groups: tuple[HostGroup, ...]
    idle: tuple[IdleWord, ...] = ()
    remarks: tuple[Diagnostic, ...] = ()
    surroundings: tuple[tuple[str, str], ...] = ()
    without_fixes: int = 0


def joined(parts: Iterable[FleetPart], options: Sequence[tuple[str, str]]) -> FleetPart:
    """Return what parts say together, which come in the order of the table.

    `options` are the surroundings in the order in which they are said.
    """
    hosts = without_fixes = 0
    groups: dict[HostAnswer, HostGroup] = {}
    idle: dict[tuple[str, Diagnostic], IdleWord] = {}
    remarks: dict[Diagnostic, None] = {}
    surroundings: set[tuple[str, str]] = set()
    for part in parts:
        hosts += part.hosts
        without_fixes += part.without_fixes
        remarks.update(dict.fromkeys(part.remarks))
        surroundings.update(part.surroundings)
        for one in part.groups:
            group = groups.setdefault(one.answer, replace(one, hosts=0, cpus={}))
            for cpu, count in one.cpus.items():
                group.add(cpu, count)
        for word in part.idle:
            before = idle.get((word.release, word.said))
            more = before.hosts if before else 0
            idle[word.release, word.said] = replace(before or word, hosts=word.hosts + more)
    return FleetPart(
        hosts=hosts,
        groups=tuple(groups.values()),
        idle=in_order_of_hosts(idle.values()),
        remarks=tuple(remarks),
        surroundings=tuple(one for one in options if one in surroundings),
        without_fixes=without_fixes,
    )


def written(part: FleetPart) -> bytes:
    """Return a part as JSON; what is no UTF-8 in it stays what it is."""
    return json.dumps(msgspec.to_builtins(part), separators=(",", ":")).encode("ascii")


def read(data: bytes) -> FleetPart | None:
    """Return a part that was `written`, None where the bytes are none."""
    try:
        return msgspec.convert(json.loads(data), FleetPart)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None
