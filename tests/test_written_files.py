"""Every command that writes declarations writes the file that was named and read, and no other.

Each is run with the folder of declarations named in each way a person names one. What must not
change is compared as bytes: the shipped folder, and every other file of the user.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrix.door import package as door_package
from matrix.kernel.source.truth.evidence import sealed
from matrix.schema import location
from tests.cli_runner import Ran, run_cli
from tests.small_trees import small_tree

PROFILE = "kernels/linux-7.3-arm64.yaml"
EVIDENCE = "kernels/evidence/linux-7.3-arm64.json"
KCONFIG = """\
choice
	prompt "Page size"
config ARM64_4K_PAGES
	bool "4k"
config ARM64_16K_PAGES
	bool "16k"
config ARM64_64K_PAGES
	bool "64k"
endchoice
config KVM
	bool "kvm"
	select KVM_GUEST_MEMFD
config KVM_GUEST_MEMFD
	bool
config ARM64_PSEUDO_NMI
	bool "pseudo-NMIs"
config UNMAP_KERNEL_AT_EL0
	bool "page-table isolation"
config RANDOMIZE_BASE
	bool "KASLR"
config ARM64_E0PD
	bool "E0PD"
config CAVIUM_ERRATUM_27456
	bool "an erratum"

config ARM64_MTE
	bool "mte"
config DEBUG_PAGEALLOC
	bool "pagealloc"
config DEBUG_PAGEALLOC_ENABLE_DEFAULT
	bool "by default"
	depends on DEBUG_PAGEALLOC
config KFENCE
	bool "kfence"
config KFENCE_SAMPLE_INTERVAL
	int "interval"
	default 100
config STRICT_KERNEL_RWX
	def_bool y
config ARCH_HAS_SET_DIRECT_MAP
	def_bool y
config SECRETMEM
	bool "secretmem"
config HIBERNATION
	bool "hibernation"
config KEXEC_CORE
	bool "kexec"
config CRASH_DUMP
	bool "crash dumps"
config MEMORY_FAILURE
	bool "memory failure"
"""
# How `--configs` names the folder `configs` of the user's, from where the command is run.
NAMES = {
    "relative": ("configs", "."),
    "dotted": ("./configs", "."),
    "with-a-slash": ("configs/", "."),
    "absolute": ("{home}/configs", "."),
    "from-elsewhere": ("../home/configs", "../elsewhere"),
    "through-a-link": ("link", "."),
    "of-a-linked-name": ("linked/configs", "."),
    "roundabout": ("configs/../configs", "."),
}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def shipped(repository: Path) -> Iterator[Path]:
    """Return the shipped folder; it must be what it was after the test."""
    folder = repository / "configs"
    before = snapshot(folder)
    yield folder
    assert snapshot(folder) == before


@pytest.fixture
def home(shipped: Path, tmp_path: Path) -> Path:
    """Return a folder in which `configs` holds the user's own 7.3 profile, links beside it."""
    home = tmp_path / "home"
    for name in (PROFILE, EVIDENCE):
        (home / "configs" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shipped / name, home / "configs" / name)
    (tmp_path / "elsewhere").mkdir()
    (home / "link").symlink_to(home / "configs")
    (home / "linked").symlink_to(home)
    return home


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return small_tree(tmp_path / "tree", KCONFIG)


def written(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


@pytest.mark.parametrize("how", NAMES)
def test_kconfig_project_writes_the_profile_that_it_read(
    how: str, home: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, where = NAMES[how]
    monkeypatch.chdir(home / where)
    before = snapshot(home)
    arguments = ("kconfig", "project", "--tree", str(tree), "--kernel", "7.3", "--write")
    ran = run_cli(*arguments, "--configs", name.format(home=home))
    assert ran.code == 0, ran.err
    assert written(before, snapshot(home)) == {f"configs/{PROFILE}"}
    assert "(arch/arm64/Kconfig" not in (home / "configs" / PROFILE).read_text()


@pytest.mark.parametrize("how", NAMES)
@pytest.mark.parametrize("option", ["--fix", "--record"])
def test_kernels_verify_writes_the_profile_that_it_read(
    option: str,
    how: str,
    home: Path,
    kernel_tree: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, where = NAMES[how]
    monkeypatch.chdir(home / where)
    profile = home / "configs" / PROFILE
    assert callable(kernel_tree)
    if option == "--fix":
        # One line too far: its text is found again, and moved back.
        moved = profile.read_text().replace('kvm/mmu.c:1673"', 'kvm/mmu.c:1674"')
        profile.write_text(moved)
        recorded = home / "configs" / EVIDENCE
        text = recorded.read_text().replace('kvm/mmu.c:1673"', 'kvm/mmu.c:1674"')
        recorded.write_text(sealed(text))
    else:
        (home / "configs" / EVIDENCE).unlink()
    before = snapshot(home)
    arguments = ("kernels", "verify", "7.3", "--tree", str(kernel_tree("7.3")), option)
    ran = run_cli(*arguments, "--configs", name.format(home=home))
    assert ran.code in (0, 4), ran.out + ran.err
    expected = {f"configs/{EVIDENCE}"} | ({f"configs/{PROFILE}"} if option == "--fix" else set())
    assert written(before, snapshot(home)) == expected


@pytest.mark.parametrize("folder", ["configs", "configs/kernels"])
def test_a_profile_in_a_folder_inside_of_configs_is_the_user_s(
    folder: str, shipped: Path, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`configs/kernels/NAME` is a name of the shipped folder, too."""
    (tmp_path / folder).mkdir(parents=True)
    name = PROFILE.removeprefix("kernels/")
    file = tmp_path / folder / name
    shutil.copyfile(shipped / PROFILE, file)
    monkeypatch.chdir(tmp_path)
    before = file.read_bytes()
    arguments = ("kconfig", "project", "--tree", str(tree), "--kernel", "7.3", "--write")
    assert run_cli(*arguments, "--configs", folder).code == 0
    assert file.read_bytes() != before


def test_a_linked_profile_stays_a_link(
    home: Path, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = home / "configs" / PROFILE
    target = tmp_path / "kept.yaml"
    profile.replace(target)
    profile.symlink_to(target)
    before = target.read_bytes()
    monkeypatch.chdir(home)
    arguments = ("kconfig", "project", "--tree", str(tree), "--kernel", "7.3", "--write")
    assert run_cli(*arguments, "--configs", "configs").code == 0
    assert profile.is_symlink()
    assert target.read_bytes() != before


# --- an installed package ------------------------------------------------------------------------


@pytest.fixture
def installed(shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a package that is laid out as a wheel lays it out."""
    package = tmp_path / "site-packages" / "matrix"
    shutil.copytree(shipped, package / "_configs")
    monkeypatch.setattr(location, "_PACKAGE", package)
    monkeypatch.setattr(door_package, "PACKAGE", package)
    before = snapshot(package)
    yield package
    assert snapshot(package) == before


def refused(ran: Ran) -> None:
    assert ran.code == 3, ran.out + ran.err
    assert "error[MX1118]" in ran.err
    assert "is part of the installed package and is never written" in ran.err


@pytest.mark.parametrize("named", ["", "by-its-path", "through-a-link", "a-linked-profile"])
@pytest.mark.parametrize(
    "command",
    [
        ("kconfig", "project", "--kernel", "7.3", "--write"),
        ("kernels", "verify", "7.3", "--fix"),
        ("kernels", "verify", "7.3", "--record"),
    ],
    ids=["write", "fix", "record"],
)
def test_an_installed_profile_is_not_written(
    command: tuple[str, ...], named: str, installed: Path, tree: Path, tmp_path: Path
) -> None:
    folder = {"": None, "by-its-path": installed / "_configs"}.get(named, tmp_path / "own")
    if named == "through-a-link":
        (tmp_path / "own").symlink_to(installed / "_configs")
    elif named == "a-linked-profile":
        (tmp_path / "own" / "kernels").mkdir(parents=True)
        (tmp_path / "own" / PROFILE).symlink_to(installed / "_configs" / PROFILE)
    more = ("--configs", str(folder)) if folder else ()
    refused(run_cli(*command, "--tree", str(tree), *more))


def test_other_commands_do_not_write_there_either(
    installed: Path, repository: Path, tmp_path: Path
) -> None:
    configs = installed / "_configs"
    config = str(repository / "tests" / "data" / "booted" / "7.3.config")
    refused(run_cli("init", str(configs / "own")))
    refused(run_cli("distros", "import", config, "--id", "mine", "-o", str(configs / "distros")))
    refused(run_cli("cpus", "list", "--output", str(configs / "cpus.txt")))
    refused(run_cli("validate", config, "--write-baseline", str(configs / "baseline.json")))
    (tmp_path / "linked.yaml").symlink_to(configs / PROFILE)
    refused(run_cli("cpus", "list", "--output", str(tmp_path / "linked.yaml")))


@pytest.mark.parametrize("linked", [False, True])
def test_a_document_of_the_package_is_not_filled(
    linked: bool, installed: Path, tmp_path: Path
) -> None:
    text = "<!-- matrix:begin arm64-overview -->\n<!-- matrix:end -->\n"
    document = installed / "document.md"
    document.write_text(text)
    (tmp_path / "link.md").symlink_to(document)
    try:
        refused(run_cli("embed", str(tmp_path / "link.md" if linked else document)))
        assert document.read_text() == text
    finally:
        document.unlink()


# --- commands that make new files ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["configs", "./configs", "{home}/configs", "../home/configs"])
@pytest.mark.usefixtures("shipped")
def test_new_declarations_stand_where_they_were_asked_for(
    name: str,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    folder = name.format(home=home)
    assert run_cli("init", folder).code == 0
    config = str(repository / "tests" / "data" / "booted" / "7.3.config")
    assert run_cli("distros", "import", config, "--id", "mine", "-o", f"{folder}/distros").code == 0
    assert set(snapshot(home)) == {
        "configs/cpus/my-cpu.yaml",
        "configs/matrices/my-study.yaml",
        "configs/distros/mine.yaml",
    }
    assert run_cli("check", "--configs", folder).code == 0
