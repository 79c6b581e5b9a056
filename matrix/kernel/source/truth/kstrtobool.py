"""Which texts a kernel's `kstrtobool()` takes for true and false, read from `lib/kstrtox.c`.

Only the shape that the function has had since it exists is read: labels of characters, a store of
the result, and a second `switch` over the next character. Of any other nothing is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from matrix.kernel.source.truth.tree import KernelTree

_FILE = "lib/kstrtox.c"
_LABEL = re.compile(r"case '(.)' :")
_SWITCH = re.compile(r"switch \( s \[ (\d) \] \) \{")
_STORE = re.compile(r"\* res = (true|false) ; return 0 ;")
_ENDS = re.compile(r"(?:default : )?break ;|\}")
_DECLARED = re.compile(r"(?m)^( *(?:- )?)prefixes: \{[^}]*\}$")

Prefixes = Mapping[str, bool]


def prefixes(tree: KernelTree) -> Prefixes | None:
    r"""Return the beginnings of a text that are taken, in lower case; None where it is not read.

    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "Makefile").write_text("VERSION = 7\nPATCHLEVEL = 3\n")
    >>> (folder / "lib").mkdir()
    >>> _ = (folder / "lib" / "kstrtox.c").write_text('''
    ... int kstrtobool(const char *s, bool *res)
    ... {
    ...         if (!s)
    ...                 return -EINVAL;
    ...         switch (s[0]) {
    ...         case 'y': case 'Y': *res = true; return 0;
    ...         case 'o': switch (s[1]) { case 'n': *res = true; return 0; default: break; } break;
    ...         default: break;
    ...         }
    ...         return -EINVAL;
    ... }''')
    >>> prefixes(KernelTree(folder))
    {'y': True, 'on': True}
    """
    source = tree.source(_FILE)
    functions = source.functions("kstrtobool") if source else ()
    if len(functions) != 1 or functions[0].body is None:
        return None
    words = [token.text for token in functions[0].tokens[functions[0].body + 1 :]]
    text = " ".join(words)
    start = _SWITCH.search(text)
    # One statement may stand in front, the test of the pointer for NULL.
    if start is None or start[1] != "0" or text[: start.start()].count(";") > 1:
        return None
    found: dict[str, bool] = {}
    rest = _labels(text[start.end() :].strip(), ("",), found)
    return found if rest == "return - EINVAL ; }" else None


def _labels(text: str, before: Sequence[str], found: dict[str, bool]) -> str | None:
    """Read the labels of one `switch` up to its brace; return what follows, None if not read."""
    labels: list[str] = []
    while text:
        if match := _LABEL.match(text):
            # `before` are the characters that were read: one label for each of them.
            labels += [head + match[1].lower() for head in before]
        elif match := _STORE.match(text):
            found |= dict.fromkeys(labels, match[1] == "true")
            labels = []
        elif match := _SWITCH.match(text):
            inner = _labels(text[match.end() :].strip(), tuple(dict.fromkeys(labels)), found)
            # A switch over another character than the next one is not the shape that is read here.
            if int(match[1]) != len(before[0]) + 1 or not labels or inner is None:
                return None
            text, labels = inner, []
            continue
        elif match := _ENDS.match(text):
            labels = []
            if match[0] == "}":
                return text[match.end() :].strip()
        else:
            return None
        text = text[match.end() :].strip()
    return None


def with_prefixes(text: str, read: Prefixes) -> str:
    """Return a profile's YAML in which each parser of that grammar has what was read."""
    rows = ", ".join(f"{json.dumps(word)}: {str(value).lower()}" for word, value in read.items())

    def replaced(match: re.Match[str]) -> str:
        # A row that says the same in another order stays as a person wrote it.
        same = dict(re.findall(r'"(\w+)": (\w+)', match[0])) == {
            word: str(value).lower() for word, value in read.items()
        }
        return match[0] if same else f"{match[1]}prefixes: {{{rows}}}"

    return _DECLARED.sub(replaced, text)
