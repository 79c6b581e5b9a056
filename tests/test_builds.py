"""Configurations as people build them: bases, fragments, folders of symbols, defconfigs of a tree.

The oracle of completion is a `.config` that the kernel's own conf wrote: Debian's of the booted 7.3
kernel, whose tree is among the shared data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.flows.knowledge import Library
from matrix.flows.tree_check import TreeCheck
from matrix.kernel.config.dotconfig import load_dotconfig
from matrix.kernel.kconfig.check import answers_of
from tests.cli_runner import run_cli
from tests.small_trees import small_tree

ASK = ("--kernel", "7.3", "--cpu", "graviton3")
BASE = "CONFIG_ARM64_4K_PAGES=y\nCONFIG_KVM=m\nCONFIG_KVMM=y\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_feature_of_yocto_includes_from_its_folder_and_from_the_root(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "base_defconfig": BASE,
            "bsp/board/board.scc": 'kconf hardware "board.cfg"\ninclude cfg/kvm.scc nopatch\n',
            "bsp/board/board.cfg": "CONFIG_KVM=y\n",
            "cfg/kvm.scc": 'define KFEATURE_DESCRIPTION "KVM"\nkconf non-hardware kvm.cfg\n',
            "cfg/kvm.cfg": "CONFIG_KVM_GUEST_MEMFD=y\n",
        },
    )
    scc = root / "bsp/board/board.scc"
    ask = ("validate", "--base", str(root / "base_defconfig"), "--fragment", str(scc), *ASK)
    ran = run_cli(*ask)
    assert ran.out.startswith("supported")
    assert "board.cfg:1:1: note[MX1455]: `CONFIG_KVM=y` replaces `CONFIG_KVM=m`" in ran.err
    scc.write_text('if [ "$KARCH" = "arm64" ]; then\n  kconf hardware board.cfg\nfi\n')
    ran = run_cli(*ask)
    assert ran.code == 3
    assert "board.scc:1:1: error[MX1459]" in ran.err
    scc.write_text("include cfg/gone.scc\n")
    assert "board.scc:1:1: error[MX1456]: `cfg/gone.scc` is not there" in run_cli(*ask).err
    for level in range(9):
        (scc.parent / f"{level}.scc").write_text(f"include {level + 1}.scc\n" * 10)
    (scc.parent / "9.scc").write_text("")
    scc.write_text("include 0.scc\n")
    assert "error[MX1456]: more than 1,000 files are named" in run_cli(*ask).err


SECRET = "the-content-of-a-file-outside"
OUTSIDE = ("../../outside.cfg", "/etc/passwd", "linked.cfg", "../../cache/../outside.cfg")


@pytest.mark.parametrize("named", [*OUTSIDE, "{tmp}/outside.cfg"])
@pytest.mark.parametrize("verb", ["kconf hardware", "include"])
def test_a_feature_of_yocto_reads_nothing_outside_of_its_tree(
    verb: str, named: str, tmp_path: Path
) -> None:
    write(
        tmp_path,
        {
            "base": BASE,
            "outside.cfg": f"CONFIG_{SECRET}\nCONFIG_KVM=n{SECRET}\n",
            "cache/bsp/board.scc": f"# a board\n{verb} {named.format(tmp=tmp_path)}\n",
        },
    )
    (tmp_path / "cache/bsp/linked.cfg").symlink_to("../../outside.cfg")
    scc = tmp_path / "cache/bsp/board.scc"
    ask = ("validate", "--base", str(tmp_path / "base"), "--fragment", str(scc), *ASK)
    ran = run_cli(*ask)
    assert ran.code == 3
    assert f"{scc}:2:1: error[MX1461]" in ran.err
    assert SECRET not in ran.err + ran.out
    allowed = run_cli(*ask, "--allow-outside")
    assert "MX1461" not in allowed.err
    if named != "/etc/passwd":
        assert SECRET in allowed.err


def test_a_name_that_no_file_can_have_is_not_there(tmp_path: Path) -> None:
    for name in ("x" * 5_000, "a\0b", "/proc/1/root/x"):
        write(tmp_path, {"base": BASE, "x.scc": f"include {name}\n"})
        scc = str(tmp_path / "x.scc")
        ran = run_cli("validate", "--base", str(tmp_path / "base"), "--fragment", scc, *ASK)
        assert ran.code == 3
        assert "error[MX1456]" in ran.err


ANNOTATIONS = "# FORMAT: 4\n# FLAVOUR: arm64-generic\n"


@pytest.mark.parametrize(
    "named", ["../../outside", "{tmp}/outside", "linked", "../../debian.linked/config/annotations"]
)
def test_annotations_read_nothing_outside_of_their_package(named: str, tmp_path: Path) -> None:
    main = "package/debian.aws/config/annotations"
    policy = "CONFIG_KVM   policy<{'arm64': 'y'}>\n"
    include = f'include "{named.format(tmp=tmp_path)}"\n'
    write(
        tmp_path,
        {
            "outside": f"# FORMAT: {SECRET}\n",
            "package/outside": f"# FORMAT: {SECRET}\n",
            main: f"{ANNOTATIONS}{include}{policy}",
            "package/debian.linked/config/x": "",
        },
    )
    (tmp_path / main).with_name("linked").symlink_to("../../../outside")
    (tmp_path / "package/debian.linked/config/annotations").symlink_to("../../../outside")
    ran = run_cli("validate", str(tmp_path / main), *ASK)
    assert ran.code == 3
    assert f"{tmp_path / main}:3:1: error[MX1461]" in ran.err
    assert SECRET not in ran.err + ran.out
    assert SECRET[:20] in run_cli("validate", str(tmp_path / main), *ASK, "--allow-outside").err


def test_annotations_include_what_lies_beside_them_and_in_the_package(tmp_path: Path) -> None:
    def policy(symbol: str) -> str:
        return f"CONFIG_{symbol}   policy<{{'arm64': 'y'}}>\n"

    main = "debian.aws/config/annotations"
    write(
        tmp_path,
        {
            main: f'{ANNOTATIONS}include "../../debian.master/config/annotations"\n'
            f'include "more/own"\n{policy("KVM")}',
            "debian.aws/config/more/own": policy("SECRETMEM"),
            "debian.master/config/annotations": f'include "annotations.arm64"\n{policy("KFENCE")}',
            "debian.master/config/annotations.arm64": policy("MODULES"),
        },
    )
    ran = run_cli("validate", str(tmp_path / main), *ASK, "--verbose")
    assert ran.code != 3
    assert "MX1451" not in ran.err
    assert "MX1461" not in ran.err


def test_an_included_pipe_is_not_waited_for(tmp_path: Path) -> None:
    text = f"{ANNOTATIONS}include \"pipe\"\nCONFIG_KVM   policy<{{'arm64': 'y'}}>\n"
    write(tmp_path, {"annotations": text})
    os.mkfifo(tmp_path / "pipe")
    ran = run_cli("validate", str(tmp_path / "annotations"), *ASK)
    assert "`pipe` cannot be read (it is no regular file): what it sets is unknown" in ran.err


def test_what_is_said_of_a_line_names_the_file_it_stands_in(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {"base": BASE, "f.cfg": "# on top\nCONFIG_SECRET_MEM=y\nCONFIG_ARM64_4K_PAGES=4\n"},
    )
    ran = run_cli("validate", "--base", str(root / "base"), "--fragment", str(root / "f.cfg"), *ASK)
    assert f"{root / 'f.cfg'}:2:1: warning[MX1716]" in ran.err
    assert f"{root / 'f.cfg'}:3:23: warning[MX0310]" in ran.err
    ran = run_cli(
        *("validate", "--base", str(root / "base"), "--fragment", str(root / "f.cfg"), *ASK),
        *("--format", "github", "--cpu", "apple-m2"),
    )
    assert "file=f.cfg" in ran.out or f"file={root / 'f.cfg'}" in ran.out or "base" in ran.out


def test_a_folder_with_a_file_for_each_symbol(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "common/generic/CONFIG_KVM": "# CONFIG_KVM is not set\n",
            "common/generic/arm/aarch64/CONFIG_KVM": "CONFIG_KVM=y\n",
            "common/generic/x86/CONFIG_X86": "CONFIG_X86=y\n",
            "fedora/generic/CONFIG_KVM_GUEST_MEMFD": "CONFIG_KVM_GUEST_MEMFD=y\n",
            "fedora/generic/arm/aarch64/64k/CONFIG_ARM64_64K_PAGES": "CONFIG_ARM64_64K_PAGES=y\n",
            "rhel/generic/arm/aarch64/CONFIG_KVM": "# CONFIG_KVM is not set\n",
        },
    )
    ran = run_cli("validate", str(root), *ASK)
    words = re.findall(r"\b(supported|absent): (\S+)!(\w+):", " ".join(ran.out.split()))
    assert [(verdict, product) for verdict, _, product in words] == [
        ("supported", "fedora"),
        ("absent", "rhel"),
    ]
    flat = " ".join(ran.err.split())
    assert "left out are x86, 64k" in flat


def test_the_folder_of_flavours_of_opensuse(tmp_path: Path) -> None:
    text = "CONFIG_KVM=y\nCONFIG_KVM_GUEST_MEMFD=y\nCONFIG_ARM64_4K_PAGES=y\n"
    write(tmp_path, {"config/arm64/default": text, "config/arm64/README": "no configuration\n"})
    ran = run_cli("validate", str(tmp_path), *ASK)
    assert ran.out.startswith("supported")


GKI = """config KVM
\tbool "kvm"
config ARM64_4K_PAGES
\tdef_bool y
config KVM_GUEST_MEMFD
\tdef_bool KVM && EXT_MEMORY
config KFENCE
\tbool "kfence"
source "$(KCONFIG_EXT_PREFIX)Kconfig.ext"
"""


def gki_tree(folder: Path) -> Path:
    """Write a tree as Android's: modules beside it add to Kconfig, by a variable of the build."""
    tree = small_tree(folder, GKI)
    write(
        tree,
        {
            "Kconfig.ext": 'config EXT_MEMORY\n\tbool "ext"\n',
            "modules/Kconfig.ext": "config OF_THE_MODULES\n\tdef_bool y\n",
            "arch/arm64/configs/gki_defconfig": "CONFIG_KVM=y\nCONFIG_KFENCE=y\n",
            "kernel/configs/memory.config": "CONFIG_EXT_MEMORY=y\n",
        },
    )
    return tree


def test_the_base_of_android_with_fragments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = gki_tree(tmp_path / "tree")
    cfg = write(
        tmp_path,
        {
            "device.fragment": "CONFIG_EXT_MEMORY=y # nocheck: b/1\n"
            "# CONFIG_KFENCE is not set # nocheck\n"
        },
    )
    monkeypatch.chdir(tmp_path)
    ask = ("validate", "--tree", str(tree), "--cpu", "graviton3")
    # What `make gki_defconfig` takes, by its name; without the fragment nothing has guest_memfd.
    assert run_cli(*ask, "--base", "gki_defconfig").out.startswith("absent")
    ran = run_cli(*ask, "--base", "gki_defconfig", "--fragment", str(cfg / "device.fragment"))
    assert ran.out.startswith("supported")
    assert "3 of 3 settings come out as they are asked for" in " ".join(ran.err.split())
    assert "device.fragment:2:1: note[MX1455]: `# CONFIG_KFENCE is not set # nocheck`" in ran.err
    assert ran.err.count("`# nocheck: b/1` follows `y`") == 1
    # Likewise a fragment of the tree: `make gki_defconfig memory.config`.
    ran = run_cli(*ask, "--base", "gki_defconfig", "--fragment", "memory.config")
    assert ran.out.startswith("supported")
    # A file that is here counts before the tree's.
    write(tmp_path, {"gki_defconfig": "# CONFIG_KVM is not set\n"})
    assert run_cli(*ask, "--base", "gki_defconfig").out.startswith("absent")
    assert "MX0301" in run_cli(*ask, "--base", "gone_defconfig").err


def test_the_prefix_of_kconfig_ext_is_empty_whatever_the_environment_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = gki_tree(tmp_path / "tree")
    monkeypatch.setenv("KCONFIG_EXT_PREFIX", "modules/")
    write(tmp_path, {"a.config": "CONFIG_EXT_MEMORY=y\nCONFIG_OF_THE_MODULES=y\n"})
    ask = ("validate", str(tmp_path / "a.config"), "--tree", str(tree), "--cpu", "graviton3")
    said = run_cli(*ask).err
    assert "a.config:2:1: warning[MX1717]" in said
    assert "has no CONFIG_OF_THE_MODULES" in said
    assert "CONFIG_EXT_MEMORY" not in said
    (tree / "Kconfig.ext").unlink()
    assert "Kconfig:10:1: error[MX1006]: `Kconfig.ext` is sourced here" in run_cli(*ask).err


def test_a_defconfig_is_completed_by_the_tree(
    kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    tree = kernel_tree("7.3")
    file = write(
        tmp_path,
        {
            "my_defconfig": "CONFIG_VIRTUALIZATION=y\nCONFIG_KVM=y\nCONFIG_NOSUCH=y\n"
            "CONFIG_KVM_GUEST_MEMFD=y\nCONFIG_ARM64_64K_PAGES=y\nCONFIG_ARM64_4K_PAGES=y\n"
            "CONFIG_HIBERNATION=m\nCONFIG_KFENCE=y\n# CONFIG_MMU is not set\n"
        },
    )
    ran = run_cli("validate", str(file / "my_defconfig"), "--tree", str(tree), "--cpu", "graviton3")
    said = " ".join(ran.err.split())
    assert "my_defconfig:3:1: warning[MX1717]" in ran.err
    assert "my_defconfig:5:1: warning[MX1017]: CONFIG_ARM64_64K_PAGES is n and not y" in said
    assert 'the choice "Page size" is defined at arch/arm64/Kconfig:' in said
    assert "CONFIG_HIBERNATION is n and not m: it is a bool, kernel/power/Kconfig:" in said
    assert "CONFIG_MMU is y and not n" in said
    assert "5 of 9 settings" in said
    # KVM_GUEST_MEMFD is selected by KVM, KFENCE's interval has a default: nothing is open.
    assert ran.out.startswith("supported")
    assert "(unknown)" not in ran.out


def test_the_kernels_own_defconfig_has_a_verdict(kernel_tree: Callable[[str], Path]) -> None:
    tree = kernel_tree("7.3")
    file = tree / "arch/arm64/configs/defconfig"
    if not file.is_file():
        pytest.skip("the subset has no defconfig")
    ran = run_cli("validate", str(file), "--tree", str(tree), "--cpu", "graviton3")
    assert re.match(r"supported|refused|absent", ran.out)
    assert "MX1018" in ran.err


# What the compiler says: no tree knows it.
_OF_THE_COMPILER = re.compile(r"^(?:CC|GCC|LD|BINDGEN|BUILTIN)_|COMPAT_VDSO$")
# What Debian's package takes out of its `.config`.
_OF_DEBIAN = {"BUILD_SALT", "MODULE_SIG_ALL", "MODULE_SIG_KEY", "SYSTEM_TRUSTED_KEYS"}


def test_completion_gives_what_conf_wrote(
    kernel_tree: Callable[[str], Path], booted_originals: Path
) -> None:
    library = Library()
    check = TreeCheck(kernel_tree("7.3"), library, "arm64", lists_all=False)
    config = load_dotconfig(booted_originals / "7.3.config")
    tree, whole = check._tree, config.texts()
    answers = answers_of(tree, whole, tree.answers)
    # What a person is asked: all else follows.
    asked = {
        name: value
        for name, value in whole.items()
        if (entry := tree.entry(name)) is not None and entry.prompts
    }
    assert len(asked) < len(whole) - 1000
    found = tree.completed(asked, answers)
    raw = config._raw
    # conf writes some symbols that are off, and leaves out others.
    differ = {name for name in {*raw, *found} if raw.get(name, "n") != found.get(name, "n")}
    others = {name for name in differ if not _OF_THE_COMPILER.search(name)}
    assert others == _OF_DEBIAN
    assert len(differ) < 25
    read = {item.name for kernel in library.knowledge.kernels for item in kernel.symbols}
    assert not read & differ
