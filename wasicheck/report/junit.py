"""JUnit XML as Jenkins, GitLab and GitHub readers take it; valid by the schema of Jenkins' xUnit plugin.

One testsuite per host and WASI package. A gate on the file is as green as the run:

    red, verdict `error`         error
    red, any other               failure, its type the verdict (`xpass` for an expected failure that passes)
    expected failure             skipped, "expected failure: …"
    skip                         skipped
    pass, non-strict, info       passed

Requirement, level, provenance and flags of a case are lines of its system-out: the schema has properties on suites
only. Readers that take them on cases as well (Jenkins' JUnit plugin, pytest's own dialect) get them on request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from xml.etree import ElementTree as ET

from junit_xml import TestCase, TestSuite  # type: ignore[import-untyped]

from wasicheck.judge.model import Result, Verdict
from wasicheck.report.digest import column_of
from wasicheck.report.results import Header, HostInfo, Results
from wasicheck.report.text import details, headline, visible

NO_PROVENANCE: Mapping[str, str] = MappingProxyType({})


def junit_xml(results: Results, *, provenance: Mapping[str, str] = NO_PROVENANCE, case_properties: bool = False) -> str:
    """Return the run as a JUnit XML document.

    `provenance` is by requirement; `case_properties` writes `<properties>` into each testcase, which the xUnit
    plugin's schema does not allow.
    """
    hosts = {info.label: info for info in results.header.hosts}
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results.results:
        groups.setdefault((result.host, _package(result.interface)), []).append(result)
    root = ET.Element("testsuites", name="wasicheck")
    totals = {"tests": 0, "failures": 0, "errors": 0}
    order = list(hosts)
    names = _names(results)
    for (host, package), members in sorted(groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1])):
        cases = [_case(result, names[id(result)], provenance) for result in members]
        suite = TestSuite(
            name=visible(f"{host} {package}"),
            test_cases=cases,
            package=visible(package),
            timestamp=results.header.date.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
            properties=_suite_properties(results.header, hosts[host]),
        )
        element = suite.build_xml_doc()
        _conform(element, members)
        for key in totals:
            totals[key] += int(element.get(key, "0"))
        if case_properties:
            for case, result in zip(element.iter("testcase"), members, strict=True):
                case.insert(0, _case_properties(result, provenance))
        root.append(element)
    root.attrib |= {key: str(count) for key, count in totals.items()}
    root.set("time", _seconds(sum(result.duration_s for result in results.results)))
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document.decode() + "\n"


def _package(interface: str) -> str:
    """`wasi:sockets@0.3.0` of `wasi:sockets/types@0.3.0`."""
    return re.sub(r"/[^@]*", "", interface)


def _names(results: Results) -> dict[int, str]:
    """Names of the testcases, by identity: the id, told apart by host and flags where the run has it several times."""
    several_hosts = len(results.header.hosts) > 1
    flags: dict[tuple[str, str], int] = {}
    for result in results.results:
        flags[result.id, result.host] = flags.get((result.id, result.host), 0) + 1
    names = {}
    for result in results.results:
        parts = [result.host] if several_hosts else []
        parts += result.flags if flags[result.id, result.host] > 1 else ()
        names[id(result)] = visible(f"{result.id} [{', '.join(parts)}]" if parts else result.id)
    return names


def _case(result: Result, name: str, provenance: Mapping[str, str]) -> TestCase:
    case = TestCase(
        name,
        # Without the version: Jenkins would take the part before its last dot for a package.
        classname=visible(result.interface.partition("@")[0]),
        elapsed_sec=result.duration_s,
        stdout="\n".join(_lines(result, provenance)),
        stderr=visible(result.stderr),
    )
    message, text = headline(result), details(result, provenance)
    if result.red and result.verdict is Verdict.ERROR:
        case.add_error_info(message, text, error_type=result.verdict.value)
    elif result.red:
        case.add_failure_info(message, text, failure_type=str(column_of(result)))
    elif result.expected_failure is not None:
        case.add_skipped_info(f"expected failure: {visible(result.expected_failure)}", text)
    elif result.verdict is Verdict.SKIP:
        case.add_skipped_info(visible(result.reason))
    return case


def _lines(result: Result, provenance: Mapping[str, str]) -> list[str]:
    lines = [f"{name}: {value}" for name, value in _properties(result, provenance)]
    if result.verdict in (Verdict.NON_STRICT, Verdict.INFO) and result.expected_failure is None and not result.red:
        # The only place where a passed case can say what was observed.
        lines.append(details(result, provenance))
    if result.stdout:
        lines.append(visible(result.stdout))
    return lines


def _properties(result: Result, provenance: Mapping[str, str]) -> list[tuple[str, str]]:
    properties = [("verdict", result.verdict.value), ("level", result.level.value)]
    for requirement in result.requirements:
        properties.append(("requirement", visible(requirement)))
        if requirement in provenance:
            properties.append(("provenance", visible(provenance[requirement])))
    properties += (("flag", visible(flag)) for flag in result.flags)
    return [*properties, ("host", visible(result.host)), ("vector", visible(result.place))]


def _case_properties(result: Result, provenance: Mapping[str, str]) -> ET.Element:
    element = ET.Element("properties")
    for name, value in _properties(result, provenance):
        ET.SubElement(element, "property", name=name, value=value)
    return element


def _suite_properties(header: Header, host: HostInfo) -> dict[str, str]:
    properties = {
        "suite-version": header.suite_version,
        "platform": header.platform,
        "host": host.label,
        "host-name": host.name,
        "host-version": host.version or "unknown",
        "host-flags": " ".join(host.flags),
    }
    return {name: visible(value) for name, value in properties.items()}


def _conform(suite: ET.Element, members: list[Result]) -> None:
    """Bring what the junit-xml package builds in line with the schema: no `disabled`, times with three decimals."""
    del suite.attrib["disabled"]
    suite.set("time", _seconds(sum(result.duration_s for result in members)))
    for case, result in zip(suite.iter("testcase"), members, strict=True):
        case.set("time", _seconds(result.duration_s))


def _seconds(value: float) -> str:
    return f"{value:.3f}"
