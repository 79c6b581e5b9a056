"""Every diagnostic code with its title and what it means: the table behind `matrix explain MXnnnn`.

Codes are never reused. The blocks: MX01 expressions, MX02 declarations, MX03 `.config`, MX04
command line, MX05 CPU SPEC, MX06 cells and studies, MX07 simulation, MX08 output and documents,
MX09 everything else, MX10 Kconfig trees, MX11 kernel source, MX12 patches, MX13 architectures, MX14
forms of input, settings and baseline files of `validate`, MX15 fleets, MX16 the machine itself,
MX17 names that a release lacks, distributions. `docs/diagnostics.md` is made from this table.
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
            "Two declarations of one folder have the same id, or two kernels of one architecture "
            "the same release; both places are named. A later folder may override by id."
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
    "MX0227": (
        "architecture in doubt",
        (
            "What a study or CPU names is declared for several architectures; both are named. "
            "Write `arch:`."
        ),
    ),
    "MX0228": (
        "study of two architectures",
        (
            "A study has one architecture, and it names a kernel, CPU or distribution of another; "
            "the hint says where it is bound to the first."
        ),
    ),
    "MX0229": (
        "CPU field against its register",
        (
            "A field of a CPU is another than the value recorded of its register shows; both "
            "places are named. A field that differs between builds is `{unknown: build-option}`."
        ),
    ),
    "MX0230": (
        "MIDR against its parts",
        "A value of MIDR_EL1 that was seen has not the implementer or part that is declared.",
    ),
    "MX0231": (
        "CPU against a rule",
        "The known fields of a CPU break a rule of its architecture: no CPU is so.",
    ),
    "MX0232": (
        "mechanism missing",
        (
            "A profile does not say what a mechanism of its architecture is in that release; "
            "without it rows would silently be left out."
        ),
    ),
    "MX0240": (
        "two things decide",
        (
            "A capability declares both a scenario and a truth. A verdict compares the kernel's "
            "check with one of them."
        ),
    ),
    "MX0241": (
        "scenario of another gate",
        (
            "The simulation shows what follows when the kernel allows one thing, which `gates` "
            "names. A capability whose predicate allows something else has no scenario: it "
            "declares the conditions that must hold (`truth`), or nothing, and its answers are "
            "then granted and not-granted."
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
    "MX0313": (
        "comment that looks like a setting",
        "Only `# CONFIG_NAME is not set` to the letter says something of a symbol.",
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
    "MX0408": (
        "symbol of another tree",
        (
            "The `.config` sets a symbol that says what CONFIG_CMDLINE is, and that its release "
            "lacks while other people's trees have it: both command lines are answered, and where "
            "they differ the answer is unknown. With --tree the tree decides."
        ),
    ),
    "MX0409": (
        "no such symbol for CONFIG_CMDLINE",
        (
            "The `.config` sets a symbol that says what CONFIG_CMDLINE is in other kernels or on "
            "other architectures; in this one the line decides nothing."
        ),
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
            "The cell's options contradict a constraint of the study or of the release's Kconfig; "
            "the smallest such contradiction follows, one line (MX0660) for each part of it."
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
            "A claim, or --where, uses a name that is no axis, fact, simulation input or name of "
            "the kernel in any release it is asked of."
        ),
    ),
    "MX0625": (
        "comparison that is never true",
        (
            "A claim, or --where, compares an axis or a fact with an option it never has, which "
            "would be false in silence."
        ),
    ),
    "MX0626": (
        "nothing to compare",
        (
            "`matrix diff` compares two predicates or two kernels (or distributions) of one study, "
            "or two studies by id or file."
        ),
    ),
    "MX0630": (
        "unknown column",
        (
            "`matrix cells --columns` names what is neither an axis of the study nor one of "
            "predicate, outcome, verdict, cause and behaviour_class."
        ),
    ),
    "MX0631": (
        "column named twice",
        "`matrix cells --columns` names a column more than once.",
    ),
    "MX0632": (
        "too many rows",
        (
            "More rows would be written than anyone asks for by accident, so nothing was: give "
            "--limit or --random, choose cells with --where, or name fewer --columns."
        ),
    ),
    "MX0633": (
        "no file for what is not text",
        "Parquet and Arrow are not text: name a file with --output.",
    ),
    "MX0634": (
        "too many combinations of columns",
        (
            "The distinct combinations of the columns cannot be told apart within the bound on "
            "memory: name other columns, or choose cells with --where."
        ),
    ),
    "MX0635": (
        "options of cells that do not go together",
        (
            "--limit and --random both say how many rows there are to be; --seed belongs to "
            "--random or --sample."
        ),
    ),
    "MX0640": (
        "too many combinations to cover",
        (
            "So many combinations of t options are valid that a covering array of them is not "
            "made: ask for a smaller t, for a part of the study, or leave axes out of it."
        ),
    ),
    "MX0641": (
        "options that --sample excludes",
        (
            "A covering array is useful only whole: its rows are not cut (--limit), drawn "
            "(--random) or joined (--columns); --where chooses the cells it is made of."
        ),
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
    "MX0660": (
        "part of a contradiction",
        (
            "One of the options and constraints that cannot all be: without any one of those that "
            "are listed together, the rest can."
        ),
    ),
    "MX0661": (
        "contradictory study",
        (
            "The constraints of a study and of its releases' Kconfig leave no cell; the smallest "
            "contradiction follows, one line (MX0660) for each part of it."
        ),
    ),
    "MX0662": (
        "nothing selected",
        (
            "No cell of the study is what was asked for; the smallest contradiction follows, one "
            "line (MX0660) for each part of it."
        ),
    ),
    "MX0670": (
        "studies with nothing in common",
        (
            "Cells of two studies are matched by the names of axes and options, and no cell of one "
            "has a partner in the other."
        ),
    ),
    "MX0671": (
        "a study around two studies",
        "Two studies are compared as they are: --matrix is for two predicates or two kernels.",
    ),
    "MX0672": (
        "claim not as expected",
        (
            "A claim was proved where the study expects it refuted, or the reverse: either the "
            "declarations changed what is true, or the expectation is wrong."
        ),
    ),
    "MX0673": (
        "claim that is never asked",
        (
            "A study's claim expects something only of releases that the study does not have, so "
            "it would never be asked."
        ),
    ),
    "MX0685": (
        "no value of an input",
        (
            "A row, or a mechanism that it reads, has a value that the input of the simulation "
            "cannot have: another kernel would be simulated."
        ),
    ),
    "MX0686": (
        "name unknown to the simulation",
        (
            "A profile or an architecture names an input, a micro-operation, an invariant or an "
            "advisory that the simulation does not have."
        ),
    ),
    "MX0687": (
        "kernel of several architectures",
        "Several architectures have a kernel of this release; name one by its id.",
    ),
    "MX0688": (
        "source without lines",
        (
            "A source in a kernel profile is no `path:line`, so that nobody can look it up; "
            "`matrix check` refuses it."
        ),
    ),
    "MX0690": (
        "truth that a release lacks",
        (
            "A part of a capability's truth names what the profile of a release does not have. "
            "Left out it would count as true."
        ),
    ),
    "MX0691": (
        "no predicate to synthesise",
        (
            "The capability does not declare what its predicate may test, or nothing tells where "
            "it should say yes."
        ),
    ),
    "MX0692": (
        "nothing is simulated",
        "The capability has no scenario, so that there are no events to show or to review.",
    ),
    "MX0693": (
        "predicate of another feature",
        (
            "A declared predicate and the simulation of its capability's scenario have nothing in "
            "common: no Kconfig symbol, CPU property, kernel variable or surrounding. What the "
            "simulation finds says nothing about such a check."
        ),
    ),
    "MX0701": (
        "unknown scenario",
        "The capability names a scenario that the simulation does not have.",
    ),
    "MX0720": (
        "scenario of another architecture",
        (
            "The rows of the kernel's architecture (`simulation:`) do not say everything that the "
            "scenario is told of a cell. A scenario is a world of one architecture."
        ),
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
    "MX0812": (
        "no block",
        (
            "A document of `matrix embed` has no block, or a comment that looks like a marker is "
            "none, so that nothing is filled or compared there: write `<!-- matrix:begin STUDY "
            "-->`."
        ),
    ),
    "MX0813": (
        "edited meanwhile",
        (
            "A file that a command rewrites was changed, made or removed by somebody else after "
            "it had been read; nothing was written, and the edit stands."
        ),
    ),
    "MX0814": (
        "block that is not filled",
        (
            "A marker of `matrix embed` stands in a comment of another language, or in a document "
            "that is no Markdown; blocks are filled in Markdown only."
        ),
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
        "The word is no kernel release and no profile's name; `matrix kernels list` shows them.",
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
        (
            "The release of the `.config`, or the one that was asked for, has no profile: decide "
            "for a neighbour with --kernel."
        ),
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
            "as they stand, without the constraints that are named."
        ),
    ),
    "MX0920": (
        "several lines as one command line",
        (
            "A kernel boots with one line; of a boot log, or of a file with a line for each "
            "kernel, nobody knows which one is meant."
        ),
    ),
    "MX0921": (
        "no command line, but a line about one",
        (
            "A line of a log, or of a file of settings, has the command line in it; read as "
            "one itself it would have other parameters."
        ),
    ),
    "MX1001": (
        "no kernel source tree",
        ("The folder given with --tree has no kernel Makefile or no Kconfig at its top."),
    ),
    "MX1002": (
        "tree without the architecture",
        ("The tree has no Kconfig of the profile's architecture: it is another's, or not whole."),
    ),
    "MX1003": (
        "tree of another release",
        (
            "The tree's Makefile says another release than the one named: give its tree, or "
            "say --borrow."
        ),
    ),
    "MX1004": (
        "Kconfig nobody knows",
        (
            "A line of the tree is no Kconfig that the tree's own parser is known to have: a "
            "damaged file, or a construct that is newer than this release of matrix."
        ),
    ),
    "MX1005": (
        "Kconfig language unknown",
        (
            "The tree has neither the sources nor the tests of its Kconfig parser, and what "
            "its Kconfig means depends on the parser."
        ),
    ),
    "MX1006": (
        "sourced file missing",
        ("A Kconfig file sources another that the tree does not have: the tree is not whole."),
    ),
    "MX1007": (
        "Kconfig cannot be read",
        (
            "The tree's Kconfig contradicts itself, such as a file that sources itself, or "
            "cannot be read."
        ),
    ),
    "MX1008": (
        "questions without an answer",
        (
            "The recorded toolchain has no answer to some questions of the tree; either "
            "answer is taken as possible, so that more combinations count as realizable."
        ),
    ),
    "MX1009": (
        "symbol the tree does not have",
        ("No Kconfig file of the tree defines the symbol."),
    ),
    "MX1010": (
        "too many assignments",
        (
            "The symbols have more realizable assignments than are looked at one by one: ask "
            "about fewer symbols."
        ),
    ),
    "MX1011": (
        "toolchain does not answer",
        ("A question of the tree to the live toolchain could not be run, or took too long."),
    ),
    "MX1012": (
        "value the tree does not allow",
        (
            "The `.config` has a value that the tree's Kconfig, with the other values as they "
            "are, would not leave: what the message names forbids it."
        ),
    ),
    "MX1013": (
        "`.config` of another release than the tree",
        (
            "The `.config` and the tree given with --tree are of different releases, so that "
            "their differences say nothing."
        ),
    ),
    "MX1014": (
        "tree without documentation",
        (
            "The tree came without a Kconfig file below Documentation/, which only adds "
            "warnings about documents."
        ),
    ),
    "MX1015": (
        "profile not rewritten",
        (
            "The profile's file has no `kconfig:` block to write to, or only some of its "
            "symbols were projected."
        ),
    ),
    "MX1016": (
        "unknown toolchain",
        ("No toolchain of that name is declared; see configs/toolchains."),
    ),
    "MX1101": (
        "value is not the source's",
        (
            "A declared function or initial value is not what the kernel's own definition can be "
            "shown to be, on some value of what it reads."
        ),
    ),
    "MX1102": (
        "parameter is not parsed as declared",
        (
            "The kernel registers the boot parameter otherwise, accepts other words, or sets other "
            "values."
        ),
    ),
    "MX1103": (
        "cpucap is not the source's",
        "Type, Kconfig condition, register field, minimum or MIDR list differ from the table.",
    ),
    "MX1104": (
        "source text has changed",
        (
            "A cited function, table or block has other words than when the profile was read; "
            "comments, white space and names of local variables do not count."
        ),
    ),
    "MX1105": (
        "cited code is gone",
        "The file no longer has the function, table entry, macro or block that is cited.",
    ),
    "MX1106": (
        "cited lines have moved",
        "The text is the same; `matrix kernels verify --fix` updates the lines.",
    ),
    "MX1107": (
        "citation not compared",
        "Nothing was recorded of the cited text, so that nobody can tell whether it has changed.",
    ),
    "MX1108": (
        "file left out of the tree",
        "The tree lacks a cited file: what is cited there was not compared, which is no drift.",
    ),
    "MX1109": (
        "declaration has changed",
        "The profile declares or cites something else than when its source was read.",
    ),
    "MX1110": (
        "citation of nothing",
        "At the cited lines stands no function, table, macro or variable.",
    ),
    "MX1111": (
        "not a kernel tree",
        "The folder is missing, or has no Makefile that names a release.",
    ),
    "MX1112": (
        "tree of another release",
        "The tree's Makefile names another release than the profile.",
    ),
    "MX1113": (
        "tree of another architecture",
        "The tree lacks the folder of the profile's architecture.",
    ),
    "MX1114": (
        "tree is cut short",
        "The tree has none of the cited files, or one of them cannot be read.",
    ),
    "MX1115": (
        "evidence cannot be read",
        "The file of recorded evidence beside a profile is damaged or of another version.",
    ),
    "MX1116": (
        "no profile can be drafted",
        "The release has a profile already, or no other profile has recorded evidence.",
    ),
    "MX1117": (
        "profile is a draft",
        "Rows of its `open` were not read in the source yet; what rests on them is unknown.",
    ),
    "MX1118": (
        "declaration not written",
        (
            "`--fix`, `--record` and `--write` change the very file that was read; what belongs to "
            "an installed package is left as it is."
        ),
    ),
    "MX1119": (
        "Kconfig constraint is not the tree's",
        (
            "Projecting the tree's Kconfig onto the profile's symbols gives another constraint, or "
            "another reason for it: read it, then `matrix kconfig project --write`."
        ),
    ),
    "MX1120": (
        "Kconfig not projected",
        (
            "The tree's Kconfig is not whole or cannot be read: constraints taken from this tree "
            "were compared at their lines, others not at all."
        ),
    ),
    "MX1121": (
        "tree of another point release",
        "The tree is of the profile's release, and not the exact version that was read.",
    ),
    "MX1201": (
        "patch cannot be read",
        "The file is missing, is a folder, or may not be read.",
    ),
    "MX1202": (
        "patch too large",
        "The file, or what it holds compressed, is larger than any thread of mails.",
    ),
    "MX1203": (
        "empty patch",
        "There is nothing in the file.",
    ),
    "MX1204": (
        "no text",
        "The file or a part of the mail is binary: a patch is plain text.",
    ),
    "MX1205": (
        "mail cannot be decoded",
        "The base64 text of a mail lost a character or its end.",
    ),
    "MX1206": (
        "no patch",
        "The file has no diff, and quotes none.",
    ),
    "MX1207": (
        "damaged hunk",
        "A line begins as the header of a hunk and is none: the patch was wrapped or edited.",
    ),
    "MX1208": (
        "check not in the patch",
        (
            "The patch neither adds nor changes the function that the capability names; "
            "--function takes another name."
        ),
    ),
    "MX1209": (
        "check of another architecture",
        "The patch has the function, but for architectures that are not simulated.",
    ),
    "MX1210": (
        "part of a check",
        "The patch or the quotation has only some lines of the function: what it returns is open.",
    ),
    "MX1211": (
        "two versions of a check",
        "The file holds the function twice, and the two say different things.",
    ),
    "MX1212": (
        "check without a body",
        "The patch only declares the function, or only removes it.",
    ),
    "MX1213": (
        "unknown name in a check",
        "The function uses a name that neither the patch nor a profile defines.",
    ),
    "MX1214": (
        "unknown symbol in a check",
        "The function asks for a Kconfig symbol that no profile lists: it is not taken as off.",
    ),
    "MX1215": (
        "check is no expression",
        (
            "The function does something that cannot be said as one expression, such as a loop, "
            "or it is not C."
        ),
    ),
    "MX1216": (
        "capability without a function",
        "The capability names no kernel function to look for; --function gives one.",
    ),
    "MX1217": (
        "kernel left out",
        "A release lacks a name that the check uses, so the check cannot be asked of it.",
    ),
    "MX1218": (
        "patch changes more than the check",
        "The patch also changes a function that the check uses: it is read as the patch leaves it.",
    ),
    "MX1219": (
        "two kernels to compare",
        (
            "The patch changes a function or variable from which verdicts are made, or another "
            "capability's check: the kernels as they are say nothing of it. Declare what it "
            "becomes in a profile of your own."
        ),
    ),
    "MX1220": (
        "helper shown in part",
        (
            "The check calls what the patch changes without showing all of it, or removes: what "
            "it becomes cannot be read, and what it was does not count."
        ),
    ),
    "MX1221": (
        "symbol without CONFIG_",
        "IS_ENABLED(X) and #ifdef X are always 0 for a Kconfig symbol: it is called CONFIG_X in C.",
    ),
    "MX1222": (
        "error number as bool",
        "A function of type bool returns -EINVAL or the like: that is true, so it says yes.",
    ),
    "MX1223": (
        "value of a symbol",
        "A check compares the number of a Kconfig symbol: the model knows whether it is 0 alone.",
    ),
    "MX1224": (
        "macro without parentheses",
        (
            "The check is a macro whose replacement is not in parentheses: `!check(kvm)` negates "
            "its first operand alone. Put it in parentheses, or make it a function."
        ),
    ),
    "MX1240": (
        "patch changes what is simulated",
        (
            "The patch also changes a function whose steps the simulation takes from the kernel: "
            "the verdicts are of the check with that function as it was."
        ),
    ),
    "MX1241": (
        "patch changes Kconfig",
        (
            "The patch also changes an entry or statement of Kconfig that profiles cite: which "
            "symbols can be set together is answered for the tree without the patch."
        ),
    ),
    "MX1242": (
        "symbol outside #if and IS_ENABLED()",
        (
            "The check names a Kconfig symbol as a number: where it is off, C knows no such name "
            "and the check does not compile."
        ),
    ),
    "MX1301": (
        "tree says otherwise",
        (
            "The lines that an answer about another architecture was read from are not in the "
            "kernel's tree any more: read the file again, the answer may have changed."
        ),
    ),
    "MX1302": (
        "lines moved",
        "The lines of a source are in the tree as declared, but at another place.",
    ),
    "MX1303": (
        "file not in the tree",
        "A file that a source names is not in the kernel's tree, or cannot be read.",
    ),
    "MX1304": (
        "declared absent, but there",
        (
            "A declaration says that words or a file are nowhere in the kernel's tree, and they "
            "are there: the answer that rests on it may have changed."
        ),
    ),
    "MX1305": (
        "unknown architecture",
        (
            "Nothing is declared of an architecture of this name; `matrix architectures list` "
            "shows those that are not simulated."
        ),
    ),
    "MX1306": (
        "not the tree of the release",
        "The folder is no kernel tree, or its Makefile names another release.",
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
    "MX1501": (
        "table of hosts cannot be opened",
        "The file of `matrix fleet` is missing, is a folder, or may not be read.",
    ),
    "MX1502": (
        "no table of hosts",
        (
            "The table of hosts is damaged, empty or cut short, leaves a quote open, or is of "
            "another format: give CSV with a header and commas, or Parquet."
        ),
    ),
    "MX1503": (
        "column missing or there twice",
        (
            "A table of hosts has the columns kernel, config, and cpu or midrs; host, cmdline and "
            "vm may be there, too."
        ),
    ),
    "MX1504": (
        "numbers where text is needed",
        "A release that is stored as a number has lost its zeros: 6.10 is 6.1. Store text.",
    ),
    "MX1505": (
        "row of another length",
        (
            "A row of the CSV has more or fewer fields than its header: put double quotes around a "
            "field that holds a comma. The other rows are answered."
        ),
    ),
    "MX1506": (
        "no kernel release",
        "The row's kernel does not begin with a release: write it as `uname -r` does.",
    ),
    "MX1507": (
        "no `.config` for the row",
        (
            "The row names no `.config`, or a SHA-256 that no file of the folder has: give a path, "
            "and --config-folder."
        ),
    ),
    "MX1508": (
        "no CPU for the row",
        "The row has neither a CPU SPEC nor MIDRs.",
    ),
    "MX1509": (
        "unknown format of a table",
        (
            "The name of the file says how the table is written: --table of `matrix fleet` ends in "
            ".csv or .parquet, --output of `matrix cells` also in .jsonl or .arrow, or --format "
            "says it."
        ),
    ),
    "MX1510": (
        "columns not read",
        "The table of hosts has columns that no answer rests on; they are left out.",
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
    "MX1701": (
        "symbol that the release does not have",
        (
            "The `.config` sets a Kconfig symbol that this release lacks: it was removed, or came "
            "later. The line decides nothing; the message says which profiles have the symbol."
        ),
    ),
    "MX1702": (
        "parameter that the release does not have",
        (
            "The command line holds a boot parameter that other releases read and this one does "
            "not: nothing changes."
        ),
    ),
    "MX1703": (
        "value that means nothing",
        (
            "The kernel's parser of the parameter refuses the value in this release, so that "
            "nothing changes: a misspelt word, or a word of another release."
        ),
    ),
    "MX1704": (
        "misspelt parameter",
        (
            "No profile knows the parameter, and it is one letter or a separator away from one "
            "that the kernel reads."
        ),
    ),
    "MX1705": (
        "setting without effect",
        "Nothing that the release decides rests on the axis that --set sets: realm in 6.12.",
    ),
    "MX1706": (
        "option that no kernel of the study knows",
        (
            "A study sets a symbol, parameter or value that means nothing in every kernel of its "
            "axes: misspelt, or of a release that the study leaves out."
        ),
    ),
    "MX1710": (
        "release of an import not known",
        "A distribution's kernel is declared with its release: give --kernel with two numbers.",
    ),
    "MX1711": (
        "declaration exists and differs",
        "`matrix distros import` never overwrites what says something else.",
    ),
    "MX1712": (
        "one name for several configurations",
        "Each configuration needs an id of its own: import them one by one.",
    ),
    "MX1713": (
        "no id of a distribution",
        "An id is lower case letters and digits, joined by `-`, `_` or `.`.",
    ),
    "MX1714": (
        "vendor's version",
        (
            "By its number the kernel is older than a fix that the answer rests on, and what "
            "stands behind the number is a vendor's: the fix may have been brought back."
        ),
    ),
    "MX1715": (
        "answered as another release",
        (
            "--kernel, or the column `kernel` of a table of hosts, names another release than the "
            "header of the `.config`. What came with a point release is then told by it alone, "
            "and left open where it names none; where the file's release has no profile, and no "
            "exact version was given, by the file's version."
        ),
    ),
    "MX1716": (
        "no such symbol",
        (
            "No kernel has the Kconfig symbol, and it is a slip of one that the model reads, or a "
            "name that people write for it."
        ),
    ),
    "MX1717": (
        "symbol that the tree lacks",
        "The Kconfig tree of --tree does not define the symbol: conf drops the line.",
    ),
}
