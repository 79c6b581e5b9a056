"""Inputs that hung a program, took its memory or ended it: files, and who reads them.

Each function lays its input out in the folder that it is given and returns the arguments of the
command that reads it. Those that were reported as files stand in `tests/data/hostile`, the others
are described by how they are made.
"""

from __future__ import annotations

import base64
import os
import shutil
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from msgspec import Struct

from tests.package_builder import ar, deb
from tests.small_trees import small_tree

ROOT = Path(__file__).parent
REPORTED = ROOT / "data" / "hostile"
CONFIG = ROOT / "data" / "booted" / "7.3.config"
FUNCTION = "kvm_arch_gmem_supports_no_direct_map"
HEADER = "From: a@b\nSubject: [PATCH] x\n"
SECRET = "the-content-of-a-file-outside"  # must never be printed


class Hostile(Struct, frozen=True, kw_only=True):
    """What makes the input, which exit codes are right, and what must be said."""

    make: Callable[[Path], list[str]]
    codes: tuple[int, ...]
    says: str = ""


def patch(body: str = "") -> str:
    """Return a patch that adds the check, with `body` as its statements."""
    lines = [
        f"static inline bool {FUNCTION}(struct kvm *kvm)",
        "{",
        *(body or "\treturn can_set_direct_map();").split("\n"),
        "}",
    ]
    added = "".join(f"+{line}\n" for line in lines)
    file = "arch/arm64/include/asm/kvm_host.h"
    return (
        f"diff --git a/{file} b/{file}\n--- a/{file}\n+++ b/{file}\n"
        f"@@ -1,2 +1,{2 + len(lines)} @@\n #ifndef X\n{added} #define X\n"
    )


def mail(text: str) -> Callable[[Path], list[str]]:
    """Return who has a mail reviewed."""

    def make(folder: Path) -> list[str]:
        (folder / "mail.mbox").write_bytes(text.encode("latin-1"))
        return ["review", "--kernel", "7.3", "mail.mbox"]

    return make


def checked(body: str) -> Callable[[Path], list[str]]:
    """Return who has a check of these statements reviewed."""
    return mail(f"{HEADER}\n{patch(body)}")


def reported(name: str, *arguments: str) -> Callable[[Path], list[str]]:
    """Return who gives a reported file to a command."""

    def make(folder: Path) -> list[str]:
        shutil.copy(REPORTED / name, folder)
        return [*arguments, name]

    return make


def fleet(text: bytes) -> Callable[[Path], list[str]]:
    """Return who answers for a table; `ok.config` stands beside it."""

    def make(folder: Path) -> list[str]:
        shutil.copy(CONFIG, folder / "ok.config")
        (folder / "hosts.csv").write_bytes(text)
        (folder.parent / "outside.config").write_text(f'CONFIG_LOCALVERSION="{SECRET}"\n{SECRET}\n')
        return ["fleet", "hosts.csv"]

    return make


def tree(text: str, *, fifo: bool = False) -> Callable[[Path], list[str]]:
    """Return who projects a kernel tree with this Kconfig."""

    def make(folder: Path) -> list[str]:
        small_tree(folder / "tree", "")
        (folder.parent / "outside").write_text(f"config {SECRET}\n{SECRET}\n")
        (folder / "tree" / "Kconfig").write_text(text)
        if fifo:
            os.mkfifo(folder / "tree" / "pipe")
        return ["kconfig", "project", "--tree", "tree", "--kernel", "7.3", "--symbols", "KVM"]

    return make


def tree_of(name: str) -> Callable[[Path], list[str]]:
    """Return who projects a kernel tree whose Kconfig was reported."""
    return tree((REPORTED / name).read_text())


def small(text: str) -> Callable[[Path], list[str]]:
    """Return who projects a tree of these entries besides KVM."""
    return tree(f'config KVM\n\tbool "kvm"\n{text}source "arch/arm64/Kconfig"\n')


def dotconfig(text: str, *arguments: str) -> Callable[[Path], list[str]]:
    """Return who validates a `.config`."""

    def make(folder: Path) -> list[str]:
        (folder / "x.config").write_text(text)
        return ["validate", "x.config", *arguments]

    return make


def document(text: str) -> Callable[[Path], list[str]]:
    """Return who fills a document."""

    def make(folder: Path) -> list[str]:
        (folder / "page.md").write_text(text)
        return ["embed", "page.md"]

    return make


def named(*arguments: str) -> Callable[[Path], list[str]]:
    """Return who names something of the system."""
    return lambda _folder: list(arguments)


def package(name: str, data: Callable[[], bytes]) -> Callable[[Path], list[str]]:
    """Return who validates a package."""

    def make(folder: Path) -> list[str]:
        (folder / name).write_bytes(data())
        return ["validate", name, "--cpu", "graviton3"]

    return make


def padded_package() -> bytes:
    """Return 64 configurations of 15.9 MB, which packed are a megabyte."""
    text = CONFIG.read_bytes() + (b"#" + b" " * 78 + b"\n") * 200_000
    return deb({f"./boot/config-7.3.{number}": text for number in range(64)})


def reported_tree(folder: Path) -> list[str]:
    """Give the folder whose Kconfig has properties where none may stand."""
    small_tree(folder / "tree", "")
    shutil.copytree(REPORTED / "k-bool", folder / "tree", dirs_exist_ok=True)
    return ["kconfig", "project", "--tree", "tree", "--kernel", "7.3"]


def tree_with_secret(folder: Path) -> list[str]:
    """Give a tree that names what the environment holds, which the test sets."""
    return small('source "$(MATRIX_TEST_SECRET)"\n')(folder)


def linked_out(folder: Path) -> list[str]:
    """Give a folder with a link to a file outside of it."""
    (folder.parent / "outside").write_text(f"{SECRET}\n")
    (folder / "scanned").mkdir()
    (folder / "scanned" / "x.config").symlink_to("../../outside")
    return ["validate", "scanned"]


def linked_source(folder: Path) -> list[str]:
    """Give a tree with a link in it that leads out of the tree."""
    arguments = small('source "linked"\n')(folder)
    (folder / "tree" / "linked").symlink_to("../../outside")
    return arguments


def fifo_in_fleet(folder: Path) -> list[str]:
    """Give a table whose configuration is a pipe that nobody writes to."""
    os.mkfifo(folder / "pipe")
    return fleet(b"host,kernel,config,cpu\na,7.3,pipe,graviton3\n")(folder)


def fifo_in_folder(folder: Path) -> list[str]:
    """Give a folder with a pipe that is named as a configuration."""
    (folder / "scanned").mkdir()
    os.mkfifo(folder / "scanned" / "x.config")
    return ["validate", "scanned"]


def looped(*arguments: str) -> Callable[[Path], list[str]]:
    """Return who is given a link that leads to itself."""

    def make(folder: Path) -> list[str]:
        (folder / "loop").symlink_to("loop")
        return [*arguments, "loop"]

    return make


def fifo_declaration(folder: Path) -> list[str]:
    """Give a folder of declarations with a pipe in it."""
    (folder / "own" / "cpus").mkdir(parents=True)
    os.mkfifo(folder / "own" / "cpus" / "x.yaml")
    return ["check", "--configs", "own"]


def evidence_archive(folder: Path) -> list[str]:
    """Give an archive of evidence that is packed a thousand times."""
    target = BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for number in range(2000):
            entry = tarfile.TarInfo(f"logs/dmesg.{number}")
            entry.size = 1 << 20
            archive.addfile(entry, BytesIO(b"[    0.0] " + bytes(entry.size)))
    (folder / "logs.tar.gz").write_bytes(target.getvalue())
    return ["validate", "--evidence", "logs.tar.gz"]


def hostile_name(name: bytes) -> Callable[[Path], list[str]]:
    """Return who validates a missing file of this name, and one that is there."""

    def make(folder: Path) -> list[str]:
        (folder / os.fsdecode(name)).write_text("CONFIG_KVM=y\nCONFIG_\n!\n")
        return ["validate", os.fsdecode(name), os.fsdecode(b"gone" + name), "--cpu", "graviton3"]

    return make


def deep_yaml(folder: Path) -> list[str]:
    """Give a declaration that nests, and one that refers to itself."""
    (folder / "own" / "cpus").mkdir(parents=True)
    (folder / "own" / "cpus" / "deep.yaml").write_text("a: " + "[" * 100_000)
    (folder / "own" / "cpus" / "bomb.yaml").write_text(
        "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    )
    return ["check", "--configs", "own"]


def planted_baseline(text: str) -> Callable[[Path], list[str]]:
    """Return who validates against a baseline."""

    def make(folder: Path) -> list[str]:
        (folder / "b.json").write_text(text)
        return ["validate", str(CONFIG), "--baseline", "b.json", "--cpu", "graviton3"]

    return make


def settings(text: str) -> Callable[[Path], list[str]]:
    """Return who validates with settings beside the file."""

    def make(folder: Path) -> list[str]:
        (folder / "matrix.toml").write_text(text)
        return ["validate", str(CONFIG), "--cpu", "graviton3"]

    return make


def bundle(text: str) -> Callable[[Path], list[str]]:
    """Return who replays readings of a machine."""

    def make(folder: Path) -> list[str]:
        (folder / "host.json").write_text(text)
        return ["probe", "--host", "host.json"]

    return make


def _multipart(depth: int) -> str:
    text = HEADER
    for level in range(depth):
        text += f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n'
    return text + f"Content-Type: text/plain\n\n{patch()}"


def _parts(count: int) -> str:
    part = "--b\nContent-Type: text/plain\n\nx\n"
    return f'{HEADER}Content-Type: multipart/mixed; boundary="b"\n\n{part * count}'


def _encoded_words(count: int) -> str:
    word = base64.b64encode(b"x" * 40).decode()
    return f"From: a@b\nSubject: {' '.join([f'=?utf-8?b?{word}?='] * count)}\n\n{patch()}"


def _charset(name: str) -> str:
    return f"{HEADER}Content-Type: text/plain; charset={name}\n\n{patch()}\xe9\xff"


def _macros(count: int) -> str:
    return "".join(f"m{n} = $(m{n + 1})\n" for n in range(count)) + f"m{count} = x\nX := $(m0)\n"


_ANSWER, _ERROR = (0, 1, 4), (3,)
_ANY = (0, 1, 3, 4)
_RULES = "\tif (a)\n" * 5_000 + "\t\treturn true;\n\treturn false;"

CASES = {
    # Mails.
    "a-mail-with-gtfrom": Hostile(
        make=reported("real-gtfrom.eml", "review", "--kernel", "7.3"), codes=_ANY, says="MX"
    ),
    **{
        f"a-mail-in-{name}": Hostile(
            make=reported(f"charset-{name}.mbox", "review", "--kernel", "7.3"), codes=_ANY
        )
        for name in ("punycode", "undefined")
    },
    "a-mail-in-utf-7": Hostile(
        make=reported("surrogate.mbox", "review", "--kernel", "7.3"), codes=_ANY
    ),
    **{
        f"a-mail-in-{name}-by-hand": Hostile(make=mail(_charset(name)), codes=_ANY)
        for name in ("idna", "utf-7", "unicode_escape", "raw_unicode_escape", "utf-16", "zlib")
    },
    "sixty-thousand-mails": Hostile(
        make=mail("From a Mon Sep 17 00:00:00 2001\nSubject: x\n\ny\n\n" * 60_000), codes=_ERROR
    ),
    "a-subject-of-a-megabyte": Hostile(
        make=mail(f"From: a@b\nSubject: {'x ' * 500_000}\n\n{patch()}"), codes=_ANY
    ),
    "a-folded-subject-of-a-megabyte": Hostile(
        make=mail("From: a@b\nSubject: x\n" + " y\n" * 300_000 + f"\n{patch()}"), codes=_ANY
    ),
    "ten-thousand-encoded-words": Hostile(make=mail(_encoded_words(10_000)), codes=_ANY),
    "a-thousand-parts-deep": Hostile(make=mail(_multipart(1_000)), codes=_ANY),
    "fifty-thousand-parts": Hostile(make=mail(_parts(50_000)), codes=_ANY),
    "parentheses-in-content-type": Hostile(
        make=mail(f"{HEADER}Content-Type: {'(' * 40_000}\n\n{patch()}"), codes=_ANY
    ),
    "headers-without-end": Hostile(
        make=mail("".join(f"X-{n}: y\n" for n in range(200_000)) + f"\n{patch()}"), codes=_ANY
    ),
    "a-crlf-mail-with-a-blank-line": Hostile(
        make=mail((HEADER + "X: y\n" * 40 + " \n" + f"\n{patch()}").replace("\n", "\r\n")),
        codes=_ANY,
    ),
    "hunk-of-a-huge-count": Hostile(
        make=mail(f"{HEADER}\n{patch()}".replace("+1,6", f"+1,{'9' * 4000}")), codes=_ANY
    ),
    # The C of a check.
    "guards-ten-thousand-deep": Hostile(
        make=checked("#ifdef A\n" * 10_000 + "\treturn true;\n" + "#endif\n" * 10_000), codes=_ANY
    ),
    "guards-one-after-the-other": Hostile(
        make=checked("#ifdef A\n#endif\n" * 10_000 + "\treturn true;"), codes=_ANY
    ),
    "different-guards": Hostile(
        make=checked(
            "".join(
                f"#ifdef CONFIG_A{n}\n\tif (a{n})\n\t\treturn false;\n#endif\n" for n in range(60)
            )
            + "\treturn true;"
        ),
        codes=_ANY,
    ),
    "a-condition-of-parentheses": Hostile(
        make=checked(f"\treturn {'(' * 20_000}a{')' * 20_000};"), codes=_ANY
    ),
    "a-condition-of-negations": Hostile(make=checked(f"\treturn {'!' * 20_000}a;"), codes=_ANY),
    "a-condition-of-twenty-thousand-terms": Hostile(
        make=checked(f"\treturn {' || '.join(['can_set_direct_map()'] * 20_000)};"), codes=_ANY
    ),
    "ifs-in-ifs": Hostile(make=checked(_RULES), codes=_ANY),
    "macros-that-double": Hostile(
        make=checked(
            "".join(f"#define M{n} (M{n + 1} && M{n + 1})\n" for n in range(40))
            + "#define M40 can_set_direct_map()\n\treturn M0;"
        ),
        codes=_ANY,
    ),
    # Names and texts that others chose.
    "a-command-as-name": Hostile(make=hostile_name(b"::error::x"), codes=_ERROR),
    "an-escape-as-name": Hostile(make=hostile_name(b"\x1b[31mh\x1b]0;x\x07\x9b"), codes=_ERROR),
    "a-line-break-as-name": Hostile(make=hostile_name(b"x\r\n::error::x"), codes=_ERROR),
    "a-command-in-a-document": Hostile(
        make=document(
            "<!-- matrix:begin\n::error::x\n-->\n\x1b[31m<!-- matrix:end x\x1b]0;\x07-->\n"
        ),
        codes=_ERROR,
    ),
    "escapes-in-a-fleet": Hostile(make=reported("ansi.csv", "fleet"), codes=_ANY),
    "commands-in-a-fleet": Hostile(
        make=fleet(b"host,kernel,config,cpu\n::error::h,7.3,ok.config,::error::x\n::stop,7.3\n"),
        codes=_ANY,
    ),
    "escapes-in-a-mail": Hostile(
        make=mail(f"From: \x1b[31m\nSubject: [PATCH] \n ::error::x\x1b]0;x\x07\n\n{patch()}"),
        codes=_ANY,
    ),
    "an-escape-as-package-member": Hostile(
        make=package("x.deb", lambda: deb({"./boot/config-\x1b[31m\n::error::x": b"\x1b\nx\n"})),
        codes=_ANY,
    ),
    # Archives and tables.
    "a-cut-package": Hostile(make=reported("tartrunc.deb", "validate"), codes=_ERROR, says="MX14"),
    "a-damaged-table": Hostile(make=reported("dam.csv.gz", "fleet"), codes=_ERROR, says="MX1502"),
    "a-table-with-a-short-row": Hostile(
        make=fleet(
            (REPORTED / "short.csv").read_bytes().replace(b"../config/base.config", b"ok.config")
        ),
        codes=_ANY,
        says="MX1505",
    ),
    "a-parquet-bomb": Hostile(make=reported("bomb.parquet", "fleet"), codes=_ERROR, says="MX1502"),
    "a-package-of-padded-configs": Hostile(make=package("x.deb", padded_package), codes=_ANY),
    "a-package-of-members": Hostile(
        make=package("x.deb", lambda: ar({f"m{n}": b"" for n in range(60_000)})), codes=_ERROR
    ),
    "a-thousand-logs-of-a-megabyte": Hostile(make=evidence_archive, codes=_ANY),
    "a-fleet-of-distinct-values": Hostile(
        make=fleet(
            b"host,kernel,config,cpu,cmdline\n"
            + b"".join(b"h,7.3,ok.config,graviton3,x%d=%d\n" % (n, n) for n in range(3000))
        ),
        codes=_ANY,
    ),
    "a-fleet-of-empty-objects": Hostile(
        make=fleet(b"[" + b"{}," * ((4 << 20) - 100) + b"{}]"), codes=_ERROR, says="MX1502"
    ),
    "a-machine-of-empty-objects": Hostile(
        make=fleet(
            b'[{"kernel": "7.3", "cpu": "graviton3", "x": [' + b"{}," * ((4 << 20) - 100) + b"{}]}]"
        ),
        codes=_ANY,
    ),
    # What a system has besides files.
    "embed-options": Hostile(
        make=document(
            f"<!-- matrix:begin arm64-memfd-secret {'show=counts ' * 50_000}-->\n"
            "<!-- matrix:end -->\n"
        ),
        codes=_ERROR,
        says="error[MX0809]",
    ),
    "embed-a-device": Hostile(make=named("embed", "/dev/zero"), codes=_ERROR),
    "validate-a-device": Hostile(make=named("validate", "/dev/zero"), codes=_ERROR),
    "review-a-device": Hostile(make=named("review", "/dev/zero"), codes=_ERROR),
    "probe-a-device": Hostile(make=named("probe", "--host", "/dev/zero"), codes=_ERROR),
    "fleet-of-a-device": Hostile(make=named("fleet", "/dev/zero"), codes=_ERROR),
    "evidence-of-a-device": Hostile(
        make=named("validate", "--evidence", "/dev/zero"), codes=_ERROR
    ),
    "a-baseline-that-is-a-device": Hostile(
        make=named("validate", str(CONFIG), "--baseline", "/dev/zero"), codes=_ERROR
    ),
    "settings-that-are-a-device": Hostile(
        make=named("validate", str(CONFIG), "--settings", "/dev/zero"), codes=_ERROR
    ),
    "a-command-line-that-is-a-device": Hostile(
        make=named("validate", str(CONFIG), "--cmdline-file", "/dev/zero"), codes=(2, 3)
    ),
    "declarations-that-are-a-device": Hostile(
        make=named("check", "--configs", "/dev/zero"), codes=_ERROR
    ),
    "a-pipe-in-a-fleet": Hostile(make=fifo_in_fleet, codes=_ANY, says="regular file"),
    "a-pipe-in-a-folder": Hostile(make=fifo_in_folder, codes=_ANY),
    "a-pipe-among-declarations": Hostile(make=fifo_declaration, codes=_ERROR),
    "a-pipe-in-a-tree": Hostile(
        make=tree('source "pipe"\nsource "arch/arm64/Kconfig"\n', fifo=True), codes=_ERROR
    ),
    **{
        f"a-link-to-itself-for-{'-'.join(arguments[:1] + arguments[-1:])}": Hostile(
            make=looped(*arguments), codes=(2, 3)
        )
        for arguments in (
            ("check",),
            ("cpus", "list", "--configs"),
            ("validate", str(CONFIG), "--profiles"),
            ("kconfig", "project", "--kernel", "7.3", "--tree"),
            ("fleet",),
            ("review",),
        )
    },
    # Kconfig.
    "macros-of-a-tree-that-double": Hostile(make=tree_of("expmacro.Kconfig"), codes=_ERROR),
    "a-file-outside-of-the-tree": Hostile(make=tree_of("fileread.Kconfig"), codes=_ERROR),
    "a-device-outside-of-the-tree": Hostile(make=tree_of("devzero.Kconfig"), codes=_ERROR),
    "a-file-beside-the-tree": Hostile(make=small('source "../../outside"\n'), codes=_ERROR),
    "a-link-out-of-the-tree": Hostile(make=linked_source, codes=_ERROR),
    "a-variable-of-the-environment": Hostile(make=tree_with_secret, codes=_ERROR),
    "a-chain-of-ten-thousand-macros": Hostile(make=small(_macros(10_000)), codes=_ANY),
    "a-macro-of-itself": Hostile(make=small("X = $(X)\nY := $(X)\n"), codes=_ANY),
    "a-macro-that-doubles-what-it-is-given": Hostile(
        make=small("f = $(1)$(f,$(1)$(1))\nX := $(f,a)\n"), codes=_ERROR
    ),
    "a-property-of-a-menu": Hostile(make=reported_tree, codes=_ERROR),
    **{
        f"{prop.split()[0]}-of-a-{entry.split()[0]}": Hostile(
            make=small(f"{entry}\n\t{prop}\n{end}"), codes=_ANY
        )
        for entry, end in (
            ('menu "x"', "endmenu\n"),
            ('comment "x"', ""),
            ("choice", "endchoice\n"),
            ("if KVM", "endif\n"),
        )
        for prop in ("select KVM", "range 1 2", "default y", "imply KVM", "modules", "transitional")
    },
    "a-thousand-menus-deep": Hostile(
        make=small('menu "x"\n' * 5_000 + "endmenu\n" * 5_000), codes=_ANY
    ),
    "a-condition-of-kconfig-parentheses": Hostile(
        make=small(f'config A\n\tbool "a"\n\tdepends on {"(" * 20_000}KVM{")" * 20_000}\n'),
        codes=_ANY,
    ),
    "a-condition-of-kconfig-negations": Hostile(
        make=small(f'config A\n\tbool "a"\n\tdepends on {"!" * 20_000}KVM\n'), codes=_ANY
    ),
    "a-chain-of-dependencies": Hostile(
        make=tree(
            'config KVM\n\tbool "kvm"\n\tdepends on A0\n'
            + "".join(f'config A{n}\n\tbool "a"\n\tdepends on A{n + 1}\n' for n in range(5_000))
            + 'config A5000\n\tbool "a"\nsource "arch/arm64/Kconfig"\n'
        ),
        codes=_ANY,
    ),
    # Configurations, command lines, expressions.
    "a-config-with-a-long-command-line": Hostile(
        make=dotconfig(CONFIG.read_text() + f'CONFIG_CMDLINE="{"a=b " * 400_000}"\n'), codes=_ANY
    ),
    "a-config-with-one-long-line": Hostile(make=dotconfig("CONFIG_" + "A" * 8_000_000), codes=_ANY),
    "a-config-of-quotes": Hostile(
        make=dotconfig('CONFIG_A="' + '\\"' * 2_000_000 + '"\n'), codes=_ANY
    ),
    "a-fragment-on-every-server": Hostile(
        make=dotconfig("CONFIG_SLUB=y\n", "--kernel", "7.3", "--cpu", "@server"), codes=_ANY
    ),
    "a-fragment-without-release": Hostile(
        make=dotconfig("CONFIG_KVM=y\n", "--cpu", "@server"), codes=_ANY
    ),
    "a-command-line-of-quotes": Hostile(
        make=dotconfig(CONFIG.read_text(), "--cmdline", '"a ' * 20_000, "--cpu", "graviton3"),
        codes=_ANY,
    ),
    "a-where-of-parentheses": Hostile(
        make=named("cells", "--where", "(" * 50_000 + "x" + ")" * 50_000), codes=_ERROR
    ),
    "a-where-of-negations": Hostile(
        make=named("cells", "--where", "!" * 50_000 + "x"), codes=_ERROR
    ),
    "a-where-of-terms": Hostile(
        make=named("count", "arm64-overview", "--where", " || ".join(["fwb == 1"] * 10_000)),
        codes=(0, 1, 2, 3, 4),
    ),
    "a-cpu-of-many-fields": Hostile(
        make=dotconfig(CONFIG.read_text(), "--cpu", ",".join(["fwb=1"] * 10_000)), codes=_ANY
    ),
    "a-cpu-of-many-parts": Hostile(
        make=dotconfig(CONFIG.read_text(), "--cpu", "+".join(["cortex-a710"] * 10_000)), codes=_ANY
    ),
    # Documents, declarations, settings.
    "a-line-of-forty-kilobytes": Hostile(make=document("[" * 40_000 + "\n"), codes=_ANY),
    **{
        f"a-line-of-{name}": Hostile(make=document(text * 20_000 + "\n"), codes=_ANY)
        for name, text in (
            ("backticks", "`a"),
            ("stars", "*a_"),
            ("links", "[a]("),
            ("comments", "<!-- "),
            ("markers", "<!-- matrix:begin "),
            ("angles", "<a "),
            ("quotes", "> "),
            ("lists", "- "),
        )
    },
    "ten-thousand-blocks": Hostile(
        make=document("<!-- matrix:begin arm64-overview -->\n" * 10_000), codes=_ERROR
    ),
    "a-deep-declaration": Hostile(make=deep_yaml, codes=_ERROR),
    "a-deep-baseline": Hostile(make=planted_baseline("[" * 100_000), codes=_ERROR),
    "a-baseline-with-a-long-number": Hostile(make=planted_baseline("9" * 100_000), codes=_ERROR),
    "deep-settings": Hostile(make=settings("a = " + "[" * 100_000), codes=_ERROR),
    "dotted-settings": Hostile(make=settings("a" + ".a" * 100_000 + " = 1"), codes=_ERROR),
    "deep-readings": Hostile(make=bundle('{"a":' * 100_000), codes=_ERROR),
    "readings-with-a-long-number": Hostile(
        make=bundle('{"schema": ' + "9" * 100_000 + "}"), codes=_ERROR
    ),
}
