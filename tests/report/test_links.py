"""Addresses of the official text, for the forms of `source` that the catalogue has."""

import pytest

from wasicheck.report.links import COMPONENT_MODEL, WASI, source_link
from wasicheck.resources import data_folder
from wasicheck.vectors.requirements import load_requirements


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("cli/wit/stdio.wit:39", f"{WASI}cli/wit/stdio.wit#L39"),
        ("cli/wit/stdio.wit:39-41", f"{WASI}cli/wit/stdio.wit#L39-L41"),
        ("clocks/wit/timezone.wit:3,5-6", f"{WASI}clocks/wit/timezone.wit#L3"),
        ("cli/wit/stdio.wit", f"{WASI}cli/wit/stdio.wit"),
        ("random/README.md:7", f"{WASI}random/README.md?plain=1#L7"),
        (
            "component-model/design/mvp/Concurrency.md:10-12",
            f"{COMPONENT_MODEL}design/mvp/Concurrency.md?plain=1#L10-L12",
        ),
        ("elsewhere/wit/x.wit:1", None),
        ("RFC 9110, section 8.6", None),
        ("", None),
    ],
)
def test_links(source: str, link: str | None) -> None:
    assert source_link(source) == link


def test_every_source_in_the_catalogue_has_an_address() -> None:
    catalogue = load_requirements(data_folder("vectors") / "requirements")
    sources = {source for requirement in catalogue.values() for source in requirement.source}
    assert sources
    assert sorted(source for source in sources if source_link(source) is None and "RFC" not in source) == []
