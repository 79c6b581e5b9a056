"""Which profile answers for a kernel, and which exact version of the release the kernel is.

Takes what a user, `uname -r` and a `.config`'s header say; a profile holds for the version it was
read on, and every answer says so where the kernel's own is another. `validate`, `fleet` and `probe`
choose here, so that none of them answers a kernel silently as another one.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from matrix.analyze.cell.assemble import dated_atoms
from matrix.analyze.facts.program import FactProgram
from matrix.diagnostics import Diagnostic, Location
from matrix.expr.evaluation import kconfig_truth
from matrix.expr.nodes import Value
from matrix.expr.trees import names
from matrix.flows.knowledge import Library, refuse_no_release, release_key
from matrix.flows.tree_check import TreeCheck
from matrix.kernel.config.dotconfig import DotConfig
from matrix.kernel.line.cmdline import BuiltInLine
from matrix.kernel.source.version import KernelVersion, read_version, version_of
from matrix.schema.values import Capability, KernelProfile

_DOUBT = (
    "a vendor's kernel: its number says that a fix is missing, and the vendor may have brought it "
    "back"
)


class ChosenKernel(Struct, frozen=True, kw_only=True):
    """A profile and the version that tells what came with point releases; None: nobody told one.

    `other` is what the file says where that is another release. Where that has no profile and no
    exact version was asked for, `version` is the file's own: the profile is a stand-in. `between`
    is the kernel's release where it has no profile, and this is one of the two beside it.
    """

    profile: KernelProfile
    version: KernelVersion | None
    other: str | None
    between: str | None = None

    @property
    def release(self) -> str:
        """The release that is answered: the profile's, or the one between two profiles."""
        return self.between or self.profile.release

    @property
    def vendor(self) -> bool:
        """Whether a vendor built the kernel, as far as its version tells."""
        return self.version is not None and self.version.vendor

    @property
    def shown_version(self) -> str | None:
        """The kernel's own version as a reader is told of it, None where nobody told one."""
        version = self.version
        if version is None or (version.point is None and version.candidate is None):
            return None if self.between else self.other
        return f"{version.short}{version.suffix}"

    def atoms(self, program: FactProgram) -> Mapping[str, Value]:
        """Return what the version says of what came with a point release."""
        version = self.version or read_version(self.profile.release)
        return {} if version is None else dated_atoms(program, version)


def chosen_kernel(
    library: Library, profile: KernelProfile, asked: str | None, config: DotConfig
) -> ChosenKernel:
    """Return a profile with the version: of what is asked, what runs, and the header."""
    own = config.release
    elsewhere = own is not None and own != profile.release
    version = version_of(profile.release, asked, config.running, config.version)
    exact = version is not None and (version.point is not None or version.candidate is not None)
    if own is not None and own not in library.kernels_of(profile.arch) and not exact:
        version = version_of(own, config.running, config.version)
    return ChosenKernel(
        profile=profile, version=version, other=config.version if elsewhere else None
    )


def kernels_around(
    library: Library,
    beside: tuple[KernelProfile, ...],
    asked: str | None,
    config: DotConfig,
) -> tuple[ChosenKernel, ...]:
    """Return the profile, or the two beside a release without one, with the kernel's version.

    Raises:
        InputError: MX1122, a version that no release has.
    """
    chosen: tuple[ChosenKernel, ...]
    if len(beside) == 1:
        chosen = (chosen_kernel(library, beside[0], asked, config),)
    else:
        own = read_version(asked) if asked else None
        release = own.release if own else config.release
        version = version_of(release or "", asked, config.running, config.version)
        elsewhere = config.release not in (None, release)
        other = config.version if elsewhere else None
        chosen = tuple(
            ChosenKernel(profile=one, version=version, other=other, between=release)
            for one in beside
        )
    version = chosen[0].version
    if version is not None:
        # What the file says stands at its header; what a user wrote has no place in it.
        said = version.text in (config.version, config.running)
        refuse_no_release(version, Location(file=config.file, line=1, column=1) if said else None)
    return chosen


def built_in_line(
    library: Library, profile: KernelProfile, config: DotConfig, tree: TreeCheck | None = None
) -> BuiltInLine:
    """Return what a kernel makes of CONFIG_CMDLINE: by its own tree, where that was given."""
    rules = library.architecture(profile.arch).built_in_line
    if tree is not None and tree.is_of(config):
        has = tuple(rule.symbol for rule in rules if rule.symbol in tree.symbols)
        return BuiltInLine(config=config, rules=rules, has=has, whole=True)
    read = profile.built_in_line
    return BuiltInLine(config=config, rules=rules, has=None if read is None else read.symbols)


def absent_whatever_release(
    library: Library, capability: Capability, config: DotConfig, release: str | None
) -> str | None:
    """Return why a capability is absent from a kernel of a release without a profile, or None.

    Of a release newer than every profile nobody knows which symbols it has.
    """
    newest = max(map(release_key, library.kernels_of(config.arch or library.arch)), default=())
    if release is not None and release_key(release) > newest:
        return None
    return absent_reason(capability, config)


def vendor_doubt(
    chosen: ChosenKernel, program: FactProgram, read: frozenset[str]
) -> tuple[str, str] | None:
    """Return what a vendor's number leaves in doubt, and the fix to look for; None: nothing.

    `read` are the names that the question rests on.
    """
    missing = [
        since.source
        for atom, value in chosen.atoms(program).items()
        if atom in read and (since := program.dated[atom].since) and value == since.before
    ]
    if chosen.version is None or not chosen.version.vendor or not missing:
        return None
    return _DOUBT, "; ".join(missing)


def other_release_note(chosen: ChosenKernel, config: DotConfig) -> tuple[Diagnostic, ...]:
    """Return that the header names another release than the one answered for, where it does."""
    if chosen.other is None:
        return ()
    return (
        Diagnostic.note(
            code="MX1715",
            location=Location(file=config.file, line=1, column=1),
            message=f"the file says that it is of Linux {chosen.other}; it is answered as "
            f"{chosen.release}, as asked",
            hint=_version_known_by(chosen),
        ),
    )


def _version_known_by(chosen: ChosenKernel) -> str:
    """Return what tells what came with point releases, where the header is of another release."""
    version = chosen.version
    if version is not None and version.release != chosen.release:
        return (
            "what came with point releases is told by the file's version, for its release has no "
            "profile; all else may differ"
        )
    return "what came with point releases is then told by what was asked alone" + (
        "" if version is not None and version.point is not None else ": give an exact version"
    )


def version_notes(
    chosen: ChosenKernel, doubt: tuple[str, str] | None, config: DotConfig
) -> tuple[Diagnostic, ...]:
    """Return what to say of the version: a vendor's number, a header of another release."""
    notes = [*other_release_note(chosen, config)]
    if doubt is not None:
        notes.append(
            Diagnostic.note(
                code="MX1714",
                location=Location(file=config.file),
                message=f"Linux {chosen.shown_version or chosen.release} is {doubt[0]}",
                hint=f"look for it in the vendor's changelog: {doubt[1]}",
            )
        )
    elif chosen.vendor:
        name = config.running or chosen.shown_version or chosen.release
        notes.append(
            Diagnostic.note(
                code="MX1123",
                location=Location(file=config.file),
                message=f"Linux {name} is a build of a distribution or vendor: what its own "
                "patches bring back from newer releases may change the answer",
                hint=f"the confidence is lowered; `matrix kernels verify {chosen.release} --tree "
                "DIR` compares the profile with its own source",
            )
        )
    return tuple(notes)


def partial_note(config: DotConfig) -> tuple[Diagnostic, ...]:
    """Return that a file is not a whole `.config` (MX0911), where it is so; not where none is."""
    if config.complete or not config.symbols:
        return ()
    return (
        Diagnostic.note(
            code="MX0911",
            location=Location(file=config.file),
            message=f"the file is not a complete `.config` ({config.completeness})",
            hint="what it does not set is unknown, not off; give the `.config` that was built with",
        ),
    )


def absent_reason(capability: Capability, config: DotConfig) -> str | None:
    """Return why the capability is absent from what the file alone says, or None."""
    for requirement in capability.requires:
        expression = requirement.condition.expression
        symbols = names(expression)
        if not symbols or not all(name.startswith("CONFIG_") for name in symbols):
            continue
        if kconfig_truth(expression, config.value) is False:
            return requirement.otherwise
    return None
