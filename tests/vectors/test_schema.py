"""The published JSON Schema of vector files says what the loader does."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from vector_cases import cases, load, steps, vector

from wasicheck.vectors import environment, expectations, keys, loader, model

SCHEMA = json.loads((Path(model.__file__).parent / "vector.schema.json").read_text(encoding="utf-8"))
DEFS = SCHEMA["$defs"]
VALIDATOR = Draft202012Validator(SCHEMA)
VECTORS = Path(__file__).parents[2] / "vectors"
FILES = sorted(p for p in VECTORS.rglob("*.yaml") if p.parent.name != "requirements")


class JsonLoader(yaml.CSafeLoader):
    """YAML's types as JSON has them: no times."""


JsonLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def is_valid(text):
    return VALIDATOR.is_valid(yaml.load(text, Loader=JsonLoader))


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_the_vectors_of_the_project_validate(file):
    assert is_valid(file.read_text(encoding="utf-8"))


def allowed(name):
    return set(DEFS[name]["properties"])


@pytest.mark.parametrize("kind", keys.STEP)
def test_the_keys_of_a_step_are_those_of_the_loader(kind):
    assert allowed(f"{kind}-step") == {kind, *keys.STEP[kind], *keys.COMMON}
    assert DEFS[f"{kind}-step"]["required"][0] == kind


@pytest.mark.parametrize("kind", keys.STARTED)
def test_the_keys_of_what_is_started_are_those_of_the_loader(kind):
    assert allowed(f"started-{kind}") == {kind, *keys.STARTED[kind]}


def test_the_other_keys_are_those_of_the_loader():
    assert set(SCHEMA["properties"]) == set(keys.FILE)
    assert allowed("vector") == set(keys.VECTOR)
    assert set(DEFS["vector"]["required"]) == set(keys.REQUIRED)
    assert allowed("loop") == set(keys.LOOP)
    assert allowed("guest") == set(keys.GUEST)
    assert allowed("given") == set(keys.GIVEN)
    assert allowed("file") == set(keys.FILE_ENTRY)
    assert allowed("after") == set(keys.AFTER)
    assert allowed("harness") == {*keys.HARNESS, *keys.RECEIVE}
    assert set(DEFS["given"]["properties"]["stdin"]["anyOf"][1]["properties"]) == set(keys.STDIN)


def test_the_steps_are_those_of_the_loader():
    steps = {part["$ref"].rpartition("/")[2] for part in DEFS["steps"]["items"]["anyOf"]}
    assert steps == {f"{kind}-step" for kind in keys.STEP} | {"loop", "placeholder-step"}
    others = {key for own in keys.STEP.values() for key in own}
    assert set(DEFS["placeholder-step"]["propertyNames"]["anyOf"][1]["enum"]) == others | set(keys.COMMON)


def words(part):
    return next(set(option["enum"]) for option in part["anyOf"] if "enum" in option)


def test_the_words_are_those_of_the_loader():
    given, guest = DEFS["given"]["properties"], DEFS["guest"]["properties"]
    assert words(DEFS["level"]) == set(expectations.LEVELS)
    assert set(DEFS["graded"]["anyOf"][1]["properties"]) == set(expectations.LEVELS)
    assert words(given["stdin"]["anyOf"][0]) == set(environment.SOURCES)
    assert words(given["stdout"]) == words(given["stderr"]) == set(environment.SINKS)
    assert words(guest["lift"]["items"]) == set(loader.LIFTS)
    assert words(guest["channel"]) == set(loader.CHANNELS)
    assert words(guest["limits"]) == set(loader.LIMITS)
    assert words(DEFS["vector"]["properties"]["platforms"]["items"]) == set(loader.PLATFORMS)
    assert words(DEFS["harness"]["properties"]["close"]) == {s.value for s in model.Stdio}


def test_everything_that_can_be_said_has_a_description():
    def bare(part, where=""):
        if isinstance(part, dict):
            for key, value in part.get("properties", {}).items():
                target = DEFS[value["$ref"].rpartition("/")[2]] if "$ref" in value else {}
                if "description" not in value and "description" not in target:
                    yield f"{where}/{key}"
            for key, value in part.items():
                yield from bare(value, f"{where}/{key}")
        elif isinstance(part, list):
            for value in part:
                yield from bare(value, where)

    assert list(bare(SCHEMA)) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=name)
        for name, text, errors in cases()
        if ("unknown key" in errors[0] or ("one of " in errors[0] and "expected" in errors[0]))
        and name != "unknown feature"
    ],
)
def test_unknown_keys_and_words_are_errors_of_the_schema_too(text):
    assert not is_valid(text)


@pytest.mark.parametrize(
    "body",
    [
        "- {}",
        "- {call: now(), drop: $x}",
        "- {call: now(), expect: [1]}",
        "- {call: now(), expect: {}}",
        "- {call: now(), lower: fast}",
        "- {call: now(), repeat: -1}",
        "- {call: now(), within: soon}",
        "- {start: now()}",
        "- {start: {cancel: $x}, as: a}",
        "- {start: {write: $x}, as: a}",
        "- {new: stream<u8>, as: [a]}",
        "- {new: stream<u8>, as: [$a, b]}",
        "- {write: $x}",
        "- {await-all: []}",
        "- {await-any: $x}",
        "- {harness: {}}",
        "- {harness: {receive: stdout}}",
        "- {harness: {pause: 1s, length: 1}}",
        "- {trap: false}",
        "- {return: error}",
        "- {for: {a: 0..5}}",
        "- {for: {a: 5}, steps: []}",
        "- {for: {a: 0..5, b: 0..5}, steps: []}",
        "- '{x}'",
    ],
)
def test_a_bad_step(body):
    assert not is_valid(steps(body))


@pytest.mark.parametrize(
    "more",
    [
        "steps: []",
        "steps: [{yield: 1}]\nruns: many",
        "steps: [{yield: 1}]\nplatforms: linux",
        "steps: [{yield: 1}]\nplatforms: [linux, linux]",
        "steps: [{yield: 1}]\ntable: []",
        "steps: [{yield: 1}]\ntable: [{}]",
        "steps: [{yield: 1}]\ngiven: {stdin: {bytes: '\"a\"', file: '\"a\"'}}",
        "steps: [{yield: 1}]\ngiven: {preopens: {/data: {a: text}}}",
        "steps: [{yield: 1}]\nafter: {exit: {must: success, may: failure}}",
        "steps: [{yield: 1}]\nafter: {exit: failed}",
        "steps: [{yield: 1}]\nguest: {lift: sync}",
        "steps: [{yield: 1}]\ninterface: stdin",
        "steps: [{yield: 1}]\ndeadline: 5",
    ],
)
def test_a_bad_vector(more):
    assert not is_valid(vector(more + "\n"))


@pytest.mark.parametrize(
    "body",
    [
        "- {call: f, repeat: 4KiB, lower: '{how}', expect: 5, within: '{t}'}",
        "- {'{kind}': $x, expect: ok}",
        "- {for: {i: '{range}'}, steps: [{for: {j: [1, a]}, steps: [{yield: '{i}'}]}]}",
        "- {harness: {'{what}': stdout}}",
        "- {read-all: $x, digest: true, expect: {must: trap, may: _}}",
    ],
)
def test_placeholders_and_scalars_of_every_kind(body):
    assert is_valid(steps(body))


def test_good_by_the_schema_is_good_by_the_loader():
    text = steps("- {call: get-random-u64(), expect: {must: 1.., may: _}, note: n}")
    assert is_valid(text)
    assert load(text).problems == ()
