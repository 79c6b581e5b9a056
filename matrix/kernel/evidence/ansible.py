"""Facts of Ansible's setup module: kernel, architecture, command line, product."""

from __future__ import annotations

import re
from collections.abc import Mapping

from matrix.diagnostics import Location
from matrix.kernel.evidence.findings import Asked, EvidenceText, Finding, Kind, Read

# `host | SUCCESS => {` of the command `ansible -m setup`.
_STATUS = re.compile(r"\s{0,80}\S{1,300} \| [A-Z!]{1,20} => (?=\{)")
_PREFIX = "ansible_"
_TEXTS: Mapping[str, Kind] = {
    "kernel": "version",
    "architecture": "machine",
    "product_name": "product",
}
_NOT_SAID = frozenset({"", "NA", "unknown"})


def is_ansible(text: EvidenceText, asked: Asked) -> bool:
    """Tell whether a text is JSON with facts of a host."""
    del asked
    whole = "\n".join(text.lines)
    status = _STATUS.match(whole)
    return whole[status.end() if status else 0 :].lstrip().startswith("{") and (
        '"ansible_kernel"' in whole or '"ansible_facts"' in whole
    )


def read_ansible(text: EvidenceText, asked: Asked) -> Read:
    """Return the facts of one host.

    Raises:
        InputError: MX1445, the JSON is damaged.
    """
    del asked
    whole = "\n".join(text.lines)
    status = _STATUS.match(whole)
    document = text.json(whole[status.end() :] if status else whole)
    facts = document.get("ansible_facts", document) if isinstance(document, dict) else {}
    if not isinstance(facts, dict):
        return Read(findings=())
    plain = {str(key).removeprefix(_PREFIX): value for key, value in facts.items()}
    found = [
        Finding(kind=kind, value=value, place=_place(text, key, value))
        for key, kind in _TEXTS.items()
        if isinstance(value := plain.get(key), str) and value not in _NOT_SAID
    ]
    line = plain.get("proc_cmdline")
    if isinstance(line, dict) and (value := _command_line(line)) is not None:
        found.append(Finding(kind="cmdline", value=value, place=_place(text, "proc_cmdline", "")))
    return Read(findings=tuple(found))


def _command_line(words: Mapping[object, object]) -> str | None:
    """Return the line that words were split from, None where the split has lost something.

    Quotes, what follows ` -- `, and the order of a word that is there several times are lost.
    """
    shown = []
    for name, value in words.items():
        if not isinstance(value, str | bool) or " " in f"{name}{value}" or name == "--":
            return None
        shown.append(f"{name}" if value is True or value == "" else f"{name}={value}")
    return " ".join(shown)


def _place(text: EvidenceText, key: str, value: str) -> Location:
    for number, line in enumerate(text.lines, start=1):
        if re.search(rf'"(?:{_PREFIX})?{key}"', line):
            return text.place(number, value if value and value in line else None)
    return text.place(1)
