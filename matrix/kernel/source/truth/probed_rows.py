"""The rows of a draft that probes read: written with the value and the lines that show it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from matrix.expr.nodes import Scalar
from matrix.kernel.source.truth.profile_rows import Shown, row_of, said, same_value
from matrix.kernel.source.truth.tree import KernelTree
from matrix.kernel.source.version import read_version

_KEYS = {"mechanism": "value", "function": "body"}
# A cpucap that is one test of a field, on one line.
_CAP = re.compile(r"  \w+: \{(.*?), source: ")
_INITIAL = re.compile(r"initial: (?P<value>.*?)(?P<numbers>, enumerators: \{.*\})?$")
_WORD = re.compile(r"[A-Za-z_]\w*")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
# The fix point of a mechanism: the key of a row, with what is below it.
_SINCE = re.compile(r"^    since:\n(?:      .*\n)+", re.MULTILINE)


def probed(
    text: str,
    unread: Sequence[str],
    shown: Mapping[str, Shown],
    tree: KernelTree,
    others: Sequence[str],
) -> tuple[str, list[str], list[tuple[str, str]]]:
    """Return a draft with what probes read, what is still unread, and (row, value) of what is new.

    A row that nobody doubted keeps its value, and becomes unread where its probe says otherwise.
    One whose value has a name that no profile at hand (`others` beside the draft) knows stays open,
    but for a function: what it asks for gets a row (`unheard`).
    """
    known = {word for one in (text, *others) for word in _WORD.findall(one)}
    left, filled = list(unread), []
    for row, found in shown.items():
        kind, _, name = row.partition(" ")
        now_there = row_of(text, row)
        if now_there is None:
            continue
        block = now_there.text
        about = [one for one in left if _row(one) == row]
        now = _now(kind, block)
        dated = _dated(row, found, tree, (text, *others))
        value, since = dated or (found.value, "")
        same = _bare(value) == _bare(now) if kind == "cpucap" else same_value(value, now)
        if not about:
            if not same:
                left.append(f"{row}: its probe reads {said(found.value)} at {found.source}")
            continue
        # A name that no profile declares would be an error of the drafted file.
        if not same and kind != "function" and not set(_names(value)) <= known:
            continue
        # An enumerator that is gone may be what a row says that nobody has read.
        gone = set(_names(now)) - {*_names(value), "true", "false"} if kind == "variable" else set()
        if gone & set(_WORD.findall(text.replace(block, ""))):
            continue
        left = [one for one in left if one not in about]
        written = _cited(block, found) if same else _written(kind, name, value, found.source)
        text = text.replace(block, _SINCE.sub("", written) + since, 1)
        if not same:
            filled.append((row, said(value)))
    return text, left, filled


def _dated(
    row: str, found: Shown, tree: KernelTree, texts: Sequence[str]
) -> tuple[Scalar, str] | None:
    """Return a row's value and its fix point where a profile has one in the tree's series.

    What the tree shows must be what holds before or after it.
    """
    for one in texts:
        theirs = row_of(one, row)
        block = theirs.text if theirs else ""
        since = _since(block, tree)
        value = _now(row.partition(" ")[0], block)
        either = (value, _value(since, "before"))
        if since and any(same_value(found.value, known) for known in either):
            return value, since
    return None


def _bare(test: Scalar) -> str:
    """Return the test of a cpucap without the quotes that YAML may leave out."""
    return str(test).replace("\\", "").replace('"', "")


def _row(said_open: str) -> str:
    return said_open.partition(": ")[0]


def _now(kind: str, block: str) -> Scalar:
    """Return what a row says now."""
    if kind in _KEYS:
        return _value(block, _KEYS[kind])
    if kind == "variable":
        numbers = re.search(r"enumerators: \{[^}]*\}", block)
        initial = said(_value(block, "initial"))
        return f"initial: {initial}" + (f", {numbers[0]}" if numbers else "")
    found = _CAP.match(block)
    return found[1] if found else ""


def _names(value: Scalar) -> list[str]:
    """Return the names in a body; its texts hold none."""
    return _WORD.findall(_TEXT.sub("", value)) if isinstance(value, str) else []


def _value(block: str, key: str) -> Scalar:
    """Return the scalar of a key of a row as YAML has it."""
    found = re.search(rf"\b{key}: ({_TEXT.pattern}|[^,}}\n]+)", block)
    written = found[1].strip() if found else ""
    if written.startswith('"'):
        return str(json.loads(written))
    return written == "true" if written in ("true", "false") else written


def _since(block: str, tree: KernelTree) -> str:
    """Return the fix point of a row where the tree's series has one, else nothing."""
    found = _SINCE.search(block)
    version = read_version(tree.version)
    named = re.search(r"versions: \[(.*)\]", found[0]) if found else None
    series = [read_version(one) for one in re.findall(r"[\d.]+", named[1])] if named else []
    here = any(one and version and one.series == version.series for one in series)
    return found[0] if found and here else ""


def _cited(block: str, found: Shown) -> str:
    """Return a row with the lines that show it."""
    head = "^    " if block.count("\n") > 1 else r"\b"
    pattern = re.compile(f'({head}source: )"[^"]*"', re.MULTILINE)
    return pattern.sub(lambda match: f'{match[1]}"{found.source}"', block, count=1)


def _written(kind: str, name: str, value: Scalar, source: str) -> str:
    if kind == "variable" and (parts := _INITIAL.match(str(value))) is not None:
        initial = f"{json.dumps(parts['value'])}{parts['numbers'] or ''}"
        return f'  {name}: {{initial: {initial}, source: "{source}"}}\n'
    if kind not in _KEYS:
        return f'  {name}: {{{value}, source: "{source}"}}\n'
    text = json.dumps(value) if kind == "function" and isinstance(value, str) else said(value)
    return f'  {name}:\n    {_KEYS[kind]}: {text}\n    source: "{source}"\n'
