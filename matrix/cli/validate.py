"""`matrix validate`: verdict, reason and fix for real `.config` files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.options import (
    DEFAULT_CAPABILITY,
    AllowOutside,
    Capability,
    Configs,
    FailOn,
    Output,
    Predicate,
    Surroundings,
    ValidateFormat,
    Verbose,
    Vm,
)


def validate(
    ctx: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...",
            show_default=False,
            help="`.config` files (.gz, .xz, .zst too), kernel images with IKCONFIG, .deb and "
            ".rpm packages, folders of them, or `-`.",
        ),
    ] = None,
    kernel: Annotated[
        str, typer.Option(metavar="RELEASE", help="Release, or auto: from the file's header.")
    ] = "auto",
    cpu: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC",
            help="A CPU or MIDR, fields changed behind a comma, several CPU types with +: "
            "graviton3, 0x412fd471, neoverse-n2,dic=0, cortex-x925+cortex-a725; or a group: "
            "@server. May be repeated.",
        ),
    ] = None,
    cmdline: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the boot loader passes.")
    ] = None,
    cmdline_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read the command line from FILE.")
    ] = None,
    capability: Capability = DEFAULT_CAPABILITY,
    predicate: Predicate = None,
    vm: Vm = None,
    settings: Surroundings = None,
    tree: Annotated[
        Path | None,
        typer.Option("--tree", metavar="DIR", help="Kernel source that the `.config` must fit."),
    ] = None,
    output_format: Annotated[
        ValidateFormat, typer.Option("--format", help="Format of the answer.")
    ] = ValidateFormat.TEXT,
    fail_on: FailOn = "unsound",
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="FILE", help="Findings in FILE do not count."),
    ] = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option(
            "--write-baseline", metavar="FILE", help="Write the findings to FILE as known."
        ),
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            help="Settings and mutes; else matrix.toml here or above, within the repository.",
        ),
    ] = None,
    host: Annotated[
        Path | None,
        typer.Option(
            "--host", metavar="FILE", help="A machine saved by `matrix probe --save`, or evidence."
        ),
    ] = None,
    evidence: Annotated[
        list[str] | None,
        typer.Option(
            "--evidence",
            metavar="FILE",
            help="What shows the machine: a boot log, lscpu, /proc/cpuinfo, /proc/cmdline, uname "
            "-a, Ansible facts, or a folder or archive of these. May be repeated; further FILEs "
            "may be evidence too.",
        ),
    ] = None,
    boot: Annotated[
        int | None,
        typer.Option(
            "--boot", metavar="N", help="Of a log of several boots the N-th; else the last."
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="FILE", help="A `.config` or defconfig to build upon."),
    ] = None,
    fragment: Annotated[
        list[str] | None,
        typer.Option(
            "--fragment",
            metavar="FILE",
            help="What is put on top of it, as merge_config.sh does; .scc too. May be repeated.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            help="Processes that answer (Linux); unless given, a core for each 16 files.",
        ),
    ] = None,
    verbose: Verbose = 0,
    output: Output = None,
    _outside: AllowOutside = False,
    configs: Configs = None,
    profiles: Annotated[
        list[Path] | None,
        typer.Option("--profiles", metavar="DIR", help="A folder of kernel profiles to add."),
    ] = None,
) -> int:
    """Say for each `.config` whether the capability works there, why, and what would fix it."""
    files = [*((base,) if base is not None else ()), *(files or ())]
    if not files and host is None and not evidence:
        raise typer.BadParameter("give FILE..., --base, --evidence or --host", ctx=ctx)
    if fragment and not files:
        raise typer.BadParameter("--fragment needs FILE or --base to be put upon", ctx=ctx)
    if host is not None and evidence:
        raise typer.BadParameter("--host and --evidence both name the machine: give one", ctx=ctx)
    from matrix.cli.validation import Asked, answer_files
    from matrix.flows.arguments import verdict_words
    from matrix.flows.validate_job import ValidateRequest

    request = ValidateRequest(
        files=tuple(files),
        kernel=kernel,
        cpus=tuple(cpu or ()),
        cmdline=cmdline,
        cmdline_file=cmdline_file,
        capability=capability,
        predicate=predicate,
        vm=vm,
        settings=tuple(settings or ()),
        fail_on=verdict_words(fail_on),
        configs=(*(configs or ()), *(profiles or ())),
        tree=tree,
        settings_file=settings_file,
        baseline=baseline,
        write_baseline=write_baseline,
        fragments=tuple(fragment or ()),
        given=_given(ctx),
    )
    return answer_files(
        Asked(
            request=request,
            form=output_format.value,
            host=host,
            evidence=tuple(evidence or ()),
            boot=boot,
            verbose=verbose,
            output=output,
            jobs=jobs,
        )
    )


# The field of a request, where a parameter is named differently.
_FIELDS = {"cpu": "cpus"}


def _given(ctx: typer.Context) -> frozenset[str]:
    """Return the fields of the request that the command line itself says."""
    written = [
        name
        for name in ctx.params
        if (source := ctx.get_parameter_source(name)) is not None and source.name != "DEFAULT"
    ]
    return frozenset(_FIELDS.get(name, name) for name in written)
