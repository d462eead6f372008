"""Where names lead: files, packages, folders, `use`, and the items of worlds."""

from __future__ import annotations

from pathlib import Path

import pytest

from wasicheck.wit import WitError, parse_folder, parse_sources, wasi
from wasicheck.wit.types import (
    U8,
    Field,
    Function,
    Interface,
    OwnType,
    RecordType,
    ResourceType,
    Stability,
    TypeId,
    Wit,
    World,
)

SIZE = "interface sizes { type size = u8; }"


def world(text: str, id: str = "a:b/w") -> World:
    return parse_sources({"x.wit": text}).world(id)


def names(world: World) -> tuple[list[str], list[str]]:
    return [i.name for i in world.imports], [i.name for i in world.exports]


def used(interface: Interface) -> dict[str, str | None]:
    return {t.name: t.used_from for t in interface.types.values()}


# -- use


def test_use_keeps_the_identity_of_a_type() -> None:
    wit = parse_sources(
        {
            "x.wit": "package a:b; interface i { record t { x: u8 } resource r; type s = r; }"
            "interface j { use i.{t, r as q, s}; f: func(a: t, b: q, c: s); } interface k { use j.{q as p}; }"
        }
    )
    record = RecordType(TypeId("a:b/i", "t"), (Field("x", U8),))
    resource = ResourceType(TypeId("a:b/i", "r"))
    j = wit.interface("a:b/j")
    assert {n: t.type for n, t in j.types.items()} == {"t": record, "q": resource, "s": resource}
    assert used(j) == {"t": "a:b/i", "q": "a:b/i", "s": "a:b/i"}
    assert [p.type for p in j.functions["f"].params] == [record, OwnType(resource), OwnType(resource)]
    k = wit.interface("a:b/k")
    assert k.types["p"].type == resource
    assert used(k) == {"p": "a:b/j"}


@pytest.mark.parametrize(
    "use",
    [
        "interface j { use sizes.{size}; }",
        "interface j { use c:d/sizes@1.0.0.{size}; }",
        "use c:d/sizes@1.0.0; interface j { use sizes.{size}; }",
        "use c:d/sizes@1.0.0 as other; interface j { use other.{size}; }",
        "use sizes as other; interface j { use other.{size}; }",
        "interface j { use sizes.{size,}; }",
    ],
)
def test_use_paths(use: str) -> None:
    wit = parse_sources({"x.wit": f"package a:b;{use}", "y.wit": SIZE, "deps/z.wit": f"package c:d@1.0.0;{SIZE}"})
    assert wit.interface("a:b/j").types["size"].type == U8


def test_an_alias_comes_before_the_package() -> None:
    text = """
        package a:b;
        use c:d/sizes;
        interface j { use sizes.{size}; }
        package c:d { interface sizes { type size = char; } }
    """
    wit = parse_sources({"x.wit": text, "y.wit": SIZE})
    assert used(wit.interface("a:b/j")) == {"size": "c:d/sizes"}


def test_types_keep_the_order_of_declaration() -> None:
    wit = parse_sources(
        {"x.wit": f"package a:b; {SIZE} interface j {{ type z = y; use sizes.{{size}}; type y = size; }}"}
    )
    assert list(wit.interface("a:b/j").types) == ["z", "size", "y"]


def test_long_chain_of_uses() -> None:
    count = 3000
    interfaces = "".join(f"interface i{n + 1} {{ use i{n}.{{t}}; }}\n" for n in range(count))
    found = world(f"package a:b; interface i0 {{ type t = u8; }}\n{interfaces} world w {{ export i{count}; }}")
    assert [i.name for i in found.imports] == [f"a:b/i{n}" for n in range(count)]


def test_long_chain_of_includes() -> None:
    count = 3000
    worlds = "".join(f"world w{n + 1} {{ include w{n}; }}\n" for n in range(count))
    text = f"package a:b; {SIZE} world w0 {{ import sizes; }}\n{worlds}"
    assert names(world(text, f"a:b/w{count}")) == (["a:b/sizes"], [])


def test_many_imports_of_a_deep_interface() -> None:
    count = 1000
    interfaces = "".join(f"interface i{n + 1} {{ use i{n}.{{t}}; }}\n" for n in range(count))
    imports = "".join(f"import i{n};" for n in reversed(range(count)))
    found = world(f"package a:b; interface i0 {{ type t = u8; }}\n{interfaces} world w {{ {imports} }}")
    assert [i.name for i in found.imports] == [f"a:b/i{n}" for n in range(count)]


# -- packages and files


def test_nested_packages() -> None:
    text = "package a:b@1.0.0 { @since(version = 1.0.0) interface i {} } package c:d { interface i {} }"
    wit = parse_sources({"x.wit": text})
    assert list(wit.packages) == ["a:b@1.0.0", "c:d"]
    assert wit.packages["a:b@1.0.0"].id == "a:b@1.0.0"
    assert wit.interface("a:b/i@1.0.0").stability == Stability(since="1.0.0")


def test_a_gate_in_one_package_does_not_count_for_another() -> None:
    text = "package a:b { interface i {} } package c:d@1.0.0 { @unstable(feature = f) interface i {} } package e:f {}"
    assert len(parse_sources({"x.wit": text}).packages) == 3


def test_one_file_may_carry_the_header_of_all() -> None:
    wit = parse_sources({"x.wit": "interface i {}", "y.wit": "package a:b;", "z.wit": "world w { import i; }"})
    assert names(wit.world("a:b/w")) == (["a:b/i"], [])


def test_equal_copies_of_a_package_are_one() -> None:
    copy = "package c:d; // another comment\ninterface i { type t = u8; }"
    wit = parse_sources(
        {"x.wit": "package a:b;", "deps/y.wit": copy, "deps/z.wit": "package c:d; interface i { type t = u8; }"}
    )
    assert list(wit.packages) == ["a:b", "c:d"]


@pytest.mark.parametrize(
    "other",
    [
        "interface i { type t = u16; }",
        "interface i { type t = u8; } world w {}",
        "use i as j; interface i { type t = u8; }",
        "@unstable(feature = f) interface i { type t = u8; }",
        "interface i { record t { x: u8 } }",
    ],
)
def test_different_copies_of_a_package_are_an_error(other: str) -> None:
    sources = {
        "deps/x.wit": "package c:d@1.0.0; interface i { type t = u8; }",
        "deps/y.wit": f"package c:d@1.0.0; {other}",
    }
    with pytest.raises(WitError, match=r"^deps/y\.wit:1:1: .* another package `c:d@1\.0\.0`; .* deps/x\.wit:1:1$"):
        parse_sources(sources)


def test_record_and_enum_of_the_same_name_are_different() -> None:
    sources = {
        "deps/x.wit": "package c:d; interface i { enum t { a } }",
        "deps/y.wit": "package c:d; interface i { flags t { a } }",
    }
    with pytest.raises(WitError, match="another package `c:d`"):
        parse_sources(sources)


def test_given_packages_are_found_and_kept() -> None:
    text = """
        package a:b;
        interface i { use wasi:clocks/types@0.3.0.{duration}; }
        world w { include wasi:random/imports@0.3.0; }
    """
    wit = parse_sources({"x.wit": text}, packages=wasi())
    assert used(wit.interface("a:b/i")) == {"duration": "wasi:clocks/types@0.3.0"}
    assert set(wit.packages) == {*wasi().packages, "a:b"}
    assert names(wit.world("a:b/w")) == names(wasi().world("wasi:random/imports@0.3.0"))


def test_own_packages_come_before_given_ones() -> None:
    given = parse_sources({"x.wit": f"package a:b; {SIZE}"})
    wit = parse_sources({"x.wit": "package a:b; interface sizes { type size = char; }"}, packages=given)
    assert wit.interface("a:b/sizes") != given.interface("a:b/sizes")


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        file = folder / (name.replace("__", "/") + ".wit")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


PACKAGE = "package a:b; interface i { use c:d/i.{t}; use e:f/i.{t as u}; }"
DEPS = {
    "deps__c": "package c:d; interface i { type t = u8; }",
    "deps__e__x": "package e:f;",
    "deps__e__y": "interface i { type t = u8; }",
}


def packages(wit: Wit) -> set[str]:
    return set(wit.packages)


def test_folder_with_deps(tmp_path: Path) -> None:
    write(tmp_path, x=PACKAGE, **DEPS, elsewhere__z="not WIT", deps__e__deps__z="not WIT")
    wit = parse_folder(tmp_path)
    assert packages(wit) == {"a:b", "c:d", "e:f"}
    position = wit.interface("a:b/i").position
    assert position is not None
    assert position.file == str(tmp_path / "x.wit")


def test_folder_of_package_folders(tmp_path: Path) -> None:
    write(
        tmp_path,
        one__x=PACKAGE,
        two__x="package c:d; interface i { type t = u8; }",
        **{f"one__{n}": t for n, t in DEPS.items()},
    )
    (tmp_path / "README.md").write_text("not WIT")
    assert packages(parse_folder(tmp_path)) == {"a:b", "c:d", "e:f"}


def test_folder_deps_alone(tmp_path: Path) -> None:
    write(tmp_path, **DEPS)
    assert packages(parse_folder(tmp_path)) == {"c:d", "e:f"}
    assert packages(parse_folder(tmp_path / "deps")) == {"c:d", "e:f"}


def test_file_alone(tmp_path: Path) -> None:
    write(tmp_path, x="package c:d;", y="not WIT")
    assert packages(parse_folder(tmp_path / "x.wit")) == {"c:d"}


# -- worlds


def test_imports_bring_what_they_use() -> None:
    text = """
        package a:b;
        interface a { resource r; } interface b { use a.{r}; } interface c { use b.{r}; }
        world w { import c; }
        world x { import c; import a; }
        world y { import i: interface { use b.{r}; } }
        world z { use b.{r}; import f: func(x: r); }
        world p { import one: b; import two: b; }
    """
    expected = ["a:b/a", "a:b/b"]
    assert names(world(text)) == ([*expected, "a:b/c"], [])
    assert names(world(text, "a:b/x")) == ([*expected, "a:b/c"], [])
    assert names(world(text, "a:b/y")) == ([*expected, "i"], [])
    assert names(world(text, "a:b/z")) == ([*expected, "f"], [])
    assert names(world(text, "a:b/p")) == (["a:b/a", "one", "two"], [])


def test_exports_bring_imports_unless_they_are_exported() -> None:
    text = """
        package a:b;
        interface a { resource r; } interface b { use a.{r}; } interface c { use b.{r}; }
        world w { export c; }
        world x { export c; export b; }
        world y { export c; export a; }
        world z { import b; export b; }
    """
    assert names(world(text)) == (["a:b/a", "a:b/b"], ["a:b/c"])
    assert names(world(text, "a:b/x")) == (["a:b/a"], ["a:b/c", "a:b/b"])
    assert names(world(text, "a:b/y")) == (["a:b/a", "a:b/b"], ["a:b/c", "a:b/a"])
    assert names(world(text, "a:b/z")) == (["a:b/a", "a:b/b"], ["a:b/b"])


def test_functions_of_a_world() -> None:
    text = "package a:b@1.0.0; world w { record t { x: u8 } import f: async func(x: t) -> t; export f: func(); }"
    found = world(text, "a:b/w@1.0.0")
    (imported,), (exported,) = found.imports, found.exports
    assert isinstance(imported.target, Function)
    assert isinstance(exported.target, Function)
    assert imported.target.item == "a:b/w@1.0.0#f"
    assert imported.target.is_async
    assert imported.target.result == RecordType(TypeId("a:b/w@1.0.0", "t"), (Field("x", U8),))
    assert exported.target.params == ()


def test_resource_of_a_world() -> None:
    found = world("package a:b; world w { resource r { constructor(); m: func(); } import f: func(x: r); }")
    assert names(found) == (["[constructor]r", "[method]r.m", "f"], [])


def test_interfaces_written_in_a_world() -> None:
    text = "package a:b@1.0.0; world w { import i: interface { f: func(); } export i: interface { g: func(); } }"
    wit = parse_sources({"x.wit": text})
    (imported,), (exported,) = wit.world("a:b/w@1.0.0").imports, wit.world("a:b/w@1.0.0").exports
    assert (imported.name, exported.name) == ("i", "i")
    assert isinstance(imported.target, str)
    assert isinstance(exported.target, str)
    assert list(wit.interface(imported.target).functions) == ["f"]
    assert list(wit.interface(exported.target).functions) == ["g"]


def test_named_imports_of_interfaces() -> None:
    text = "package a:b; interface i {} world w { import one: i; import two: a:b/i; import a: i; export a:b/i; }"
    found = world(text)
    assert [(i.name, i.target) for i in found.imports] == [("one", "a:b/i"), ("two", "a:b/i"), ("a", "a:b/i")]
    assert names(found)[1] == ["a:b/i"]


def test_include() -> None:
    text = """
        package a:b;
        use c:d/v as v2;
        interface i {}
        world v { import i; import p: func(); export q: func(); export r: interface {} }
        world w {
            include v with { p as p1, q as q1 };
            include v2;
            include v with { r as r2, p as p2 }
            import p3: func();
        }
        package c:d { world v { import p: func(); import a: interface { } } }
    """
    assert names(world(text)) == (["a:b/i", "p1", "p", "a", "p2", "p3"], ["q1", "r", "q", "r2"])


def test_include_unites_what_its_exports_need() -> None:
    text = """
        package a:b;
        interface a { resource r; } interface b { use a.{r}; }
        world v { export b; }
        world w { include v; export a; }
    """
    assert names(world(text)) == (["a:b/a"], ["a:b/b", "a:b/a"])


SINCE, UNSTABLE, NONE = Stability(since="1.0.0"), Stability(unstable="f"), Stability()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("@since(version = 1.0.0) import i;", SINCE, id="own gate"),
        pytest.param("@unstable(feature = f) include s;", UNSTABLE, id="an unstable include makes all unstable"),
        pytest.param("@since(version = 1.0.0) include n;", SINCE, id="a gated include gates what has no gate"),
        pytest.param("@since(version = 2.0.0) include s;", SINCE, id="an item's own gate remains"),
        pytest.param("@since(version = 2.0.0) include u;", UNSTABLE, id="an unstable item remains so"),
        pytest.param("include u; include s;", SINCE, id="of two gates the weaker holds"),
        pytest.param("include s; include u;", SINCE, id="of two gates the weaker holds, whichever is first"),
        pytest.param("include s; import i;", NONE, id="no gate is the weakest"),
        pytest.param("import j;", Stability(since="0.1.0"), id="what an import uses has its interface's gate"),
        pytest.param("@unstable(feature = f) import j;", UNSTABLE, id="what an unstable import uses is unstable"),
        pytest.param("@unstable(feature = f) import j; import i;", NONE, id="unless it is imported by itself"),
        pytest.param("import i; @unstable(feature = f) import j;", NONE, id="unless it is imported before"),
        pytest.param("@unstable(feature = f) import j; export j;", Stability(since="0.1.0"), id="or needed by another"),
        pytest.param("export j; @unstable(feature = f) import k;", Stability(since="0.1.0"), id="an export needs it"),
    ],
)
def test_gates_of_world_items(body: str, expected: Stability) -> None:
    text = f"""
        package a:b@1.0.0;
        @since(version = 0.1.0) interface i {{ type t = u8; }}
        interface j {{ use i.{{t}}; }} interface k {{ use i.{{t}}; }}
        world n {{ import i; }}
        world s {{ @since(version = 1.0.0) import i; }}
        world u {{ @unstable(feature = f) import i; }}
        @since(version = 1.0.0) world w {{ {body} }}
    """
    found = world(text, "a:b/w@1.0.0")
    assert found.stability == SINCE
    assert {i.name: i.stability for i in found.imports}["a:b/i@1.0.0"] == expected
