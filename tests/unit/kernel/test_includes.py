"""What a file includes and which header declares a function, in a tree written here."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.kernel.source.includes import declares, declaring_header, included
from matrix.kernel.source.truth.tree import KernelTree

FILES = {
    "Makefile": "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\nEXTRAVERSION =\n",
    "arch/arm64/kvm/mmu.c": '#include <linux/kvm_host.h>\n#  include "own.h"\n',
    "arch/arm64/kvm/own.h": "int own(void);\n",
    "include/linux/kvm_host.h": "#include <asm/kvm_host.h>\n#include <linux/kvm_host.h>\n",
    "arch/arm64/include/asm/kvm_host.h": "#include <asm/only_generic.h>\n",
    "include/asm-generic/only_generic.h": "",
    "include/linux/set_memory.h": "#include <asm/set_memory.h>\n",
    "arch/arm64/include/asm/set_memory.h": "bool can_set_direct_map(void);\n",
    "arch/arm64/include/asm/virt.h": "static __always_inline bool is_hyp(void)\n{\n}\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> KernelTree:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return KernelTree(tmp_path)


def test_includes_are_followed(tree: KernelTree) -> None:
    assert included(tree, "arch/arm64/kvm/mmu.c", "arm64") == (
        "include/linux/kvm_host.h",
        "arch/arm64/kvm/own.h",
        "arch/arm64/include/asm/kvm_host.h",
        "include/asm-generic/only_generic.h",
    )


def test_the_header_of_a_function_is_named_as_checkpatch_wants_it(tree: KernelTree) -> None:
    assert declaring_header(tree, "can_set_direct_map", "arm64") == "linux/set_memory.h"
    assert declaring_header(tree, "is_hyp", "arm64") == "asm/virt.h"
    assert declaring_header(tree, "icache_is_aliasing", "arm64") is None


def test_a_call_is_no_declaration() -> None:
    for text in (
        "extern bool f(void);",
        "#define f(x) (x)",
        "# define f f",
        "static inline bool\nf(void)\n{",
        "static __always_inline struct page *f(int a)",
    ):
        assert declares(text, "f"), text
    for text in ("\treturn f(1);", "\tif (f(1))", "return f(1);", "bool ff(void);", "#if f(1)"):
        assert not declares(text, "f"), text
