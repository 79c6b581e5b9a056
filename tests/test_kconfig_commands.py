"""`matrix kconfig project` and `validate --tree` as a person runs them: cache, formats, writing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.door.kept import DIGEST_BYTES
from matrix.kernel.kconfig import reading
from matrix.kernel.kconfig.parser import Parser, Session
from tests.cli_runner import run_cli
from tests.small_trees import small_tree

TEXT = 'config NET\n\tbool "net"\nconfig KVM\n\tbool "kvm"\n\tdepends on NET\n'
SYMBOLS = ("--symbols", "KVM,NET")
Count = Callable[[], int]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache folder of this test alone, which holds the declarations but no projection."""
    run_cli("kernels", "list")
    folder = tmp_path / "cache"
    folder.mkdir()
    for compiled in Path(os.environ["MATRIX_CACHE_DIR"]).glob("knowledge-*.bin"):
        shutil.copy2(compiled, folder)
    monkeypatch.setenv("MATRIX_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Count:
    """Return how often a tree was parsed; no projection is cached at first."""
    assert not list(cache.glob("kconfig-*"))
    made: list[object] = []

    def counted(session: Session) -> Parser:
        made.append(session)
        return Parser(session)

    monkeypatch.setattr(reading, "Parser", counted)
    return lambda: len(made)


def project(tree: Path, *more: str) -> str:
    ran = run_cli("kconfig", "project", "--tree", str(tree), "--kernel", "7.3", *SYMBOLS, *more)
    assert ran.code == 0, ran.err
    return ran.out


def test_the_answer_names_conditions_reasons_and_lines(tmp_path: Path, parses: Count) -> None:
    said = project(small_tree(tmp_path / "tree", TEXT))
    assert "!IS_ENABLED(CONFIG_KVM) || IS_ENABLED(CONFIG_NET)\n" in said
    assert "    KVM depends on NET  (Kconfig:6)\n" in said
    assert "realizable assignments 3" in said
    assert parses() == 1


def test_an_unchanged_tree_is_read_once(tmp_path: Path, parses: Count) -> None:
    tree = small_tree(tmp_path / "tree", TEXT)
    assert project(tree) == project(tree)
    assert parses() == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: (tree / "Kconfig").write_text(TEXT.replace("on NET", "on !NET")),
        lambda tree: os.utime(tree / "arch/arm64/Kconfig", ns=(1, 1)),
        lambda tree: (tree / "Makefile").write_text("VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 9\n"),
        lambda tree: (tree / "scripts/kconfig/symbol.c").write_text("x"),
    ],
    ids=["text", "time", "makefile", "parser"],
)
def test_a_changed_tree_is_read_again(
    change: Callable[[Path], object], tmp_path: Path, parses: Count
) -> None:
    tree = small_tree(tmp_path / "tree", TEXT)
    project(tree)
    change(tree)
    project(tree)
    assert parses() == 2


def test_an_edit_that_keeps_size_and_time_is_seen(tmp_path: Path, parses: Count) -> None:
    tree = small_tree(tmp_path / "tree", TEXT)
    before = project(tree)
    times = (tree / "Kconfig").stat()
    (tree / "Kconfig").write_text(
        (tree / "Kconfig").read_text().replace("depends on", "select    ")
    )
    os.utime(tree / "Kconfig", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (tree / "Kconfig").stat().st_size == times.st_size
    assert project(tree) != before
    assert parses() == 2


def test_a_tree_that_is_edited_while_it_is_read_is_not_kept(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = small_tree(tmp_path / "tree", TEXT)

    def edited(session: Session) -> Parser:
        parser = Parser(session)
        (tree / "arch/arm64/Kconfig").write_text("config ARM64\n\tdef_bool n\n")
        return parser

    monkeypatch.setattr(reading, "Parser", edited)
    project(tree)
    assert not list(cache.glob("kconfig-*"))


def test_other_symbols_are_another_question(tmp_path: Path, parses: Count) -> None:
    tree = small_tree(tmp_path / "tree", TEXT)
    project(tree)
    project(tree, "--symbols", "ARM64")
    assert parses() == 2


def test_nothing_of_a_failed_run_is_kept(tmp_path: Path, cache: Path) -> None:
    tree = small_tree(tmp_path / "tree", TEXT + "\tfrobnicate\n")
    ran = run_cli("kconfig", "project", "--tree", str(tree), "--kernel", "7.3", *SYMBOLS)
    assert ran.code == 3
    assert not list(cache.glob("kconfig-*"))
    small_tree(tree, TEXT)
    assert "realizable assignments 3" in project(tree)


def test_a_damaged_cache_is_as_good_as_none(tmp_path: Path, cache: Path, parses: Count) -> None:
    tree = small_tree(tmp_path / "tree", TEXT)
    said = project(tree)
    (entry,) = cache.glob("kconfig-*.bin")
    kept = entry.read_bytes()
    # The last one was made by another program, with the right key and a checksum.
    other = b"\x80"
    sealed = (
        kept[:79]
        + hashlib.blake2b(other, digest_size=DIGEST_BYTES).hexdigest().encode()
        + b"\n"
        + other
    )
    deep = b"\x91" * 100_000
    nested = (
        kept[:79]
        + hashlib.blake2b(deep, digest_size=DIGEST_BYTES).hexdigest().encode()
        + b"\n"
        + deep
    )
    for damage in (b"", b"[]", kept[:-1], kept[:100] + b"x" + kept[101:], sealed, nested):
        entry.write_bytes(damage)
        assert project(tree) == said
    assert parses() == 7
    project(tree)
    assert parses() == 7


def test_a_live_toolchain_is_never_kept(tmp_path: Path, cache: Path, parses: Count) -> None:
    tree = small_tree(tmp_path / "tree", TEXT)
    project(tree, "--live-toolchain")
    assert not list(cache.glob("kconfig-*"))
    assert parses() == 1


def test_json_holds_what_the_text_says(tmp_path: Path) -> None:
    document = json.loads(project(small_tree(tmp_path / "tree", TEXT), "--format", "json"))
    assert document["schema"] == "matrix/kconfig-project/1"
    assert document["toolchain"] == "gcc-12-aarch64"
    assert document["assignments"] == 3
    (constraint,) = document["constraints"]
    assert constraint["source"] == "Kconfig:6"


@pytest.mark.parametrize(
    ("entry", "same"),
    [
        ('bool "kvm"\n\tdepends on VIRTUALIZATION', True),
        ('bool "kvm" if VIRTUALIZATION', True),
        ('bool "kvm"\n\tdepends on VIRTUALIZATION && ALWAYS', True),
        ('bool "kvm"\n\tdepends on VIRTUALIZATION && OTHER', False),
        ('bool "kvm"\n\tdepends on VIRTUALIZATION || OTHER', False),
        ('bool "kvm"', False),
        ('tristate "kvm"\n\tdepends on VIRTUALIZATION', False),
        ("def_bool VIRTUALIZATION", False),
    ],
)
def test_a_prompt_is_as_declared_where_no_configuration_tells_them_apart(
    tmp_path: Path, entry: str, *, same: bool
) -> None:
    """7.3 declares that KVM is a bool whose prompt is shown if VIRTUALIZATION is on."""
    text = 'config VIRTUALIZATION\n\tbool "v"\nconfig ALWAYS\n\tdef_bool y\n'
    text += f'config OTHER\n\tbool "other"\nconfig KVM\n\t{entry}\n'
    asked = ("--kernel", "7.3", "--symbols", "KVM", "--format", "json")
    tree = small_tree(tmp_path / "tree", text)
    ran = run_cli("kconfig", "project", "--tree", str(tree), *asked)
    assert json.loads(ran.out)["prompts"] == (["KVM"] if same else [])


def test_a_profile_is_rewritten_in_its_kconfig_block_only(
    repository: Path, kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    """What --write makes of a profile without constraints is the shipped one."""
    shipped = (repository / "configs/kernels/linux-7.3-arm64.yaml").read_text()
    start, end = shipped.index("  toolchain:"), shipped.index("\nvariables:")
    bare = shipped[:start] + shipped[end:]
    profile = tmp_path / "mine" / "kernels" / "linux-7.3-arm64.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text(bare)
    asked = ["kconfig", "project", "--tree", str(kernel_tree("7.3")), "--kernel", "7.3"]
    asked += ["--configs", str(profile.parent.parent)]
    stale = run_cli(*asked)
    assert stale.code == 1
    assert "--write brings it up to date" in stale.err
    assert profile.read_text() == bare
    assert run_cli(*asked, "--write").code == 0
    assert profile.read_text() == shipped
    assert run_cli(*asked).code == 0
    profile.write_bytes(bare.replace("\n", "\r\n").encode())
    assert run_cli(*asked, "--write").code == 0
    assert profile.read_bytes() == shipped.replace("\n", "\r\n").encode()


def test_another_release_is_refused_from_the_cache_too(tmp_path: Path, parses: Count) -> None:
    tree = small_tree(tmp_path / "tree", TEXT, release="7.2")
    asked = ("kconfig", "project", "--tree", str(tree), "--kernel", "7.3", *SYMBOLS)
    assert run_cli(*asked, "--borrow").code == 0
    refused = run_cli(*asked)
    assert refused.code == 3
    assert "MX1003" in refused.err
    assert parses() == 1


def test_a_tree_without_a_file_is_said_with_its_place(
    kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(kernel_tree("6.12"), tree)
    (tree / "mm" / "Kconfig").unlink()
    ran = run_cli("kconfig", "project", "--tree", str(tree), "--kernel", "6.12")
    assert ran.code == 3
    assert f"{tree}/Kconfig:16:1: error[MX1006]: `mm/Kconfig` is sourced here" in ran.err


def test_validate_finds_what_the_tree_forbids(
    kernel_tree: Callable[[str], Path], debian_configs: Path, tmp_path: Path
) -> None:
    original = (debian_configs / "debian-7.3-arm64.config").read_text()
    asked = ("--cpu", "graviton3", "--tree", str(kernel_tree("7.3")))
    config = tmp_path / "config"
    config.write_text(original)
    fits = run_cli("validate", str(config), *asked)
    assert fits.code == 0
    assert "MX1012" not in fits.err
    config.write_text(
        original.replace("CONFIG_KVM_GUEST_MEMFD=y", "# CONFIG_KVM_GUEST_MEMFD is not set")
    )
    broken = run_cli("validate", str(config), *asked)
    assert broken.code == 1
    assert broken.err.count("MX1012") == 1
    assert "arch/arm64/kvm/Kconfig:20" in broken.err
