"""Law: what a parser does grows with its input's length, not with its square.

Counted are calls of functions, ours and the library's, that Python makes: the same count on every
machine. An input is a pattern n, 2n and 4n times; twice the input may be up to 2.2 times the calls.
What a regular expression or another library does in one call is not counted: those inputs run
against the clock of the processor, in `tests/test_hostile_inputs.py`.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from matrix.diagnostics import InputError
from tests.fuzz.parsers import CONFIG, PARSERS
from tests.hostile_inputs import patch

# (parser, what stands before, what is repeated, what stands behind, n).
PATTERNS: dict[str, tuple[str, bytes, bytes, bytes, int]] = {
    "headers": ("mail", b"From: a@b\n", b"X-A: b\n", b"\n" + patch().encode(), 300),
    "folded headers": ("mail", b"From: a@b\nSubject: x\n", b" y\n", b"\ntext\n", 300),
    "encoded words": ("mail", b"Subject: ", b"=?utf-8?q?x?= ", b"\n\ntext\n", 300),
    "quoted lines": ("mail", b"From: a@b\n\n", b"> +a\n> -b\n", b"", 300),
    "mails": ("mail", b"", b"From a Mon Sep 17 00:00:00 2001\nSubject: x\n\ny\n", b"", 100),
    "hunks": ("unified diff", patch().encode(), b"@@ -1,1 +1,1 @@\n-a\n+b\n", b"", 100),
    "added lines": ("unified diff", patch().encode(), b"+\tx = y;\n", b"", 300),
    "files": ("unified diff", b"", patch().encode(), b"", 30),
    "functions": ("C", b"", b"static int f(int a)\n{\n\treturn a;\n}\n", b"", 100),
    "guards": ("C", b"", b"#ifdef A\nint a;\n#endif\n", b"", 200),
    "open guards": ("C", b"", b"#ifdef A\n", b"", 300),
    "branches": ("C", b"#if A\n", b"#elif B\nint a;\n", b"#endif\n", 300),
    "statements": ("C", b"int f(void)\n{\n", b"\ta = b;\n", b"}\n", 300),
    "settings": (".config", CONFIG[:300], b"CONFIG_A=y\n", b"", 300),
    "unset symbols": (".config", CONFIG[:300], b"# CONFIG_A is not set\n", b"", 300),
    "odd lines": (".config", CONFIG[:300], b"CONFIG_A = y\n", b"", 300),
    "menus": ("Kconfig", b'mainmenu "x"\n', b'config A\n\tbool "a"\n\tdefault y if B\n', b"", 60),
    "macros": ("Kconfig", b'mainmenu "x"\n', b"X = $(Y)\nZ := $(X)\n", b"", 100),
    "conditions": ("Kconfig", b'config A\n\tbool "a"\n\tdepends on B', b" && C", b"\n", 100),
    "words": ("command line", b"", b"a=b ", b"", 300),
    "dashes": ("command line", b"", b"a-b_c.d=1 ", b"", 300),
    "terms": ("expression", b"a", b" || b == 1", b"", 100),
    "CPU fields": ("CPU SPEC", b"graviton3", b",fwb=1", b"", 100),
    "mapping": ("declarations in YAML", b"id: x\n", b"# c\n", b"", 300),
    "sequence": ("declarations in YAML", b"id: [x", b", y", b"]\n", 100),
    "paragraphs": ("blocks in markdown", b"", b"a `b` c\n\n", b"", 100),
    "fences": ("blocks in markdown", b"", b"```\nc\n```\n", b"", 100),
    "markers": (
        "blocks in markdown",
        b"",
        b"<!-- matrix:begin x -->\n<!-- matrix:end -->\n",
        b"",
        50,
    ),
    "titles": ("blocks in rst", b"", b"A\n=\n\ntext\n\n", b"", 100),
    "directives": ("blocks in rst", b"", b".. matrix:begin x\n\n.. matrix:end\n\n", b"", 50),
    "comments": ("blocks in asciidoc", b"", b"// matrix:begin x\n// matrix:end\n", b"", 50),
    "tags": ("blocks in html", b"", b"<p>a</p>\n<!-- b -->\n", b"", 100),
    "log lines": (
        "evidence of a machine",
        b"[    0.000000] Linux version 6.18.2 (a@b) #1 SMP\n",
        b"[    0.100000] CPU features: detected: x\n",
        b"",
        300,
    ),
    "processors": (
        "evidence of a machine",
        b"",
        b"processor\t: 0\nCPU part\t: 0xd40\n\n",
        b"",
        100,
    ),
    "flavours": (
        "annotations",
        b"# FORMAT: 4\n# ARCH: arm64\n# FLAVOUR: arm64-a\n\n",
        b"CONFIG_A policy<{'arm64': 'y'}>\n",
        b"",
        200,
    ),
    "rows": ("fleet in CSV", b"host,kernel,config,cpu\n", b"a,7.3,x,y\n", b"", 300),
    "settings of TOML": ("settings in TOML", b"[releases]\n", b"# c\n", b'"a" = "7.3"\n', 100),
}


@contextlib.contextmanager
def _counted() -> Iterator[list[int]]:
    calls = [0]

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        calls[0] += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def _calls(read: Callable[[bytes], object], data: bytes) -> int:
    with _counted() as calls, contextlib.suppress(InputError):
        read(data)
    return calls[0]


@pytest.mark.parametrize("name", PATTERNS)
def test_calls_grow_with_the_length(name: str) -> None:
    parser, before, repeated, behind, times = PATTERNS[name]
    read = PARSERS[parser].read
    _calls(read, before + repeated + behind)  # what is imported or kept the first time
    one, two, four = (
        _calls(read, before + repeated * (times * factor) + behind) for factor in (1, 2, 4)
    )
    assert two - one <= 2.2 * one, (one, two, four)
    # Of what is added, twice as much costs twice as much; a square would cost four times.
    assert four - two <= 2.4 * (two - one) + 200, (one, two, four)


def test_each_parser_of_text_has_a_pattern() -> None:
    packed = {"fleet in Parquet", ".deb", ".rpm", "kernel image", "packed data"}
    other = {"archives of evidence", "cell", "selection and view", "blocks in text"}
    documents = {"baseline", "readings of a machine", "evidence of a profile"}
    forms = {"written forms of a .config"}
    assert {
        row[0] for row in PATTERNS.values()
    } == PARSERS.keys() - packed - other - documents - forms
