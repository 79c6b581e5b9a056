"""What earlier runs found is taken up only where it is what would be found now."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from matrix.analyze.facts import kept_simulations
from matrix.analyze.facts.near_symbols import NearSymbols
from matrix.analyze.facts.program import lower
from matrix.door.folders import stamp_below
from matrix.explore.scenario import domains_of
from matrix.explore.simulate import simulate, without_capability
from matrix.flows.knowledge import Library
from matrix.scenarios import scenario
from tests.cli_runner import run_cli

CONFIG = "tests/data/booted/7.3.config"
ANSWER = ("validate", CONFIG, "--cpu", "apple-m2", "--format", "json")


def forget() -> None:
    """Begin as another process does."""
    kept_simulations.simulate.cache_clear()
    kept_simulations.without_capability.cache_clear()


def test_the_second_answer_is_the_first(empty_cache: Path) -> None:
    forget()
    first = run_cli(*ANSWER)
    kinds = {path.name.partition("-")[0] for path in empty_cache.iterdir()}
    assert {"knowledge", "program", "simulation"} <= kinds
    forget()
    assert run_cli(*ANSWER) == first
    for path in empty_cache.iterdir():
        path.write_bytes(path.read_bytes().replace(b"e", b"f"))
    forget()
    assert run_cli(*ANSWER) == first, "what is damaged is made anew"


@pytest.mark.parametrize("name", ["gmem", "secretmem"])
def test_a_kept_simulation_is_the_simulation(empty_cache: Path, name: str) -> None:
    forget()
    world = scenario(name)
    inputs = world.inputs(**{"scenario": name, **world_inputs(name)})
    for _ in range(2):
        forget()
        assert kept_simulations.simulate(world, inputs) == simulate(world, inputs)
        assert kept_simulations.without_capability(world, inputs) == without_capability(
            world, inputs
        )
    assert any(empty_cache.iterdir())


def world_inputs(name: str) -> dict[str, object]:
    """Return the inputs of one cell of a world, as its own question makes them."""
    domains = domains_of(scenario(name))
    return {
        field: values[0] if isinstance(values, tuple) else False if values is bool else 12
        for field, values in domains.items()
    }


def test_a_kept_program_is_the_program(empty_cache: Path) -> None:
    for _ in range(2):
        library = Library()
        for profile in library.knowledge.kernels:
            found = library.program(profile)
            anew = lower(profile, library.architecture(profile.arch))
            for field in anew.__struct_fields__:
                if field != "lowering":
                    assert getattr(found, field) == getattr(anew, field), field
    assert any(path.name.startswith("program-") for path in empty_cache.iterdir())


def test_names_that_are_recalled_stand_for_nothing(empty_cache: Path) -> None:
    symbols = ("DEBUG_PAGEALLOC", "KFENCE", "GUEST_MEMFD_DIRECT_MAP")
    names = [f"SOME_{number}_THING" for number in range(600)] + ["DEBUG_PAGE_ALLOC", "KFENC"]
    first = NearSymbols(symbols, {}).of(names)
    assert first
    again = NearSymbols(symbols, {})
    assert again.of(names) == first
    assert NearSymbols((*symbols, "SOME_THING"), {}).of(["SOME_THINGS"])
    assert [path.name.partition("-")[0] for path in empty_cache.iterdir()] == ["names"]


def test_an_edit_of_the_same_size_and_time_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b.yaml"
    file.parent.mkdir()
    file.write_text("one")
    before = stamp_below(tmp_path)[0]
    times = file.stat()
    time.sleep(0.05)  # coarser than that no system tells times
    file.write_text("two")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert stamp_below(tmp_path)[0] != before


def test_declarations_that_changed_are_read_anew(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "more"
    (folder / "cpus").mkdir(parents=True)
    shipped = Path("configs/cpus/apple-m2.yaml").read_text()
    own = folder / "cpus" / "mine.yaml"
    monkeypatch.setattr("matrix.schema.compiled._SETTLED_NS", 0)
    for name in ("my-cpu", "my-cpu", "our-cpu"):
        own.write_text(shipped.replace("id: apple-m2", f"id: {name}").replace("[m2]", "[mine]"))
        assert name in {cpu.id for cpu in Library((folder,)).knowledge.cpus}
    assert any(path.name.startswith("stamp-") for path in empty_cache.iterdir())
