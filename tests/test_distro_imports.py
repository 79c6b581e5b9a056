"""The shipped kernels of distributions are what the commands of their README make."""

from __future__ import annotations

import hashlib
import lzma
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import package_builder
from tests.cli_runner import run_cli

SHIPPED = Path(__file__).parent.parent / "configs" / "distros"
CONFIG = Path(__file__).parent / "data" / "booted" / "7.3.config"
# What a distribution ships: the file of the input, and the name of the `.config` in a package.
MEMBER = "boot/config-7.3.0-rc7"
INPUTS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "kernel.deb": (f"!{MEMBER}", lambda text: package_builder.deb({f"./{MEMBER}": text})),
    "xz.deb": (
        f"!{MEMBER}",
        lambda text: package_builder.deb(
            {"./usr/share/doc/copyright": b"GPL-2", f"./{MEMBER}": text},
            pack=lzma.compress,
            data_name="data.tar.xz",
        ),
    ),
    "kernel.rpm": (f"!{MEMBER}", lambda text: package_builder.rpm({f"./{MEMBER}": text})),
    "Image": ("", package_builder.image),
    "vmlinuz.efi": ("", lambda text: package_builder.zboot(package_builder.image(text))),
}


def test_importing_again_gives_the_shipped_bytes(
    distro_configs: Path, debian_configs: Path, tmp_path: Path
) -> None:
    folders = {"distros": distro_configs, "debian": debian_configs}
    lines = (SHIPPED / "README.md").read_text().splitlines()
    commands = [line for line in lines if line.startswith("matrix distros import")]
    assert len(commands) >= 40
    for command in commands:
        arguments = shlex.split(command.replace('"$OUT"', shlex.quote(str(tmp_path))))[1:]
        folder, _, name = arguments[2].partition("/")
        arguments[2] = str(folders[folder] / name)
        assert run_cli(*arguments).code == 0, command
    made = {path.name: path.read_bytes() for path in tmp_path.glob("*.yaml")}
    assert made == {path.name: path.read_bytes() for path in SHIPPED.glob("*.yaml")}


def imported(file: Path, folder: Path) -> str:
    """Return the declaration that an import of one file writes."""
    ran = run_cli(
        *("distros", "import", str(file), "--output", str(folder)),
        *("--id", "own-7.3", "--name", "Own 7.3", "--flavour", "packed"),
    )
    assert ran.code == 0, ran.err
    (written,) = folder.iterdir()
    assert written.name == "own-7.3.yaml"
    return written.read_text()


@pytest.mark.parametrize("name", INPUTS)
def test_a_package_or_image_is_imported_as_its_config(name: str, tmp_path: Path) -> None:
    """Only the provenance differs: each names the file that was read, with its SHA-256."""
    member, make = INPUTS[name]
    line = 'CONFIG_CMDLINE="console=ttyAMA0 rodata=on"'
    text = re.sub('CONFIG_CMDLINE=".*"\n', "", CONFIG.read_text()) + f"{line}\n"
    plain, packed = tmp_path / "plain.config", tmp_path / name
    plain.write_text(text)
    packed.write_bytes(make(text.encode()))
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in (plain, packed)]
    expected, found = (imported(file, tmp_path / f"{file.name}.d") for file in (plain, packed))
    assert expected.count(digests[0]) == expected.count('"plain.config"') == 1
    assert "rodata=on" in expected
    assert 'KVM_GUEST_MEMFD: "y"' in expected
    expected = expected.replace(digests[0], digests[1])
    assert found == expected.replace('"plain.config"', f'"{name}{member}"')


@pytest.mark.parametrize("command", ["validate", "import"])
def test_an_archive_that_ends_in_a_configuration_is_damaged(command: str, tmp_path: Path) -> None:
    """The package is whole and its tar is not: it ends where a download of it ended."""
    text = b"# Linux/arm64 7.3.0 Kernel Configuration\n" + b"CONFIG_ARM64=y\n" * 4000
    archive = package_builder.tar({"./boot/config-7.3.0": text})[:20_000]
    path = tmp_path / "cut.deb"
    path.write_bytes(package_builder.ar({"debian-binary": b"2.0\n", "data.tar": archive}))
    asked = {"validate": ["validate"], "import": ["distros", "import", "--output", str(tmp_path)]}
    ran = run_cli(*asked[command], str(path))
    assert ran.code == 3
    assert "MX1403" in ran.err
