"""Input forms: whatever a configuration is wrapped in, the same configuration comes out."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.diagnostics import InputError
from matrix.door.bounded import DOTCONFIG, LARGE
from matrix.kernel.config.config_input import read_config_inputs
from matrix.kernel.config.dotconfig import Setting, read_dotconfig
from tests import package_builder as build

CONFIG = (Path(__file__).parents[2] / "data" / "booted" / "7.3.config").read_bytes()
OTHER = b"# Linux/arm64 7.2.0 Kernel Configuration\nCONFIG_KVM=y\n"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.compress,
}


def configs(path: Path) -> dict[str, dict[str, Setting]]:
    """Return the content of each configuration by its name below the folder of `path`."""
    found: dict[str, dict[str, Setting]] = {}
    for source in read_config_inputs(path):
        name = source.name.removeprefix(f"{path.parent}/")
        found[name] = dict(read_dotconfig(source.data, name).symbols)
    return found


PLAIN = dict(read_dotconfig(CONFIG, "config").symbols)

# Name and bytes of an input that holds CONFIG once, and the name its configuration then has.
FORMS: dict[str, tuple[Callable[[], bytes], str]] = {
    "plain": (lambda: CONFIG, "input"),
    **{
        f"config.{name}": (lambda pack=pack: pack(CONFIG), "input")  # type: ignore[misc]
        for name, pack in PACKERS.items()
    },
    "Image": (lambda: build.image(CONFIG), "input"),
    "module": (lambda: b"\x7fELF" + bytes(900) + build.image(CONFIG), "input"),
    **{
        f"Image.{name}": (lambda pack=pack: pack(build.image(CONFIG)), "input")  # type: ignore[misc]
        for name, pack in PACKERS.items()
    },
    "zboot.gzip": (lambda: build.zboot(build.image(CONFIG)), "input"),
    "zboot.zstd": (lambda: build.zboot(build.image(CONFIG), zstandard.compress), "input"),
    **{
        f"deb.{name}": (
            lambda pack=pack: build.deb({"./boot/config-7.3": CONFIG}, pack=pack),  # type: ignore[misc]
            "input!boot/config-7.3",
        )
        for name, pack in PACKERS.items()
    },
    "deb.plain-tar": (
        lambda: build.deb({"./boot/config-7.3": CONFIG}, pack=bytes, data_name="data.tar"),
        "input!boot/config-7.3",
    ),
    "deb.xz-inside": (
        lambda: build.deb(
            {"./usr/src/linux-config-7.3/config.arm64_none_arm64.xz": lzma.compress(CONFIG)}
        ),
        "input!usr/src/linux-config-7.3/config.arm64_none_arm64.xz",
    ),
    **{
        f"rpm.{name}": (
            lambda pack=pack: build.rpm({"./lib/modules/7.3-1/config": CONFIG}, pack=pack),  # type: ignore[misc]
            "input!lib/modules/7.3-1/config",
        )
        for name, pack in PACKERS.items()
    },
    "rpm.devel": (
        lambda: build.rpm({"./usr/src/kernels/7.3-1/.config": CONFIG}),
        "input!usr/src/kernels/7.3-1/.config",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_configuration(form: str, tmp_path: Path) -> None:
    make, name = FORMS[form]
    path = tmp_path / "input"
    path.write_bytes(make())
    assert configs(path) == {name: PLAIN}


@pytest.mark.parametrize("form", ["plain", "Image.zstd", "deb.xz", "rpm.zstd"])
def test_standard_input_is_read_the_same(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped(io.BytesIO):
        """Gives a few bytes at a time, as a pipe may, and cannot go back."""

        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 1, 4099))

        def seekable(self) -> bool:
            return False

    class Standard:
        buffer = Piped(FORMS[form][0]())

    monkeypatch.setattr(sys, "stdin", Standard)
    (found,) = read_config_inputs("-")
    assert found.name.startswith("<stdin>")
    assert dict(read_dotconfig(found.data, "stdin").symbols) == PLAIN


def test_several_configurations_are_sorted_and_copies_left_out(tmp_path: Path) -> None:
    path = tmp_path / "p.deb"
    members = {
        "./boot/config-7.3-rt": OTHER,
        "./boot/config-7.3": CONFIG,
        "./boot/config-7.3-copy": CONFIG,
        "./boot/vmlinuz-7.3": bytes(1000),
        "./lib/modules/7.3/config": OTHER,
    }
    path.write_bytes(build.deb(members))
    assert list(configs(path)) == ["p.deb!boot/config-7.3", "p.deb!boot/config-7.3-rt"]


def test_modules_of_two_kernels_are_both_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "p.rpm"
    members = {
        "./lib/modules/7.2/config": OTHER,
        "./lib/modules/7.2/vmlinuz": bytes(100),
        "./lib/modules/7.3/config": CONFIG,
    }
    path.write_bytes(build.rpm(members))
    assert list(configs(path)) == [
        "p.rpm!lib/modules/7.2/config",
        "p.rpm!lib/modules/7.3/config",
    ]


def test_an_unsorted_package_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "p.deb"
    members = {
        "./usr/share/doc/copyright": b"GPL-2",
        "./boot/config-7.3": CONFIG,
        "./etc/x": b"",
        "./boot/config-7.4": OTHER,
    }
    path.write_bytes(build.deb(members))
    assert list(configs(path)) == ["p.deb!boot/config-7.3", "p.deb!boot/config-7.4"]


def test_members_behind_the_last_folder_of_a_sorted_package_are_not_unpacked(
    tmp_path: Path,
) -> None:
    path = tmp_path / "p.deb"
    whole = build.deb(
        {"./boot/config-7.3": CONFIG, "./lib/x": b"", "./lib/y": os.urandom(1 << 20)}, pack=bytes
    )
    path.write_bytes(whole[: -(1 << 19)])  # the end is missing, and nobody needs it
    assert list(configs(path)) == ["p.deb!boot/config-7.3"]


def code_of(data: bytes, tmp_path: Path) -> str:
    path = tmp_path / "input"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        configs(path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.hint
    assert diagnostic.location
    return diagnostic.code


def header_claiming(size: int) -> bytes:
    """Return an RPM whose signature claims to be `size` bytes long."""
    whole = build.rpm({"./boot/config": CONFIG})
    return whole[: 96 + 12] + size.to_bytes(4, "big") + whole[96 + 16 :]


ZEROS = bytes(3 << 20)
# What is wrong with an input, and the code that says so.
WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "image without": (lambda: build.image(None), "MX1401"),
    "configuration cut": (lambda: build.image(CONFIG)[:101_000], "MX1401"),
    "zboot without": (lambda: build.zboot(build.image(None)), "MX1401"),
    "package without": (lambda: build.deb({"./usr/bin/true": b""}), "MX1402"),
    "rpm without": (lambda: build.rpm({}), "MX1402"),
    "no data member": (lambda: build.ar({"debian-binary": b"2.0\n"}), "MX1403"),
    "ar header": (lambda: b"!<arch>\n" + b"x" * 90, "MX1403"),
    "tar header": (lambda: build.ar({"data.tar": b"x" * 2048}), "MX1403"),
    "rpm lead only": (lambda: build.rpm({})[:96], "MX1403"),
    "rpm header claims": (lambda: header_claiming(1 << 20), "MX1403"),
    "rpm header huge": (lambda: header_claiming(0xFFFF_FFFF), "MX1404"),
    "cpio cut": (
        lambda: build.rpm({"./boot/config-1": CONFIG}, pack=lambda data: data[:-2000]),
        "MX1403",
    ),
    "member huge": (
        lambda: build.rpm({"./boot/config-1": bytes(DOTCONFIG.limit + 1)}),
        "MX1404",
    ),
    "too many": (
        lambda: build.deb({f"./boot/config-{n}": b"CONFIG_A=%d\n" % n for n in range(65)}),
        "MX1404",
    ),
    "traversal": (lambda: build.deb({"../boot/config-1": CONFIG}), "MX1405"),
    "traversal in rpm": (lambda: build.rpm({"./boot/../../config-1": CONFIG}), "MX1405"),
    "lz4": (lambda: b"\x02\x21\x4c\x18" + bytes(64), "MX1407"),
    "binary": (lambda: bytes(range(256)) * 40, "MX0305"),
    "gzip of nothing": (lambda: gzip.compress(ZEROS)[:-9], "MX0303"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said(what: str, tmp_path: Path) -> None:
    make, code = WRONG[what]
    assert code_of(make(), tmp_path) == code
    assert sorted(path.name for path in tmp_path.iterdir()) == ["input"]


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_bomb_costs_no_memory(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    size = 200 << 20
    packed = pack(b"MZ" + bytes(size))
    assert len(packed) < size // 500
    path = tmp_path / "input"
    path.write_bytes(packed)
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            list(read_config_inputs(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.diagnostics[0].code == "MX1401"
    assert peak < 40 << 20


def test_a_bomb_ends_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(LARGE, limit=1 << 20)
    monkeypatch.setattr("matrix.door.stream.LARGE", small)
    assert code_of(gzip.compress(b"MZ" + ZEROS), tmp_path) == "MX1404"
    assert code_of(build.deb({"./boot/a": ZEROS, "./boot/config-1": CONFIG}), tmp_path) == "MX1404"


def test_a_tar_header_of_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    # A "long name" entry of GNU tar whose name is 30 MB long.
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 30 << 20
    data = entry.tobuf(tarfile.GNU_FORMAT) + bytes(30 << 20)
    assert code_of(build.ar({"data.tar.gz": gzip.compress(data)}), tmp_path) == "MX1404"


@given(st.data())
def test_a_damaged_package_is_a_diagnostic(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(["deb.gzip", "deb.plain-tar", "rpm.zstd", "Image.xz"]))
    whole = bytearray(FORMS[form][0]())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    whole = whole[: data.draw(st.integers(1, len(whole)))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input"
        path.write_bytes(whole)
        with contextlib.suppress(InputError):
            configs(path)


def test_dpkg_deb_makes_such_packages(tmp_path: Path) -> None:
    if not shutil.which("dpkg-deb"):
        pytest.skip("dpkg-deb is not installed")
    root = tmp_path / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: linux-image-7.3\nVersion: 1\nArchitecture: arm64\nMaintainer: a <a@b.c>\n"
        "Description: test\n"
    )
    (root / "boot").mkdir()
    (root / "boot" / "config-7.3").write_bytes(CONFIG)
    (root / "boot" / "vmlinuz-7.3").write_bytes(bytes(1000))
    for form in ("gzip", "xz", "zstd"):
        target = tmp_path / f"{form}.deb"
        command = ["dpkg-deb", f"-Z{form}", "--root-owner-group", "-b", str(root), str(target)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode and form == "zstd":
            continue  # an older dpkg-deb
        assert not made.returncode, made.stderr
        assert configs(target) == {f"{form}.deb!boot/config-7.3": PLAIN}


def test_rpmbuild_makes_such_packages(tmp_path: Path) -> None:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed (package rpm)")
    spec = tmp_path / "kernel.spec"
    config = tmp_path / "source.config"
    config.write_bytes(CONFIG)
    spec.write_text(
        "Name: kernel-core\nVersion: 7.3\nRelease: 1\nSummary: t\nLicense: GPL-2.0\n"
        "BuildArch: noarch\n%description\nt\n%install\n"
        f"install -D -m 644 {config} %{{buildroot}}/lib/modules/7.3/config\n"
        "install -d %{buildroot}/boot\n"
        "ln -s ../lib/modules/7.3/config %{buildroot}/boot/config-7.3\n"
        "%files\n/lib/modules/7.3/config\n/boot/config-7.3\n"
    )
    for payload in ("w9.gzdio", "w6.xzdio", "w3.zstdio"):
        top = tmp_path / payload
        command = [
            *("rpmbuild", "-bb", "--define", f"_topdir {top}"),
            *("--define", f"_binary_payload {payload}", str(spec)),
        ]
        subprocess.run(command, capture_output=True, text=True, check=True)
        (package,) = top.rglob("*.rpm")
        assert configs(package) == {f"{package.name}!lib/modules/7.3/config": PLAIN}


@pytest.mark.parametrize("length", range(8, 17))
def test_an_image_that_ends_within_its_header_is_said(length: int, tmp_path: Path) -> None:
    file = tmp_path / "vmlinuz.efi"
    file.write_bytes((b"MZ\0\0zimg" + bytes(8))[:length])
    with pytest.raises(InputError) as caught:
        list(read_config_inputs(file))
    assert {item.code for item in caught.value.diagnostics} == {"MX1401"}
