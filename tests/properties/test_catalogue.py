"""The properties of the project: every vector that they make is in order, and can fail."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from scene import fake_runner

from wasicheck.check.interfaces import interface_ids
from wasicheck.check.vectors import lint
from wasicheck.checks import expectable, property_checks
from wasicheck.guest.compiler import Build, compile_vector
from wasicheck.judge.expectations import parse_expectations
from wasicheck.judge.model import Verdict
from wasicheck.properties.catalogue import PROPERTIES
from wasicheck.properties.model import Body
from wasicheck.properties.search import examine
from wasicheck.resources import data_folder
from wasicheck.session import HostSession, find_host
from wasicheck.surface import WORLDS
from wasicheck.vectors.loader import load_text
from wasicheck.vectors.model import Level, World
from wasicheck.vectors.requirements import Requirement, load_requirements
from wasicheck.wit import wasi


@pytest.fixture(scope="module")
def requirements() -> Mapping[str, Requirement]:
    """The catalogue of requirements."""
    return load_requirements(data_folder("vectors") / "requirements")


@pytest.fixture(scope="module")
def levels(requirements: Mapping[str, Requirement]) -> Mapping[str, Level]:
    """The levels of requirements."""
    return {id: requirement.level for id, requirement in requirements.items()}


def test_there_are_some_for_each_package() -> None:
    packages = {check.interface.partition("/")[0] for check in property_checks()}
    assert packages == {f"wasi:{name}" for name in ("cli", "clocks", "filesystem", "http", "random", "sockets")}
    assert [check.id for check in property_checks()] == list(PROPERTIES)


def test_expectations_may_name_them() -> None:
    def known(*ids: str) -> Collection[str]:
        text = "".join(f"[[expect]]\nid = '{id}'\nreason = 'r'\n" for id in ids)
        return expectable(["a", "b"], [parse_expectations(text, "x.toml")])

    assert set(known("a")) == {"a", "b", *interface_ids(wasi(), WORLDS.values())}
    assert set(known("a", "property-*")) == {*known("a"), *PROPERTIES}


@pytest.mark.parametrize("name", PROPERTIES)
def test_they_are_about_what_must_hold(name: str, requirements: Mapping[str, Requirement]) -> None:
    assert {requirements[id].level for id in PROPERTIES[name].requirements} == {Level.MUST}


@pytest.mark.parametrize("name", PROPERTIES)
def test_every_vector_is_in_order(
    name: str, requirements: Mapping[str, Requirement], levels: Mapping[str, Level]
) -> None:
    property = PROPERTIES[name]

    @settings(
        max_examples=25, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(property.bodies)
    def is_in_order(body: Body) -> None:
        suite = load_text(property.text(body), "x.yaml", levels)
        assert suite.problems == ()
        assert lint(suite, requirements) == ()
        (vector,) = suite.vectors.values()
        assert vector.world is World.COMMAND
        compile_vector(vector, wasi(), Build())

    is_in_order()


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_host_that_does_nothing_fails_each(
    name: str, levels: Mapping[str, Level], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = fake_runner(tmp_path_factory.mktemp("host") / "fake", monkeypatch)
    session = HostSession(find_host(str(runner)), Build())
    result = examine(PROPERTIES[name], session.judged, levels, examples=1, number=0)
    assert result.verdict is Verdict.FAIL
