"""Every diagnostic code with its title and what it means: the table behind `matrix explain MXnnnn`.

Codes are never reused. The blocks: MX01 expressions, MX02 declarations, MX03 `.config`, MX04
command line, MX05 CPU SPEC, MX06 cells and studies, MX07 simulation, MX08 output and documents,
MX09 everything else, MX14 forms of input, settings and baseline files of `validate`, MX16 machines
that are probed.
`docs/diagnostics.md` is made from this table.
"""

from __future__ import annotations

# What went wrong in a few words, then its cause and what to do.
CODES: dict[str, tuple[str, str]] = {
    "MX0101": (
        "character that C does not have",
        (
            "An expression holds a character that begins nothing in the C subset: write the "
            "kernel's own C."
        ),
    ),
    "MX0102": (
        "text without a closing quote",
        (
            "A quoted option in an expression is not closed: end it with a double quote on "
            "the same line."
        ),
    ),
    "MX0103": (
        "malformed constant",
        (
            "An integer is not C's (decimal, 0x hexadecimal, 0 octal, with an optional U or L "
            "suffix), or a quoted option has an unknown escape."
        ),
    ),
    "MX0104": (
        "not part of a condition",
        (
            "The text is C, such as an assignment or a character constant, but conditions do "
            "not have it."
        ),
    ),
    "MX0105": (
        "empty condition",
        "There is no expression: write `true` for a condition that always holds.",
    ),
    "MX0106": (
        "something else was expected",
        "The expression is not C at the caret; the message says what could stand there.",
    ),
    "MX0107": (
        "nested too deeply",
        "No kernel condition has so many levels: give a part of it a name of its own.",
    ),
    "MX0201": (
        "no declarations there",
        (
            "The folder given does not exist, is no folder, or holds no declarations; a "
            "folder of declarations has the folders kernels, cpus, capabilities, matrices and "
            "so on."
        ),
    ),
    "MX0202": (
        "declaration cannot be read",
        "A file of a declarations folder is missing, is a folder, or may not be read.",
    ),
    "MX0203": (
        "declaration too large",
        "A YAML file is larger than any declaration needs; split it.",
    ),
    "MX0204": (
        "not UTF-8",
        (
            "A declaration is binary or in another encoding: save it as UTF-8 without control "
            "characters."
        ),
    ),
    "MX0205": (
        "tab in the indentation",
        "YAML is indented with spaces.",
    ),
    "MX0206": (
        "not YAML",
        (
            "The file breaks YAML's syntax at the place shown; values with special characters "
            "stand in quotes."
        ),
    ),
    "MX0207": (
        "key stands twice",
        ("A mapping has one key twice; YAML readers would silently keep one of them. Remove one."),
    ),
    "MX0208": (
        "YAML feature not allowed",
        (
            "Anchors, aliases, merge keys, tags and directives make a declaration mean "
            "something else than it shows: write it out."
        ),
    ),
    "MX0209": (
        "second document",
        "One file holds one declaration: give the second a file of its own.",
    ),
    "MX0210": (
        "nested too deeply",
        "No declaration needs so many levels of YAML; something is indented wrongly.",
    ),
    "MX0211": (
        "must be quoted",
        (
            "A plain scalar would be read as something else (on/off as a truth value, 6.10 as "
            "6.1, 010 as 8, 12:30 as 750): put it in quotes."
        ),
    ),
    "MX0212": (
        "empty declaration",
        "The file declares nothing; `matrix schema` shows what it may hold.",
    ),
    "MX0213": (
        "unknown key",
        "The declaration has a key that its kind does not know.",
    ),
    "MX0214": (
        "missing key",
        "A key that every declaration of this kind needs is missing.",
    ),
    "MX0215": (
        "wrong kind of value",
        (
            "A text stands where a list or mapping is wanted, a number where a text is "
            "wanted, or a value is missing."
        ),
    ),
    "MX0216": (
        "unknown word",
        "The value is not one of the words that may stand here.",
    ),
    "MX0217": (
        "wrong form",
        (
            "The value has the right type but not the form that is wanted: an id in lower "
            "case, a source with path and line, a bit range."
        ),
    ),
    "MX0218": (
        "declared twice",
        (
            "Two declarations of one folder have the same id; both places are named. A later "
            "folder may override by id."
        ),
    ),
    "MX0219": (
        "name stands twice",
        "One list declares the same name twice.",
    ),
    "MX0220": (
        "file in the wrong folder",
        "The kind of a declaration follows from its folder, and there is no such kind.",
    ),
    "MX0221": (
        "name that is not declared",
        (
            "A declaration refers to a kernel, CPU, capability, axis, option, field, symbol "
            "or source that nobody declares."
        ),
    ),
    "MX0222": (
        "impossible value",
        "A value is outside what its field, symbol or axis allows.",
    ),
    "MX0223": (
        "incomplete baseline",
        "The baseline cell of a study names an option for every axis.",
    ),
    "MX0224": (
        "contradicting keys",
        "Two keys of one entry exclude each other, or one of two is needed.",
    ),
    "MX0225": (
        "too many options",
        "A list of free CPU features expands to more options than an axis may have.",
    ),
    "MX0226": (
        "more of the same",
        (
            "Many more diagnostics of this kind follow; mend the first ones and run the "
            "command again."
        ),
    ),
    "MX0290": (
        "unknown name in an expression",
        (
            "An expression of a profile or study uses a function, variable, symbol or cap "
            "that this release does not declare."
        ),
    ),
    "MX0291": (
        "definition that needs itself",
        "Functions of a profile call each other in a circle.",
    ),
    "MX0292": (
        "unknown kernel variable",
        "A boot parameter sets a variable that the profile does not declare.",
    ),
    "MX0301": (
        "`.config` cannot be read",
        "The file is missing, is a folder, or may not be read. Name the file itself.",
    ),
    "MX0302": (
        "`.config` too large",
        ("More than 16 MiB, packed or unpacked: it is not a `.config`, or a decompression bomb."),
    ),
    "MX0303": (
        "packed file damaged",
        (
            "The gzip, xz, bzip2 or zstd data is corrupt, ends early or has too many parts. "
            "Fetch it anew."
        ),
    ),
    "MX0304": (
        "compression not supported",
        "Zstandard needs the package `zstandard`: install it, or unpack the file first.",
    ),
    "MX0305": (
        "not a text file",
        ("The input holds NUL bytes, as an image, a package or a binary does. Unpack it first."),
    ),
    "MX0306": (
        "wrong encoding",
        "The file is UTF-16 or not UTF-8. Convert it with iconv.",
    ),
    "MX0307": (
        "no setting",
        "The file is empty or has no `CONFIG_` line, so it is no `.config`.",
    ),
    "MX0308": (
        "other architecture",
        "The symbols or the header of the `.config` name another architecture than arm64.",
    ),
    "MX0309": (
        "junk line",
        (
            "A line is neither setting nor comment; the kernel's conf ignores it, and so does "
            "this tool."
        ),
    ),
    "MX0310": (
        "malformed value",
        (
            "A value fits no type of symbol and its line is ignored, or text follows the "
            "value and is ignored."
        ),
    ),
    "MX0311": (
        "set twice",
        "A symbol is set twice; the last one wins, as in the kernel's conf.",
    ),
    "MX0312": (
        "cut short",
        (
            "The file begins like a complete `.config` and lacks its end: missing symbols are "
            "unknown, not off."
        ),
    ),
    "MX0401": (
        "NUL in the command line",
        "It ends the line for the kernel: remove it.",
    ),
    "MX0402": (
        "command-line file cannot be read",
        "The file of --cmdline-file is missing, is a folder, or may not be read.",
    ),
    "MX0403": (
        "open quote",
        (
            "A double quote is not closed: the parameter reaches to the end of the line, as "
            "the kernel has it."
        ),
    ),
    "MX0404": (
        "longer than 2047 bytes",
        "The kernel drops the rest; only ID-register overrides are read beyond.",
    ),
    "MX0405": (
        "text after `--`",
        "It goes to init; the kernel ignores it.",
    ),
    "MX0406": (
        "boot loader's line ignored",
        "CONFIG_CMDLINE_FORCE is set: the kernel uses CONFIG_CMDLINE alone.",
    ),
    "MX0407": (
        "command-line file too large",
        "The file of --cmdline-file holds more than 16 KiB.",
    ),
    "MX0501": (
        "malformed SPEC",
        "A CPU system is written NAME[,field=value…][+NAME…]; a part is missing.",
    ),
    "MX0502": (
        "unknown CPU",
        ("The name is neither a CPU's id nor an alias, nor `free`; `matrix cpus list` shows them."),
    ),
    "MX0503": (
        "unknown field",
        "The field cannot be set in a SPEC, or there is no such field or register.",
    ),
    "MX0504": (
        "value not permitted",
        "The value is not one that the field can have.",
    ),
    "MX0505": (
        "not a number",
        "A MIDR or a register value is malformed or out of range.",
    ),
    "MX0506": (
        "contradiction",
        ("Two given values, or given values and a rule of the architecture, exclude each other."),
    ),
    "MX0507": (
        "unknown group",
        "No CPU is in the group.",
    ),
    "MX0508": (
        "unknown MIDR",
        "No declared CPU has this implementer and part; describe it as `free,midr=…`.",
    ),
    "MX0509": (
        "implied value replaces a recorded one",
        (
            "A given field implies another value than the one recorded: the SPEC describes a "
            "CPU that is not known to exist."
        ),
    ),
    "MX0604": (
        "not axis=option",
        "A cell is written axis=option,axis=option; quotes protect commas.",
    ),
    "MX0605": (
        "unknown axis",
        "The study has no such axis.",
    ),
    "MX0606": (
        "unknown option",
        "The axis has no such option.",
    ),
    "MX0607": (
        "no such cell",
        (
            "The cell breaks a constraint of the study or of the release's Kconfig, so it "
            "cannot exist."
        ),
    ),
    "MX0608": (
        "constraint that does nothing",
        (
            "No kernel of the study has the names of the constraint, so it would exclude no cell: "
            "constraints are over facts, Kconfig symbols and environment axes."
        ),
    ),
    "MX0610": (
        "two axes set one variable",
        (
            "The parameters of two boot axes change the same kernel variable, so their order "
            "would matter: put them into one axis."
        ),
    ),
    "MX0620": (
        "too many features decide",
        (
            "More axes and facts decide the answer together than a reader can follow, so no rules "
            "are made: ask about a part of the study, or leave axes out of it."
        ),
    ),
    "MX0621": (
        "rules left out",
        (
            "There are more rules than --max-rules; the list is cut, the number left out is said, "
            "and the command ends undecided."
        ),
    ),
    "MX0622": (
        "nothing to synthesize from",
        (
            "The capability is absent from every cell asked for, so any predicate would do: choose "
            "other kernels or kinds of VM."
        ),
    ),
    "MX0623": (
        "malformed claim",
        (
            "A claim is `always(x)`, `never(x)`, `implies(a, b)` or a bare expression, and "
            '`violates("invariant", "option=value")` takes an invariant and mechanism options.'
        ),
    ),
    "MX0624": (
        "unknown name in a claim",
        (
            "A claim uses a name that is no axis, fact, simulation input or name of the kernel in "
            "any release it is expected of."
        ),
    ),
    "MX0625": (
        "comparison that is never true",
        (
            "A claim compares an axis or a fact with an option it never has, which would be false "
            "in silence."
        ),
    ),
    "MX0626": (
        "nothing to compare",
        "`matrix diff` compares two predicates or two kernels of one study.",
    ),
    "MX0651": (
        "unknown name",
        ("An expression over a study uses a name that is neither axis, fact nor definition."),
    ),
    "MX0652": (
        "definition that needs itself",
        "Definitions of a study's expressions need each other in a circle.",
    ),
    "MX0653": (
        "neither true nor false",
        (
            "An expression has no truth in some cells: a text is compared with ==, not used "
            "as a truth."
        ),
    ),
    "MX0654": (
        "space too large",
        ("The decision diagrams of the study do not fit into memory: leave out axes or options."),
    ),
    "MX0655": (
        "comparison with no option",
        ("An axis is compared with an option it does not have, which would be false in silence."),
    ),
    "MX0701": (
        "unknown scenario",
        "The capability names a scenario that the simulation does not have.",
    ),
    "MX0702": (
        "unknown mechanism variant",
        "The simulation has no such option.",
    ),
    "MX0703": (
        "unknown value of a variant",
        "The mechanism option has no such value.",
    ),
    "MX0704": (
        "variant given twice",
        "One mechanism option is given two values.",
    ),
    "MX0705": (
        "not option=value",
        "A mechanism variant is written option=value.",
    ),
    "MX0706": (
        "unknown event",
        "The rehearsal of a trace names an event that the simulation does not have.",
    ),
    "MX0707": (
        "event that cannot happen there",
        "The event is not enabled where it stands in the rehearsal.",
    ),
    "MX0708": (
        "unknown value of an assumption",
        "The assumption has no such value.",
    ),
    "MX0710": (
        "state space past the bound",
        (
            "The simulation was stopped at its bound; nothing is said about the cell, least "
            "of all that it is safe."
        ),
    ),
    "MX0801": (
        "cannot be written",
        (
            "The folder or file of the output is missing, not writable, or in the way; "
            "nothing was written."
        ),
    ),
    "MX0802": (
        "two outputs in one file",
        "Two results would be written to the same file.",
    ),
    "MX0804": (
        "end without begin",
        "A `matrix:end` marker has no `matrix:begin` before it.",
    ),
    "MX0805": (
        "nested block",
        "A block begins inside another one: end the first before.",
    ),
    "MX0806": (
        "no end",
        "A `matrix:begin` marker has no `matrix:end` after it.",
    ),
    "MX0807": (
        "marker not alone",
        (
            "A marker stands alone on its line, indented by less than four spaces from the edge "
            "of the list it is in."
        ),
    ),
    "MX0808": (
        "unknown key",
        "A marker's key is not one of those a block knows.",
    ),
    "MX0809": (
        "malformed marker",
        ("A marker's attributes are written key=value, values with spaces in double quotes."),
    ),
    "MX0810": (
        "nothing of that name to show",
        "The study has no such table, row, column or kind of block.",
    ),
    "MX0811": (
        "stale block",
        "The block's content is not what the declarations say now: run `matrix embed`.",
    ),
    "MX0901": (
        "unknown predicate",
        "The capability has no such predicate version.",
    ),
    "MX0902": (
        "predicate of another release",
        "The predicate uses functions that this release does not have.",
    ),
    "MX0903": (
        "too much is unknown",
        (
            "There are more completions of what is unknown than can be tried: give a complete "
            "`.config` or a CPU with fewer unknown fields."
        ),
    ),
    "MX0904": (
        "granule not recorded",
        (
            "Nobody recorded whether every CPU supports the kernel's translation granule; the "
            "answer takes it that the kernel boots."
        ),
    ),
    "MX0905": (
        "unknown kernel",
        "There is no profile of this release; `matrix kernels list` shows them.",
    ),
    "MX0906": (
        "unknown study or capability",
        "Nothing of this name is declared.",
    ),
    "MX0907": (
        "unknown verdict",
        "--fail-on takes verdicts, separated by commas.",
    ),
    "MX0908": (
        "not axis=option",
        "--set takes the axes of the architecture file: entry, gic, realm, host.",
    ),
    "MX0909": (
        "unknown option",
        "The axis of --set has no such option.",
    ),
    "MX0910": (
        "two command lines",
        "--cmdline and --cmdline-file exclude each other.",
    ),
    "MX0911": (
        "partial `.config`",
        (
            "The file is a fragment, a defconfig or a merge: what it does not set is unknown, not "
            "off, and the answer holds for every completion."
        ),
    ),
    "MX0912": (
        "release not stated",
        "The `.config` has no header that names its release: give --kernel.",
    ),
    "MX0913": (
        "no profile of this release",
        ("The release of the `.config` has no profile: decide for a neighbour with --kernel."),
    ),
    "MX0914": (
        "answered without a profile",
        ("There is no profile of the release, but the answer is the same for every release."),
    ),
    "MX0915": (
        "exists already",
        "`matrix init` never overwrites: choose another folder.",
    ),
    "MX0916": (
        "unknown code",
        "There is no such diagnostic code.",
    ),
    "MX0917": (
        "document cannot be read",
        "A document of `matrix embed` is missing, is a folder, or is not UTF-8 text.",
    ),
    "MX0918": (
        "nothing to simulate",
        "The capability is absent from the cell, or the cell's answer is unknown.",
    ),
    "MX0919": (
        "`.config` of another release",
        (
            "The Kconfig of the release could not have made these settings; the answer takes them "
            "as they stand."
        ),
    ),
    "MX1401": (
        "no configuration in the image",
        (
            "The kernel image was built without CONFIG_IKCONFIG, or with it as a module: give the "
            "`.config`, or the module configs.ko."
        ),
    ),
    "MX1402": (
        "no configuration in the package",
        (
            "The package holds no boot/config-*, lib/modules/*/config or the like: it may only "
            "depend on the kernel."
        ),
    ),
    "MX1403": (
        "damaged package",
        "The package ends early or its archive is malformed: fetch it anew.",
    ),
    "MX1404": (
        "too large",
        (
            "An image or a package holds, or claims to hold, more than any kernel's does; nothing "
            "was unpacked beyond the bound."
        ),
    ),
    "MX1405": (
        "member outside of the package",
        "A member's name leads out of the package (`..`); nothing of the package is used.",
    ),
    "MX1406": (
        "no configuration in the folder",
        "No file below the folder is named like a kernel configuration or package of arm64.",
    ),
    "MX1407": (
        "compression that cannot be read",
        "The image is packed with LZ4, LZO or old LZMA: unpack it, or give the `.config`.",
    ),
    "MX1410": (
        "settings cannot be read",
        "matrix.toml is missing, too large, or no TOML; the place is where reading stopped.",
    ),
    "MX1411": (
        "unknown key in the settings",
        "matrix.toml has the tables [validate] and [[mute]]; the hint lists the keys.",
    ),
    "MX1412": (
        "wrong kind of value in the settings",
        "A text stands where a list belongs, or the like; the message says which.",
    ),
    "MX1413": (
        "mute without a reason or a limit",
        (
            "A mute needs `because`, and at least one of verdict, rule, capability, file and cpu: "
            "what nobody explains, nobody will remove."
        ),
    ),
    "MX1414": (
        "mute without use",
        "Nothing in this run needed the mute: remove it, or it hides the next finding.",
    ),
    "MX1415": (
        "unknown name in a mute",
        "`verdict` is one of the six; `rule` is an invariant, or the code of a diagnostic.",
    ),
    "MX1420": (
        "baseline cannot be read",
        "The file of --baseline is missing or was not written by --write-baseline.",
    ),
    "MX1421": (
        "stale entry of the baseline",
        (
            "A finding the baseline knows is gone: write it anew, so that the finding cannot come "
            "back unseen."
        ),
    ),
    "MX1601": (
        "machine of another architecture",
        (
            "The model knows arm64 only. `matrix probe` still shows and saves what can be observed "
            "on the machine."
        ),
    ),
    "MX1602": (
        "the running kernel's `.config` cannot be read",
        (
            "None of /proc/config.gz, /boot/config-RELEASE and /lib/modules/RELEASE/config could "
            "be read: without it nothing can be answered."
        ),
    ),
    "MX1603": (
        "no CPU could be read",
        (
            "Neither sysfs nor /proc/cpuinfo shows MIDR_EL1, as in some containers: name the CPU "
            "with --cpu."
        ),
    ),
    "MX1610": (
        "bundle cannot be read",
        "The file of --host is missing, a folder, or may not be read.",
    ),
    "MX1611": (
        "bundle too large",
        "No bundle of `matrix probe --save` is so large, packed or unpacked: it is not read.",
    ),
    "MX1612": (
        "not a bundle",
        (
            "The file of --host was not written by `matrix probe --save`, or was cut or changed on "
            "its way."
        ),
    ),
    "MX1613": (
        "bundle of another version",
        "Another version of this program wrote the bundle: save it anew, or use that version.",
    ),
    "MX1614": (
        "wrong value in a bundle",
        "A value of the bundle is of the wrong kind, or cannot be: the message says which.",
    ),
    "MX1620": (
        "command line not read",
        "/proc/cmdline could not be read: the answer takes it that no parameter was given.",
    ),
    "MX1621": (
        "surroundings not observed",
        (
            "The exception level, the interrupt controller or whether the machine is a Realm could "
            "not be read: the answer takes the usual."
        ),
    ),
}
