"""The examples beneath the help of each command; a test runs those that need no file of a user."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "report": (
        "matrix report",
        "matrix report arm64-overview --output my-reports",
        "matrix report arm64-overview --save old.json",
        "matrix report --since old.json",
        "matrix report --configs my-configs --serve",
    ),
    "validate": (
        "matrix validate .config --cpu graviton3",
        "matrix validate .config --cpu neoverse-v1,dic=1 --cmdline rodata=full",
        "matrix validate .config --format github --fail-on unsound,unknown",
    ),
    "fleet": ("matrix fleet hosts.csv", "matrix fleet hosts.parquet --format json"),
    "probe": ("matrix probe", "matrix probe --save host.json", "matrix probe --host host.json"),
    "explain": (
        "matrix explain cpu=apple-m2",
        "matrix explain MX0606",
        "matrix explain overstrict",
    ),
    "simulate": (
        "matrix simulate cpu=apple-m2",
        "matrix simulate --brief kernel=7.3 --variant tlb-flush=none",
    ),
    "count": (
        "matrix count arm64-overview",
        "matrix count arm64-overview --by kernel,page_size --format csv",
        "matrix count arm64-overview --where 'verdict == \"unsound\"' --by kernel",
    ),
    "view": (
        "matrix view arm64-overview --only 'cpu=cortex-a7*' --format markdown",
        "matrix view arm64-overview --rows page_size --columns kernel --show worst",
        "matrix view arm64-overview --view 2 --format csv --output table.csv",
    ),
    "cells": (
        "matrix cells arm64-overview --limit 20",
        "matrix cells arm64-overview --columns cpu,verdict --output cells.csv",
        "matrix cells arm64-overview --sample 2 --format json-lines",
    ),
    "rules": ("matrix rules arm64-overview",),
    "claims": ("matrix claims arm64-memfd-secret",),
    "synthesize": ("matrix synthesize arm64-overview",),
    "diff": (
        "matrix diff v12 cacheable-pfnmap --matrix arm64-overview",
        "matrix diff 6.18 7.3 --matrix arm64-overview",
    ),
    "review": (
        "matrix review patch.mbox",
        "matrix review patch.mbox --format mbox --output reply.mbox",
    ),
    "embed": (
        "matrix embed README.md docs/guide.rst",
        "matrix embed --check docs/*.adoc",
        "matrix embed --diff --as rst notes.txt",
    ),
    "block": (
        "matrix block 'arm64-overview rows=@server columns=7.3' --as rst",
        "matrix block 'arm64-overview cell=cpu=apple-m2 as=badge' --as text",
    ),
    "kernels list": ("matrix kernels list",),
    "kernels show": ("matrix kernels show 7.3",),
    "kernels verify": ("matrix kernels verify 7.3 --tree linux-7.3",),
    "kernels add": ("matrix kernels add --tree linux-7.4",),
    "kconfig project": ("matrix kconfig project --tree linux-7.3 --kernel 7.3",),
    "cpus list": ("matrix cpus list", "matrix cpus list @server"),
    "cpus show": ("matrix cpus show graviton3",),
    "groups list": ("matrix groups list",),
    "groups show": ("matrix groups show @server",),
    "capabilities list": ("matrix capabilities list",),
    "capabilities show": ("matrix capabilities show memfd-secret",),
    "studies list": ("matrix studies list",),
    "studies show": ("matrix studies show arm64-overview",),
    "distros list": ("matrix distros list",),
    "distros import": ("matrix distros import linux-image.deb --output my-configs/distros",),
    "check": ("matrix check", "matrix check my-configs"),
    "schema": (
        "matrix schema --output matrix.schema.json",
        "matrix schema --contract matrix/validate/1",
    ),
    "init": ("matrix init my-configs", "matrix init my-configs --capability my-capability"),
}


def examples_of(command: str) -> str | None:
    """Return what stands beneath the help of a command; None where there are no examples."""
    lines = EXAMPLES.get(command, ())
    # The mark keeps the lines as they are.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]) if lines else None
