"""Patches come out of mails as they were sent, however a mail is encoded, quoted or cut."""

from __future__ import annotations

import base64
import contextlib
import gzip
import textwrap
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st
from unidiff.patch import PatchSet

from matrix.diagnostics import InputError
from matrix.door.bounded import InputKind, read_bounded
from matrix.kernel.patch.diff import Patch, read_patches
from matrix.kernel.patch.mail import read_mails
from tests.cpu_bound import cpu_bound

CASES = Path(__file__).resolve().parents[2] / "cases" / "review"
WHOLE = sorted(
    path.name for path in CASES.glob("*.patch") if path.stem not in ("bad-hunk", "empty")
)
PATCH = (CASES / "helper.patch").read_text("utf-8")


def patches_of(text: str | bytes) -> list[Patch]:
    data = text.encode() if isinstance(text, str) else text
    return [patch for mail in read_mails(data, "a.mbox") for patch in read_patches(mail)]


def signed_lines(patch: Patch) -> list[tuple[str | None, list[list[tuple[str, str]]]]]:
    """Return the files of a patch, each hunk as (sign, text) pairs."""
    return [
        (
            file.path,
            [[(line.kind, line.text.rstrip()) for line in hunk.lines] for hunk in file.hunks],
        )
        for file in patch.files
    ]


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_patch_is_what_unidiff_reads(name: str) -> None:
    """Another reader of diffs, on patches that no reply cut."""
    text = (CASES / name).read_text("utf-8")
    expected = [
        (file.path, [[(line.line_type, line.value.rstrip()) for line in hunk] for hunk in file])
        for file in PatchSet(text)
    ]
    (patch,) = patches_of(text)
    assert signed_lines(patch) == expected


@hypothesis.given(
    depth=st.integers(1, 4),
    style=st.sampled_from(("> ", ">")),
    inner=st.sampled_from(("> ", ">")),
    strip=st.booleans(),
    remarks=st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from(("Why?", "No.", "- not so"))), max_size=5
    ),
)
def test_quoting_loses_nothing(
    depth: int, style: str, inner: str, strip: bool, remarks: list[tuple[int, str]]
) -> None:
    """Every level and style, blank lines cut or not, with remarks in between."""
    (sent,) = patches_of(PATCH)
    prefix = inner * (depth - 1) + style
    quoted = []
    for line in PATCH.split("\n")[5:]:
        text = f"{prefix}{line}"
        quoted.append(text.rstrip() if strip and not line.strip() else text)
    for at, remark in remarks:
        quoted[at:at] = ["", remark, ""]
    (read,) = patches_of("\n".join(["Hi,", "", *quoted, ""]))
    assert signed_lines(read) == signed_lines(sent)
    assert read.level.depth == depth


def test_remarks_are_kept_with_what_they_follow() -> None:
    (patch,) = patches_of((CASES / "reply-of-a-reply.mbox").read_bytes())
    found = [(comment.text, comment.above[-1].text) for comment in patch.comments]
    assert found[0] == (
        "Is 4 KiB meant, or PAGE_SIZE?",
        "Without DIC the first instruction fetch needs the alias at 4 KiB.",
    )
    assert ("The #ifdef is idle, KVM selects it.", "+#ifdef CONFIG_KVM_GUEST_MEMFD") in found
    assert all("A. Reviewer" not in text for text, _ in found), "a signature is no remark"


@pytest.mark.parametrize(
    "name", ["base64.mbox", "quoted-printable.mbox", "attachment.mbox", "flowed.mbox"]
)
def test_an_encoding_changes_nothing(name: str) -> None:
    (patch,) = patches_of((CASES / name).read_bytes())
    (plain,) = patches_of((CASES / "thread.mbox").read_bytes())[:1]
    added = [
        [line.text for hunk in patch.files[0].hunks for line in hunk.lines if line.kind == "+"]
        for patch in (patch, plain)
    ]
    assert added[0][1:-1] == added[1], "the other has no #ifdef around it"


def test_the_number_of_a_line_is_that_of_the_file() -> None:
    data = (CASES / "attachment.mbox").read_bytes()
    (patch,) = patches_of(data)
    lines = data.decode().split("\n")
    for line in patch.files[0].hunks[0].lines:
        assert lines[line.number - 1][1:] == line.text


@pytest.mark.parametrize(
    "data",
    [
        PATCH.replace("\n", "\r\n").encode(),
        b"\xff\xfe" + PATCH.encode("utf-16-le"),
        b"\xfe\xff" + PATCH.encode("utf-16-be"),
        b"\xef\xbb\xbf" + PATCH.encode(),
        gzip.compress(PATCH.encode()),
        PATCH.replace("A. Reviewer", "R\xe9viseur").encode("latin-1"),
        PATCH.partition("\n---\n")[2].encode(),
        PATCH.partition("diff --git")[2].partition("\n")[2].encode(),
    ],
    ids=["crlf", "utf-16-le", "utf-16-be", "bom", "gzip", "latin-1", "no-headers", "no-git-line"],
)
def test_forms_in_which_people_save_patches(data: bytes) -> None:
    sent = signed_lines(patches_of(PATCH)[0])
    read = signed_lines(patches_of(data)[0])
    assert [(path, hunks) for path, hunks in read] == sent


def test_an_mbox_is_cut_at_its_mails_only() -> None:
    text = (
        (CASES / "series.mbox")
        .read_text()
        .replace("Without DIC", "From 1999 on nobody asked.\nWithout DIC")
    )
    assert len(read_mails(text.encode(), "a.mbox")) == 2


def codes(data: bytes) -> list[str]:
    with pytest.raises(InputError) as caught:
        patches_of(data)
    return [item.code for item in caught.value.diagnostics]


def test_what_is_no_text_is_said() -> None:
    assert codes(b"") == ["MX1203"]
    assert codes(b"\n\n") == ["MX1203"]
    assert codes(b"\x7fELF\0\0") == ["MX1204"]
    mail = (
        "From: a@example.org\nSubject: x\nContent-Type: text/plain\n"
        "Content-Transfer-Encoding: base64\n\n"
    )
    assert codes((mail + base64.b64encode(b"\0\1\2").decode() + "\n").encode()) == ["MX1204"]
    assert codes((mail + "!!!!\n").encode()) == ["MX1205"]


@pytest.mark.parametrize(
    "header",
    [
        "Content-Disposition: attachment; filename*=idna''%ff.patch",
        "Content-Type: text/plain; name*=undefined''x.patch",
        "Content-Type: multipart/mixed; boundary*=idna''%ff",
    ],
)
def test_a_name_in_a_character_set_of_no_mail(header: str) -> None:
    """RFC 2231: the standard library decodes it in whatever codec is named, and fails."""
    assert codes(f"From: a@example.org\nSubject: x\n{header}\n\nx\n".encode()) == ["MX1205"]


def test_no_file_is_read_past_its_bound(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 11)
    kind = InputKind(limit=10, unreadable="MX1201", too_large="MX1202", hint="give less")
    with pytest.raises(InputError) as caught:
        read_bounded(tmp_path / "large", kind)
    assert [item.code for item in caught.value.diagnostics] == ["MX1202"]


@hypothesis.given(st.data())
def test_no_text_crashes_the_reader(data: st.DataObject) -> None:
    """Mails cut, doubled and mixed anywhere: patches or diagnostics, never another error."""
    source = data.draw(st.sampled_from(sorted(CASES.glob("*.mbox")))).read_bytes()
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, len(source)))
    noise = data.draw(st.binary(max_size=8))
    with contextlib.suppress(InputError):
        patches_of(source[start:end] + noise + source[:start])


def test_a_wrapped_line_is_joined_again() -> None:
    patch = textwrap.dedent(
        """\
        > @@ -1,2 +1,3 @@
        >  a
        > +\treturn one() &&
        > two();
        >  b
        """
    )
    (read,) = patches_of(patch)
    assert [line.text for line in read.files[0].hunks[0].lines] == [
        "a",
        "\treturn one() && two();",
        "b",
    ]


SENDER = b"From: Ada <ada@example.org>\nSubject: a check\n"


def typed(kind: bytes) -> bytes:
    """Return a mail with a patch whose header says that it is of this type."""
    return SENDER + b"Content-Type: " + kind + b"\n\n" + PATCH.encode()


# Each took minutes, or ended in a traceback, with the standard library's parser of headers or a
# regular expression that could match in many ways.
READ_AT_ONCE = {
    "lines-of-crlf-that-end-no-header": SENDER.replace(b"\n", b"\r\n")
    + b"X: y\r\n" * 100_000
    + b">From me\r\n\r\n"
    + PATCH.encode(),
    "subject-of-1-MB": b"Subject: " + b"word " * 200_000 + b"\n" + typed(b"text/plain"),
    "subject-of-encoded-words": b"Subject: "
    + b"=?utf-8?q?a?= " * 50_000
    + b"\n"
    + typed(b"text/a"),
    "comments-in-comments": b"To: " + b"(" * 60_000 + b"\n" + typed(b"text/plain"),
    "quotes-that-do-not-end": b'Cc: "a\\" <x@y.z>, ' * 20_000 + b"\n" + typed(b"text/plain"),
    "type-of-parentheses": typed(b"(((("),
    **{
        f"charset-{name}": typed(f"text/plain; charset={name}".encode())
        for name in ("idna", "punycode", "undefined", "utf-7", "hex", "rot13", "x" * 5000, "mbcs")
    },
}
REFUSED_AT_ONCE = {
    "60,000-mails": (b"From a@b Mon Jan 1 00:00:00 2024\n" + SENDER + b"\nx\n") * 60_000,
    "mails-in-mails": SENDER + b"Content-Type: message/rfc822\n\n" * 3_000,
    "levels": SENDER
    + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level)
        for level in range(2_000)
    ),
    "parts": SENDER + b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 5_000,
    "parameters-in-pieces": typed(b"text/plain" + b"; a*0*=b" * 50_000),
    "lines": b"\n" * 1_000_001 + PATCH.encode(),
}


@pytest.mark.parametrize("case", sorted(READ_AT_ONCE))
def test_a_hostile_mail_is_read_at_once(case: str) -> None:
    with cpu_bound(seconds=10):
        (patch,) = patches_of(READ_AT_ONCE[case])
    assert signed_lines(patch) == signed_lines(*patches_of(PATCH))


@pytest.mark.parametrize("case", sorted(REFUSED_AT_ONCE))
def test_what_would_cost_too_much_is_refused_at_once(case: str) -> None:
    with cpu_bound(seconds=10):
        assert codes(REFUSED_AT_ONCE[case]) == ["MX1202"]


def test_no_text_of_a_mail_has_half_a_character() -> None:
    """UTF-7 can spell one, and no output could be written."""
    header = SENDER + b"Content-Type: text/plain; charset=utf-7\n\n"
    (mail,) = read_mails(header + b"half +2D8- whole +AOk-\n", "a.mbox")
    assert mail.lines[0].text == "half ? whole \u00e9"
