"""The catalogue of requirements: read strictly, and true to the WIT."""

from pathlib import Path

import pytest

from wasicheck.check.vectors import lint_requirements
from wasicheck.vectors import requirements
from wasicheck.vectors.model import Level
from wasicheck.vectors.requirements import Provenance, load_requirements, requirement_ids
from wasicheck.vectors.source import VectorError
from wasicheck.wit import wasi

FOLDER = Path(__file__).parents[2] / "vectors" / "requirements"
GOOD = """\
- id: cli.stdout.data
  item: wasi:cli/stdout@0.3.0#write-via-stream
  level: must
  provenance: wit
  text: What is written comes out.
  testable: 'yes'
  source: [cli/wit/stdio.wit:5]
"""


def folder(tmp_path, *texts):
    found = tmp_path / "mine" / "requirements"
    found.mkdir(parents=True)
    for name, text in zip("abc", texts, strict=False):
        (found / f"{name}.yaml").write_text(text)
    return found


def test_a_requirement(tmp_path):
    text = GOOD.replace("'yes'", "hard") + "  note: needs root\n  error: pipe\n"
    (found,) = load_requirements(folder(tmp_path, text, "# nothing\n")).values()
    assert (found.id, found.item) == ("cli.stdout.data", "wasi:cli/stdout@0.3.0#write-via-stream")
    assert (found.level, found.provenance, found.testable) == (Level.MUST, Provenance.WIT, requirements.Testable.HARD)
    assert (found.text, found.note, found.error) == ("What is written comes out.", "needs root", "pipe")
    assert (found.source, str(found.place)) == (("cli/wit/stdio.wit:5",), "mine/requirements/a.yaml:1")


def test_ids_and_levels(tmp_path):
    assert requirement_ids(folder(tmp_path, GOOD)) == {"cli.stdout.data": Level.MUST}
    assert requirement_ids(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: b", "1:1: expected the requirements, a list, found a mapping"),
        (GOOD.replace("  level: must\n", ""), "1:3: the requirement has no `level`"),
        (GOOD.replace("must", "shall"), "3:10: expected a level, found `shall`; one of must, should, typical, may"),
        (GOOD.replace("text:", "txt:"), "5:3: unknown key `txt` in a requirement; did you mean `text`? "),
        (GOOD.replace("What is written comes out.", "''"), "5:9: the statement is empty"),
        (GOOD.replace("cli.stdout.data", "Data"), "1:7: `Data` is not the id of a requirement"),
        (GOOD.replace("'yes'", "'no'"), "1:3: a requirement that is `testable: no` needs a note that says why"),
        (GOOD.replace("wit\n", "hearsay\n"), "4:15: expected a provenance, found `hearsay`"),
        (GOOD.replace("[cli/wit/stdio.wit:5]", "x"), "7:11: expected `source`, a list, found `x`"),
        (GOOD + GOOD, "8:3: the requirement `cli.stdout.data` is there twice; first in mine/requirements/a.yaml:1"),
        ("- [", "2:1: not YAML"),
    ],
)
def test_a_bad_catalogue(tmp_path, text, error):
    with pytest.raises(VectorError) as caught:
        load_requirements(folder(tmp_path, text))
    assert str(caught.value).startswith(f"mine/requirements/a.yaml:{error}")


def test_an_id_in_two_files(tmp_path):
    with pytest.raises(VectorError, match=r"is there twice; first in mine/requirements/a\.yaml:1"):
        requirement_ids(folder(tmp_path, GOOD, GOOD))


def test_files_that_cannot_be_read(tmp_path):
    found = folder(tmp_path)
    (found / "a.yaml").write_bytes(b"\xff")
    with pytest.raises(VectorError, match="is not UTF-8"):
        load_requirements(found)
    (found / "a.yaml").unlink()
    (found / "a.yaml").mkdir()
    with pytest.raises(VectorError, match="cannot be read"):
        load_requirements(found)


def test_the_catalogue_of_the_project():
    found = load_requirements(FOLDER)
    assert len(found) > 100
    assert [str(p) for p in lint_requirements(found, wasi())] == []


@pytest.mark.parametrize(
    ("item", "error", "expected"),
    [
        ("wasi:cli/stdout@0.3.0#write-via-stream", "pipe", None),
        ("wasi:cli/stdout@0.3.0#write-via-stream", "pip", "has no error case `pip`; did you mean `pipe`?"),
        ("wasi:cli/types@0.3.0#error-code", "io", None),
        ("wasi:filesystem/types@0.3.0#descriptor.stat", "no-entri", "did you mean `no-entry`?"),
        ("wasi:cli/stdout@0.3.0", "anything", None),
        ("wasi:cli/imports@0.3.0", None, None),
        ("wasi:cli/stdout@0.3.0#write", None, "there is no WIT item `wasi:cli/stdout@0.3.0#write`"),
        ("component-model streams", "x", None),
    ],
)
def test_items_and_error_cases_are_those_of_the_wit(tmp_path, item, error, expected):
    text = GOOD.replace("wasi:cli/stdout@0.3.0#write-via-stream", item) + (f"  error: {error}\n" if error else "")
    problems = [str(p) for p in lint_requirements(load_requirements(folder(tmp_path, text)), wasi())]
    assert (len(problems) == 1 and expected in problems[0]) if expected else problems == []
