"""The matrix as a folder of files that a browser opens without any server."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from wasicheck.report.matrix.data import case_parts, dumped, index_data, matrix_json, specification_data
from wasicheck.report.matrix.model import Matrix, Numbers
from wasicheck.report.matrix.specification import annotated
from wasicheck.report.matrix.words import ABSENT, BESIDE, COVERAGE, DIVERGENCE, LEVELS, SIGNS
from wasicheck.report.results import ResultsError
from wasicheck.vectors.requirements import Requirement
from wasicheck.wit.types import Wit

_MARK = "matrix.json"
"""The file by which a folder is known to be one of ours."""
_COPIED = ("style.css", "state.js", "table.js", "case.js", "specification.js")
_CHARACTER = 6.6
"""Width of a character of 11 pixels in a badge, about that of the fonts that browsers take for sans-serif."""
_PADDING = 12


@dataclass(frozen=True)
class Badge:
    """What a badge says, and how wide its two halves are in pixels; `tone` is the class of the right one."""

    label: str
    value: str
    tone: str

    @property
    def left(self) -> int:
        """Width of the half with the label."""
        return round(len(self.label) * _CHARACTER) + _PADDING

    @property
    def right(self) -> int:
        """Width of the half with the value."""
        return round(len(self.value) * _CHARACTER) + _PADDING


def write_site(
    folder: Path, templates: Path, matrix: Matrix, requirements: Mapping[str, Requirement], wit: Wit
) -> None:
    """Write the site: `index.html` and what it loads, `matrix.json`, and `badges/` with one for each host.

    A folder that holds an earlier site is written anew; any other that holds something is refused. Raises ResultsError,
    which also says what cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and ((folder / _MARK).is_file() or not any(folder.iterdir()))):
        what = "exists, and is no folder that `wasicheck matrix` wrote"
        raise ResultsError(str(folder), 0, what, "choose another one with --out, or remove it")
    chapters = annotated(wit, requirements, matrix.rows)
    environment = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        autoescape=select_autoescape(("html.j2", "svg.j2")),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = badge_names([column.key for column in matrix.columns])
    hosts = [
        {"column": column, "numbers": matrix.numbers(index), "badge": f"badges/{names[index]}"}
        for index, column in enumerate(matrix.columns)
    ]
    page = environment.get_template("index.html.j2").render(
        matrix=matrix,
        hosts=hosts,
        signs=SIGNS,
        absent=ABSENT,
        levels=LEVELS,
        sentences=(DIVERGENCE, COVERAGE, BESIDE),
        data=dumped(index_data(matrix, requirements, chapters)),
    )
    badge = environment.get_template("badge.svg.j2")
    try:
        for name in ("cases", "badges"):
            shutil.rmtree(folder / name, ignore_errors=True)
            (folder / name).mkdir(parents=True)
        (folder / _MARK).write_text(json.dumps(matrix_json(matrix, requirements), indent=1) + "\n", encoding="utf-8")
        for name in _COPIED:
            shutil.copyfile(templates / name, folder / name)
        for index, part in enumerate(case_parts(matrix)):
            _write_part(folder, f"cases/{index}", part)
        _write_part(folder, "requirements", specification_data(chapters, requirements))
        for index, column in enumerate(matrix.columns):
            text = badge.render(badge=badge_of(column.key, matrix.numbers(index)))
            (folder / "badges" / names[index]).write_text(text + "\n", encoding="utf-8")
        (folder / "index.html").write_text(page + "\n", encoding="utf-8")
    except OSError as error:
        what = f"the site cannot be written: {error.strerror}"
        raise ResultsError(str(error.filename or folder), 0, what, "check the path and its rights") from None


def badge_of(key: str, numbers: Numbers) -> Badge:
    """The badge of a host: `wasmtime@49.0.3 · WASI 0.3`, `1.2 % diverge, 98.1 % covered`."""
    value = f"{numbers.divergence.percent} % diverge, {numbers.coverage.percent} % covered"
    if numbers.errors:
        value += f", {numbers.errors} not judged"
    return Badge(f"{key} · WASI 0.3", value, "good" if not numbers.divergence.part else "diverging")


def badge_names(keys: Sequence[str]) -> list[str]:
    """The files of the hosts' badges, each with a name of its own: `wasmtime-49.0.3.svg` of `wasmtime@49.0.3`."""
    names: list[str] = []
    for key in keys:
        plain = re.sub(r"[^A-Za-z0-9._]+", "-", key).strip("-.") or "host"
        same = sum(name == f"{plain}.svg" or name.startswith(f"{plain}~") for name in names)
        names.append(f"{plain}~{same + 1}.svg" if same else f"{plain}.svg")
    return names


def _write_part(folder: Path, name: str, data: object) -> None:
    (folder / f"{name}.js").write_text(f"wasicheck.part({dumped(name)},{dumped(data)});\n", encoding="ascii")
