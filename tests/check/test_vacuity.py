"""Vacuity on small vectors: which mutants of what was observed their expectations tell, and what is left open."""

from __future__ import annotations

from random import Random

import pytest
from inline import LEVELS, load
from judge_scene import NUMBER, TRAPPED, Scene
from recorded_scene import CREATED, LIMIT, REFUSED, SOCKET, TABLE, WAITING, checked, parts, result, vacuity

from wasicheck.check.fates import Fate
from wasicheck.check.vacuity import check_vacuity
from wasicheck.guest.frames import Tag
from wasicheck.judge.run import Exit, ExitReason
from wasicheck.values import Record, Value, Variant
from wasicheck.vectors.loader import Suite, load_text

# --- values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expect", "value", "open"),
    [
        ("ok(64)", Variant("ok", 64), []),
        ("ok(1..)", Variant("ok", 64), []),
        ("ok(_)", Variant("ok", 64), [".ok"]),
        ("'!err(_)'", Variant("ok", 64), [".ok"]),
        ("err(_)", REFUSED, [".err"]),
        ("'!ok(_)'", REFUSED, [".err"]),
        ("err(access-denied)", REFUSED, []),
        ("err(access-denied | invalid-state)", REFUSED, []),
        ("{must: err(_), typical: err(access-denied)}", REFUSED, []),
        ("{must: err(_), may: err(access-denied)}", REFUSED, []),
        ("ok(64) | err(_)", Variant("ok", 64), []),
        ("ok(64) | err(_)", REFUSED, [".err"]),
        ("{may: _}", Variant("ok", 64), []),
    ],
)
def test_a_part_that_every_mutant_of_gets_by_is_open(expect: str, value: Value, open: list[str]) -> None:
    assert parts(checked(LIMIT.format(expect), CREATED, value)) == open


def test_what_is_counted_of_a_step() -> None:
    report = checked(NUMBER.format("5..6"), 5)
    assert report.data() == {
        "vectors": 1,
        "observations": 1,
        "unread": 0,
        "failed": 0,
        # A trap, 4, 0 and the largest are told, 6 is not.
        "mutants": 6,
        "fates": {**{fate.value: 0 for fate in Fate}, "killed": 5, "accepted": 1},
        "waived": 0,
        "holes": [],
        "useless_waivers": [],
        "changed": [],
        "unknown": [],
        "unobserved": [],
    }
    # What else the host could have ended with.
    assert Fate.KILLED in set(report.fates)


def test_an_observation_that_misses_what_should_be_is_no_measure() -> None:
    report = checked(LIMIT.format("{must: ok(_), should: ok(1)}"), CREATED, Variant("ok", 64))
    assert parts(report) == []
    assert report.fates[Fate.MISSED] > 0


def test_the_text_of_a_catch_all_error_is_not_asked_for() -> None:
    other = Variant("err", Variant("other", Variant("some", "why")))
    report = checked(LIMIT.format("err(other(_))"), CREATED, other)
    assert parts(report) == []
    assert report.fates[Fate.NOT_ASKED] > 0


def test_what_failed_is_not_mutated() -> None:
    report = checked(NUMBER.format("7"), 5)
    assert (report.observations, report.failed) == (0, 1)
    assert report.fates == {Fate.KILLED: 1}, "the exit status"
    assert report.unobserved == ("one",)


# --- captures -----------------------------------------------------------------------------------------------------


def test_a_later_step_tells_what_was_captured() -> None:
    report = checked(NUMBER.format("$a") + NUMBER.format("'>= $a'"), 5, 5)
    assert parts(report) == []
    assert report.fates[Fate.KILLED_LATER] == 2, "6 and the largest: the later reading is not beyond them"
    assert report.fates[Fate.USED_LATER] == 2, "4 and 0"


def test_what_was_captured_may_be_given_to_the_host() -> None:
    report = checked(NUMBER.format("$a") + "- call: clocks/monotonic-clock.wait-until($a)\n", 5, None)
    assert parts(report) == []
    assert report.fates[Fate.USED_LATER] == 4


def test_an_output_tells_what_was_captured() -> None:
    steps = NUMBER.format("$a")
    more = "    after: {stdout: length(== $a)}"
    assert checked(steps, 3, more=more, stdout=b"abc").fates[Fate.KILLED_LATER] == 4


def test_what_is_captured_and_not_used_is_open() -> None:
    assert parts(checked(NUMBER.format("$a"), 5)) == [""]


def test_a_handle_has_no_mutants() -> None:
    report = checked(SOCKET, CREATED)
    assert parts(report) == []
    assert report.fates[Fate.ACCEPTED] == 0


def test_all_runs_together_tell_what_one_does_not() -> None:
    scene = Scene("- call: clocks/monotonic-clock.now()\n  across: distinct", more="    runs: 2")
    runs = [scene.run(scene.done(0, value), scene.end) for value in (5, 9)]
    report = vacuity(scene, scene.judge(*runs))
    assert parts(report) == []
    assert report.fates[Fate.KILLED_LATER] == 1, "9, which the other run gave"


# --- other outcomes -----------------------------------------------------------------------------------------------


def test_a_step_that_yields_nothing_can_fail_to_come_to_its_end() -> None:
    report = checked("- call: clocks/monotonic-clock.wait-for(1ms)", None)
    assert report.fates[Fate.KILLED] == 2 + 1, "still waiting, trapped; another exit status"


@pytest.mark.parametrize("level", ["must", "should"])
def test_a_trap_that_was_expected_is_told_from_its_absence(level: str) -> None:
    scene = Scene(NUMBER.format(f"{{{level}: trap}}"))
    report = vacuity(scene, scene.judge(scene.run(exit=TRAPPED)))
    assert (report.observations, parts(report)) == (1, [])
    assert report.fates == {Fate.KILLED: 2}, "a value, and an end that is reported as a success"


def test_an_operation_that_was_to_be_pending_is_told_from_one_that_is_not() -> None:
    scene = Scene(WAITING)
    run = scene.run(scene.done(0, Variant("started")), (Tag.PENDING, 1), scene.end)
    report = vacuity(scene, scene.judge(run))
    assert parts(report) == []
    # What is started needs no `expect`.
    assert report.fates[Fate.NOT_ASKED] == 2


def test_what_may_end_otherwise_is_not_left_open() -> None:
    report = checked(NUMBER.format("{may: '5'}"), 5)
    assert (set(report.fates) - {Fate.KILLED}, parts(report)) == ({Fate.MAY}, [])


@pytest.mark.parametrize(
    ("after", "exit", "open"),
    [
        ("{exit: success}", 0, []),
        ("{exit: code(7)}", 7, []),
        ("{exit: failure}", 7, []),
        ("{exit: {may: code(7)}}", 7, []),
    ],
)
def test_other_exit_statuses(after: str, exit: int, open: list[str]) -> None:
    report = checked(NUMBER.format("5"), 5, more=f"    after: {after}", exit=Exit(ExitReason.EXITED, exit))
    assert parts(report) == open


@pytest.mark.parametrize(
    ("pattern", "data", "open"),
    [
        ("'\"abc\"'", b"abc", []),
        ('prefix("a")', b"abc", []),
        ("'!contains(\"x\")'", b"abc", []),
        ("length(0..9)", b"abc", ["(stdout)"]),
        ("{may: '\"abc\"'}", b"abc", []),
    ],
)
def test_other_output(pattern: str, data: bytes, open: list[str]) -> None:
    report = checked(NUMBER.format("5"), 5, more=f"    after: {{stdout: {pattern}}}", stdout=data)
    assert parts(report) == open


def test_output_that_results_do_not_keep_whole_is_counted() -> None:
    more = '    after: {stdout: prefix("a")}'
    for data in (b"a" * 3000, b"a\xff"):
        assert checked(NUMBER.format("5"), 5, more=more, stdout=data).unread == 1


# --- reasons ------------------------------------------------------------------------------------------------------

WHY = "  unchecked: It is not said."


def test_a_step_can_say_why_it_leaves_something_open() -> None:
    report = checked(LIMIT.format("ok(_)") + WHY, CREATED, Variant("ok", 64))
    assert ([hole.waiver for hole in report.holes], report.open, report.useless) == (["It is not said."], (), ())
    assert report.waived == report.holes[0].accepted == 4
    assert parts(checked(NUMBER.format("_") + WHY, 5)) == [""], "with a reason `_` may stand alone"


def test_so_can_a_vector() -> None:
    report = checked(LIMIT.format("ok(_)"), CREATED, Variant("ok", 64), more="  " + WHY)
    assert ([hole.waiver for hole in report.holes], report.useless) == (["It is not said."], ())


@pytest.mark.parametrize("more", ["", "  " + WHY])
def test_a_reason_for_what_is_not_open_is_told(more: str) -> None:
    report = checked(LIMIT.format("ok(64)") + ("" if more else WHY), CREATED, Variant("ok", 64), more=more)
    (waiver,) = report.useless
    assert waiver.data() == {"place": f"vectors/x.yaml:{waiver.place.line}", "id": "one", "reason": "It is not said."}


def test_a_reason_of_a_step_that_was_not_observed_is_not_judged() -> None:
    assert checked(LIMIT.format("ok(64)") + WHY, CREATED, REFUSED).useless == ()


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ("- yield: 1\n  unchecked: why", "this step yields nothing that could be left open"),
        (NUMBER.format("_") + "  unchecked: ' '", "no reason is given"),
    ],
)
def test_reasons_that_are_none(steps: str, error: str) -> None:
    indented = "\n".join(f"      {line}" for line in steps.splitlines())
    head = (
        "interface: wasi:cli/stdin@0.3.0\nvectors:\n  - id: one\n    title: One\n    requirements: [must]\n    steps:\n"
    )
    (problem,) = load_text(head + indented, "x.yaml", LEVELS).problems
    assert error in str(problem)


# --- tables, and results of other vectors ---------------------------------------------------------------------------


def test_each_row_of_a_table_is_asked_by_itself() -> None:
    vectors = load(TABLE)
    scene = Scene(LIMIT.format("ok(_)"))
    results = []
    for id, vector in vectors.items():
        scene.vector = vector
        results.append(result(scene, CREATED, Variant("ok", 64)))
        assert results[-1].id == id
    report = check_vacuity(Suite(vectors, ()), results)
    assert [(hole.id, hole.part) for hole in report.holes] == [("limit-a", ".ok")]


def test_results_of_other_vectors_are_told_apart() -> None:
    scene = Scene(NUMBER.format("5"))
    ours = result(scene, 5)
    other = Scene(NUMBER.format("5") + NUMBER.format("6"))
    report = vacuity(other, ours)
    assert (report.changed, report.unknown, report.observations) == (("one",), (), 0)
    report = check_vacuity(Suite({}, ()), [ours])
    assert (report.changed, report.unknown) == ((), ("one",))


def test_expectations_may_have_changed_since() -> None:
    before = result(Scene(NUMBER.format("1..")), 5)
    assert parts(vacuity(Scene(NUMBER.format("5")), before)) == []
    assert parts(vacuity(Scene(NUMBER.format("$a")), before)) == [""]
    assert vacuity(Scene(NUMBER.format("6")), before).unread == 1, "what is not judged as it was is not mutated"


# --- what results keep ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "unread"),
    [(b"x" * 70000, 0), ((bytes(range(256)) * 274)[:70000], 0), (Random(1).randbytes(70000), 1)],
    ids=["one byte", "all bytes", "random"],
)
def test_long_values_are_kept_whole_up_to_a_limit(data: bytes, unread: int) -> None:
    report = checked("- call: random/random.get-random-bytes(70000)\n  expect: length(70000)\n", data)
    assert (report.unread, report.observations) == (unread, 1 - unread)


def test_a_time_is_judged_as_of_when_it_tells_it_was() -> None:
    scene = Scene("- call: clocks/system-clock.now()\n  expect: near-now(5s)\n")
    value = Record((("seconds", 1_700_000_000), ("nanoseconds", 7)))
    run = scene.run(scene.done(0, value), scene.end)
    late = scene.judge(run)
    assert vacuity(scene, late).failed == 1
    frames = tuple(type(f)(f.sequence, f.step, f.tag, f.pieces, 1_700_000_001_000_000_000) for f in run.frames)
    report = vacuity(scene, scene.judge(type(run)(**{**run.__dict__, "frames": frames})))
    assert (report.observations, parts(report)) == (1, [])
