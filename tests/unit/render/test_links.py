"""Places in a source as links: to the release's tree, and nowhere else."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.flows.knowledge import Library
from matrix.render.links import Trees

KERNELS = tuple(Library().kernels_of("arm64").values())
TREES = Trees(KERNELS)
BASE = "https://elixir.bootlin.com/linux"


def targets(text: str, release: str) -> list[str]:
    return [unescape(item) for item in re.findall(r'href="([^"]*)"', TREES.linked(text, release))]


def test_each_place_leads_to_its_line_in_its_release() -> None:
    text = "arch/arm64/kvm/arm.c:674-675; mm/Kconfig:1344 (no `x.c:1`), v12 02/16 mm/memory.c"
    assert targets(text, "6.12") == [
        f"{BASE}/v6.12.107/source/arch/arm64/kvm/arm.c#L674",
        f"{BASE}/v6.12.107/source/mm/Kconfig#L1344",
    ]
    assert "arm.c#L674" in targets(text, "7.3")[0]
    assert "/v7.3-rc7/" in targets(text, "7.3")[0]


def test_more_lines_of_one_file_stand_behind_its_path() -> None:
    found = targets("arch/x86/Kconfig:83,:90-92, and ,:7", "7.2")
    assert [item.rpartition("/source/")[2] for item in found] == [
        "arch/x86/Kconfig#L83",
        "arch/x86/Kconfig#L90",
    ]


def test_without_an_address_nothing_is_linked() -> None:
    assert targets("mm/Kconfig:1", "2.6") == []
    bare = Trees([replace(kernel, browse=None) for kernel in KERNELS])
    assert bare.linked("mm/Kconfig:1", "7.3") == "mm/Kconfig:1"


@given(text=st.text(alphabet="<>&\"'`/:.a1- ", max_size=40))
def test_names_of_html_stay_names(text: str) -> None:
    drawn = str(TREES.linked(text, "7.3"))
    plain = re.sub(r"</?(?:code|a(?: href=\"https://elixir[^\"<>]*\")?)>", "", drawn)
    assert "<" not in plain
    assert ">" not in plain
    assert unescape(plain).replace("`", "") == text.replace("`", "")
