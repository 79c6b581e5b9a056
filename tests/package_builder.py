"""Packages and kernel images made by hand, byte by byte, for tests of the input forms.

Written from the formats' descriptions (deb(5), ar(5), cpio(5), rpm's format_lead.md and
format_header.md, kernel/configs.c, zboot-header.S); shares no code with what reads them.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

Members = Mapping[str, bytes]
Pack = Callable[[bytes], bytes]


def ar(members: Members) -> bytes:
    out = b"!<arch>\n"
    for name, data in members.items():
        out += f"{name:<16}{'0':<12}{'0':<6}{'0':<6}{'100644':<8}{len(data):<10}`\n".encode()
        out += data + b"\n" * (len(data) % 2)
    return out


def tar(members: Members) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return target.getvalue()


def deb(members: Members, *, pack: Pack = gzip.compress, data_name: str = "data.tar.gz") -> bytes:
    control = gzip.compress(tar({"./control": b"Package: linux-image\n"}))
    return ar(
        {
            "debian-binary": b"2.0\n",
            "control.tar.gz": control,
            data_name: pack(tar(members)),
        }
    )


def cpio(members: Members) -> bytes:
    out = b""
    for number, (name, data) in enumerate({**members, "TRAILER!!!": b""}.items(), start=1):
        mode = 0 if name == "TRAILER!!!" else 0o100644
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        header = b"070701" + "".join(f"{field:08x}" for field in fields).encode()
        header += name.encode() + b"\0"
        out += header + b"\0" * (-len(header) % 4) + data + b"\0" * (-len(data) % 4)
    return out


def rpm_header(values: Mapping[int, bytes]) -> bytes:
    """Return a header structure of string tags (type 6)."""
    index, store = b"", b""
    for tag, text in values.items():
        index += struct.pack(">IIII", tag, 6, len(store), 1)
        store += text + b"\0"
    return b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", len(values), len(store)) + index + store


def rpm(members: Members, *, pack: Pack = gzip.compress) -> bytes:
    lead = struct.pack(">4sBBHH66sHH16s", b"\xed\xab\xee\xdb", 3, 0, 0, 19, b"kernel", 1, 5, b"")
    signature = rpm_header({269: b"0" * 40})
    signature += b"\0" * (-len(signature) % 8)
    header = rpm_header({1000: b"kernel-core", 1124: b"cpio", 1125: b"gzip"})
    return lead + signature + header + pack(cpio(members))


def image(config: bytes | None) -> bytes:
    """Return an arm64 `Image` (Documentation/arch/arm64/booting.rst) with or without IKCONFIG."""
    head = struct.pack("<IIQQQQQQ4sI", 0, 0, 0, 1 << 20, 0, 0, 0, 0, b"ARM\x64", 0)
    embedded = b"IKCFG_ST" + gzip.compress(config) + b"IKCFG_ED" if config is not None else b""
    return head + bytes(100_000) + b"IKCFG_ST is also in a string\0" + embedded + bytes(5_000)


def zboot(inner: bytes, pack: Pack = gzip.compress) -> bytes:
    """Return an EFI zboot image: a PE file whose header names the packed kernel."""
    packed = pack(inner)
    head = struct.pack("<2s2s4sIIII32s", b"MZ", b"", b"zimg", 4096, len(packed), 0, 0, b"gzip")
    return head.ljust(4096, b"\x90") + packed + bytes(64)


def lay_out(folder: Path) -> None:
    """Make the files that examples of MX14 name."""
    (folder / "vmlinuz").write_bytes(image(None))
    (folder / "lz4.img").write_bytes(b"\x04\x22\x4d\x18" + bytes(100))
    (folder / "meta.deb").write_bytes(deb({"./usr/share/doc/linux-image/copyright": b"GPL-2"}))
    (folder / "short.rpm").write_bytes(rpm({"./boot/config-7.3": b"CONFIG_KVM=y\n"})[:150])
    (folder / "escape.deb").write_bytes(deb({"./../../boot/config-7.3": b"CONFIG_KVM=y\n"}))
    (folder / "huge.deb").write_bytes(deb({"./boot/config-7.3": bytes((16 << 20) + 1)}))
    (folder / "docs").mkdir()
    (folder / "docs" / "readme.txt").write_text("nothing\n")
    texts = {
        "syntax.toml": '[validate]\nkernel = "7.3\n',
        "key.toml": '[validate]\nkernl = "7.3"\n',
        "kind.toml": '[validate]\nfail_on = "unsound"\n',
        "reason.toml": '# ours\n[[mute]]\ncpu = "cortex-*"\n',
        "unused.toml": '[[mute]]\ncpu = "cortex-*"\nbecause = "none of them is in use"\n',
        "name.toml": '[[mute]]\nverdict = "unsond"\nbecause = "seen"\n',
        "malformed.json": '{"schema": "matrix/baseline/1", "findings": [{"file": 1}]}\n',
        "stale.json": '{"schema": "matrix/baseline/1", "findings": [{"file": "config", '
        '"capability": "gmem-no-direct-map", "predicate": "v12", "vm": "default", '
        '"cpu": "aws-graviton3", "verdict": "unsound", "violates": "alias-access"}]}\n',
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
