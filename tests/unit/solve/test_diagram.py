from __future__ import annotations

import math
import subprocess
import sys
import tracemalloc

import pytest

from matrix.diagnostics import InputError
from matrix.expr.parser import parse
from matrix.solve import diagram
from matrix.solve.cover import cover
from matrix.solve.diagram import Diagram
from matrix.solve.partition import Compiler
from matrix.solve.space import FiniteVariable, Space


def numbered(axes: int, options: int) -> Space:
    names = tuple(f"o{number}" for number in range(options))
    return Space(variables=tuple(FiniteVariable(name=f"x{n}", options=names) for n in range(axes)))


@pytest.mark.parametrize("options", range(1, 18))
def test_every_number_of_options_is_counted_exactly(options: int) -> None:
    everything = Diagram(numbered(3, options)).everything()
    assert everything.count() == options**3
    first = everything.restrict("x1", ("o0",))
    assert first.count() == options**2
    assert (~first).count() == options**3 - options**2
    assert [cell["x1"] for cell in (everything.at({"x0": "o0", "x2": "o0"})).cells()] == [
        f"o{number}" for number in range(options)
    ]


def test_counts_are_exact_beyond_floating_point() -> None:
    backend = Diagram(numbered(60, 10))
    everything = backend.everything()
    assert everything.count() == 10**60
    one = everything.at({f"x{number}": "o9" for number in range(60)})
    assert (everything - one).count() == 10**60 - 1


def test_strictly_rising_options_are_a_binomial_coefficient() -> None:
    options = [f"o{number}" for number in range(12)]
    backend = Diagram(numbered(5, 12))
    region = backend.everything()
    for axis in range(4):
        rising = backend.nothing()
        for number, option in enumerate(options):
            low = backend.everything().restrict(f"x{axis}", options[:number])
            rising |= low.restrict(f"x{axis + 1}", (option,))
        region &= rising
    assert region.count() == math.comb(12, 5)
    assert next(region.cells()) == {f"x{n}": f"o{n}" for n in range(5)}
    assert len(list(region.cells())) == math.comb(12, 5)


def test_cells_of_a_large_space_are_lazy() -> None:
    region = Diagram(numbered(60, 10)).everything().restrict("x0", ("o3",))
    tracemalloc.start()
    cells = list(region.cells(1_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cells[999]["x59"] == "o9"
    assert cells[999]["x57"] == "o9"
    assert cells[999]["x56"] == "o0"
    assert peak < 10_000_000


def test_the_sample_of_a_large_space_is_uniform_on_every_axis() -> None:
    region = Diagram(numbered(20, 4)).everything()
    sample = region.sample(4_000, seed=3)
    assert len({tuple(cell.values()) for cell in sample}) == 4_000
    for axis in range(20):
        # Binomial with mean 1000 and standard deviation 27: five of them on each side.
        assert 860 < sum(cell[f"x{axis}"] == "o2" for cell in sample) < 1_140


def test_a_space_too_large_for_the_diagram_is_a_diagnostic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diagram, "_NODE_CAPACITY", 600)
    # Equal pairs far apart: a diagram in this order needs all combinations of the first half.
    backend = Diagram(numbered(20, 4))
    text = " && ".join(f"x{number} == x{number + 10}" for number in range(10))
    with pytest.raises(InputError) as caught:
        Compiler(backend).where(parse(text))
    assert caught.value.diagnostics[0].code == "MX0654"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to this limit")
def test_below_a_limit_of_memory_the_process_is_not_aborted() -> None:
    """The library ends the process where its thread cannot be made."""
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (800_000 << 10, 800_000 << 10))

    command = [sys.executable, "-m", "matrix", "count", "arm64-overview"]
    ran = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert ran.returncode == 3
    assert ran.stderr.startswith("error[MX0656]")


def test_a_better_order_needs_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagram, "_NODE_CAPACITY", 6_000)
    declared = numbered(20, 4)
    order = tuple(f"x{number // 2 + 10 * (number % 2)}" for number in range(20))
    backend = Diagram(Space(variables=declared.variables, order=order))
    text = " && ".join(f"x{number} == x{number + 10}" for number in range(10))
    region = Compiler(backend).where(parse(text))
    assert region.count() == 4**10
    assert backend.node_count() < 6_000


def test_rules_of_a_large_space() -> None:
    everything = Diagram(numbered(60, 10)).everything()
    region = everything.restrict("x7", ("o1", "o2")) | everything.at({"x50": "o5", "x3": "o0"})
    assert [(dict(rule.when), rule.cells) for rule in cover(region)] == [
        ({"x7": ("o1", "o2")}, 2 * 10**59),
        ({"x3": ("o0",), "x50": ("o5",)}, 10**58),
    ]
