"""`matrix architectures` and its block, as a stranger asks for them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli_runner import run_cli


def test_the_list_shows_what_does_nothing() -> None:
    ran = run_cli("architectures", "list", "--kernel", "7.3")
    assert ran.code == 0, ran.err
    head, *rows = ran.out.splitlines()
    assert head.startswith("Architecture  Release  ARCH_HAS_SET_DIRECT_MAP")
    assert [row.split()[0] for row in rows] == ["LoongArch", "RISC-V", "s390", "x86"]
    assert ["says yes, does nothing" in row for row in rows] == [True, False, False, False]


def test_json_has_every_answer_with_sources() -> None:
    ran = run_cli("architectures", "list", "--format", "json")
    document = json.loads(ran.out)
    assert document["schema"] == "matrix/architectures/1"
    for architecture in document["architectures"]:
        for release in architecture["releases"]:
            assert bool(release["cells"]) == release["exists"]
            assert release["exists"] or release["absent"]
            for cell in release["cells"].values():
                assert cell["sources"] or cell["note"]


def test_one_architecture_is_shown_with_its_lines() -> None:
    ran = run_cli("architectures", "show", "loongarch", "--kernel", "7.3")
    assert ran.code == 0, ran.err
    assert "arch/loongarch/mm/pageattr.c:211-219" in ran.out
    assert "if (addr < vm_map_base) return 0;" in ran.out
    ran = run_cli("architectures", "show", "x86", "--format", "json")
    assert json.loads(ran.out)["id"] == "x86"


def test_unknown_names_are_told() -> None:
    ran = run_cli("architectures", "show", "arm64")
    assert ran.code == 3
    assert "it is simulated" in ran.err
    ran = run_cli("architectures", "list", "--kernel", "7.33")
    assert ran.code == 3
    assert "error[MX0913]" in ran.err


def test_a_document_keeps_the_table(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- matrix:begin arm64-memfd-secret show=architectures -->\n<!-- matrix:end -->\n"
    )
    assert run_cli("embed", "--check", str(page)).code == 1
    assert run_cli("embed", str(page)).code == 0
    assert "| LoongArch | 5.10 | no such architecture" in page.read_text()
    assert run_cli("embed", "--check", str(page)).code == 0
    page.write_text("<!-- matrix:begin nowhere show=architectures -->\n<!-- matrix:end -->\n")
    assert "error[MX0906]" in run_cli("embed", str(page)).err
