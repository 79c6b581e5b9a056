"""The parsers of what comes from outside: one row each, the inputs to begin with and who reads them.

What may come out of a parser is a value or an InputError; `run` in `harness.py` holds them to it.
"""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import json
import lzma
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from matrix.analyze.space.study import SolvedStudy
from matrix.door.bounded import DOTCONFIG
from matrix.door.stream import Stream, decompress
from matrix.expr.parser import parse
from matrix.flows.baseline import load_baseline
from matrix.flows.cell_argument import parse_cell
from matrix.flows.evidence_request import asked_of
from matrix.flows.knowledge import Library
from matrix.flows.selection import where_condition
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.flows.view import Asked, viewed
from matrix.kernel.config.annotations import annotated_configs
from matrix.kernel.config.config_input import read_config_inputs
from matrix.kernel.config.dotconfig import read_dotconfig
from matrix.kernel.config.image import embedded_config
from matrix.kernel.config.nix_settings import nix_configs
from matrix.kernel.config.written_forms import is_nix, written_configs
from matrix.kernel.cpu.resolve import resolve_system
from matrix.kernel.evidence.collected import collect_evidence
from matrix.kernel.evidence.findings import evidence_text
from matrix.kernel.evidence.forms import read_text
from matrix.kernel.fleet.hosts import open_hosts
from matrix.kernel.host.bundle import load_bundle
from matrix.kernel.kconfig.reading import parse_tree
from matrix.kernel.kconfig.tree import open_tree
from matrix.kernel.line.cmdline import read_command_line
from matrix.kernel.line.given_line import given_line
from matrix.kernel.patch.diff import read_patches
from matrix.kernel.patch.excerpts import definitions, excerpts
from matrix.kernel.patch.mail import read_mails
from matrix.kernel.source.c.source import parse_c
from matrix.kernel.source.truth.evidence import load as load_evidence
from matrix.kernel.source.truth.evidence import sealed
from matrix.render.blocks import find_blocks
from matrix.render.document_forms import FORMS
from matrix.render.markers import foreign_markers, missed_blocks
from matrix.schema.files import Kind
from matrix.schema.settings import load_settings
from tests.fuzz.mutation import mutated
from tests.package_builder import ar, cpio, deb, image, rpm, rpm_header, tar, zboot
from tests.small_trees import small_tree
from tests.unit.schema.declarations import GOOD, declared, load

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
CONFIG = (DATA / "booted" / "7.3.config").read_bytes()
_LIBRARY = Library()
_ASKED = asked_of(_LIBRARY)
_FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))


class Parser(Struct, frozen=True, kw_only=True):
    """A reader of bytes, what to begin with, the words of its language, and how to pack inputs."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]
    pack: Callable[[Random, bytes], bytes] = lambda _random, data: data

    def input(self, random: Random) -> bytes:
        """Return a mutated input."""
        return self.pack(random, mutated(random, self.seeds, self.words))


def _words(text: str) -> tuple[bytes, ...]:
    """Return the words of a line; `~` stands for a blank, `|` for a line break."""
    return tuple(word.replace("~", " ").replace("|", "\n").encode() for word in text.split())


def _below(folder: str, *suffixes: str, most: int = 40) -> tuple[bytes, ...]:
    paths = sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in suffixes)
    return tuple(path.read_bytes() for path in paths if path.stat().st_size < 30_000)[:most]


def _written(data: bytes) -> object:
    return nix_configs(data, "a", None) if is_nix(data) else written_configs(data, "a")


def _file(data: bytes, name: str) -> Path:
    path = _FOLDER / name
    path.write_bytes(data)
    return path


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# --- who reads -----------------------------------------------------------------------------------


def _mail(data: bytes) -> object:
    return [read_patches(mail) for mail in read_mails(data, "a.mbox")]


def _diff(data: bytes) -> object:
    patches = [patch for mail in read_mails(b"\n" + data, "a") for patch in read_patches(mail)]
    return [tuple(definitions(one)) for one in excerpts(patches)]


def _kconfig(data: bytes) -> object:
    (_TREE / "Kconfig").write_bytes(data)
    found = parse_tree(open_tree(_TREE, "arm64"), {}, {})
    return [found.entry(name) for name in found.names]


def _annotations(data: bytes) -> object:
    found = annotated_configs(data, "annotations", "arm64", lambda _path: None)
    return [read_dotconfig(one.text.encode("utf-8", "surrogateescape"), "a") for one in found]


def _yaml(data: bytes) -> object:
    return load({}, declared(Kind.CPU, data, name="cpus/x.yaml", folder=1))


def _document(form: str) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        text = data.decode("utf-8", "replace")
        name = f"a.{form}"
        said = [*foreign_markers(text, name, FORMS[form])]
        said += missed_blocks(text, name, FORMS[form], expected=True)
        return said, find_blocks(text, name, FORMS[form])

    return read


def _hosts(data: bytes) -> object:
    with open_hosts(_file(data, "hosts"), keep=True) as table:
        return [batch.rows for batch in table.batches()]


def _inputs(data: bytes) -> object:
    return [one.name for one in read_config_inputs(_file(data, "input"))]


def _evidence(data: bytes) -> object:
    return read_text(evidence_text(data, "log"), _ASKED)


def _archive(data: bytes) -> object:
    return collect_evidence([str(_file(data, "logs.tar"))], _ASKED)


def _cpu(data: bytes) -> object:
    return resolve_system(_text(data), _LIBRARY.knowledge, _LIBRARY.architecture(_LIBRARY.arch))


def _command_line(data: bytes) -> object:
    return read_command_line(given_line(_text(data)))


@functools.cache
def _study() -> PreparedStudy:
    return prepare_study(_LIBRARY, "arm64-overview")


# --- how inputs are packed -----------------------------------------------------------------------


def _damaged(random: Random, data: bytes) -> bytes:
    """Return data, in one of two inputs with a few bytes changed, lost or added."""
    for _ in range(random.choice((0, 0, 0, 1, 2, 8))):
        at = random.randrange(len(data) + 1)
        match random.randrange(3):
            case 0:
                data = data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
            case 1:
                data = data[:at]
            case _:
                data = data[:at] + random.randbytes(random.randint(1, 4)) + data[at:]
    return data


_PACKS = (gzip.compress, lzma.compress, bz2.compress, lambda data: data)


def _packed(random: Random, data: bytes) -> bytes:
    return _damaged(random, random.choice(_PACKS)(data))


def _member(random: Random) -> str:
    return random.choice(
        ("./boot/config-7.3", "boot/config-\x1b", "../boot/config-1", "./x", "/boot/config-7", "")
    )


def _tar(random: Random, data: bytes) -> bytes:
    """Return a tar whose header is odd and whose checksum is right."""
    whole = bytearray(tar({_member(random) or "x": data, "logs/dmesg": data[:500]}))
    for _ in range(random.choice((0, 1, 1, 3))):
        start, size = random.choice(((100, 8), (124, 12), (136, 12), (156, 1), (157, 20), (345, 9)))
        whole[start : start + size] = random.choice(
            (b"7" * size, b"\xff" * size, b"\x80" + b"\0" * (size - 1), random.randbytes(size))
        )[:size]
        whole[148:156] = b" " * 8
        whole[148:156] = b"%06o\0 " % sum(whole[:512])
    return bytes(whole)


def _deb(random: Random, data: bytes) -> bytes:
    pack, name = random.choice(
        ((gzip.compress, "data.tar.gz"), (lzma.compress, "data.tar.xz"), (bytes, "data.tar"))
    )
    members = {"debian-binary": b"2.0\n", "control.tar.gz": b"", name: pack(_tar(random, data))}
    whole = random.choice(
        (ar(members), deb({_member(random) or "x": data}), ar({name: b"", **members}))
    )
    return _damaged(random, whole)


def _rpm(random: Random, data: bytes) -> bytes:
    whole = random.choice(
        (
            rpm({_member(random): data}),
            rpm({_member(random): data})[:96] + rpm_header({random.randrange(2000): data[:99]}),
            cpio({_member(random): data}),
        )
    )
    return _damaged(random, whole)


def _image(random: Random, data: bytes) -> bytes:
    inner = image(data)
    small = inner[:64] + inner[100_000:]
    return _damaged(random, random.choice((small, zboot(small), b"MZ" + small, small[:70])))


def _columns(random: Random, data: bytes) -> bytes:
    """Return a Parquet table with columns of odd types, of what the mutated table holds."""
    texts = [line.decode("utf-8", "replace") for line in data.split(b"\n")][:30] or [""]
    kinds: tuple[Callable[[], pa.Array], ...] = (
        lambda: pa.array(texts),
        lambda: pa.array(texts).dictionary_encode(),
        lambda: pa.array([text.encode() for text in texts]),
        lambda: pa.array([[text, None] for text in texts]),
        lambda: pa.array([len(text) for text in texts]),
        lambda: pa.array([len(text) / 3 for text in texts]),
        lambda: pa.array([None] * len(texts)),
        lambda: pa.array([{"a": text} for text in texts]),
        lambda: pa.array(texts, pa.large_string()),
    )
    names = ("host", "kernel", "config", "cpu", "midrs", "cmdline", "vm", "x", "")
    table = pa.table({name: random.choice(kinds)() for name in names if random.random() < 0.8})
    out = io.BytesIO()
    pq.write_table(table, out, compression=random.choice(("snappy", "none", "zstd", "gzip")))
    return _damaged(random, out.getvalue())


def _logs(random: Random, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in ("logs/dmesg", "proc/cpuinfo", "lscpu.txt"):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return _packed(random, random.choice((out.getvalue(), _tar(random, data))))


def _sealed(random: Random, data: bytes) -> bytes:
    """Return evidence with the right checksum, so that what stands in it is read."""
    if random.random() < 0.1:
        return data
    try:
        return sealed(data.decode()).encode()
    except ValueError:
        return data


# --- the table -----------------------------------------------------------------------------------


def _tables() -> Iterator[tuple[str, Parser]]:
    mails = _below("cases/review", ".patch", ".mbox", ".eml") + _below(
        "data/hostile", ".mbox", ".eml"
    )
    diff = _words(
        "diff~--git~a/x~b/x| ---~a/arch/arm64/x.c| +++~b/x| @@~-1,2~+1,3~@@| +static + - ~ \\~No "
        "rename~from GIT~binary~patch @@ --~| #if 0 /dev/null index~1..2"
    )
    c_words = _words(
        "static inline bool (struct~kvm~*kvm) { } return if ( ) && || ! == ; #ifdef~CONFIG_A| #if "
        "#else| #endif| #define~M(a)~a| switch case default: break; while for goto /* */ // \" ' \\ "
        "can_set_direct_map() IS_ENABLED( 0x1UL ? : , -> [ ] true false enum ## # ..."
    )
    kconfig = _words(
        'config~A| menuconfig~B| choice| endchoice| menu~"x"| endmenu| if~A| endif| comment~"x"| '
        'mainmenu~"x" source~"arch/arm64/Kconfig"| |\tbool| |\ttristate~"x"| |\tint| |\thex| '
        "|\tstring| |\tdefault~y |\tdepends~on~ |\tselect~A |\timply~A |\trange~1~2 |\thelp| "
        "|\ttransitional| |\tmodules| |\toptional| |\tvisible~if~ $(shell,x) $(X) X~:=~$(Y)| = != "
        "< >= && || ! ( ) if~A \" ' $( \\ ,"
    )
    settings = _words(
        'CONFIG_KVM=y| CONFIG_X=m| #~CONFIG_KVM~is~not~set| CONFIG_N=0x1| CONFIG_S="a\\"b"| '
        'CONFIG_ = " \\ #~Linux/arm64~7.3.0~Kernel~Configuration| CONFIG_CMDLINE="rodata=on"| n'
    )
    yaml = _words(
        "id: name: vendor: fields: midr: &a *a <<: {} [] [ ] { } ? | > ! !!int !!python/object: "
        "%YAML --- ... ' \" # , 0x 1e999 .nan null ~ true \t |~~- ~~"
    )
    log = _words(
        "[~~~~0.000000]~ Linux~version~7.3.0 Kernel~command~line:~ CPU~features:~detected:~ "
        "Booting~Linux~on~physical~CPU~0x0000000000~[0x410fd401] kvm~[1]:~ EL2 VHE PIPT "
        "Architecture:~aarch64 Model~name:~ processor~:~0 CPU~part~:~0xd40 rodata=on { } [ ] : ,"
    )
    line = _words(
        "rodata=off rodata=on kvm-arm.mode=protected debug_pagealloc=on -- \" ' = , . \\ "
        "kfence.sample_interval=0x \t | arm64.nomte id_aa64mmfr1.vh=0"
    )
    expression = _words('a == != && || ! ( ) 0x10 1 "x" IS_ENABLED( , < >= ? : - ~ true false')
    markdown = _words(
        "<!--~matrix:begin~arm64-overview~--> <!--~matrix:end~--> ```| ~~~~ # ..~ ..~matrix:begin "
        "//~matrix:begin~x //~matrix:end show=causes as=table rows=@server [ ]( * _ ` > - | <pre> "
        "</pre> ---- ==== ++++ |=== <!-- --> \\"
    )
    csv = _words('host,kernel,config,cpu| , " "" ; | 7.3 graviton3 \t =1+1 ../x /dev/zero ,,,,')
    yield (
        "mail",
        Parser(
            read=_mail,
            seeds=mails,
            words=(
                *diff,
                *_words(
                    "From: From~a| Subject:~[PATCH~1/2]~ Content-Type: multipart/mixed; boundary=b --b "
                    "charset=utf-7 charset=idna base64 quoted-printable =?utf-8?q?x?= =3D > >From~ ( ; "
                    "Content-Transfer-Encoding: format=flowed message/rfc822 text/html"
                ),
            ),
        ),
    )
    yield "unified diff", Parser(read=_diff, seeds=mails, words=(*diff, *c_words))
    yield (
        "C",
        Parser(
            read=lambda data: parse_c(_text(data), "a.c"),
            seeds=tuple(b"\n".join(_added(mail)) for mail in mails),
            words=c_words,
        ),
    )
    tree = b'mainmenu "x"\nconfig KVM\n\tbool "kvm"\n\tdepends on A\n\tselect B if A = y\n'
    yield (
        "Kconfig",
        Parser(
            read=_kconfig,
            seeds=(
                tree + b'source "arch/arm64/Kconfig"\n',
                tree + b'choice\n\tprompt "c"\nconfig C\n\tbool "c"\nendchoice\nX := $(shell,a)\n',
                tree + b'menu "m"\n\tvisible if A\nconfig N\n\tint "n"\n\trange 1 A\nendmenu\n',
                tree + b'if A\ncomment "x"\n\tdepends on B || !C\nendif\nconfig M\n\tmodules\n',
            ),
            words=kconfig,
        ),
    )
    configs = (CONFIG, *_below("data/evidence", ".config"))
    yield (
        ".config",
        Parser(
            read=lambda data: read_dotconfig(data, "a", arch="arm64"),
            seeds=(CONFIG[:6000], CONFIG[-6000:], *configs[1:]),
            words=settings,
        ),
    )
    annotations = (DATA / "evidence" / "p10-annotations").read_bytes()
    yield (
        "annotations",
        Parser(
            read=_annotations,
            seeds=(annotations,),
            words=_words(
                "CONFIG_X policy<{'arm64':~'y'}> note<'x'> #~FORMAT:~4 #~FLAVOUR:~arm64-a include~\"x\" "
                "{ } ' \" : , 'arm64-realtime' '-' <"
            ),
        ),
    )
    yield (
        "written forms of a .config",
        Parser(
            read=_written,
            seeds=(
                *_below("data/evidence", ".yml", ".txt"),
                *_below("cases/bad", ".nix"),
                CONFIG[:3000],
            ),
            words=(*settings, *_words("-~CONFIG_X=y| 12:CONFIG_X=y| {~X~=~yes;~} kconfig: x=lib;")),
        ),
    )
    yield (
        "declarations in YAML",
        Parser(read=_yaml, seeds=(GOOD.joinpath("cpu.yaml").read_bytes(),), words=yaml),
    )
    documents = {
        "markdown": b"# a\n\n<!-- matrix:begin arm64-overview -->\nx\n<!-- matrix:end -->\n\n```\nc\n```\n",
        "rst": b"A\n=\n\n.. matrix:begin arm64-overview\n\nx\n\n.. matrix:end\n\n::\n\n   c\n",
        "asciidoc": b"= A\n\n// matrix:begin arm64-overview\nx\n// matrix:end\n\n----\nc\n----\n",
        "html": b"<p>a</p>\n<!-- matrix:begin arm64-overview -->\nx\n<!-- matrix:end -->\n<pre>c</pre>\n",
        "text": b"# matrix:begin arm64-overview\n# x\n# matrix:end\n",
    }
    for form, document in documents.items():
        yield (
            f"blocks in {form}",
            Parser(read=_document(form), seeds=(document, document * 3), words=markdown),
        )
    table = (
        b"host,kernel,config,cpu,cmdline\na,7.3,x.config,graviton3,rodata=on\n"
        + b'"b",,"x",,\n' * 3
    )
    yield (
        "fleet in CSV",
        Parser(
            read=_hosts,
            seeds=(table, (DATA / "evidence" / "p17-nodes.csv").read_bytes()),
            words=csv,
            pack=lambda random, data: data if random.random() < 0.7 else _packed(random, data),
        ),
    )
    yield (
        "fleet in Parquet",
        Parser(read=_hosts, seeds=(table,), words=csv, pack=_columns),
    )
    small = CONFIG[:1500]
    yield ".deb", Parser(read=_inputs, seeds=(small,), words=settings, pack=_deb)
    yield ".rpm", Parser(read=_inputs, seeds=(small,), words=settings, pack=_rpm)
    yield (
        "kernel image",
        Parser(
            read=lambda data: embedded_config(Stream(io.BytesIO(data), "Image")),
            seeds=(small,),
            words=settings,
            pack=_image,
        ),
    )
    yield (
        "packed data",
        Parser(
            read=lambda data: decompress(data, "a", DOTCONFIG),
            seeds=(small,),
            words=settings,
            pack=_packed,
        ),
    )
    evidence = (
        *_below("data/evidence", ".txt", ".json"),
        b"7.3.0-rc7\n",
        b"root=/dev/vda rodata=on\n",
    )
    yield "evidence of a machine", Parser(read=_evidence, seeds=evidence, words=log)
    yield (
        "archives of evidence",
        Parser(read=_archive, seeds=evidence, words=log, pack=_logs),
    )
    yield (
        "command line",
        Parser(
            read=_command_line,
            seeds=(
                b"root=/dev/vda rodata=on quiet",
                b'a="b c" d=e,f -- init',
                b"kvm-arm.mode=nested",
            ),
            words=line,
        ),
    )
    yield (
        "expression",
        Parser(
            read=lambda data: parse(_text(data)),
            seeds=(
                b"can_set_direct_map() && (fwb == 1 || !vhe)",
                b'vm == "nested" && PAGE_SIZE >= 0x1000',
            ),
            words=expression,
        ),
    )
    yield (
        "CPU SPEC",
        Parser(
            read=_cpu,
            seeds=(
                b"graviton3",
                b"cortex-a55+cortex-a76",
                b"neoverse-v1,dic=0",
                b"midr=0x411fd401",
            ),
            words=_words("+ , = fwb=1 dic=0 idc=x midr=0x @server qemu-max m7g.metal @ graviton3"),
        ),
    )
    yield (
        "cell",
        Parser(
            read=lambda data: parse_cell(_study(), _text(data)),
            seeds=(
                b"cpu=cortex-a710,kernel=7.3",
                b"boot.rodata=off,vm=nested",
                b'cpu="neoverse-v1,dic=0"',
            ),
            words=_words(
                'cpu= kernel=7.3 boot. rodata=off vm=nested , = " host= pages=4k page_size'
            ),
        ),
    )
    yield (
        "selection and view",
        Parser(
            read=_view,
            seeds=(
                b"cpu\nkernel,vm\nvm=nested\nfwb == 1",
                b'kernel\ncpu,boot.rodata\n\nvm == "mte"',
            ),
            words=(*expression, *_words("cpu kernel vm boot.rodata , = * | verdict fwb nested")),
        ),
    )
    yield (
        "settings in TOML",
        Parser(
            read=lambda data: load_settings(_file(data, "matrix.toml")),
            seeds=(
                b'[validate]\nfail_on = ["unsound"]\ncpus = ["graviton3"]\nkernel = "7.3"\n'
                b'[releases]\n"a.config" = "7.3"\n',
            ),
            words=_words(
                "[validate] [[mute]] [releases] = \" ' ''' [ ] { } . # 1e9 1979-05-27 true , \\u"
            ),
        ),
    )
    yield (
        "baseline",
        Parser(
            read=lambda data: load_baseline(_file(data, "baseline.json")),
            seeds=(
                b'{"schema": "matrix/baseline/1", "findings": [{"file": "a", "capability": "c", '
                b'"predicate": "v", "vm": "default", "cpu": "b", "verdict": "unsound", "violates": ""}]}',
            ),
            words=_words(
                '{ } [ ] : , "schema" "matrix/baseline/1" null true 1e999 -0 "\\ud800" "findings"'
            ),
        ),
    )
    yield (
        "readings of a machine",
        Parser(
            read=lambda data: load_bundle(
                _file(data, "host.json"), _LIBRARY.knowledge.architectures
            ),
            seeds=tuple(map(_short_bundle, sorted((DATA / "probed").glob("*.gz"))[:3])),
            words=_words('{ } [ ] : , "schema" "value" "source" null true 1e999 "\\ud800" 0x'),
        ),
    )
    yield (
        "evidence of a profile",
        Parser(
            read=lambda data: load_evidence(_file(data, "evidence.json")),
            seeds=(_evidence_document(),),
            words=_words('{ } [ ] : , "places" "pieces" "derived" null 1 "x" "absent" |'),
            pack=_sealed,
        ),
    )


def _added(mail: bytes) -> Iterator[bytes]:
    return (
        line[1:] for line in mail.split(b"\n") if line[:1] in (b"+", b" ") and line[:3] != b"+++"
    )


def _short_bundle(path: Path) -> bytes:
    """Return the readings of a machine with the beginning of its `.config` alone."""
    document = json.loads(gzip.decompress(path.read_bytes()))
    config = document["readings"]["config"]
    config["value"] = config["value"] and config["value"][:300]
    return json.dumps(document, indent=1).encode()


def _evidence_document() -> bytes:
    """Return a recorded profile of which two entries of each kind are left."""
    path = ROOT.parent / "configs" / "kernels" / "evidence" / "linux-7.3-arm64.json"
    document = json.loads(path.read_bytes())
    del document["checksum"]
    for name, value in document.items():
        if isinstance(value, dict):
            document[name] = dict(list(value.items())[:2])
        elif isinstance(value, list):
            document[name] = value[:2]
    return sealed(json.dumps(document, indent=1)).encode()


class _ReadError(Exception):
    """A view was read as far as the study has to be solved."""


def _view(data: bytes) -> object:
    rows, columns, fixed, where = [*_text(data).split("\n"), "", "", ""][:4]
    asked = Asked(
        rows=rows or None,
        columns=tuple(filter(None, columns.split(","))),
        fixed=tuple(filter(None, [fixed])),
        where=where or None,
    )

    def stop() -> SolvedStudy:
        raise _ReadError

    try:
        return viewed(_study(), stop, asked)
    except _ReadError:
        where_condition(asked.where)
        return None


_TREE = small_tree(_FOLDER / "tree", "")
PARSERS = dict(_tables())
