"""What `kstrtobool()` takes is read from its C as a compiler reads it; other shapes are refused."""

from __future__ import annotations

import subprocess
from itertools import product
from pathlib import Path

import pytest

from matrix.kernel.source.truth.kstrtobool import prefixes, with_prefixes
from matrix.kernel.source.truth.tree import KernelTree
from tests.c_oracle import needs_compiler

HEAD = """\
int kstrtobool(const char *s, bool *res)
{
	if (!s)
		return -EINVAL;

	switch (s[0]) {
"""
TRUE = "\t\t*res = true;\n\t\treturn 0;\n"
FALSE = "\t\t*res = false;\n\t\treturn 0;\n"
NESTED = f"""\
	case 'o':
	case 'O':
		switch (s[1]) {{
		case 'n':
		case 'N':
	{TRUE}\t\tcase 'f':
		case 'F':
	{FALSE}\t\tdefault:
			break;
		}}
		break;
"""
TAIL = "\tdefault:\n\t\tbreak;\n\t}\n\n\treturn -EINVAL;\n}\n"
YES, NO = "\tcase 'y':\n\tcase 'Y':\n\tcase '1':\n", "\tcase 'n':\n\tcase '0':\n"
OLDER = f"{HEAD}{YES}{TRUE}{NO}{FALSE}{NESTED}{TAIL}"
NEWER = OLDER.replace("\tcase 'y':\n", "\tcase 'e':\n\tcase 'y':\n").replace(
    "\tcase 'n':\n\tcase '0'", "\tcase 'd':\n\tcase 'n':\n\tcase '0'"
)
MAIN = """\
#include <stdbool.h>
#include <stdio.h>
#define EINVAL 22
%s
int main(void)
{
	char text[8];
	while (scanf("%%7s", text) == 1) {
		bool res;
		int error = kstrtobool(text, &res);
		printf("%%s %%d\\n", text, error ? -1 : res);
	}
}
"""


def tree_with(body: str, folder: Path) -> KernelTree:
    (folder / "lib").mkdir()
    (folder / "lib" / "kstrtox.c").write_text(body)
    (folder / "Makefile").write_text("VERSION = 7\nPATCHLEVEL = 3\n")
    return KernelTree(folder)


@pytest.mark.parametrize("body", [OLDER, NEWER], ids=["older", "newer"])
def test_it_takes_what_the_compiled_function_takes(body: str, tmp_path: Path) -> None:
    read = prefixes(tree_with(body, tmp_path))
    assert read is not None
    source, program = tmp_path / "main.c", tmp_path / "main"
    source.write_text(MAIN % body)
    subprocess.run([needs_compiler(), "-o", str(program), str(source)], check=True)
    texts = ["".join(pair) for pair in product("edytf1n0oO2", "nfx")]
    ran = subprocess.run(
        [program], input="\n".join(texts), text=True, capture_output=True, check=True
    )
    for line in ran.stdout.splitlines():
        text, value = line.split()
        taken = [read[head] for head in (text[:2].lower(), text[0].lower()) if head in read]
        assert int(value) == (int(taken[0]) if taken else -1), text


@pytest.mark.parametrize(
    "body",
    [
        OLDER.replace("*res = false;\n\t\treturn 0;", "*res = count;\n\t\treturn 0;", 1),
        OLDER.replace("\tif (!s)\n", "\tif (!s || strict)\n\t\ts++;\n\tif (!s)\n"),
        OLDER.replace("switch (s[1])", "switch (s[2])"),
        OLDER.replace("return -EINVAL;\n}", "*res = true;\n\treturn 0;\n}"),
        OLDER.replace("int kstrtobool", "int strtobool"),
    ],
)
def test_of_another_shape_nothing_is_said(body: str, tmp_path: Path) -> None:
    assert prefixes(tree_with(body, tmp_path)) is None


def test_a_row_that_says_the_same_stays_as_it_is_written() -> None:
    row = '      prefixes: {"on": true, "of": false, "y": true}\n'
    assert with_prefixes(row, {"y": True, "on": True, "of": False}) == row
    assert with_prefixes(row, {"y": True, "e": True}) == '      prefixes: {"y": true, "e": true}\n'
