"""The published JSON Schema of vector files says what the loader does."""

import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from vector_cases import cases, load, steps, vector

from wasicheck.vectors import (
    aftermath,
    environment,
    expectations,
    keys,
    loader,
    model,
    scenes,
    staging,
    surroundings,
    trees,
)
from wasicheck.vectors.loader import load_text
from wasicheck.vectors.requirements import requirement_ids

SCHEMA = json.loads((Path(model.__file__).parent / "vector.schema.json").read_text(encoding="utf-8"))
DEFS = SCHEMA["$defs"]
VALIDATOR = Draft202012Validator(SCHEMA)
VECTORS = Path(__file__).parents[2] / "vectors"
GUIDE = VECTORS.parent / "docs" / "vectors.md"
FILES = sorted(p for p in VECTORS.rglob("*.yaml") if p.parent.name != "requirements")


class JsonLoader(yaml.CSafeLoader):
    """YAML's types as JSON and YAML 1.2 have them: no times, and `on` is no truth value."""


JsonLoader.yaml_implicit_resolvers = {
    first: [
        (tag, re.compile("true|false") if tag.endswith(":bool") else pattern)
        for tag, pattern in resolvers
        if not tag.endswith(":timestamp")
    ]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def is_valid(text):
    return VALIDATOR.is_valid(yaml.load(text, Loader=JsonLoader))


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_the_vectors_of_the_project_validate(file):
    assert is_valid(file.read_text(encoding="utf-8"))


def test_the_examples_of_the_documentation():
    examples = re.findall(r"```yaml\n(interface: .*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) >= 3
    for example in examples:
        assert is_valid(example)
        assert load_text(example, "vectors.md", requirement_ids(VECTORS / "requirements")).problems == ()


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
    assert allowed("tree-file") == set(keys.TREE_FILE)
    assert allowed("tree-directory") == set(keys.TREE_DIRECTORY)
    assert allowed("tree-special") == set(keys.TREE_SPECIAL)
    assert allowed("peer-entry") == set(keys.PEER_ENTRY)
    assert allowed("net") == set(keys.NET)
    assert allowed("names") == set(keys.NAMES)
    assert allowed("answer") == set(keys.ANSWER)
    assert allowed("injection") == set(keys.INJECTION)
    assert allowed("after") == set(keys.AFTER)
    assert allowed("file-after") == set(keys.FILE_AFTER)
    assert allowed("directory-after") == set(keys.DIRECTORY_AFTER)
    assert allowed("symlink-after") == set(keys.SYMLINK_AFTER)
    assert allowed("harness") == {*keys.HARNESS, *(key for beside in keys.HARNESS.values() for key in beside)}
    mount = DEFS["tree-directory"]["properties"]["mount"]["anyOf"][-1]["properties"]
    assert set(mount) == set(keys.MOUNT)
    assert set(mount["tmpfs"]["properties"]) == set(keys.TMPFS)
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
    assert words(DEFS["vector"]["properties"]["world"]) == set(loader.WORLDS)
    assert words(given["user"]) == set(scenes.USERS)
    harness, peer, step = (DEFS[name]["properties"] for name in ("harness", "peer-entry", "peer-step"))
    assert words(harness["close"]) == set(staging.Stdio)
    assert words(DEFS["peer"]["anyOf"][0]) == words(peer["kind"]) == set(surroundings.PeerKind)
    assert words(peer["tls"]) == set(surroundings.Certificate)
    assert words(peer["family"]) == set(surroundings.Family)
    assert words(step["shutdown"]) == set(staging.Direction)
    assert words(DEFS["names"]["properties"]["dns"]["additionalProperties"]["anyOf"][0]) == set(surroundings.Refusal)
    assert words(DEFS["injection"]["properties"]["on"]) == set(surroundings.Subject)
    assert words(DEFS["tree-directory"]["properties"]["mount"]) == set(trees.MOUNTS)
    assert words(DEFS["entry-after"]) == set(aftermath.WORDS)


def test_what_a_peer_does_is_one_of_what_the_loader_knows():
    *verbs, _placeholder = DEFS["peer-step"]["anyOf"]
    assert [verb["required"] for verb in verbs] == [[key] for key in keys.PEER]


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
        "- {harness: {put: a}}",
        "- {harness: {rename: a}}",
        "- {harness: {remove: a, to: b}}",
        "- {harness: {swap: a, to: b}}",
        "- {peer: a}",
        "- {peer: a, accept: $conn}",
        "- {peer: a, shutdown: all}",
        "- {peer: a, close: false}",
        "- {peer: a, listen: true}",
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
        "steps: [{yield: 1}]\ngiven: {tree: {a/: {data: '\"x\"'}}}",
        "steps: [{yield: 1}]\ngiven: {tree: {a: {files: 3}}}",
        "steps: [{yield: 1}]\ngiven: {tree: {a: {symlink: b, mode: 0o644}}}",
        "steps: [{yield: 1}]\ngiven: {tree: {a: {mode: rw}}}",
        "steps: [{yield: 1}]\ngiven: {tree: {a: {mount: read-only}}}",
        "steps: [{yield: 1}]\ngiven: {tree: {a/: {mount: {size: 1}}}}",
        "steps: [{yield: 1}]\ngiven: {peers: {}}",
        "steps: [{yield: 1}]\ngiven: {peers: {a: tcp}}",
        "steps: [{yield: 1}]\ngiven: {peers: {a: {port: 1}}}",
        "steps: [{yield: 1}]\ngiven: {peers: {$a: udp}}",
        "steps: [{yield: 1}]\ngiven: {net: {ports: 1}}",
        "steps: [{yield: 1}]\ngiven: {names: {dns: {a.test: gone}}}",
        "steps: [{yield: 1}]\ngiven: {errno: {fsync: 5}}",
        "steps: [{yield: 1}]\ngiven: {errno: {fsync: {error: EIO, argument: 1}}}",
        "steps: [{yield: 1}]\ngiven: {user: root}",
        "steps: [{yield: 1}]\nafter: {tree: {a: {fifo: true}}}",
        "steps: [{yield: 1}]\nafter: {tree: {a: {may: {owner: me}}}}",
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
        "- {peer: '{who}', '{verb}': x, expect: ok}",
        "- {peer: a, receive: 5, digest: '{d}', acknowledge: false}",
        "- {harness: {put: '{path}', data: '\"x\"'}}",
    ],
)
def test_placeholders_and_scalars_of_every_kind(body):
    assert is_valid(steps(body))


def test_good_by_the_schema_is_good_by_the_loader():
    text = steps("- {call: get-random-u64(), expect: {must: 1.., may: _}, note: n}")
    assert is_valid(text)
    assert load(text).problems == ()


@pytest.mark.parametrize(
    "more",
    [
        "tree: {a: {data: '\"x\"', mode: 0o640, modified: -5s}, d/: {files: 3}, l: {symlink: a}, h: {link: a}}",
        "tree: {p: {fifo: true}, s: {socket: 'true'}, hex(66 ff): {size: 4KiB}, '{path}': {mode: 0o755}}",
        "tree: {a/: {mount: tmpfs}, b/: {mount: {tmpfs: {size: 64KiB, inodes: 8}}}, c: {mount: self}}",
        "tree: {a/: {}}\npreopens: {/a: a, /b: {x: {}, y/: {}}, /: .}",
        "peers: {a: udp, b: {kind: tcp-listener, family: ipv6, port: '{port}', backlog: 1, receive-buffer: 4KiB}}",
        "net: {addresses: [10.1.0.1/32], ports: 60000..60000, syn-retries: 1}",
        "names: {hosts: {a.test: ['127.0.0.1']}, dns: {b.test: silent, c.test: {a: [], aaaa: ['::1']}}}",
        "errno: {fsync: EIO, pread64: {error: '{error}', argument: 3, equals: 4096, on: tree}}",
        "user: ordinary\nfile-size: 64KiB",
    ],
)
def test_surroundings_of_every_kind(more):
    given = "".join(f"  {line}\n" for line in more.splitlines())
    assert is_valid(vector(f"steps: [{{yield: 1}}]\ngiven:\n{given}"))


@pytest.mark.parametrize(
    "entry",
    [
        "absent",
        "'\"x\"'",
        '{data: prefix("x"), size: 5.., mode: 0o600, links: 2, same-as: b}',
        "{symlink: a, modified: 5s}",
        "{}",
        "{must: file, should: {mode: 0o644}}",
    ],
)
def test_what_has_become_of_a_path(entry):
    assert is_valid(vector(f"steps: [{{yield: 1}}]\nafter: {{tree: {{a: {entry}, b/**: any}}}}"))
