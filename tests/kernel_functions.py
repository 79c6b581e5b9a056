"""Conditions of real kernel trees, renamed to the capability's, and a C compiler that runs them.

A function is drawn from a tree's text; it is compiled with everything that it asks (calls, members,
names) as an uninterpreted function of its arguments' values, so that it can be run for any values
of its atoms. Nothing of `matrix` is used.
"""

from __future__ import annotations

import re
import subprocess
import zlib
from pathlib import Path
from random import Random

from msgspec import Struct

from tests.c_oracle import FUNCTION, needs_compiler

_WORDS = (
    r"(?:static |inline |__always_inline |__init |extern |noinline |notrace |__pure "
    r"|__must_check )*"
)
_HEAD = re.compile(
    rf"^{_WORDS}bool (?:__always_inline |__init |notrace )?(?P<name>\w+)"
    r"\((?P<parameters>[^;{}()]*)\)\n\{\n(?P<body>.*?)^\}\n",
    re.MULTILINE | re.DOTALL,
)
# What a condition has not: statements that call or store, loops, directives, labels.
_DOES = re.compile(
    r"^\t+(?!return\b)[\w>.-]+\([^;{}]*\);$|for_each|\b(?:for|while|goto|do|asm|switch)\b"
    r"|^\t*#|^\t+\*"
    r"|^\t+\w+(?:->|\.)[\w.>-]+\s*(?:[|&+^-]|<<|>>)?=[^=]|\+\+|--",
    re.MULTILINE,
)


class Condition(Struct, frozen=True, kw_only=True):
    """A bool function that only computes: its file, its name, and its text as the capability's."""

    path: str
    name: str
    parameters: tuple[str, ...]
    text: str

    @property
    def body(self) -> str:
        return self.text.partition("\n{\n")[2].rpartition("\n}")[0]


def conditions(tree: Path, *, doing: bool = False) -> list[Condition]:
    """Return the conditions of a tree in a fixed order; `doing`: every bool function."""
    found = []
    for file in sorted(tree.rglob("*.[ch]")):
        path = str(file.relative_to(tree))
        if path.startswith(("tools/", "scripts/")):
            continue
        for match in _HEAD.finditer(file.read_text(errors="replace")):
            if not doing and _DOES.search(match["body"]):
                continue
            words = (
                []
                if match["parameters"].strip() in ("", "void")
                else (match["parameters"].split(","))
            )
            names = tuple(re.findall(r"\w+", word)[-1] for word in words if re.search(r"\w", word))
            body = re.sub(rf"\b{match['name']}\b", FUNCTION, match["body"])
            text = f"bool {FUNCTION}({match['parameters']})\n{{\n{body}}}"
            found.append(Condition(path=path, name=match["name"], parameters=names, text=text))
    return found


def drawn(trees: list[Path], count: int, seed: int) -> list[Condition]:
    """Return so many conditions of the trees, none twice, by a seed."""
    pool = {one.text: one for tree in trees for one in conditions(tree)}
    ordered = sorted(pool.values(), key=lambda one: one.text)
    return Random(seed).sample(ordered, count)  # noqa: S311 - a draw that can be repeated


def value_of(seed: int, name: str, arguments: tuple[int, ...] = ()) -> int:
    """Return the value of an atom: the same for the same name and arguments.

    It is 0 to 3; every fourth seed has values up to 1023, which a narrow variable does not hold.
    """
    text = f"{name}({','.join(map(str, arguments))})"
    return zlib.crc32(f"{seed}:{text}".encode()) >> 7 & (1023 if seed % 4 == 3 else 3)


def text_value(text: str) -> int:
    """Return the number that stands for a string."""
    return zlib.crc32(text.encode()) & 0xFFFF


_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "if else return sizeof true false likely unlikely READ_ONCE WARN_ON WARN_ON_ONCE "
        "IS_ENABLED static const int long bool char void unsigned signed short struct union enum "
        "u8 u16 u32 u64 s8 s16 s32 s64 size_t NULL",
    )
)
_TYPES = re.findall(
    r"\w+",
    "gfn_t gpa_t hva_t phys_addr_t pgoff_t dma_addr_t kvm_pte_t pteval_t ptval_t pmdval_t "
    "vm_flags_t pte_t pmd_t pud_t p4d_t pgd_t pgprot_t kvm_pfn_t gfp_t",
)
_PROGRAM = """
#include <stdio.h>
#include <string.h>
#include <stdbool.h>
#include <stdint.h>
typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef unsigned long long u64;
typedef int8_t s8; typedef int16_t s16; typedef int32_t s32; typedef long long s64;
{types}
#define likely(x) (x)
#define unlikely(x) (x)
#define READ_ONCE(x) (x)
#define WARN_ON(x) (!!(x))
#define WARN_ON_ONCE(x) (!!(x))
#define IS_ENABLED(x) (ATOM("IS_ENABLED(" #x ")") & 1)
#define __force
#define __user
#undef NULL
#define NULL 0
static unsigned seed;
static long atom(const char *name, const long *given, int count)
{{
	char text[1024];
	unsigned crc = ~0u;
	int at = snprintf(text, sizeof(text), "%u:%s(", seed, name);
	for (int i = 1; i < count; i++)
		at += snprintf(text + at, sizeof(text) - at, i > 1 ? ",%ld" : "%ld", given[i]);
	snprintf(text + at, sizeof(text) - at, ")");
	for (char *c = text; *c; c++) {{
		crc ^= (unsigned char)*c;
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
	}}
	return (~crc) >> 7 & (seed % 4 == 3 ? 1023 : 3);
}}
#define ATOM(name, ...) atom(name, (long[]){{0 __VA_OPT__(,) __VA_ARGS__}}, \\
	sizeof((long[]){{0 __VA_OPT__(,) __VA_ARGS__}}) / sizeof(long))
{atoms}
{function}
int main(void)
{{
	for (seed = 0; seed < {rows}; seed++)
		putchar('0' + {name}({given}));
	return 0;
}}
"""


def compiled(condition: Condition, folder: Path, rows: int) -> str | None:
    """Return what the function answers for each seed, `0` or `1`; None: it does not compile so.

    Names that the compiler does not know are atoms as well.
    """
    body = re.sub(r"/\*.*?\*/|//[^\n]*", " ", condition.body, flags=re.DOTALL)
    body = re.sub(r"\b(?:const )?(?:struct|union) \w+\s*\*+\s*(?:const )?", "long ", body)
    body = re.sub(r"^\t+extern .*;$", "", body, flags=re.MULTILINE)
    body = re.sub(r"\benum \w+", "int", body)
    # Of what stands at an address a call is told nothing else than of what stands there.
    body = re.sub(r"([(,]\s*)&(?=\w)", r"\1", body)
    body = re.sub(r'"([^"\n]*)"', lambda found: str(text_value(found[1])), body)
    body = re.sub(
        r"^(\t+)(?:const )?\w+_t \*+(?=\w+(?:,| =|;))", r"\1long ", body, flags=re.MULTILINE
    )
    body = _memory(body)
    called = set(re.findall(r"\b([A-Za-z_]\w*)\s*\(", body)) - _KEYWORDS - {"ATOM"}
    names: set[str] = set()
    for _ in range(12):
        atoms = [
            f'#define {name}(...) ATOM("{name}" __VA_OPT__(,) __VA_ARGS__)'
            for name in sorted(called)
        ]
        atoms += [f'#define {name} ATOM("{name}")' for name in sorted(names)]
        source = _PROGRAM.format(
            types="\n".join(f"typedef unsigned long long {name};" for name in _TYPES),
            atoms="\n".join(atoms),
            function=f"static bool {FUNCTION}_here({_longs(condition)})\n{{\n{body}\n}}",
            rows=rows,
            name=f"{FUNCTION}_here",
            given=", ".join(f'ATOM("{name}")' for name in condition.parameters),
        )
        (folder / "function.c").write_text(source)
        program = folder / "function"
        built = subprocess.run(
            [needs_compiler(), "-std=gnu11", "-w", "-O0", "-o", program, folder / "function.c"],
            capture_output=True,
            text=True,
            check=False,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin:/usr/local/bin"},
        )
        if built.returncode == 0:
            return subprocess.run([program], capture_output=True, text=True, check=True).stdout
        unknown = set(re.findall(r"'(\w+)' undeclared", built.stderr)) - names
        if not unknown:
            return None
        names |= unknown
    return None


def _longs(condition: Condition) -> str:
    return ", ".join(f"long {name}" for name in condition.parameters) or "void"


_PRIMARY = re.compile(r"(?!(?:return|else|if|sizeof|switch|case)\b)[A-Za-z_]\w*|\(")
_MEMBER = re.compile(r"\s*(?:->|\.(?=[A-Za-z_]))\s*([A-Za-z_]\w*)")


def _memory(text: str) -> str:
    """Return a text of C with what it takes from memory as atoms of the address.

    `a->b.c` is the atom `.c` of the atom `.b` of `a`, `a[i]` that of `a` and `i`, `*p` of `p`. A
    word in `return` and the like begins no operand; a string has been replaced by its number.
    """
    done, at = "", 0
    while (found := _PRIMARY.search(text, at)) is not None:
        done += text[at : found.start()]
        operand, at = _operand(text, found)
        if done.endswith("*") and re.search(r"(?:(?:^|[(!,=&|<>?:~])\s*|\breturn\s+)\*$", done):
            done = f'{done[:-1]}ATOM("*", {operand})'
        else:
            done += operand
    return done + text[at:]


def _operand(text: str, first: re.Match[str]) -> tuple[str, int]:
    """Return an operand with what is behind it, and where that ends."""
    operand, at = first[0], first.end()
    if operand == "(":
        end = _closing(text, at - 1)
        operand, at = f"({_memory(text[at:end])})", end + 1
    while at < len(text):
        member = _MEMBER.match(text, at)
        if member is not None:
            operand, at = f'ATOM(".{member[1]}", {operand})', member.end()
        elif text[at] == "[":
            end = _closing(text, at)
            operand, at = f'ATOM("[]", {operand}, {_memory(text[at + 1 : end])})', end + 1
        elif text[at] == "(" and first[0] != "(":
            end = _closing(text, at)
            operand, at = f"{operand}({_memory(text[at + 1 : end])})", end + 1
        else:
            break
    return operand, at


def _closing(text: str, opening: int) -> int:
    """Return where the bracket at an index is closed."""
    depth = 0
    for at in range(opening, len(text)):
        depth += (text[at] in "([") - (text[at] in ")]")
        if depth == 0:
            return at
    raise ValueError(text)
