"""Boots an arm64 kernel of Debian in QEMU's software emulation and runs `matrix probe` inside.

The guest's only disk is an initramfs: Debian's Python 3.13, this checkout at its own path with the
compiled declarations, and an init that runs the program and prints what it saved. Everything comes
from Debian packages (`apt-get download`, which needs no rights and installs nothing).
"""

from __future__ import annotations

import base64
import gzip
import importlib.util
import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITES = ("bookworm", "trixie", "trixie-backports")
# What Debian's python3.13-minimal, ctypes and gzip need; all for arm64.
PYTHON_PACKAGES = (
    "python3.13-minimal",
    "libpython3.13-minimal",
    "libpython3.13-stdlib",
    "libc6",
    "libexpat1",
    "zlib1g",
    "libffi8",
    "libbz2-1.0",
    "liblzma5",
    "libssl3t64",
    "busybox-static",
)
# Pure Python; `validate` and `probe` need no other package once the declarations are compiled.
SITE_PACKAGES = ("typer", "annotated_doc", "shellingham", "typing_extensions")


class Guest(Struct, frozen=True, kw_only=True):
    """A guest: `packages` hold its kernel and `.config`; `user` is who runs the program inside.

    `arguments` are those of `matrix probe`; `spec` is what the model is told of the CPU.
    """

    name: str
    packages: tuple[str, ...]
    cpu: str
    cmdline: str = ""
    machine: str = "virt,virtualization=on"
    processors: int = 1
    arguments: tuple[str, ...] = ()
    user: int = 0


_6_1 = ("linux-image-6.1.0-50-arm64",)
_6_12 = ("linux-image-6.12.107+deb13-arm64",)
_7_2 = ("linux-binary-7.2.12+deb13-arm64", "linux-base-7.2.12+deb13-arm64")
_7_3 = ("linux-binary-7.3.4+deb13-arm64", "linux-base-7.3.4+deb13-arm64")
NOBODY = 65534

# Chosen so that each fact that can be observed is seen with both of its values, and read with and
# without rights.
GUESTS = (
    Guest(name="7.3-max", packages=_7_3, cpu="max"),
    Guest(
        name="7.3-protected-bbml3",
        packages=_7_3,
        cpu="max,midr=0x410fd842",
        machine="virt,virtualization=on,gic-version=3",
        cmdline="kvm-arm.mode=protected",
        arguments=("--cpu", "qemu-max,midr=0x410fd842"),
    ),
    Guest(
        name="7.3-16k-off",
        packages=("linux-binary-7.3.4+deb13-arm64-16k", "linux-base-7.3.4+deb13-arm64-16k"),
        cpu="max",
        cmdline="rodata=off",
        user=NOBODY,
    ),
    Guest(
        name="7.2-a710-noalias",
        packages=_7_2,
        cpu="cortex-a710",
        cmdline="rodata=noalias kfence.sample_interval=100",
        arguments=("--cpu", "qemu-cortex-a710"),
    ),
    Guest(
        name="6.12-v1-nobody",
        packages=_6_12,
        cpu="neoverse-v1",
        machine="virt,virtualization=on,gic-version=3",
        processors=2,
        cmdline="rodata=off kfence.sample_interval=100",
        user=NOBODY,
    ),
    Guest(
        name="6.12-a76-el1",
        packages=_6_12,
        cpu="cortex-a76",
        machine="virt",
        cmdline="rodata=on root=UUID=00000000-0000-0000-0000-000000000000",
    ),
    Guest(
        name="6.1-n1",
        packages=_6_1,
        cpu="neoverse-n1",
        cmdline="secretmem.enable=1 kvm-arm.mode=nvhe",
    ),
    Guest(name="6.1-max-off", packages=_6_1, cpu="max", cmdline="secretmem.enable=y rodata=off"),
)


def fetch(packages: tuple[str, ...], folder: Path) -> list[Path]:
    """Download Debian packages of arm64 into a folder, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in packages if not list(folder.glob(f"{name}_*.deb"))]
    if missing:
        options = _private_apt(folder / "apt")
        subprocess.run(["apt-get", *options, "update", "-qq"], check=True, capture_output=True)
        subprocess.run(
            ["apt-get", *options, "download", "-qq", *missing],
            check=True,
            capture_output=True,
            cwd=folder,
        )
    return [next(iter(folder.glob(f"{name}_*.deb"))) for name in packages]


def debian_mirror() -> str | None:
    """Return the mirror of Debian that this system takes its packages from; None: it has none."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    listed = subprocess.run([*command, "Label: Debian"], capture_output=True, text=True, check=True)
    return next(iter(sorted(set(listed.stdout.split()))), None)


def _private_apt(folder: Path) -> list[str]:
    """Return options that make apt-get use lists of its own, of arm64, and none of the system's."""
    for name in ("state/lists/partial", "cache/archives/partial", "parts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "state/status").touch()
    mirror = debian_mirror()
    lines = [f"deb [arch=arm64 signed-by={KEYRING}] {mirror} {suite} main\n" for suite in SUITES]
    (folder / "sources.list").write_text("".join(lines))
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "state/status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": folder / "parts",
        "Dir::Etc::preferencesparts": folder / "parts",
        "APT::Architecture": "arm64",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def kernel_of(guest: Guest, folder: Path) -> tuple[bytes, str, bytes]:
    """Return the kernel's image, its version and its `.config`, out of the packages."""
    found: dict[str, bytes] = {}
    version = ""
    for package in fetch(guest.packages, folder):
        for name, data in _members(package):
            parts = name.split("/")
            if parts[0] == "boot" and parts[-1].startswith(("vmlinuz-", "config-")):
                kind, _, version = parts[-1].partition("-")
                found[kind] = data
            elif parts[-1] in ("vmlinuz", "config") and "modules" in parts:
                version = parts[-2]
                found[parts[-1]] = data
    return found["vmlinuz"], version, found["config"]


def _members(package: Path) -> Iterator[tuple[str, bytes]]:
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as unpacked,
        tarfile.open(fileobj=unpacked.stdout, mode="r|") as members,
    ):
        for member in members:
            name = member.name.removeprefix("./")
            base = name.rpartition("/")[2]
            if member.isfile() and base.startswith(("vmlinuz", "config")):
                content = members.extractfile(member)
                assert content is not None
                yield name, content.read()


def base_archive(folder: Path) -> bytes:
    """Return the packed cpio archive with Python and this checkout."""
    stage = folder / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    for package in fetch(PYTHON_PACKAGES, folder):
        subprocess.run(["dpkg-deb", "-x", package, stage], check=True)
    for unneeded in ("usr/share", "usr/lib/aarch64-linux-gnu/gconv", "etc"):
        shutil.rmtree(stage / unneeded, ignore_errors=True)
    for link, target in (("lib", "usr/lib"), ("bin", "usr/bin")):
        (stage / link).symlink_to(target)
    checkout = stage / ROOT.relative_to("/")
    for name in ("matrix", "configs"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in SITE_PACKAGES:
        found = importlib.util.find_spec(name)
        assert found is not None, name
        assert found.origin is not None, name
        source = Path(found.origin)
        if source.name == "__init__.py":
            shutil.copytree(source.parent, stage / "site" / name)
        else:
            shutil.copy(source, stage / "site")
    # A run here writes the compiled declarations that the guest, without pydantic, needs.
    environment = {**os.environ, "MATRIX_CACHE_DIR": str(stage / "cache"), "PYTHONPATH": str(ROOT)}
    code = "import sys; from matrix.cli.main import main; sys.exit(main(['kernels', 'list']))"
    command = [sys.executable, "-c", code]
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT)
    return gzip.compress(cpio(_tree(stage)), compresslevel=1)


INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox chmod 1777 /out
cd {root}
export PYTHONPATH={root}:/site MATRIX_CACHE_DIR=/cache HOME=/out PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3.13 -c '
import os, sys
os.setgid({user}), os.setuid({user})
from matrix.cli.main import main
sys.exit(main(sys.argv[1:]))' \\
    probe --save /out/host.json --format json --output /out/probe.json {arguments} >/out/out 2>&1
code=$?
for name in host.json probe.json out; do
    [ -e "/out/$name" ] || continue
    echo "=== $name"
    /bin/busybox gzip -9 <"/out/$name" | /bin/busybox base64
done
echo "=== exit $code"
/bin/busybox poweroff -f
"""


def boot(guest: Guest, folder: Path, *, timeout_seconds: int = 600) -> dict[str, str]:
    """Boot a guest and return what its program wrote, by file, and its exit code under `exit`."""
    image, version, config = kernel_of(guest, folder)
    base = folder / "base.cpio.gz"
    if not base.exists():
        base.write_bytes(base_archive(folder))
    init = INIT.format(root=ROOT, user=guest.user, arguments=" ".join(guest.arguments))
    own = cpio(
        [
            ("boot", stat.S_IFDIR | 0o755, b""),
            (f"boot/config-{version}", stat.S_IFREG | 0o644, config),
            ("init", stat.S_IFREG | 0o755, init.encode()),
            *((name, stat.S_IFDIR | 0o777, b"") for name in ("dev", "proc", "sys", "out")),
        ]
    )
    place = folder / guest.name
    place.mkdir(exist_ok=True)
    (place / "vmlinuz").write_bytes(image)
    (place / "initrd").write_bytes(base.read_bytes() + gzip.compress(own))
    command = [
        *("qemu-system-aarch64", "-M", guest.machine, "-cpu", guest.cpu),
        *("-smp", str(guest.processors), "-m", "1G", "-nographic", "-nodefaults", "-no-reboot"),
        *("-serial", "stdio", "-kernel", str(place / "vmlinuz")),
        *("-initrd", str(place / "initrd")),
        *("-append", f"console=ttyAMA0 panic=-1 quiet {guest.cmdline}"),
    ]
    ran = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_seconds,
        stdin=subprocess.DEVNULL,
    )
    (place / "console").write_text(ran.stdout + ran.stderr)
    return _files_of(ran.stdout)


def _files_of(console: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in console.replace("\r", "").split("=== ")[1:]:
        head, _, body = part.partition("\n")
        if head.startswith("exit"):
            found["exit"] = head.split()[1]
        else:
            found[head] = gzip.decompress(base64.b64decode(body)).decode()
    return found


def cpio(entries: list[tuple[str, int, bytes]]) -> bytes:
    """Return an archive of (name, mode, content) in the form `newc` that the kernel unpacks."""
    out = io.BytesIO()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        out.write(b"070701" + "".join(f"{value:08x}" for value in fields).encode())
        out.write(name.encode() + b"\0")
        out.write(b"\0" * (-out.tell() % 4))
        out.write(data)
        out.write(b"\0" * (-out.tell() % 4))
    return out.getvalue()


def _tree(folder: Path) -> list[tuple[str, int, bytes]]:
    entries = []
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if path.is_symlink():
            data = str(path.readlink()).encode()
        else:
            data = path.read_bytes() if path.is_file() else b""
        # The compiled declarations are their owner's alone; in a guest nobody reads them, too.
        entries.append((str(path.relative_to(folder)), mode | 0o444, data))
    return entries
