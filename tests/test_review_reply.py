"""The reply of `matrix review` as a maintainer gets it: order, quoting, headers, diff, facts.

What it says is held against the fleet, `simulate` and the kernel's own lines; what it is, against
Python's mail parser and git.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import mailbox
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from matrix.schema.files import Kind
from tests.cli_runner import run_cli
from tests.unit.schema.declarations import errors, replace

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases" / "review"
BOOTED = ROOT / "tests" / "data" / "booted"
HEADERS = """\
From maz@kernel.org Tue Apr 21 16:55:05 2026
Return-Path: <maz@kernel.org>
Date: Tue, 21 Apr 2026 17:55:05 +0100
Message-ID: <86aaaaaaaa.wl-maz@kernel.org>
From: Marc Zyngier <maz@kernel.org>
To: "Kalyazin, Nikita" <kalyazin@amazon.co.uk>
Cc: =?utf-8?q?Andr=C3=A9_Example?= <andre@example.org>,
\tlinux-arm-kernel@lists.example.org
Subject: Re: [PATCH v12 09/16] KVM: arm64: define kvm_arch_gmem_supports_no_direct_map()
In-Reply-To: <20260410151746.0001-9-kalyazin@example.org>
References: <20260410151746.0001-0-kalyazin@example.org>
\t<20260410151746.0001-9-kalyazin@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=US-ASCII

"""


@pytest.fixture(scope="module")
def seed(shared_data: Path) -> Path:
    return shared_data / "data" / "patches" / "v12-09-16-review.txt"


@pytest.fixture(scope="module")
def text(seed: Path) -> str:
    return run_cli("review", str(seed)).out


@pytest.fixture(scope="module")
def rebuilt(seed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mail with headers, as a mailbox has it: what the archive's page lacks is invented."""
    page = seed.read_text()
    path = tmp_path_factory.mktemp("mail") / "reply.mbox"
    path.write_text(HEADERS + page[page.index("On Fri, 10 Apr 2026") :])
    return path


@pytest.fixture(scope="module")
def mail(rebuilt: Path) -> str:
    return run_cli("review", str(rebuilt), "--format", "mbox").out


@pytest.fixture(scope="module")
def tree(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of 7.3 that the reply names."""
    path = tmp_path_factory.mktemp("linux-7.3")
    headers = ("asm/kvm_host.h", "asm/kvm_mmu.h")
    wanted = ("kvm/mmu.c", "kvm/Kconfig", "mm/mmu.c", "mm/pageattr.c", *headers)
    with tarfile.open(shared_data / "data" / "kernels" / "linux-7.3-subset.tar.xz") as packed:
        for member in packed:
            if "/arm64/" in member.name and member.name.endswith(wanted):
                packed.extract(member, path, filter="data")
    return path


def parsed(text: str) -> EmailMessage:
    first, _, rest = text.partition("\n")
    assert re.fullmatch(r"From [0-9a-f]{40} Mon Sep 17 00:00:00 2001", first)
    message = email.message_from_string(rest, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def diff_of(text: str) -> str:
    return text[text.index("--- a/") :]


def own_lines(text: str) -> list[str]:
    """The lines that are neither quoted nor code of the diff."""
    return [line for line in text[: text.index("--- a/")].split("\n") if not line.startswith(">")]


def test_the_reply_is_short_and_narrow(text: str) -> None:
    assert len(text.splitlines()) <= 60
    assert max(map(len, own_lines(text))) <= 72
    assert "`" not in "".join(own_lines(text))


def test_quotations_are_lines_of_the_mail_in_its_order(seed: Path, text: str) -> None:
    lines = seed.read_text().split("\n")
    at = -1
    for line in text.split("\n"):
        if line.startswith("> "):
            at = lines.index(line[2:], at + 1)
    assert at > 70, "the last question is answered last"


def test_each_answer_stands_under_what_it_answers(text: str) -> None:
    """The patch's own words are two levels deep, those of the reply to it one."""
    answers = re.split(r"\n\n(?=>)", text)
    assert [part.count("\n> ") + part.startswith("> ") for part in answers] == [4, 2, 1, 1]
    pages, guard, check, place = answers
    assert "\n> > the direct map is not possible (BBM" in pages
    assert '\n> "PAGE_SIZE"?\n\nNot so in 6.18, 7.2 and 7.3: with BBML2' in pages
    assert "split_kernel_leaf_mapping()" in pages
    assert "PAGE_SIZE is meant (4, 16 and 64 kB are alike)" in " ".join(pages.split())
    assert guard.startswith(
        "> > +#ifdef CONFIG_KVM_GUEST_MEMFD\n>         select KVM_GUEST_MEMFD\n"
    )
    assert "\nWith CONFIG_KVM always true in 6.18, 7.2 and 7.3: KVM selects" in guard
    assert check.startswith("> > +\treturn can_set_direct_map() && ")
    assert "\n- IC IVAU on __va(P), which is not mapped" in check
    assert "Arm ARM DDI 0487, IC IVAU" in check
    assert place.startswith("> have to move. How about doing it right now?\n\n")
    assert "struct kvm is only\ndeclared here." in place


def test_the_two_forms_of_the_mail_have_one_answer(text: str, mail: str) -> None:
    body = parsed(mail).get_content()
    first, _, rest = body.partition("\n")
    assert first == "On Tue, 21 Apr 2026 17:55:05 +0100, Marc Zyngier wrote:"
    assert text.partition("\n")[0] == "On Tue Apr 21 09:55:05 PDT 2026, Marc Zyngier wrote:"
    assert rest == text.partition("\n")[2]


def test_the_headers_answer_the_mail(mail: str) -> None:
    message = parsed(mail)
    assert message["Subject"] == (
        "Re: [PATCH v12 09/16] KVM: arm64: define kvm_arch_gmem_supports_no_direct_map()"
    )
    assert message["In-Reply-To"] == "<86aaaaaaaa.wl-maz@kernel.org>"
    assert str(message["References"]).split() == [
        "<20260410151746.0001-0-kalyazin@example.org>",
        "<20260410151746.0001-9-kalyazin@example.org>",
        "<86aaaaaaaa.wl-maz@kernel.org>",
    ]
    assert [str(one) for one in message["To"].addresses] == ["Marc Zyngier <maz@kernel.org>"]
    assert [(one.display_name, one.addr_spec) for one in message["Cc"].addresses] == [
        ("Kalyazin, Nikita", "kalyazin@amazon.co.uk"),
        ("André Example", "andre@example.org"),
        ("", "linux-arm-kernel@lists.example.org"),
    ]


def test_a_page_of_an_archive_names_its_people(seed: Path) -> None:
    ran = run_cli("review", str(seed), "--kernel", "7.3", "--format", "mbox")
    message = parsed(ran.out)
    assert str(message["To"]) == "Marc Zyngier <maz@kernel.org>"
    assert [one.addr_spec for one in message["Cc"].addresses] == [
        "kalyazin@amazon.co.uk",
        "patrick.roy@linux.dev",
        "will@kernel.org",
        "david@kernel.org",
        "nikita.kalyazin@linux.dev",
    ]
    assert message["In-Reply-To"] is None
    assert "warning[MX1226]: the text has no Message-ID" in ran.err


def test_git_reads_the_mail(mail: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["git", "mailinfo", str(tmp_path / "message"), str(tmp_path / "patch")],
        input=mail.encode(),
        capture_output=True,
        check=True,
        cwd=tmp_path,
    )
    assert b"Subject: KVM: arm64: define kvm_arch_gmem_supports_no_direct_map()" in done.stdout
    assert (tmp_path / "patch").read_text() == diff_of(mail)
    box = tmp_path / "box"
    box.write_text(mail)
    with contextlib.closing(mailbox.mbox(box)) as mails:
        assert len(mails) == 1


def applied(
    tree: Path, patch: str, folder: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    """Apply a diff to a copy of the tree."""
    copy = folder / "linux"
    shutil.copytree(tree, copy)
    subprocess.run(["git", "init", "-q", str(copy)], check=True)
    return subprocess.run(
        ["git", "apply", *options],
        cwd=copy,
        input=patch,
        capture_output=True,
        text=True,
        check=False,
    )


def posted_hunk(seed: Path) -> str:
    """The hunk of the posted patch that adds the function, without its quote marks."""
    quoted = [line[2:] for line in seed.read_text().split("\n") if line.startswith("> ")]
    start = next(at for at, line in enumerate(quoted) if line.startswith("@@ -1682"))
    lines = quoted[start + 1 : quoted.index("+#endif /* CONFIG_KVM_GUEST_MEMFD */") + 1]
    old = sum(not line.startswith("+") for line in lines)
    path = "arch/arm64/include/asm/kvm_host.h"
    head = f"--- a/{path}\n+++ b/{path}\n@@ -1682,{old} +1683,{len(lines)} @@\n"
    return head + "\n".join(lines) + "\n"


def test_the_diff_applies_where_the_posted_hunk_does(
    seed: Path, tree: Path, mail: str, tmp_path: Path
) -> None:
    """The quotation has lost the lines behind the hunk, so git must ask for fewer: -C1."""
    posted = applied(tree, posted_hunk(seed), tmp_path / "posted", "--check", "-C1")
    if posted.returncode:
        pytest.skip(f"the posted hunk does not apply to 7.3: {posted.stderr}")
    done = applied(tree, mail, tmp_path / "reply", "-C1")
    assert done.returncode == 0, done.stderr
    copy = tmp_path / "reply" / "linux" / "arch" / "arm64"
    name = "kvm_arch_gmem_supports_no_direct_map"
    before, after = (
        (root / "include/asm/kvm_host.h").read_text() for root in (tree / "arch/arm64", copy)
    )
    declared = f"bool {name}(struct kvm *kvm);\n#define {name} {name}\n"
    assert after.replace(declared, "") == before
    assert "static" not in diff_of(mail).replace("static __always_inline enum", "")
    before, after = ((root / "kvm/mmu.c").read_text() for root in (tree / "arch/arm64", copy))
    assert after.startswith(before)
    assert after.removeprefix(before).startswith(f"\nbool {name}(struct kvm *kvm)\n{{\n\treturn ")


def test_a_whole_hunk_needs_no_option(tree: Path, tmp_path: Path) -> None:
    path = "arch/arm64/include/asm/kvm_host.h"
    lines = (tree / path).read_text().split("\n")
    last = next(at for at, line in enumerate(lines) if line.startswith("long kvm_get_cap_for"))
    context = [f" {line}" for line in lines[last - 2 : last + 1]]
    check = [
        "+static inline bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)",
        "+{",
        "+\treturn can_set_direct_map();",
        "+}",
    ]
    body = [*context, *check, *(f" {line}" for line in lines[last + 1 : last + 4])]
    patch = tmp_path / "own.patch"
    patch.write_text(
        "From: T <t@example.org>\nSubject: [PATCH] x\n\n"
        f"--- a/{path}\n+++ b/{path}\n@@ -{last - 1},6 +{last - 1},10 @@\n" + "\n".join(body) + "\n"
    )
    ran = run_cli("review", str(patch), "--kernel", "7.3")
    done = applied(tree, ran.out, tmp_path / "applied")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def of_tree(seed: Path, kernel_tree: Callable[[str], Path]) -> tuple[Path, str]:
    """The tree of 7.3 and the diff that a review against it proposes."""
    tree = kernel_tree("7.3")
    ran = run_cli("review", str(seed), "--tree", str(tree), "--format", "json")
    diff: str = json.loads(ran.out)["suggestion"]["diff"]
    return tree, diff


def test_with_a_tree_git_takes_the_diff_as_it_is(of_tree: tuple[Path, str], tmp_path: Path) -> None:
    tree, diff = of_tree
    files = re.findall(r"^--- a/(.*)$", diff, re.MULTILINE)
    assert files == ["arch/arm64/include/asm/kvm_host.h", "arch/arm64/kvm/mmu.c"]
    some = tmp_path / "some"
    for name in files:
        (some / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tree / name, some / name)
    done = applied(some, f"{diff}\n", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    # v12's hunk of `#include <linux/set_memory.h>` is not in the quotation of the function.
    after = (tmp_path / "linux" / "arch/arm64/kvm/mmu.c").read_text()
    assert "#include <linux/set_memory.h>\n" in after


_DEFINES = {
    "can_set_direct_map": "arch/arm64/include/asm/set_memory.h",
    "icache_is_aliasing": "arch/arm64/include/asm/cache.h",
    "is_protected_kvm_enabled": "arch/arm64/include/asm/virt.h",
    "cpus_have_final_cap": "arch/arm64/include/asm/cpufeature.h",
}


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_gcc_accepts_what_the_diff_adds(of_tree: tuple[Path, str], tmp_path: Path) -> None:
    """The function and its header lines, with the tree's own declarations of what they call."""
    tree, diff = of_tree
    added = [line[1:] for line in diff.split("\n") if re.match(r"\+(?!\+\+)", line)]
    declarations = []
    for name, path in _DEFINES.items():
        found = re.search(
            rf"^(?:static __always_inline |static inline )?((?:bool|int) {name}\([^)]*\))",
            (tree / path).read_text(),
            re.MULTILINE,
        )
        assert found, name
        declarations.append(f"{found[1]};")
    host = (tree / "arch/arm64/include/asm/kvm_host.h").read_text()
    macro = re.search(r"^#define kvm_vm_is_protected\(kvm\).*$", host, re.MULTILINE)
    caps = (tree / "arch/arm64/tools/cpucaps").read_text().split()
    assert {"HAS_STAGE2_FWB", "HAS_CACHE_DIC"} <= set(caps)
    assert macro
    unit = [
        "#include <stdbool.h>",
        "struct pkvm { bool is_protected; };",
        "struct kvm { struct { struct pkvm pkvm; } arch; };",
        "enum { ARM64_HAS_STAGE2_FWB, ARM64_HAS_CACHE_DIC };",
        *declarations,
        macro[0],
        *(line for line in added if not line.startswith("#include")),
    ]
    source = tmp_path / "check.c"
    source.write_text("\n".join(unit) + "\n")
    done = subprocess.run(
        ["gcc", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-std=gnu11", str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def place(word: str) -> str:
    """The path of a header as it is included."""
    return f"arch/arm64/include/{word}" if word.startswith("asm/") else word


def test_each_line_it_cites_says_so_in_the_kernel(tree: Path, text: str) -> None:
    said = {
        "arch/arm64/mm/mmu.c": "split_kernel_leaf_mapping(",
        "arch/arm64/mm/pageattr.c": "bool can_set_direct_map(",
        "arch/arm64/kvm/Kconfig": "select KVM_GUEST_MEMFD",
        "asm/kvm_mmu.h": "icache_inval_pou(",
    }
    cited = re.findall(r"\(((?:arch|asm)/[\w./]+):(\d+)\)", " ".join(own_lines(text)))
    assert {path for path, _ in cited} == {*said, "arch/arm64/kvm/mmu.c"}
    for path, number in cited:
        line = (tree / place(path)).read_text().split("\n")[int(number) - 1]
        assert said.get(path, "") in line
    faults = [int(number) for path, number in cited if path == "arch/arm64/kvm/mmu.c"]
    source = (tree / "arch/arm64/kvm/mmu.c").read_text().split("\n")
    assert "ret = -EFAULT;" in "\n".join(source[faults[0] - 1 : faults[0] + 3])


def test_the_end_of_the_file_is_as_declared(tree: Path, text: str) -> None:
    lines = (tree / "arch/arm64/kvm/mmu.c").read_text().rstrip("\n").split("\n")
    header = next(line for line in text.split("\n") if line.startswith("@@ -27"))
    assert header.startswith(f"@@ -{len(lines)} +{len(lines)},")
    assert any(line == header.partition("@@ v")[2].join(["v", ""]) for line in lines[-20:])


def test_its_command_shows_what_it_says(text: str) -> None:
    (command,) = re.findall(r"^\$ matrix (simulate .*)$", text, re.MULTILINE)
    found = json.loads(run_cli(*command.split(), "--format", "json").out)["cells"]
    bullets = [
        " ".join(item.split()) for item in re.findall(r"^- .*(?:\n  .*)*", text, re.MULTILINE)
    ]
    assert len(found) == 2 < len(bullets)
    for cell, said in zip(found, bullets, strict=False):
        messages = [item["message"] for item in cell["violations"]]
        assert messages[0] in said
        assert all(message in said for message in messages)
        sources = [
            source
            for step in cell["violations"][0]["trace"]
            for operation in step["operations"]
            for source in str(operation["source"]).split("; ")
        ]
        path, line = re.search(r"\(((?:arch|asm)/[\w./]+):(\d+)\)", said).groups()  # type: ignore[union-attr]
        assert any(re.match(rf"{re.escape(place(path))}:{line}\b", source) for source in sources)
    assert "-EFAULT" in json.dumps(found[1]["violations"][0]["trace"])


def unsound(folder: Path, cmdline: str, *options: str) -> set[str]:
    """The CPUs of the database on which the fleet says unsound, with a booted kernel's .config."""
    listed = json.loads(run_cli("cpus", "list", "--format", "json").out)["cpus"]
    config = BOOTED / "7.3.config"
    rows = [
        f"{one['id']},7.3,{config},{one['id']},{cmdline}"
        for one in listed
        if one["arch"] == "arm64"
    ]
    hosts = folder / "hosts.csv"
    hosts.write_text("\n".join(["host,kernel,config,cpu,cmdline", *rows]) + "\n")
    sets = [word for option in options for word in ("--set", option)]
    answer = json.loads(
        run_cli("fleet", str(hosts), "--allow-outside", "--format", "json", *sets).out
    )
    groups = [group for group in answer["groups"] if group["verdict"] == "unsound"]
    return {cpu for group in groups for cpu in group["cpus"]}


def test_its_cpus_are_those_of_the_fleet(text: str, tmp_path: Path) -> None:
    """One CPU lacks the granule of that .config: it stands under its own condition."""
    fetch, fails, _ = (
        " ".join(item.split()) for item in re.findall(r"^- .*(?:\n  .*)*", text, re.MULTILINE)
    )
    by_default = unsound(tmp_path, "")
    named = re.search(r"By default: (.*?); with host", fetch)
    assert named
    assert set(re.split(r", | and ", named[1])) == by_default
    hidden = unsound(tmp_path, "", "host=l1-dic-hidden") - by_default
    assert f"stays visible): {len(hidden)} CPUs;" in fetch
    assert fetch.count("hisi-0xd22") == 1
    protected = unsound(tmp_path, "kvm-arm.mode=protected", "vm=protected")
    assert f"vm=protected: {len(protected) + 1} CPUs." in fails


def test_traces_are_for_who_asks(seed: Path, text: str) -> None:
    assert "icache_inval_pou" not in text
    traced = run_cli("review", str(seed), "--kernel", "7.3", "--traces").out
    assert "icache_inval_pou (breaks): IC IVAU on __va(P)" in traced
    assert "map_clean_dcache: P, one page; returns: FWB" in traced
    assert re.search(r"^ +direct map of P +4 KiB page +\* invalid$", traced, re.MULTILINE)
    assert max(map(len, own_lines(traced))) <= 80


def test_a_message_that_does_not_say_so_is_not_contradicted(rebuilt: Path, tmp_path: Path) -> None:
    silent = tmp_path / "silent.mbox"
    silent.write_text(rebuilt.read_text().replace("is not possible", "takes a while"))
    document = json.loads(run_cli("review", str(silent), "--kernel", "7.3", "--format", "json").out)
    assert document["statements"] == []
    said = json.loads(run_cli("review", str(rebuilt), "--kernel", "7.3", "--format", "json").out)
    (statement,) = said["statements"]
    assert statement["claim"] == "blocks-never-broken-up"
    assert statement["kernels"] == ["7.3"]
    lines = rebuilt.read_text().split("\n")
    assert "is not possible" in lines[statement["lines"][-1] - 1]


def test_a_pattern_of_a_claim_that_is_none_is_refused() -> None:
    wrong = replace('description: "it can"', 'description: "it can", said: "not (possible"')
    (found,) = errors({Kind.MATRIX: wrong})
    assert found.code == "MX0224"
    assert "this is no pattern: missing )" in found.message


def test_what_the_reply_leaves_out_is_said_to_who_sends_it() -> None:
    ran = run_cli("review", str(CASES / "only-the-lines.mbox"), "--kernel", "7.3")
    assert "warning[MX1225]: this question has no answer in the reply: Who is going to" in ran.err
    assert "Who is going to" not in ran.out


HOSTILE = """\
From: =?utf-8?q?Eve=0D=0ABcc=3A_victim=40example=2Eorg?= <eve@example.org>
To: "A \\"quoted\\" <x@y>, B" <a@example.org>, =?utf-8?b?G1sybQ==?= <esc@example.org>,
 bad address <no at example.org>, "=?utf-8?q?x?=" <word@example.org>
Cc: ok@example.org\x0b, \u202eevil@example.org, <script@example.org>
Date: Mon, 4 May 2026 10:00:00 +0000\x1b[31m
Message-ID: <a b@example.org> <id@example.org>
References: <one@example.org> x: y <two@example.org>
Subject: =?utf-8?q?=5BPATCH=5D_x=0AX-Injected=3A_1?= =?utf-8?q?_=E2=80=AE?=

From here on `*it*` <b>breaks</b> at 4 KiB.

--- a/arch/arm64/include/asm/kvm_host.h
+++ b/arch/arm64/include/asm/kvm_host.h
@@ -1,1 +1,5 @@ From x\x1b[2J
 From nobody Mon Sep 17 00:00:00 2001\x1b]0;title\x07
+static inline bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)
+{
+\treturn can_set_direct_map() && cpus_have_final_cap(ARM64_HAS_STAGE2_FWB);
+}
"""


def test_hostile_names_stay_in_their_header(tmp_path: Path) -> None:
    file = tmp_path / "hostile.patch"
    file.write_text(HOSTILE)
    ran = run_cli("review", str(file), "--kernel", "7.3", "--format", "mbox")
    assert ran.code == 1, ran.err
    message = parsed(ran.out)
    assert set(message.keys()) == {
        "Subject",
        "To",
        "Cc",
        "In-Reply-To",
        "References",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    }
    assert [one.addr_spec for one in message["To"].addresses] == ["eve@example.org"]
    assert "\n" not in message["To"].addresses[0].display_name
    people = {one.addr_spec: one.display_name for one in message["Cc"].addresses}
    assert set(people) == {
        "a@example.org",
        "esc@example.org",
        "word@example.org",
        "ok@example.org",
        "script@example.org",
    }
    assert people["a@example.org"] == 'A "quoted" <x@y>, B'
    assert message["In-Reply-To"] == "<id@example.org>"
    assert str(message["References"]).split() == [
        "<one@example.org>",
        "<two@example.org>",
        "<id@example.org>",
    ]
    assert all(ord(letter) < 127 for line in ran.out.split("\n\n")[0] for letter in line)
    body = message.get_content()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", body)
    assert not re.search(r"^From ", body, re.MULTILINE)
    box = tmp_path / "box"
    box.write_text(ran.out)
    with contextlib.closing(mailbox.mbox(box)) as mails:
        assert len(mails) == 1


@pytest.mark.parametrize("form", ["text", "markdown", "html", "rst"])
def test_hostile_text_is_text_in_every_form(form: str, tmp_path: Path) -> None:
    file = tmp_path / "hostile.patch"
    file.write_text(HOSTILE)
    shown = run_cli("review", str(file), "--kernel", "7.3", "--format", form).out
    assert "4 KiB" in shown
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", shown)
    if form == "html":
        assert "&lt;b&gt;breaks" in shown
        assert "<b>" not in shown


@pytest.mark.parametrize(
    ("form", "quoted"),
    [
        ("markdown", "> ```\n> > > +#ifdef CONFIG_KVM_GUEST_MEMFD\n"),
        ("html", "<blockquote><pre><code>&gt; &gt; +#ifdef CONFIG_KVM_GUEST_MEMFD\n"),
        ("rst", "   > > > +#ifdef CONFIG_KVM_GUEST_MEMFD\n"),
    ],
)
def test_other_forms_quote_too(form: str, quoted: str) -> None:
    mail = CASES / "reply-of-a-reply.mbox"
    assert quoted in run_cli("review", str(mail), "--kernel", "7.3", "--format", form).out
