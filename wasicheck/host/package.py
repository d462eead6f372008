"""Fetching a release of a program from a package index into the cache, verified, once.

The wheel comes from `pip download` with the running interpreter, so the user's pip configuration (index, proxy,
certificates) holds. Every file of the wheel is checked against the wheel's RECORD, and the program against the
checksum that the runner pins, where it pins one. Nothing of the wheel is ever installed or imported.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from wasicheck.host.cache import lock
from wasicheck.host.errors import HostError
from wasicheck.host.runner import Package, Release
from wasicheck.host.version import Version, parse_version

DOWNLOAD_DEADLINE_S = 600.0


def platform_key() -> str:
    """Return how checksums name this platform: `linux-x86_64`."""
    return f"{platform.system()}-{platform.machine()}".lower()


def find_release(package: Package, wanted: Version) -> Release | None:
    """Return the newest pinned release that is `wanted`, by the program's version or else by the package's."""

    def newest(candidates: list[tuple[Version | None, Release]]) -> Release | None:
        fitting = [(version, release) for version, release in candidates if version and version.matches(wanted)]
        return max(fitting, key=lambda pair: pair[0])[1] if fitting else None

    by_program = newest([(parse_version(release.version), release) for release in package.releases])
    return by_program or newest([(parse_version(release.package), release) for release in package.releases])


def fetch(package: Package, wanted: Version, cache: Path) -> Path:
    """Return the program of a release that is `wanted`, from the cache or else from the index.

    A release that is pinned is taken before others; without one, what the cache holds is taken before what the index
    may have. Raises HostError, with what pip said, when it cannot be had or is not what it should be.
    """
    release = find_release(package, wanted)
    exact = parse_version(release.package) if release else None
    folder = cache / "packages"
    if (found := _cached(package, exact or wanted, folder, exact=exact is not None)) is not None:
        return found
    with lock(folder / f"{package.name}.lock"):
        if (found := _cached(package, exact or wanted, folder, exact=exact is not None)) is not None:
            return found
        try:
            return _install(package, release, _requirement(package, exact, wanted), folder)
        except OSError as error:
            raise HostError(f"{package.name} could not be kept in the cache: {error}; set WASICHECK_CACHE") from None


def _install(package: Package, release: Release | None, requirement: str, folder: Path) -> Path:
    with tempfile.TemporaryDirectory(prefix=f".{package.name}-", dir=folder) as temporary:
        wheel = _download(requirement, Path(temporary))
        unpacked = Path(temporary, "unpacked")
        checksums = unpack(wheel, unpacked)
        if package.member not in checksums:
            raise HostError(f'{wheel.name} has no member "{package.member}": correct find.package.member')
        pinned = dict(release.sha256).get(platform_key()) if release else None
        if pinned is not None and checksums[package.member] != pinned:
            raise HostError(
                f"{package.member} of {wheel.name} has the sha256 {checksums[package.member]}, and the runner pins "
                f"{pinned}: the index serves something else than the project knows; it was not kept"
            )
        program = unpacked / package.member
        # pip would not set the run bit of a file that is package data, and neither does zipfile.
        program.chmod(program.stat().st_mode | 0o111)
        home = folder / _folder_name(package, wheel.name.split("-")[1])
        shutil.rmtree(home, ignore_errors=True)
        unpacked.rename(home)
        return home / package.member


def unpack(wheel: Path, target: Path) -> dict[str, str]:
    """Unpack a wheel and return the sha256 of each file, all of them checked against RECORD; HostError otherwise."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            record = _record(archive, names, wheel.name)
            checksums: dict[str, str] = {}
            for name in names:
                if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                    raise HostError(f'{wheel.name} is not to be trusted: it holds "{name}"')
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                digest = hashlib.sha256()
                with archive.open(name) as source, path.open("wb") as sink:
                    while block := source.read(1 << 20):
                        digest.update(block)
                        sink.write(block)
                if not name.endswith(".dist-info/RECORD") and record.get(name) != _encoded(digest.digest()):
                    raise HostError(f"{name} in {wheel.name} does not have the checksum that its RECORD states")
                checksums[name] = digest.hexdigest()
            return checksums
    except zipfile.BadZipFile as error:
        raise HostError(f"{wheel.name} is damaged: {error}") from None


def _record(archive: zipfile.ZipFile, names: list[str], wheel: str) -> dict[str, str]:
    listed = [name for name in names if name.endswith(".dist-info/RECORD") and name.count("/") == 1]
    if len(listed) != 1:
        raise HostError(f"{wheel} has no RECORD to check it against")
    rows = csv.reader(io.StringIO(archive.read(listed[0]).decode()))
    return {row[0]: row[1].removeprefix("sha256=") for row in rows if len(row) > 1}


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _folder_name(package: Package, version: str) -> str:
    return f"{package.name}-{version}-{platform_key()}"


def _cached(package: Package, wanted: Version, folder: Path, *, exact: bool) -> Path | None:
    if exact:
        program = folder / _folder_name(package, wanted.text) / package.member
        return program if program.is_file() else None
    prefix, suffix = f"{package.name}-", f"-{platform_key()}"
    best: tuple[Version, Path] | None = None
    for home in folder.glob(f"{prefix}*{suffix}"):
        version = parse_version(home.name[len(prefix) : -len(suffix)])
        if version is None or not version.matches(wanted) or not (home / package.member).is_file():
            continue
        if best is None or best[0] < version:
            best = (version, home / package.member)
    return best[1] if best else None


def _requirement(package: Package, exact: Version | None, wanted: Version) -> str:
    if exact is not None:
        return f"{package.name}=={exact}"
    return f"{package.name}=={wanted}" + (".*" if len(wanted.numbers) < 3 and not wanted.suffix else "")


def _download(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder), requirement]
    hint = "or name a program of your own"
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DOWNLOAD_DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise HostError(f"{requirement} could not be fetched within {DOWNLOAD_DEADLINE_S:.0f} s; {hint}") from None
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    said = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()
    if any("No module named pip" in line for line in said):
        raise HostError(f"{requirement} is fetched with pip, which {sys.executable} does not have: install it, {hint}")
    reason = said[0].removeprefix("ERROR:").strip() if said else f"pip ended with status {done.returncode}"
    raise HostError(f"{requirement} is not in the cache and could not be fetched: {reason}; check the network, {hint}")
