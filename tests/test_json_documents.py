"""docs/json.md and what `--format json` writes say the same, in both directions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from matrix.flows.declarations import init
from tests.cli_runner import run_cli
from tests.small_trees import small_tree

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "tests" / "data" / "booted" / "7.3.config"
REPLY = ROOT / "tests/cases/review/reply-of-a-reply.mbox"
PROBED = ROOT / "tests" / "data" / "probed" / "7.3-max.json.gz"
CLAIMS = """
claims:
  fwb-suffices:
    c: 'implies(has_stage2_fwb, verdict != "unsound")'
    expected: {"6.18": refuted, "7.3": refuted}
    description: "FWB suffices"
  yes-needs-fwb:
    c: 'implies(verdict == "supported", has_stage2_fwb)'
    expected: {"6.18": proved, "7.3": proved}
    description: "FWB is needed"
"""
MAIL = """Subject: [PATCH] KVM: arm64: allow it

--- a/arch/arm64/include/asm/kvm_host.h
+++ b/arch/arm64/include/asm/kvm_host.h
@@ -1,1 +1,8 @@
 /* context */
+#ifdef CONFIG_KVM_GUEST_MEMFD
+static inline bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)
+{
+	return can_set_direct_map() && cpus_have_final_cap(ARM64_HAS_STAGE2_FWB);
+}
+#endif
"""

KCONFIG = """config NET
	bool "net"
config KVM
	bool "kvm"
	depends on NET
source "Documentation/Kconfig"
"""

# Shape -> key -> type, as docs/json.md writes them.
Shapes = dict[str, dict[str, str]]
# Shape and key of what occurs in a document.
Seen = set[tuple[str, str]]


def documented() -> Shapes:
    shapes: Shapes = {}
    for line in (ROOT / "docs" / "json.md").read_text().splitlines():
        if heading := re.fullmatch(r"###? (\S+)", line):
            shapes[heading[1]] = {}
        elif (row := re.fullmatch(r"\| (\S+) \| (.+?) \| .*\|", line)) and row[1] != "key":
            shapes[list(shapes)[-1]][row[1]] = row[2]
    return {name: rows for name, rows in shapes.items() if rows}


SHAPES = documented()
SCHEMAS = [name for name in SHAPES if name.startswith("matrix/")]
SCALARS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "value": lambda value: value is None or isinstance(value, bool | int | str),
}


def children(shape: str, path: str) -> dict[str, str]:
    """Return the keys one level below a path of a shape."""
    head = f"{path}." if path else ""
    return {
        key.removeprefix(head): kind
        for key, kind in SHAPES[shape].items()
        if key.startswith(head) and not re.search(r"[.\[]", key.removeprefix(head))
    }


def wrong(value: Any, kind: str, shape: str, path: str, seen: Seen) -> Iterator[str]:
    """Yield how a value differs from its documented type; note the keys that occur."""
    for head, container in (("list of ", list), ("map of ", dict)):
        if kind.startswith(head) and isinstance(value, container):
            items = value.values() if isinstance(value, dict) else value
            below = f"{path}[]" if container is list else f"{path}.*"
            for item in items:
                yield from wrong(item, kind.removeprefix(head), shape, below, seen)
            return
    if kind == "object":
        yield from wrong_object(value, shape, path, seen)
    elif kind in SHAPES:
        yield from wrong_object(value, kind, "", seen)
    elif kind not in SCALARS or not SCALARS[kind](value):
        yield f"{shape} {path}: {value!r} is no {kind}"


def wrong_key(value: Any, kind: str, shape: str, path: str, seen: Seen) -> Iterator[str]:
    """Yield how a value differs from all the types of its key that are separated by `or`."""
    kinds = kind.removesuffix(", optional").split(" or ")
    if value is None and "null" in kinds:
        return
    if len(kinds) > 1:
        kinds.remove("null")
    yield from wrong(value, kinds[0], shape, path, seen)


def wrong_object(value: Any, shape: str, path: str, seen: Seen) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{shape} {path}: {value!r} is no object"
        return
    known = children(shape, path)
    for key in value.keys() - known.keys():
        yield f"{shape} {path}: `{key}` is not documented"
    for key, kind in known.items():
        below = f"{path}.{key}" if path else key
        if key in value:
            seen.add((shape, below))
            yield from wrong_key(value[key], kind, shape, below, seen)
        elif not kind.endswith(", optional"):
            yield f"{shape} {below}: not there"


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return one document or more of each command, on small inputs."""
    folder = tmp_path_factory.mktemp("json")
    init(folder / "configs")
    study = folder / "configs" / "matrices" / "my-study.yaml"
    study.write_text(study.read_text() + CLAIMS)
    own = ("--configs", str(folder / "configs"))
    hosts = folder / "hosts.csv"
    hosts.write_text(
        "host,kernel,config,cpu,cmdline\n"
        f"a,7.3,{CONFIG},graviton3,rodata=noalias kfence.sample_interval=100\n"
        f"b,7.3,{CONFIG},gravitn3,\n"
        f"c,7.3,{CONFIG},graviton3,rodata=full\n"
        f"d,7.3,{CONFIG.with_name('6.12.config')},graviton3,\n"
    )
    mail = folder / "check.mbox"
    mail.write_text(MAIL)
    tree = small_tree(folder / "tree", KCONFIG)
    project = ("kconfig", "project", "--tree", str(tree), "--kernel", "7.3", "--symbols", "KVM,NET")
    noalias = "rodata=noalias kfence.sample_interval=100"
    judged = ("--configs", str(ROOT / "tests/cases/capabilities/judged"))
    fixed = ("--cpu", "graviton3", "--cmdline", noalias)
    commands: list[tuple[str, ...]] = [
        ("validate", str(CONFIG), "--cpu", "cortex-a710"),
        ("validate", str(CONFIG), *fixed),
        ("validate", str(CONFIG), "--cpu", "free"),
        ("validate", str(CONFIG), "--cpu", "neoverse-v1", "--capability", "judged-tags", *judged),
        ("fleet", str(hosts), "--allow-outside"),
        ("explain", "cpu=neoverse-v1"),
        ("explain", "page=64k", "--matrix", "judged-tags", *judged),
        ("simulate", "cpu=apple-m2"),
        ("simulate", "cpu=apple-m2", "--two-actors", "--predicate", "v12"),
        ("simulate", "cpu=apple-m2", "--event", "guest instruction fetch"),
        ("count", "my-study", *own),
        (
            "count",
            "arm64-overview",
            "--by",
            "kernel",
            "--where",
            "cpus_have_final_cap(ARM64_HAS_STAGE2_FWB)",
        ),
        ("block", "my-study as=badge", *own),
        ("view", "my-study", *own),
        ("view", "arm64-overview", "--only", "cpu=apple-*", "--where", 'page_size == "4k"'),
        ("view", "arm64-overview", "--view", "cells-by-cpu", "--only", "cpu=apple-*"),
        ("rules", "my-study", *own),
        ("rules", "arm64-overview", "--max-rules", "1"),
        ("claims", "my-study", *own),
        ("check", *own, "--claims"),
        ("synthesize", "my-study", *own),
        ("diff", "v12", "cacheable-pfnmap", "--matrix", "my-study", *own),
        ("diff", "my-study", "arm64-overview", *own),
        ("review", str(mail), "--matrix", "my-study", *own),
        ("review", str(REPLY), "--matrix", "arm64-overview", "--kernel", "7.3"),
        ("kernels", "list"),
        ("kernels", "show", "7.3"),
        project,
        ("cpus", "list"),
        ("groups", "list"),
        ("groups", "show", "server"),
        ("capabilities", "list"),
        ("capabilities", "show", "judged-tags", *judged),
        ("capabilities", "show", "gmem-no-direct-map"),
        ("studies", "list"),
        ("studies", "show", "arm64-overview"),
        ("probe", "--host", str(PROBED)),
        ("distros", "list"),
        ("cpus", "show", "neoverse-v1+graviton3,dic=0"),
    ]
    found = []
    for command in commands:
        ran = run_cli(*command, "--format", "json")
        assert ran.out, (command, ran.err)
        found.append(json.loads(ran.out))
    return found


# Keys that no small input has: why each is documented all the same.
NOT_SEEN = {
    "matrix/verify/1": "needs a kernel tree: test_a_comparison_with_a_tree",
    "matrix/census/1": "needs a kernel tree: test_a_census_of_a_tree",
    "matrix/synthesize/1 indistinguishable.": "the synthesised check of these studies is exact",
    "matrix/review/1 statements[]": "no claim is in these messages: tests/test_review_reply.py",
    "matrix/review/1 vm.kinds[]": "the small studies have one kind of VM",
}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_what_is_written_is_documented(schema: str, documents: list[dict[str, Any]]) -> None:
    own = [document for document in documents if document["schema"] == schema]
    assert own or schema in NOT_SEEN
    assert not [text for item in own for text in wrong_object(item, schema, "", set())]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_another_validator_agrees(schema: str, documents: list[dict[str, Any]]) -> None:
    contract = json.loads(run_cli("schema", "--contract", schema).out)
    jsonschema.Draft202012Validator.check_schema(contract)
    validator = jsonschema.Draft202012Validator(contract)
    for document in (item for item in documents if item["schema"] == schema):
        assert not [error.message for error in validator.iter_errors(document)]
        for key in contract["required"]:
            lacking = {name: value for name, value in document.items() if name != key}
            assert not validator.is_valid(lacking), key
            assert not validator.is_valid({**document, key: 1.5}), key
        assert validator.is_valid({**document, "a-newer-key": 1})


def test_what_is_documented_is_written(documents: list[dict[str, Any]]) -> None:
    seen: Seen = set()
    for document in documents:
        list(wrong_object(document, document["schema"], "", seen))
    unseen = {
        f"{shape} {key}"
        for shape, rows in SHAPES.items()
        for key in rows
        if (shape, key) not in seen
    }
    assert {name for name in unseen if not name.startswith(tuple(NOT_SEEN))} == set()


def test_every_schema_of_the_source_is_documented() -> None:
    written = {
        name
        for file in (ROOT / "matrix").rglob("*.py")
        for name in re.findall(r'"(matrix/[a-z-]+/\d)"', file.read_text())
    }
    files = {
        "matrix/baseline/1",
        "matrix/evidence/1",
        "matrix/host/1",
        "matrix/verdicts/1",
    }  # files that we write and read ourselves
    assert written - files <= set(SCHEMAS)


def test_a_comparison_with_a_tree(kernel_tree: Callable[[str], Path]) -> None:
    ran = run_cli("kernels", "verify", "7.3", "--tree", str(kernel_tree("7.3")), "--format", "json")
    seen: Seen = set()
    assert not list(wrong_object(json.loads(ran.out), "matrix/verify/1", "", seen))
    assert {key for _, key in seen} == set(SHAPES["matrix/verify/1"])


def test_a_census_of_a_tree(kernel_tree: Callable[[str], Path], tmp_path: Path) -> None:
    """Of some files of 7.3, in which one declared use is gone and another one is new."""
    for name in ("Makefile", "virt/kvm/guest_memfd.c", "arch/arm64/kvm/pkvm.c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        text = (kernel_tree("7.3") / name).read_text()
        if name.startswith("arch"):
            text += "\nvoid kvm_arch_flush_shadow_all(void)\n{\n\tpkvm_destroy_hyp_vm(0);\n}\n"
        (tmp_path / name).write_text(text.replace("clear_highpage(", "page_address("))
    ran = run_cli("kernels", "census", "--tree", str(tmp_path), "--format", "json")
    assert ran.code == 1
    document, seen = json.loads(ran.out), set[tuple[str, str]]()
    assert not list(wrong_object(document, "matrix/census/1", "", seen))
    assert {key for _, key in seen} == set(SHAPES["matrix/census/1"])
    (one,) = document["censuses"]
    unknown = [place for place in one["places"] if place["answer"] is None]
    assert len(unknown) == one["not_classified"] > 0
