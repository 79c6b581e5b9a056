"""How one cell's value comes about: the kernel's expression as a tree, each part with its value.

Takes what the profile declares (not what it was lowered to, so that a reader sees the kernel's own
words) and the evaluation of one cell; gives `Derivation` trees whose leaves say what set them: a
boot parameter, a Kconfig symbol, a CPU field, a choice of the surroundings, or the release itself.
Values are three-valued: None is unknown, and the leaf says which CPU field or setting is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from matrix.analyze.cell.question import conjuncts
from matrix.analyze.facts.boot_variables import BootStep
from matrix.analyze.facts.evaluation import Evaluation
from matrix.analyze.facts.program import PARSED_VALUE, FactProgram
from matrix.expr.evaluation import truth
from matrix.expr.nodes import (
    Binary,
    Call,
    Conditional,
    Constant,
    Expression,
    Name,
    Unary,
    Value,
    spine,
)
from matrix.expr.printer import to_c
from matrix.expr.trees import names
from matrix.kernel.cpu.detection import detect
from matrix.kernel.cpu.system import MIDR, CpuSystem, SystemCpu
from matrix.schema.values import (
    Architecture,
    CpuCap,
    KernelFunction,
    KernelProfile,
    Variable,
)

# What is said of an occurrence that does not decide, or not for certain.
_OVERRULED = "is overruled by a later one"
_PERHAPS = "sets it where its condition, unknown here, holds"

_Truth = Callable[[Expression], bool | None]

BOOT, KCONFIG, CPU, ENVIRONMENT, RELEASE, DEFAULT = (
    "boot parameter",
    "Kconfig",
    "CPU",
    "environment",
    "release",
    "default",
)


class Origin(Struct, frozen=True, kw_only=True):
    """What set a value: `kind` is one of the six above, `text` says it in words.

    `confidence` is that of a CPU field (`trm`, `given` …), None for everything else; `sources` are
    where a CPU field is recorded, or the kernel line that reads a parameter. What does not count is
    an occurrence of a boot parameter that changed nothing in the end; `text` says why.
    """

    kind: str
    text: str
    counts: bool = True
    sources: tuple[str, ...] = ()
    confidence: str | None = None


class Derivation(Struct, frozen=True, kw_only=True):
    """One sub-expression with its value and what that rests on.

    `source` is the kernel line (for a CPU field its register), `origins` are filled where something
    outside the expression set the value. `repeated` parts were shown before: their own parts are
    left out.
    """

    text: str
    value: Value
    source: str | None = None
    origins: tuple[Origin, ...] = ()
    parts: tuple[Derivation, ...] = ()
    repeated: bool = False


class CellSettings(Struct, frozen=True, kw_only=True):
    """What set the atoms and the command line of one cell, in words.

    `atoms` are Kconfig symbols (`CONFIG_KVM`) and environment axes; `steps` the boot parameters
    of the `line`, with who put each there by the offset at which it stands.
    """

    atoms: Mapping[str, Origin]
    line: str
    steps: tuple[BootStep, ...]
    writers: tuple[tuple[range, str], ...]
    system: CpuSystem | None

    def writer(self, offset: int) -> str | None:
        """Return who wrote the parameter at an offset of the command line."""
        return next((text for place, text in self.writers if offset in place), None)


class Derivations:
    """Derives expressions of one cell; what one tree has shown, a later one only names."""

    def __init__(
        self,
        program: FactProgram,
        profile: KernelProfile,
        architecture: Architecture,
        evaluation: Evaluation,
        settings: CellSettings,
    ) -> None:
        self._program = program
        self._evaluation = evaluation
        self._settings = settings
        self._fields = {field.name: field for field in architecture.fields}
        self._variables = {variable.name: variable for variable in profile.variables}
        self._mechanisms = {f"mechanism.{item.name}": item for item in profile.mechanisms}
        self._symbols = {f"CONFIG_{symbol.name}": symbol for symbol in profile.symbols}
        self._release = profile.release
        self._shown: set[str] = set()

    def derive(self, expression: Expression) -> Derivation:
        """Return the tree of an expression as a declaration writes it."""
        if isinstance(expression, Name | Call) and (node := self._node(expression)) is not None:
            return node
        return Derivation(
            text=to_c(expression),
            value=self._value(expression),
            parts=self._parts(expression),
        )

    def _value(self, expression: Expression) -> Value:
        # Lowered anew at each node: a reader sees the expression as declared, the value is of what
        # the engine evaluates, so the tree cannot tell another story than the verdict.
        return self._evaluation.of(self._program.lowering.lower(expression))

    def _parts(self, expression: Expression) -> tuple[Derivation, ...]:
        """Return the parts of an expression: its operands, a chain of one operator as one level."""
        return tuple(
            part
            for operand in _operands(expression, self._condition)
            if (part := self._node(operand)) is not None
        )

    def _condition(self, expression: Expression) -> bool | None:
        return truth(self._value(expression))

    def _node(self, expression: Expression) -> Derivation | None:
        """Return the tree of one operand, None for a literal."""
        match expression:
            case Constant():
                return None
            case Name(identifier):
                return self._named(identifier)
            case Call("IS_ENABLED", (Name(symbol),)):
                return self._leaf(expression, symbol)
            case Call("cpus_have_final_cap" | "boot_cpu_has_cap" as function, (Name(cap),)):
                declared = self._program.lowering.cpucaps[cap]
                return self._cap(expression, declared, boot=function == "boot_cpu_has_cap")
            case Call():
                return self._function(self._program.lowering.functions[to_c(expression)])
            case _:
                return self.derive(expression)

    def _named(self, name: str) -> Derivation | None:
        functions = self._program.lowering.functions
        if name in functions:
            return self._function(functions[name])
        if name in self._variables:
            return self._variable(self._variables[name])
        if name in self._mechanisms:
            mechanism = self._mechanisms[name]
            since = mechanism.since
            # The profile has the value of the version that was read; of a dated one the exact
            # version decides.
            value = mechanism.value if since is None else self._evaluation.value(name)
            older = since is not None and value == since.before
            text = f"a property of Linux {self._release}"
            if since is not None and older:
                text = f"{since.because}; fixed in {', '.join(since.versions)}"
            origin = Origin(kind=RELEASE, text=text)
            return Derivation(text=name, value=value, source=mechanism.source, origins=(origin,))
        if name.startswith("CONFIG_") or name in self._settings.atoms:
            return self._leaf(Name(name), name)
        return None  # an enumerator: a constant by another name

    def _leaf(self, expression: Expression, atom: str) -> Derivation:
        """Return a Kconfig symbol or an environment axis with what set it."""
        symbol = self._symbols.get(atom)
        origin = self._settings.atoms.get(atom) or Origin(
            kind=RELEASE, text=f"off, as Linux {self._release} has no such symbol"
        )
        return Derivation(
            text=to_c(expression),
            value=self._value(expression),
            source=symbol.source if symbol else None,
            origins=(origin,),
        )

    def _function(self, function: KernelFunction) -> Derivation:
        name = function.signature
        body = function.body.expression
        # Shown once: a function that many others call would be told at each of them.
        known = name in self._shown
        self._shown.add(name)
        return Derivation(
            text=name,
            value=self._by_name(body, self._value(body)),
            source=function.source,
            parts=() if known else self._parts(body),
            repeated=known,
        )

    def _by_name(self, expression: Expression, value: Value) -> Value:
        """Return the enumerator of a value that an expression takes from a variable of an enum."""
        # In C both arms of `?:` have one type, so the first arm names the enumerators of either.
        while isinstance(expression, Conditional):
            expression = expression.then
        variable = (
            self._variables.get(expression.identifier) if isinstance(expression, Name) else None
        )
        numbers = (
            {} if variable is None else {number: name for name, number in variable.enumerators}
        )
        return numbers.get(value, value) if isinstance(value, int) else value

    def _cap(self, call: Expression, cap: CpuCap, *, boot: bool) -> Derivation:
        text = to_c(call)
        known = text in self._shown
        self._shown.add(text)
        conditions = [
            self.derive(declared.expression)
            for declared in (cap.kconfig, cap.unless)
            if declared is not None
        ]
        cpus: tuple[SystemCpu, ...] = ()
        if self._settings.system is not None:
            # The boot CPU is the first of a system (`kernel/cpu/detection.py`); a cap of that scope
            # never looks at the others, whoever asks for it.
            alone = boot or cap.scope == "boot_cpu"
            cpus = self._settings.system.cpus[:1] if alone else self._settings.system.cpus
        fields = [self._field(cpu, cap) for cpu in cpus]
        return Derivation(
            text=text,
            value=self._value(call),
            source=cap.source,
            parts=() if known else (*conditions, *fields),
            repeated=known,
        )

    def _field(self, cpu: SystemCpu, cap: CpuCap) -> Derivation:
        """Return the field of one CPU type that decides a cpucap, or its MIDR_EL1."""
        found = detect(CpuSystem(cpus=(cpu,)), (cap,))[cap.name]
        # A cap may have a field and a list of models. The list is shown where it is what decided,
        # and where there is nothing else.
        if cap.field is None or found.fields == (MIDR,):
            listed = f"MIDR_EL1 of {cpu.name} is in the list of {cap.name}"
            known = Origin(
                kind=CPU,
                text=", ".join(f"{midr:#010x}" for midr in cpu.midr.exact) or "MIDR_EL1",
                confidence=found.confidence,
            )
            unknown = _open_origin(found.reason, found.settled_by)
            origin = known if found.value is not None else unknown
            return Derivation(text=listed, value=found.value, source="MIDR_EL1", origins=(origin,))
        declared = self._fields[cap.field]
        field = cpu.field(cap.field)
        value = field.value if field is not None else None
        if field is None or value is None:
            origin = _open_origin(found.reason, found.settled_by)
        else:
            origin = Origin(
                kind=CPU,
                text=declared.description,
                sources=field.sources,
                confidence=field.confidence,
            )
        bits = f"{declared.high_bit}:{declared.low_bit}"
        bits = bits if declared.high_bit != declared.low_bit else str(declared.low_bit)
        return Derivation(
            text=f"{cap.field} of {cpu.name}",
            value=value,
            source=f"{declared.register}[{bits}]",
            origins=(origin,),
        )

    def _variable(self, variable: Variable) -> Derivation:
        known = variable.name in self._shown
        self._shown.add(variable.name)
        origins, parts = self._history(variable)
        return Derivation(
            text=variable.name,
            value=self._by_name(Name(variable.name), self._evaluation.value(variable.name)),
            source=variable.source,
            origins=origins,
            parts=() if known else parts,
            repeated=known,
        )

    def _history(self, variable: Variable) -> tuple[tuple[Origin, ...], tuple[Derivation, ...]]:
        """Return what set a variable, the one that counts first, and what that reads."""
        said: list[tuple[BootStep, str]] = []
        # Steps are in boot order (`boot_steps`): the last that surely applies is the one that
        # counts, and one behind it may still overrule it where its condition is unknown here.
        set_by: BootStep | None = None
        for step in self._settings.steps:
            if step.effect is None and variable.name in step.parser.sets:
                said.append((step, _refusal(step)))
            if variable.name not in dict(step.assigned):
                continue
            applies = truth(self._evaluation.of(step.condition))
            if applies is False:
                said.append((step, self._idle(step)))
            elif applies is None:
                said.append((step, _PERHAPS))
            else:
                # A later occurrence that surely applies overrules all before it that were still
                # said to count.
                said = [(item, remark or _OVERRULED) for item, remark in said]
                said.append((step, ""))
                set_by = step
        # Stable: all but the first stay in boot order.
        said.sort(key=lambda item: item[0] is not set_by)
        origins = [self._boot_origin(step, remark) for step, remark in said]
        if set_by is None:
            text = f"initially {variable.initial.text}"
            origins.insert(0, Origin(kind=DEFAULT, text=text, sources=(variable.source,)))
        return tuple(origins), self._reads(variable, set_by)

    def _reads(self, variable: Variable, set_by: BootStep | None) -> tuple[Derivation, ...]:
        """Return what decided a variable besides the command line."""
        if set_by is None or set_by.effect is None:
            return self._parts(variable.initial.expression)
        given = dict(set_by.effect.assign)[variable.name]
        read = (set_by.parser.exists_if, set_by.effect.when, given)
        return tuple(
            part
            for declared in read
            # What reads the parsed text says nothing beside the origin, which quotes the text.
            if declared is not None and PARSED_VALUE.isdisjoint(names(declared.expression))
            for part in self._parts(declared.expression)
        )

    def _idle(self, step: BootStep) -> str:
        """Return why an occurrence with a row does nothing in this cell: what of it is false."""
        conditions = (step.parser.exists_if, step.effect.when if step.effect else None)
        operands = [
            operand
            for declared in conditions
            if declared is not None
            for operand in conjuncts(declared.expression)
        ]
        known = [item for item in operands if PARSED_VALUE.isdisjoint(names(item))]
        false = [item for item in known if self._condition(item) is False]
        return f"changes nothing: {' && '.join(map(to_c, false or operands))} is false"

    def _boot_origin(self, step: BootStep, remark: str) -> Origin:
        occurrence = step.occurrence
        word = occurrence.name + ("" if occurrence.value is None else f"={occurrence.value}")
        if step.parser.stream == "idreg":  # which reads `-` as `_`; a reader wrote something else
            word = self._settings.line[occurrence.offset :].split(maxsplit=1)[0]
        writer = self._settings.writer(occurrence.offset)
        place = f" ({writer})" if writer else f" (character {occurrence.offset + 1} of the line)"
        text = f"`{word}`{place}" + (f" {remark}" if remark else "")
        counts = remark in ("", _PERHAPS)
        return Origin(kind=BOOT, text=text, sources=(step.parser.source,), counts=counts)


def _operands(expression: Expression, truth_of: _Truth) -> Iterator[Expression]:
    """Yield what an expression is made of; of `?:` the condition and the arm that counts."""
    match expression:
        case Binary():
            first, steps = spine(expression)
            # `a - b + c` leans on its order: only a chain of one and the same operator is shown
            # flat.
            if any(operator != expression.operator for operator, _ in steps):
                yield expression.left
                yield expression.right
                return
            yield first
            yield from (right for _, right in steps)
        case Unary(_, operand):
            yield operand
        case Conditional(condition, then, otherwise):
            yield condition
            known = truth_of(condition)
            if known is not False:
                yield then
            if known is not True:
                yield otherwise
        case _:
            yield expression


def _refusal(step: BootStep) -> str:
    """Return why an occurrence has no row."""
    words = [str(effect.match) for effect in step.parser.effects if effect.match is not None]
    takes = f"one of {', '.join(words)}" if words else f"what {step.parser.grammar} reads"
    return f"changes nothing: the parser takes {takes}"


def _open_origin(reason: str | None, settled_by: tuple[str, ...]) -> Origin:
    """Return the origin of a CPU field that nobody recorded."""
    settled = f"; settled by {' or '.join(settled_by)}" if settled_by else ""
    return Origin(kind=CPU, text=f"{reason or 'not recorded'}{settled}", confidence="unknown")
