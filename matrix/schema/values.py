"""What the declarations say, as plain frozen values: the language all rooms below `schema` share.

`documents` (pydantic) checks a YAML file and turns it into these; the compiled knowledge cache
keeps them, so that a cache hit imports neither pydantic nor a YAML parser. Every declared thing
keeps its `Location`, so that the last stage can still point at the line that caused a cell.
Collections are tuples in the order of the file. Nothing here computes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct, field

from matrix.diagnostics import Location
from matrix.expr.nodes import Expression, Scalar


class Placed(Struct, frozen=True, kw_only=True, array_like=True):
    """A declared thing keeps its place, so that the last stage can point at it."""

    location: Location


class Sourced(Placed, frozen=True, kw_only=True):
    """A declared thing that says where it was read: `path:line`, a patch, a manual."""

    source: str


class BuiltInLine(Sourced, frozen=True, kw_only=True):
    """The symbols of a release that say what CONFIG_CMDLINE is to it, without `CONFIG_`."""

    symbols: tuple[str, ...]


class BuiltInLineRule(Sourced, frozen=True, kw_only=True):
    """What a symbol makes of CONFIG_CMDLINE: it is `appended`, stands `alone`, or `fills-in`.

    `elsewhere` says who has the symbol where the release itself lacks it, None: nobody is known to.
    """

    symbol: str
    effect: str
    elsewhere: str | None = None


class Misnomer(Placed, frozen=True, kw_only=True):
    """A name that people write for a Kconfig symbol and that no kernel has, and why they do."""

    name: str
    symbol: str
    because: str | None


class Condition(Struct, frozen=True, kw_only=True, array_like=True):
    """A C expression as declared, with what it means to a reader and where it stands."""

    expression: Expression
    text: str
    location: Location
    source: str | None = None
    because: str | None = None


class VerifiedOn(Struct, frozen=True, kw_only=True, array_like=True):
    """Against what a profile was checked: an exact version, and how."""

    version: str
    how: str


class KconfigSymbol(Sourced, frozen=True, kw_only=True):
    """A Kconfig symbol the model reads. `name` has no `CONFIG_`; `type` is bool, tristate or int.

    `prompt` is when a person is asked for it, None where that is never: then its value follows
    from other symbols. Toolchain answers and what every build of the architecture has are left out
    of it, so that it names only what a person can set.
    """

    name: str
    type: str
    prompt: Condition | None = None


class KconfigConstraint(Struct, frozen=True, kw_only=True, array_like=True):
    """A condition that every realizable `.config` of this release satisfies, over `CONFIG_` names.

    `grounded` is `hand` (read by a person), `tree` (projected from the parsed Kconfig tree) or
    `borrowed from 6.12` (projected from the tree of another release).
    """

    condition: Condition
    grounded: str


class Variable(Sourced, frozen=True, kw_only=True):
    """A kernel variable that boot parameters may change; `initial` is its compiled-in value.

    `enumerators` are the values of an enum variable (`KVM_MODE_PROTECTED` …), each with its number;
    empty otherwise.
    """

    name: str
    initial: Condition
    enumerators: tuple[tuple[str, int], ...]


class Effect(Struct, frozen=True, kw_only=True, array_like=True):
    """What one parsed value of a boot parameter does.

    `match` is the parsed value this row is for, None for any. `when` is a further condition (the
    row is skipped, and nothing changes, where it is false). `assign` maps variables to expressions
    in which the name `value` is the parsed value.
    """

    match: Scalar | None
    when: Condition | None
    assign: tuple[tuple[str, Condition], ...]
    note: str | None = None


WORD_GRAMMARS = ("words", "word-prefixes")


class ParameterParser(Sourced, frozen=True, kw_only=True):
    """One of the kernel's parsers of a boot parameter.

    `stream` says which text it reads: `early` (early_param: 2047 characters, double quotes group,
    stops at `--`), `setup` (`__setup`, as early but later), `module` (module_param on built-in
    code) or `idreg` (ID-register overrides: raw text, split at white space, quotes mean nothing).
    `grammar` turns the text after `=` into a value or into nothing (then no row applies):

    * `words`: one of the effects' `match` texts, exactly; `word-prefixes`: the first of them that
      the text begins with (strncmp() down a table);
    * `kstrtobool`: the first characters looked up in `prefixes` (`on` before `o`);
    * `get_option`: C integer prefix, truncated to 32-bit int; no digits: nothing;
    * `kstrtoul`: a whole unsigned C integer; anything else: nothing;
    * `hex-digit`: one hex digit, optional `0x`; `kstrtou64`: a C integer, base 0;
    * `crashkernel`: whether a size other than 0 is asked for (in a range: of some RAM size), or
      `besides` (`,low`, `,cma`), which reserves nothing by itself;
    * `presence`: the mere presence of the parameter; the value is true.

    `bare` is the value of the parameter written without `=`; None: it changes nothing.
    `exists_if` says when the parser is compiled in.
    """

    stream: str
    grammar: str
    prefixes: tuple[tuple[str, bool], ...]
    bare: Scalar | None
    exists_if: Condition | None
    effects: tuple[Effect, ...]

    @property
    def sets(self) -> frozenset[str]:
        """The kernel variables that some row of it sets."""
        return frozenset(variable for effect in self.effects for variable, _ in effect.assign)


class BootParameter(Placed, frozen=True, kw_only=True):
    """A boot parameter by name (`-` and `_` are equal), with all its parsers in boot order."""

    name: str
    parsers: tuple[ParameterParser, ...]

    @property
    def sets(self) -> frozenset[str]:
        """The kernel variables that some parser of it sets."""
        return frozenset().union(*(parser.sets for parser in self.parsers))


class MidrRange(Struct, frozen=True, kw_only=True, array_like=True):
    """CPUs of one model with variant and revision between two bounds, both inclusive."""

    name: str
    implementer: int
    part: int
    lowest: tuple[int, int] = (0, 0)
    highest: tuple[int, int] = (15, 15)


class CpuCap(Sourced, frozen=True, kw_only=True):
    """A property of the CPUs of a system that the kernel detects: an arm64 cpucap and its like.

    A CPU has it where `field` is known and at least `minimum` (numbers) or one of `values` (words),
    or where its MIDR is in `midrs`. `scope` says how CPUs combine: `every_cpu` (sanitised minimum),
    `boot_cpu`, `any_cpu` (one is enough). `kconfig` must hold too; where `unless` holds the cap is
    not detected whatever the CPU (an ID-register override, a VMM that wrote the register).
    """

    name: str
    field: str | None
    minimum: int | None
    values: tuple[str, ...]
    midrs: tuple[MidrRange, ...]
    scope: str
    kconfig: Condition | None
    unless: Condition | None


class KernelFunction(Sourced, frozen=True, kw_only=True):
    """A kernel function or macro as one C expression: `can_set_direct_map()`, `PAGE_SIZE`."""

    signature: str
    body: Condition


class Since(Struct, frozen=True, kw_only=True, array_like=True):
    """With which versions a mechanism came into the series, and what held `before`.

    `versions` are the first point release of each series that got it ("6.1.113") and the mainline
    release that had it ("6.12"); `because` is the sentence a reader of an older version gets.
    """

    versions: tuple[str, ...]
    before: Scalar
    because: str
    source: str


class Mechanism(Sourced, frozen=True, kw_only=True):
    """A way in which kernels differ that is no function of theirs, with its source.

    `value` is that of the version the profile was read on. Where `since` is given it is that of the
    versions that have the fix, and older ones, which may be all of the release, have another one.
    """

    name: str
    value: Scalar
    note: str | None = None
    since: Since | None = None


class OperationSource(Sourced, frozen=True, kw_only=True):
    """Where one micro-operation of the simulation stands in this release."""

    operation: str


class BaseDefect(Sourced, frozen=True, kw_only=True):
    """A defect that a release has by itself, whoever uses its code: what breaks, and who mended it.

    `invariant` is the one that the simulation finds violated, `mechanism` the row under
    `mechanisms` that is the defect. `fixed_by` (a commit) and `fixed_in` (the first release that
    has it) are None where nobody has mended it. `reported` says who met it in the field.
    """

    invariant: str
    mechanism: str
    says: str
    fixed_by: str | None = None
    fixed_in: str | None = None
    reported: str | None = None


class NameChange(Sourced, frozen=True, kw_only=True):
    """A name (`CONFIG_X`, a parameter, `parameter=value`) and the first release that has it so."""

    name: str
    release: str
    note: str


class ProfileRows(Placed, frozen=True, kw_only=True):
    """The rows of a profile that an overlay may add to."""

    symbols: tuple[KconfigSymbol, ...]
    constraints: tuple[KconfigConstraint, ...]
    variables: tuple[Variable, ...]
    parameters: tuple[BootParameter, ...]
    cpucaps: tuple[CpuCap, ...]
    functions: tuple[KernelFunction, ...]
    mechanisms: tuple[Mechanism, ...]


class KernelProfile(ProfileRows, frozen=True, kw_only=True):
    """What is declared about one kernel release on one architecture.

    `built_in_line` is None where nobody has read it. `browse` is the address of a line of its
    source, with `{path}` and `{line}`. `open`, of a draft: what nobody has read in
    the source of this release yet, a sentence each. `toolchain` names the one whose answers the
    constraints from the tree rest on. `unread_symbols` and `unread_parameters` exist in the release
    and decide nothing there; a name that only other profiles have does not exist in it.
    """

    id: str
    release: str
    arch: str
    verified_on: VerifiedOn
    toolchain: str | None = None
    built_in_line: BuiltInLine | None = None
    operations: tuple[OperationSource, ...]
    browse: str | None = None
    open: tuple[str, ...] = ()
    unread_symbols: tuple[str, ...] = ()
    unread_parameters: tuple[str, ...] = ()
    changes: tuple[NameChange, ...] = ()
    defects: tuple[BaseDefect, ...] = ()

    @property
    def effects(self) -> Iterator[tuple[BootParameter, ParameterParser, Effect]]:
        """What boot parameters may do: each row, with the parameter and the parser it is of."""
        for parameter in self.parameters:
            for parser in parameter.parsers:
                yield from ((parameter, parser, effect) for effect in parser.effects)


class Overlay(ProfileRows, frozen=True, kw_only=True):
    """Rows that were added to the profiles of `releases`, facts and CPU fields to the architecture.

    The rows stand in the profiles, too, with the places of the overlay's file.
    """

    id: str
    arch: str
    releases: tuple[str, ...]
    facts: tuple[FactDeclaration, ...]
    fields: tuple[RegisterField, ...] = ()


class Toolchain(Placed, frozen=True, kw_only=True):
    """Recorded answers of a compiler and its like to the questions a Kconfig tree asks while read.

    `answers` pairs a macro call as Kconfig writes it (`cc-option,-fsanitize=kcfi`) with what it
    expands to; `environment` are the variables of the build that such calls read.
    """

    id: str
    arch: str
    description: str
    environment: tuple[tuple[str, str], ...]
    answers: tuple[tuple[str, str], ...]


class RegisterField(Placed, frozen=True, kw_only=True):
    """A CPU field and where it stands: register, highest and lowest bit, the words of its values.

    `settable` fields may be given in a CPU SPEC (`neoverse-n2,dic=0`). `domain` lists every value
    an unknown field may have; the verdict quantifies over them. `shown` is over raw registers: what
    they show of a field whose bits are not all of it.
    """

    name: str
    register: str
    high_bit: int
    low_bit: int
    words: tuple[tuple[int, Scalar], ...]
    domain: tuple[Scalar, ...]
    settable: bool
    description: str
    shown: Condition | None = None


class ArchitectureRule(Placed, frozen=True, kw_only=True):
    """A rule of the architecture over CPU fields, with the section or source that states it."""

    id: str
    condition: Condition


class EnvironmentAxis(Placed, frozen=True, kw_only=True):
    """A choice outside kernel, `.config`, CPU and command line: entry level, GIC, VM kind."""

    name: str
    options: tuple[tuple[str, str], ...]  # option, description
    default: str
    description: str


class Cost(Sourced, frozen=True, kw_only=True):
    """What a change costs besides, in a sentence, and who says so."""

    note: str


class FactDeclaration(Placed, frozen=True, kw_only=True):
    """A public fact: a C expression over a profile; absent from releases that lack a name in it.

    `otherwise` is its value where the expression cannot be formed, None: the fact is left out.
    `cost` is what a change costs that makes the fact true.
    """

    name: str
    condition: Condition
    otherwise: Scalar | None
    description: str
    cost: Cost | None = None


class Assumption(Sourced, frozen=True, kw_only=True):
    """A choice the architecture leaves to implementations; verdicts quantify over its values.

    `permitted` says it in a sentence, as the manual does, and where.
    """

    name: str
    values: tuple[tuple[str, str], ...]  # value, description
    permitted: str | None = None


class AdvisoryDeclaration(Placed, frozen=True, kw_only=True):
    """Where an advisory of the simulation can happen, and what must happen for it besides.

    `condition` is over a profile and `predicate`, the check that is asked about; a release that
    lacks a name in it does not have the advisory. `needs` is no matter of the cell (an allocation
    that fails), None: nothing.
    """

    name: str
    condition: Condition
    needs: str | None


class MechanismDomain(Placed, frozen=True, kw_only=True):
    """The values that a mechanism may have; every profile of the architecture gives it one."""

    name: str
    values: tuple[Scalar, ...]


class ProbePlace(Struct, frozen=True, kw_only=True, array_like=True):
    """What a piece of a file (None: the whole file) must have and lack for a probe to hold.

    `has` are words without a gap, each after the one before; `counts` how often a name stands
    there; `under` is the `#if` around the piece, None where there is none.
    """

    path: str
    piece: str | None
    under: str | None
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]


class Probe(Placed, frozen=True, kw_only=True):
    """A value of a profile's row (`mechanism split_gate`), and the places that show it."""

    row: str
    value: Scalar
    shown: tuple[ProbePlace, ...]


class Probes(Struct, frozen=True, kw_only=True, array_like=True):
    """How rows of the profiles of an architecture are read from a tree."""

    arch: str
    probes: tuple[Probe, ...]


class LogLine(Sourced, frozen=True, kw_only=True):
    """A line of the kernel log: a regular expression of the whole message, and what it shows.

    `shows` gives facts, environment axes and CPU fields their values; `absent` what holds where a
    whole log has no such line, though it has one like `witness`. `mark` is `begins` or `ends`: the
    message is the first of a boot, or stands behind all others that are declared.
    """

    line: str
    shows: tuple[tuple[str, Scalar], ...]
    absent: tuple[tuple[str, Scalar], ...]
    witness: str | None
    mark: str | None


class MissingFlags(Placed, frozen=True, kw_only=True):
    """Words of the line `flags` of /proc/cpuinfo; a machine with none has the fields `absent`."""

    flags: tuple[str, ...]
    absent: tuple[tuple[str, Scalar], ...]
    source: str


class ModuleParameter(Placed, frozen=True, kw_only=True):
    """A parameter of a module, `kvm_amd.sev`, that says Y or N of a CPU field: 1 or 0."""

    parameter: str
    shows: str
    source: str


class Architecture(Placed, frozen=True, kw_only=True):
    """What holds for every release on one architecture.

    `machines` are its names in uname(2) and lscpu, the kernel's own first; `cpuinfo` are fields of
    /proc/cpuinfo that it alone has, `missing_flags` what follows from flags that are not there,
    `module_parameters` what modules say in sysfs, `log` lines of the kernel log that tell
    something. Of the rules in `built_in_line` the first whose symbol is set counts; CONFIG_CMDLINE
    fills in for an empty line where none is.
    """

    id: str
    fields: tuple[RegisterField, ...]
    rules: tuple[ArchitectureRule, ...]
    environment: tuple[EnvironmentAxis, ...]
    cpucaps: tuple[CpuCap, ...]
    functions: tuple[KernelFunction, ...]
    facts: tuple[FactDeclaration, ...]
    simulation: tuple[FactDeclaration, ...]
    assumptions: tuple[Assumption, ...]
    built_in_line: tuple[BuiltInLineRule, ...] = ()
    misnomers: tuple[Misnomer, ...] = ()
    advisories: tuple[AdvisoryDeclaration, ...] = ()
    mechanisms: tuple[MechanismDomain, ...] = ()
    machines: tuple[str, ...] = ()
    cpuinfo: tuple[str, ...] = ()
    missing_flags: tuple[MissingFlags, ...] = ()
    module_parameters: tuple[ModuleParameter, ...] = ()
    log: tuple[LogLine, ...] = ()


class FieldValue(Struct, frozen=True, kw_only=True, array_like=True):
    """One field of a CPU. `value` None is unknown, and `why_unknown` then says why.

    `confidence` is one of `CONFIDENCES`; `why_unknown` is `unrecorded` or `build-option`.
    """

    name: str
    value: Scalar | None
    confidence: str
    sources: tuple[str, ...]
    why_unknown: str | None = None
    note: str | None = None


# From the firmest to the weakest; a verdict carries the weakest it used.
CONFIDENCES = ("register", "trm", "log", "inferred", "unknown")


class Cpu(Placed, frozen=True, kw_only=True):
    """One CPU type. `midrs` are MIDR_EL1 values seen; `implementer`/`part` None where unknown.

    `settled_by` names SPECs that settle an unknown field: ("dic", "neoverse-v1,dic=1 or x").
    """

    id: str
    name: str
    vendor: str
    aliases: tuple[str, ...]
    groups: tuple[str, ...]
    implementer: int | None
    parts: tuple[int, ...]
    midrs: tuple[int, ...]
    fields: tuple[FieldValue, ...]
    registers: tuple[tuple[str, int], ...]
    settled_by: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    arch: str = ""


class Machine(Sourced, frozen=True, kw_only=True):
    """Names that people use for one CPU system: instance types, boards, SoCs, products.

    `cpu` is a SPEC. A name may hold one `*`; `sized` lets a size follow behind `.` or `-`.
    `virtual` says that it is a virtual machine, unless the word `whole` is in its size.
    """

    names: tuple[str, ...]
    sized: bool
    virtual: bool
    whole: str | None
    cpu: str


class MachineList(Placed, frozen=True, kw_only=True):
    """Machines of one kind or vendor, of one architecture."""

    id: str
    name: str
    arch: str
    machines: tuple[Machine, ...]


class SourceReference(Placed, frozen=True, kw_only=True):
    """A source named by CPU fields: kind, reference, note."""

    id: str
    kind: str
    reference: str
    note: str | None


class Requirement(Placed, frozen=True, kw_only=True):
    """A condition without which the capability is `absent`, and the sentence that says so.

    `formerly` are older names of its Kconfig symbol, without `CONFIG_`.
    """

    condition: Condition
    otherwise: str
    formerly: tuple[str, ...] = ()


class PredicateVersion(Placed, frozen=True, kw_only=True):
    """The kernel's own answer: one named version, as a C expression."""

    name: str
    condition: Condition
    description: str


class SeriesVersion(Sourced, frozen=True, kw_only=True):
    """One version of the series that is ported on top of a release, as it was or might be posted.

    `options` are what it does, as options of the mechanism; what it leaves out is the default.
    """

    name: str
    description: str
    options: tuple[tuple[str, str], ...]


ALIAS_ANSWERS = ("modelled", "refused", "unreachable")
AliasAnswer = Literal["modelled", "refused", "unreachable"]


class AliasUser(Sourced, frozen=True, kw_only=True):
    """A place that uses a kernel address of a page, and why nothing more need be simulated.

    `answer`: `modelled` by the micro-operation of that name, `refused` by an earlier check,
    `unreachable` for the pages that the capability is about.
    """

    path: str
    function: str
    use: str
    answer: AliasAnswer
    operation: str | None
    because: str


class AliasStop(Sourced, frozen=True, kw_only=True):
    """A function behind which no page of the capability is, and why nobody looks there."""

    function: str
    because: str


class AliasPages(Struct, frozen=True, kw_only=True, array_like=True):
    """How a tree shows that it has such pages: one of `functions` makes them.

    `symbols` of the file `kconfig` build them in; with none of either, the tree has no such pages.
    """

    name: str
    functions: tuple[str, ...]
    symbols: tuple[str, ...]
    kconfig: str


class AliasCensus(Struct, frozen=True, kw_only=True, array_like=True):
    """Who may use a kernel address of the capability's pages, and what is known of each place."""

    pages: AliasPages | None
    files: tuple[str, ...]
    roots: tuple[str, ...]
    stops: tuple[AliasStop, ...]
    uses: tuple[str, ...]
    places: tuple[AliasUser, ...]


class Claim(Placed, frozen=True, kw_only=True):
    """A statement over the whole space, with the status each release is expected to have.

    Messages of patches make it in words that match `said`; `instead` is what is true where it is
    refuted, and `shown_by` the function or micro-operation whose kernel lines show that.
    """

    id: str
    statement: Condition
    expected: tuple[tuple[str, str], ...]  # release or "*", proved|refuted
    description: str
    said: str | None = None
    instead: str | None = None
    shown_by: str | None = None


class FileEnd(Struct, frozen=True, kw_only=True, array_like=True):
    """The last `lines` of a file, from `line` on, and the function of which git says they are."""

    path: str
    line: int
    section: str
    lines: tuple[str, ...]


class CheckFunction(Struct, frozen=True, kw_only=True, array_like=True):
    """The kernel function whose value the predicate is.

    `argument` is the type it is asked about; in the headers of `incomplete_in` that type is only
    declared, so that code there cannot look into it. Code that must can stand behind `goes_to`.
    """

    name: str
    argument: str | None
    incomplete_in: tuple[str, ...]
    source: str
    goes_to: FileEnd | None = None


class TruthPart(Struct, frozen=True, kw_only=True, array_like=True):
    """A condition that must hold where the kernel's check says yes; `because` says what if not.

    The condition's own `source` is where that stands.
    """

    id: str
    condition: Condition
    because: str


class Atom(Struct, frozen=True, kw_only=True, array_like=True):
    """A condition that the kernel can test where it asks the predicate.

    `c` is how the kernel writes it, `meaning` what that is over the names of a profile, and
    `condition` the same where it is declared, None of one that is not.
    """

    c: str
    meaning: str
    condition: Condition | None = None


class SynthesisDeclaration(Struct, frozen=True, kw_only=True, array_like=True):
    """What a synthesised predicate is the body of, a C declaration, and what it may test.

    Of the `atoms` those that are cheapest to justify in a review stand first: later ones are left
    out first.
    """

    function: str
    atoms: tuple[Atom, ...]


Basis = Literal["simulation", "truth", "nothing"]


class SoWhat(Struct, frozen=True, kw_only=True, array_like=True):
    """What a verdict means to who runs the machine, where the condition holds (None: anywhere)."""

    verdict: str
    condition: Condition | None
    says: str


class Capability(Placed, frozen=True, kw_only=True):
    """A kernel feature: what it needs, its predicate versions and what decides whether they hold.

    `requires` are tested in order; the first that fails gives the reason of `absent`. `function`
    is None where the kernel asks the predicate without a function of its own; `asked_in` are the
    functions in which it does.
    What decides is a `scenario`, whose simulation tells what breaks, or `truth`, all of whose parts
    must hold; with neither, only what the kernel says is known. `gates` is what the predicate
    allows. `scenario_options` are options of the mechanism (`guest=no-exec`), see matrix/scenarios.
    `series` are versions of what is ported on top; `assumes_patch` is one of them, if any is
    declared. `so_what` says what each verdict means; `alias_users` are the places that use a kernel
    address of its pages. `costs` are what a system pays that has the capability. Without
    `synthesis` nothing is said about what the predicate should be. `observed_by` is what a running
    machine shows of it.
    """

    id: str
    title: str
    description: str
    assumes_patch: str | None
    requires: tuple[Requirement, ...]
    function: CheckFunction | None
    predicates: tuple[PredicateVersion, ...]
    default_predicate: str
    scenario: str | None
    scenario_options: tuple[tuple[str, str], ...]
    claims: tuple[Claim, ...]
    series: tuple[SeriesVersion, ...] = ()
    so_what: tuple[SoWhat, ...] = ()
    alias_users: AliasCensus | None = None
    costs: tuple[Cost, ...] = ()
    asked_in: tuple[str, ...] = ()
    gates: str | None = None
    scenario_location: Location | None = None
    gates_location: Location | None = None
    truth: tuple[TruthPart, ...] = ()
    synthesis: SynthesisDeclaration | None = None
    observed_by: str | None = None

    def mechanism(self, version: str | None) -> tuple[tuple[str, str], ...]:
        """Return the options of the mechanism with this version of the series on top."""
        of_version = {
            name: value
            for item in self.series
            if item.name == version
            for name, value in item.options
        }
        return tuple((of_version | dict(self.scenario_options)).items())

    @property
    def basis(self) -> Basis:
        """What tells whether the kernel's check says what it should."""
        if self.scenario is not None:
            return "simulation"
        return "truth" if self.truth else "nothing"


SHA256_PATTERN = r"^[0-9a-f]{64}$"


class Distro(Placed, frozen=True, kw_only=True):
    """What the model reads of one kernel configuration of a distribution.

    `profiles` are the ids of the profiles that answer for `release`: its own, or else the nearest
    on both sides. `kconfig` are the symbols that the configuration mentions, without `CONFIG_`;
    of a `complete` one the others are off, of another they are unknown. `sha256` is the input
    `file`'s.
    """

    id: str
    name: str
    flavour: str
    arch: str
    release: str
    profiles: tuple[str, ...]
    complete: bool
    file: str
    version: str | None
    sha256: str
    command_line: str | None
    kconfig: tuple[tuple[str, str | int], ...]


class Option(Placed, frozen=True, kw_only=True):
    """One value of an axis and what it stands for; several of the fields may be set.

    `kernel` a profile id, `cpu` a SPEC, `cmdline` a command line fragment, `kconfig` symbol values
    (`y`, `n`, `m` or an int), `environment` a choice of an environment axis.
    """

    name: str
    title: str
    kernel: str | None = None
    cpu: str | None = None
    cmdline: str | None = None
    kconfig: tuple[tuple[str, str | int], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    # Whether symbols that `kconfig` leaves out are unknown, not off.
    partial: bool = False
    # The exact version of a distribution's kernel; None: the version that the profile was read on.
    version: str | None = None


class Axis(Placed, frozen=True, kw_only=True):
    """A named finite list of options. `kind`: kernel, distro, cpu, kconfig, boot or environment."""

    name: str
    kind: str
    title: str
    options: tuple[Option, ...]

    @property
    def chooses_kernel(self) -> bool:
        """Whether an option of it is a kernel, alone or with the `.config` of a distribution."""
        return any(option.kernel for option in self.options)


class CommandLineProfile(Placed, frozen=True, kw_only=True):
    """A named command line for the columns of a table: boot axes to options, rest baseline."""

    name: str
    cell: tuple[tuple[str, str], ...]


class Pivot(Placed, frozen=True, kw_only=True):
    """A table of the report: each cell the verdict at (row option, column option, rest baseline).

    `columns` are axes, or `profiles` for the study's named command lines. Row options that match
    the shell pattern `leave_out` have no row.
    """

    title: str
    rows: str
    columns: tuple[str, ...]
    fixed: tuple[tuple[str, str], ...]
    leave_out: str | None = None


ViewOrder = Literal["declared", "danger"]
ViewShows = Literal["verdict", "worst", "cells"]


class DeclaredView(Pivot, frozen=True, kw_only=True):
    """A table that is shown by name: what a pivot says, and which part of the cells in what order.

    `only` are shell patterns of the options that rows and columns keep, `where` chooses cells.
    `shows` the verdict of the one cell that a pivot means, or the `worst` one, or how many `cells`
    have which, of all cells with the options of row, column and `fixed`. With `order` by danger the
    rows with the most urgent verdict come first.
    """

    id: str
    study: str = ""
    only: tuple[tuple[str, tuple[str, ...]], ...] = ()
    where: Condition | None = None
    order: ViewOrder = "declared"
    shows: ViewShows = "verdict"


class MatrixStudy(Placed, frozen=True, kw_only=True):
    """A study: a capability and predicate over a space of cells, with the tables to render.

    `pivots` are the tables of its report, `views` what else can be shown by name.
    """

    id: str
    title: str
    description: str
    capability: str
    predicate: str
    axes: tuple[Axis, ...]
    constraints: tuple[Condition, ...]
    baseline: tuple[tuple[str, str], ...]
    profiles: tuple[CommandLineProfile, ...]
    pivots: tuple[Pivot, ...]
    claims: tuple[Claim, ...]
    formats: tuple[str, ...]
    arch: str = ""
    views: tuple[DeclaredView, ...] = ()
    baseline_location: Location | None = None

    @property
    def profiles_title(self) -> str:
        """What the named cells of `profiles` are: command lines, where they set nothing else."""
        boot = {axis.name for axis in self.axes if axis.kind == "boot"}
        named = {axis for profile in self.profiles for axis, _ in profile.cell}
        return "command line" if named <= boot else "configuration"


class Knowledge(Struct, frozen=True, kw_only=True, array_like=True):
    """All declarations of one configuration folder (or several, later ones overriding)."""

    architectures: tuple[Architecture, ...]
    kernels: tuple[KernelProfile, ...]
    toolchains: tuple[Toolchain, ...] = ()
    cpus: tuple[Cpu, ...]
    sources: tuple[SourceReference, ...]
    capabilities: tuple[Capability, ...]
    studies: tuple[MatrixStudy, ...]
    distros: tuple[Distro, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    machines: tuple[MachineList, ...] = ()
    digest: str = field(default="")
