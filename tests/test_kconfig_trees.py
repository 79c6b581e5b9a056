"""The five real trees: against another enumeration, and against the kernel's own conf."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Call, Value
from matrix.expr.printer import to_c
from matrix.flows.kconfig import ProjectRequest, project_tree
from matrix.flows.knowledge import Library
from matrix.kernel.config.dotconfig import load_dotconfig
from matrix.kernel.kconfig.check import find_conflicts
from matrix.kernel.kconfig.encoding import encode
from matrix.kernel.kconfig.reading import ParsedTree, parse_tree
from matrix.kernel.kconfig.tree import open_tree
from matrix.schema.values import KernelProfile, Toolchain
from matrix.solve.projection import models
from tests.answered_trees import answered_tree
from tests.cli_runner import run_cli
from tests.functional_kconfig import Functions, parse_stock
from tests.kernel_conf import Conf, find_conf, read_config, unquoted, write_config

RELEASES = ("5.10", "6.1", "6.12", "7.2", "7.3")
# Built with the RT patch, which changes Kconfig, and which the tree does not have.
PATCHED = {"debian-5.10-rt_arm64", "debian-6.1-rt_arm64", "debian-6.12-rt_arm64"}
# Beside the profile's: symbols with long and deep dependencies, so that more than 10 are tried.
MORE = ("KASAN", "KASAN_HW_TAGS", "EXPERT", "ARM64_BTI", "ARM64_PAN", "ARM64_VA_BITS_48", "GPIOLIB")
IN_FULL = bool(os.environ.get("CI"))
CONFIGS = 20 if IN_FULL else 4

Trees = Callable[[str], Path]


@cache
def library() -> Library:
    return Library()


def profile(release: str) -> KernelProfile:
    return library().kernel(release)


def toolchain() -> Toolchain:
    return library().knowledge.toolchains[0]


def answers() -> dict[str, str]:
    return dict(toolchain().answers)


def parsed(root: Path) -> ParsedTree:
    return parse_tree(open_tree(root, "arm64"), dict(toolchain().environment), answers())


@pytest.fixture(scope="session")
def conf_tree(
    kernel_tree: Trees, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return `conf_tree(release)`: a copy in which no question is left to a compiler."""

    @cache
    def make(release: str) -> Path:
        target = tmp_path_factory.mktemp(f"conf-{release}")
        return answered_tree(kernel_tree(release), answers(), target)

    return make


@pytest.mark.parametrize("release", RELEASES)
def test_the_profile_states_what_the_tree_says(release: str, kernel_tree: Trees) -> None:
    outcome = project_tree(ProjectRequest(tree=kernel_tree(release), kernel=release))
    assert outcome.agrees, outcome.constraints
    assert not outcome.projected.unanswered
    assert set(outcome.projected.prompts) == {item.name for item in outcome.profile.symbols}


@pytest.mark.parametrize(("release", "lender"), [("6.6", "6.12"), ("6.18", "7.2")])
def test_a_lender_s_tree_says_what_the_profile_says_and_is_marked(
    release: str, lender: str, kernel_tree: Trees
) -> None:
    """The profiles say what their own trees do, which are not among the inputs of the tests."""
    request = ProjectRequest(tree=kernel_tree(lender), kernel=release, borrow=True)
    outcome = project_tree(request)
    assert {item.grounded for item in outcome.constraints} == {f"borrowed from {lender}"}
    declared = profile(release).constraints
    assert {item.grounded for item in declared} == {"tree"}
    assert {item.condition.text for item in declared} == {item.c for item in outcome.constraints}


@pytest.mark.parametrize("release", RELEASES)
def test_realizable_assignments_are_those_of_another_enumeration(
    release: str, kernel_tree: Trees, tmp_path: Path
) -> None:
    """Stock kconfiglib and decision diagrams of functions, against our clauses and SAT."""
    root = answered_tree(kernel_tree(release), answers(), tmp_path, for_kconfiglib=True)
    functions = Functions(parse_stock(root), choices_have_mode=release in ("5.10", "6.1"))
    symbols = profile(release).symbols
    image = functions.image(
        [
            functions.is_zero(item.name) if item.type == "int" else functions.is_set(item.name)
            for item in symbols
        ]
    )
    projected = project_tree(ProjectRequest(tree=kernel_tree(release), kernel=release)).projected
    assert len(image) == projected.assignments
    for values in image:
        config: dict[str, Value] = {
            f"CONFIG_{item.name}": (0 if value else 100) if item.type == "int" else value
            for item, value in zip(symbols, values, strict=True)
        }
        for constraint in profile(release).constraints:
            expression = constraint.condition.expression
            assert truth(evaluate(expression, config.__getitem__, _enabled(config))) is True


def test_the_claim_about_guest_memfd_rests_on_the_trees() -> None:
    """KVM implies KVM_GUEST_MEMFD: proved by what the trees of 7.2 and 7.3 say, and by no more."""
    ran = run_cli("claims", "--format", "json")
    claims = json.loads(ran.out)["claims"]
    status = {
        release: item["status"]
        for item in claims
        if item["id"] == "kvm-implies-guest-memfd"
        for release in item["kernels"]
    }
    assert (status["6.12"], status["7.2"], status["7.3"]) == ("refuted", "proved", "proved")
    implication = "!IS_ENABLED(CONFIG_KVM) || IS_ENABLED(CONFIG_KVM_GUEST_MEMFD)"
    for release in ("7.2", "7.3"):
        (found,) = (
            item for item in profile(release).constraints if item.condition.text == implication
        )
        assert found.grounded == "tree"
        assert found.condition.source == "arch/arm64/kvm/Kconfig:39"
    assert all(item.condition.text != implication for item in profile("6.12").constraints)


def _enabled(config: dict[str, Value]) -> Callable[[Call], Value]:
    return lambda call: config[to_c(call.arguments[0])]


def _settings(tree: ParsedTree, model: Mapping[str, bool]) -> dict[str, str]:
    """Return a model as a `.config`: tristates from two literals, numbers from their sample."""
    settings: dict[str, str] = {}
    for text, holds in model.items():
        if text.endswith(">=m"):
            name = text.removesuffix(">=m")
            settings[name] = "y" if model[f"{name}=y"] else ("m" if holds else "n")
        elif holds:
            name, _, value = text.partition("=")
            entry = tree.entry(name)
            if value and entry is not None and entry.type in ("int", "hex"):
                settings[name] = value
    return settings


@pytest.mark.parametrize("release", RELEASES)
def test_debian_configs_fit_their_trees(
    release: str, kernel_tree: Trees, debian_configs: Path
) -> None:
    tree = parsed(kernel_tree(release))
    files = sorted(debian_configs.glob(f"debian-{release}-*.config"))
    assert len(files) >= 3
    for file in files:
        conflicts = find_conflicts(tree, load_dotconfig(file).texts(), answers())
        if file.stem in PATCHED:
            assert {item.symbol for item in conflicts} & {"ARCH_SUPPORTS_RT", "PREEMPT"}
        else:
            assert conflicts == (), file.name


@pytest.mark.parametrize("release", RELEASES)
def test_models_and_randomised_configs_agree_with_conf(
    release: str, kernel_tree: Trees, conf_tree: Trees, debian_configs: Path, tmp_path: Path
) -> None:
    """Conf keeps a random model whatever else the file says; what it leaves has no conflict.

    Now and then one value of what it left is changed: that is a conflict where conf changes it.
    """
    conf = find_conf(release)
    tree = parsed(kernel_tree(release))
    draw = random.Random(release)  # noqa: S311 - a seed
    base = read_config((debian_configs / f"debian-{release}-arm64.config").read_text())
    values = {
        entry.name: "nmy" if entry.type == "tristate" else "ny"
        for entry in filter(None, map(tree.entry, tree.names))
        if entry.is_logical
    }
    wanted = [item.name for item in profile(release).symbols]
    clauses = encode(tree, [*wanted, *(name for name in MORE if tree.entry(name))])
    for number, model in enumerate(models(clauses, CONFIGS, draw)):
        cone = _settings(tree, model)
        # What is not in the cone cannot change it: whatever selects into it is part of it.
        others = {name: draw.choice(values[name]) for name in draw.sample(sorted(values), 400)}
        wished = {**base, **others, **cone}
        left = conf.olddefconfig(conf_tree(release), write_config(wished), tmp_path)
        changed = {
            name: (value, left.get(name, "n"))
            for name, value in cone.items()
            if name in values and left.get(name, "n") != value
        }
        assert not changed
        assert find_conflicts(tree, unquoted(left), answers()) == ()
        if number % 5 == 0:
            _change_one(tree, conf, conf_tree(release), left, values, draw, tmp_path)


def _change_one(
    tree: ParsedTree,
    conf: Conf,
    root: Path,
    config: dict[str, str],
    values: dict[str, str],
    draw: random.Random,
    scratch: Path,
) -> None:
    # A symbol that conf wrote, so that its prompt may be visible and the change may be allowed.
    name = draw.choice([name for name in config if name in values])
    old = config[name]
    new = draw.choice([item for item in values[name] if item != old])
    # Said of every symbol: conf gives what a file leaves open its default, which is no conflict.
    changed = {**dict.fromkeys(values, "n"), **config, name: new}
    left = conf.olddefconfig(root, write_config(changed), scratch)
    differs = any(left.get(item, "n") != changed.get(item, "n") for item in values)
    assert bool(find_conflicts(tree, unquoted(changed), answers())) == differs, (name, old)
