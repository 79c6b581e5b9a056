"""The kernels of distributions: which profiles answer for them, and their options in an axis.

A release with a profile is answered by it. One without is answered by the nearest profile below
and the nearest above, each an option of its own (`wsl2-5.15@5.10`, `wsl2-5.15@6.1`): where they
differ, a reader sees it. An axis may name the releases that answer: to it no other has a profile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from matrix.expr.evaluation import kconfig_truth
from matrix.expr.nodes import Value
from matrix.schema.checking.catalogue import Catalogue, Known
from matrix.schema.checking.options import WRONG, FoundOption, found
from matrix.schema.documents.distro import DistroDocument
from matrix.schema.documents.study import DistroAxis
from matrix.schema.files import Kind
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import Problems
from matrix.schema.values import Distro, KernelProfile


def answering_profiles(
    kernels: Iterable[KernelProfile],
    distro: DistroDocument | Distro,
    kconfig: tuple[tuple[str, str | int], ...],
    *,
    complete: bool,
) -> tuple[str, ...]:
    """Return the ids of the profiles that answer for a distribution's kernel.

    Of two neighbours, one whose Kconfig could not have made the configuration does not answer,
    unless the other could not, either.
    """
    mine = sorted((one for one in kernels if one.arch == distro.arch), key=_numbers)
    wanted = release_numbers(distro.release)
    exact = [one.id for one in mine if _numbers(one) == wanted]
    if exact:
        return tuple(exact[:1])
    below = [one for one in mine if _numbers(one) < wanted]
    above = [one for one in mine if _numbers(one) > wanted]
    near = (*below[-1:], *above[:1])
    known = _known(kconfig)
    fitting = [one for one in near if _could_make(one, known, complete=complete)]
    return tuple(one.id for one in fitting or near)


def _known(kconfig: tuple[tuple[str, str | int], ...]) -> dict[str, Value]:
    words: dict[str | int, Value] = {"y": True, "n": False}
    return {f"CONFIG_{symbol}": words.get(value, value) for symbol, value in kconfig}


def _could_make(profile: KernelProfile, known: dict[str, Value], *, complete: bool) -> bool:
    """Tell whether no constraint of a release's Kconfig is broken for certain."""
    # A complete `.config` need not mention what is off; of a part of one nothing follows for the
    # rest.
    rest: Value = False if complete else None

    def value(name: str) -> Value:
        return known.get(name, rest)

    return all(
        kconfig_truth(item.condition.expression, value) is not False for item in profile.constraints
    )


def distro_options(
    catalogue: Catalogue, declared: DistroAxis, at: Node, problems: Problems
) -> Iterator[FoundOption]:
    """Yield the options of a distro axis in the order of the file, `all` by name and release."""
    options, node = declared.options, at["options"]
    complete = catalogue.knows_all(Kind.DISTRO) and catalogue.knows_all(Kind.KERNEL)
    kernels = catalogue.kernel_names()
    if declared.kernels:
        releases = Known(kind="kernel", names=kernels, complete=catalogue.knows_all(Kind.KERNEL))
        named = zip(declared.kernels, at.rows("kernels"), strict=True)
        wanted = [name for name, item in named if releases.check(name, item.place, problems)]
        complete = complete and len(wanted) == len(declared.kernels)
        kernels = {name: kernels[name] for name in wanted}
    if isinstance(options, str):
        for distro in sorted(catalogue.distros.values(), key=shown_order):
            yield from _options(kernels, distro, node, written=False)
        if not complete:
            yield WRONG
        return
    known = Known(kind="distribution", names=catalogue.distros, complete=complete)
    for name, item in zip(options, node.children.values(), strict=True):
        if known.check(name, item.location, problems):
            yield from _options(kernels, catalogue.distros[name], item, written=True)
        else:
            yield WRONG


def shown_order(distro: Distro) -> tuple[str, tuple[int, ...], str]:
    """Return the key that distributions are listed by: first word of the name, release, id."""
    return distro.name.split()[0].lower(), release_numbers(distro.release), distro.id


def _options(
    kernels: Mapping[str, KernelProfile], distro: Distro, at: Node, *, written: bool
) -> Iterator[FoundOption]:
    by_id = {kernel.id: kernel for kernel in kernels.values()}
    ids = distro.profiles
    # An axis may name the releases that answer: then the nearest of these are looked for anew.
    if not by_id.keys() >= set(ids):
        ids = answering_profiles(by_id.values(), distro, distro.kconfig, complete=distro.complete)
    for kernel in (by_id[profile_id] for profile_id in ids):
        own = kernel.release == distro.release
        name = distro.id if own else f"{distro.id}@{kernel.release}"
        version = _version(distro)
        title = f"{distro.name} {distro.flavour}, {version}"
        answered = f"answered as {kernel.release}, read on {kernel.verified_on.version}"
        yield found(
            name,
            at.location,
            written=written,
            title=f"{title} ({answered})" if own else f"{title} (no profile here; {answered})",
            kernel=kernel.id,
            kconfig=distro.kconfig,
            partial=not distro.complete,
            version=version,
        )


def _version(distro: Distro) -> str:
    """Return the exact version of a kernel, its release where the header told another or none."""
    told = re.match(rf"v?{re.escape(distro.release)}(?!\d)", distro.version or "")
    return distro.version if told and distro.version else distro.release


def _numbers(profile: KernelProfile) -> tuple[int, ...]:
    return release_numbers(profile.release)


def release_numbers(release: str) -> tuple[int, ...]:
    """Return a release as it is compared: 6.12 comes after 6.6."""
    return tuple(int(part) for part in release.split("."))
