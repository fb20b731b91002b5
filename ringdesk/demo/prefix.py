"""A real Asterisk (and espeak-ng) in a folder of its own, without root.

Debian 12 and 13 carry no Asterisk, but the same mirror's `testing` and `sid` do. A private
apt configuration with an empty dpkg status resolves the whole closure, libc included; it is
unpacked below `root/` and run by its own loader, so nothing on the machine changes.

    PREFIX/bin/asterisk, PREFIX/bin/espeak-ng   launchers, relocatable
    PREFIX/root/                                the unpacked packages
    PREFIX/manifest.json                        suite and sha256 of every package
"""

import fcntl
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ringdesk.demo.apt_sources import AptSource, choose_mirror, parse_sources

PACKAGES = (
    "asterisk",
    "asterisk-core-sounds-en-gsm",
    "asterisk-core-sounds-en-wav",
    "asterisk-moh-opsound-gsm",
    "espeak-ng",
)
RECIPE = 1
"""Raise it when the layout or the package list changes: older prefixes are then rebuilt."""

Progress = Callable[[str], None]


class PrefixUnavailable(RuntimeError):
    """No Asterisk can be had here. The message names the reason and the cure."""

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(f"no Asterisk could be set up: {reason}\n  cure: {cure}")
        self.reason = reason
        self.cure = cure


@dataclass(frozen=True)
class Release:
    """An Asterisk that Debian carries: its folder in the cache, and the suites to try in turn."""

    name: str
    suites: tuple[str, ...]


CURRENT = Release("asterisk", ("testing", "sid"))
"""Asterisk 22."""
OLD = Release("asterisk-16", ("bullseye",))
"""Asterisk 16.28: the oldest PBX Ringdesk works with."""


@dataclass(frozen=True)
class Prefix:
    """An unpacked Asterisk. All paths are absolute."""

    path: Path

    @property
    def root(self) -> Path:
        """The unpacked packages, laid out like `/`."""
        return self.path / "root"

    @property
    def asterisk(self) -> Path:
        """Launcher of the server and of its `-rx` console."""
        return self.path / "bin" / "asterisk"

    @property
    def espeak_ng(self) -> Path:
        """Launcher of the speech synthesiser; takes espeak-ng's own options."""
        return self.path / "bin" / "espeak-ng"

    @property
    def module_dir(self) -> Path:
        """Asterisk's loadable modules."""
        return next(self.root.glob("usr/lib/**/asterisk/modules"))

    @property
    def data_dir(self) -> Path:
        """Sounds, music on hold and Asterisk's own XML documentation."""
        return self.root / "usr/share/asterisk"


def default_cache() -> Path:
    """RINGDESK_CACHE, else `.cache` of the checkout, else the user's cache folder."""
    if chosen := os.environ.get("RINGDESK_CACHE"):
        return Path(chosen)
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").exists():
        return checkout / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ringdesk"


def ensure_prefix(cache: Path, progress: Progress = print, release: Release = CURRENT) -> Prefix:
    """Return the cached prefix, building it first (about 100 MB of downloads) if need be.

    Blocks for the whole build: call it before the event loop, or in a thread.
    Raises PrefixUnavailable; a broken download leaves nothing behind.
    """
    cache = cache.absolute()
    prefix = Prefix(cache / f"{release.name}-{platform.machine()}")
    if _is_complete(prefix):
        return prefix
    _require_tools()
    cache.mkdir(parents=True, exist_ok=True)
    with _lock(cache / f"{release.name}.lock", progress):
        if not _is_complete(prefix):  # another process may have built it while we waited
            _build(prefix, release, progress)
    return prefix


def _is_complete(prefix: Prefix) -> bool:
    try:
        return bool(json.loads((prefix.path / "manifest.json").read_bytes())["recipe"] == RECIPE)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _require_tools() -> None:
    missing = [tool for tool in ("apt-get", "dpkg-deb", "tar") if not shutil.which(tool)]
    if missing:
        raise PrefixUnavailable(
            f"{', '.join(missing)} not found: this is not a Debian system",
            "run on Debian 12 or 13, or use the built-in replay PBX: ringdesk demo --pbx replay",
        )


@contextmanager
def _lock(path: Path, progress: Progress) -> Iterator[None]:
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another process is building the Asterisk prefix: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(prefix: Prefix, release: Release, progress: Progress) -> None:
    mirror = _machine_mirror()
    # Beside the goal, so that the rename at the end stays on one file system.
    with tempfile.TemporaryDirectory(prefix="building-", dir=prefix.path.parent) as work:
        folder = Path(work)
        suite, archives = _download(folder, release, mirror, progress)
        built = folder / "prefix"
        progress(f"unpacking {len(archives)} packages")
        _unpack(archives, built / "root")
        _write_launchers(built)
        _write_manifest(built, suite, archives)
        built.chmod(0o755)
        shutil.rmtree(prefix.path, ignore_errors=True)
        built.rename(prefix.path)
    progress(f"Asterisk is ready in {prefix.path}")


def _machine_mirror() -> AptSource:
    etc = Path("/etc/apt")
    files = [etc / "sources.list", *sorted(etc.glob("sources.list.d/*"))]
    texts = {f.name: f.read_text("utf-8", "replace") for f in files if f.is_file()}
    if mirror := choose_mirror(parse_sources(texts)):
        return mirror
    raise PrefixUnavailable(
        "no entry of the Debian archive in /etc/apt/sources.list or sources.list.d",
        "add one, for example 'deb http://mirror.example/debian trixie main', and try again",
    )


def _download(
    folder: Path, release: Release, mirror: AptSource, progress: Progress
) -> tuple[str, list[Path]]:
    reasons = []
    for suite in release.suites:
        try:
            return suite, _download_suite(folder / suite, mirror, suite, progress)
        except subprocess.CalledProcessError as failure:
            reasons.append(f"{suite}: {_last_error(failure.stderr)}")
    raise PrefixUnavailable(
        "; ".join(reasons), f"check that this machine reaches {mirror.uri} (apt-get update)"
    )


def _last_error(stderr: str) -> str:
    errors = [line for line in stderr.splitlines() if line.startswith("E:")]
    return errors[-1] if errors else stderr.strip()[-200:]


def _download_suite(folder: Path, mirror: AptSource, suite: str, progress: Progress) -> list[Path]:
    config = _write_apt_config(folder, mirror, suite)
    progress(f"reading the package lists of Debian {suite} from {mirror.uri}")
    _apt(config, "-o", "APT::Update::Error-Mode=any", "update")
    install = ("install", "-y", "-d", "--no-install-recommends", *PACKAGES)
    wanted = [line.split() for line in _apt(config, "--print-uris", *install).splitlines()]
    sizes = [int(fields[2]) for fields in wanted if len(fields) >= 3 and fields[0][:1] == "'"]
    progress(f"downloading {len(sizes)} packages, {sum(sizes) / 1e6:.0f} MB")
    archives = folder / "cache" / "archives"
    _apt(config, *install, tick=lambda: _tell_size(archives, sum(sizes), progress))
    return sorted(archives.glob("*.deb"))


def _tell_size(archives: Path, total: int, progress: Progress) -> None:
    done = 0
    for file in archives.rglob("*.deb"):
        try:
            done += file.stat().st_size
        except FileNotFoundError:  # apt moves a finished file out of partial/
            continue
    progress(f"  {done / 1e6:.0f} of {total / 1e6:.0f} MB")


def _apt(config: Path, *arguments: str, tick: Callable[[], None] | None = None) -> str:
    """Run apt-get on the private configuration; calls `tick` every 5 seconds."""
    environment = os.environ | {"APT_CONFIG": str(config), "LC_ALL": "C.UTF-8"}
    command = ["apt-get", "-q", *arguments]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment
        )
        _wait(process, tick)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, "", err.read())
        return out.read()


def _wait(process: subprocess.Popen[bytes], tick: Callable[[], None] | None) -> None:
    try:
        while process.poll() is None:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                if tick:
                    tick()
    finally:
        if process.poll() is None:  # Ctrl-C
            process.kill()
            process.wait()


def _write_apt_config(folder: Path, mirror: AptSource, suite: str) -> Path:
    """Private apt.conf(5): own lists and an empty status, so that libc is resolved too."""
    for name in ("lists/partial", "cache/archives/partial", "etc/empty"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "etc/sources.list.d").mkdir()
    (folder / "etc/sources.list.d/debian.sources").write_text(mirror.for_suite(suite))
    config = folder / "apt.conf"
    config.write_text(
        f"""{_machine_network_settings()}
Dir::State "{folder}";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{folder}/etc/sources.list.d";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "{folder}/etc/empty";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "{folder}/etc/empty";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Debug::NoLocking "true";
"""
    )
    return config


def _machine_network_settings() -> str:
    """The proxies and time-outs of the machine's apt: its hooks must not run for us."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    return "\n".join(
        line
        for line in dump.stdout.splitlines()
        if line.lower().startswith(("acquire::http", "acquire::https", "acquire::check-date"))
    )


def _unpack(archives: list[Path], root: Path) -> None:
    for name in ("bin", "lib", "sbin", "lib64"):  # merged /usr, as base-files would make it
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for archive in archives:
        _extract(archive, root)
    sounds = root / "usr/share/asterisk/sounds/en"
    if not sounds.exists():  # the package's postinst makes this link, and never runs here
        sounds.symlink_to("en_US_f_Allison")


def _extract(archive: Path, root: Path) -> None:
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE
    ) as source:
        target = subprocess.run(
            ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", root],
            stdin=source.stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if source.returncode or target.returncode:
        raise PrefixUnavailable(
            f"{archive.name} does not unpack: {target.stderr.strip()[-200:]}",
            "free some disk space (600 MB are needed) and try again",
        )


_LAUNCHER = """#!/bin/sh
# Runs {name} of this prefix with the prefix's own loader and libraries.
here=$(dirname "$(dirname "$(readlink -f "$0")")")/root
{environment}exec "$here"/{loader} {name_option}\\
    --library-path "{libraries}" "$here"/{program} "$@"
"""


def _write_launchers(built: Path) -> None:
    root = built / "root"
    libraries = next(root.glob("usr/lib/*-linux-gnu")).relative_to(root)
    search = f"$here/{libraries}:$here/{libraries}/pulseaudio:$here/usr/lib"
    loader = _loader(root)
    named = b"--argv0" in loader.read_bytes()  # since glibc 2.33
    data = f'export ESPEAK_DATA_PATH="$here/{libraries}"\n'
    (built / "bin").mkdir()
    for name, program, environment in (
        ("asterisk", "usr/sbin/asterisk", ""),
        ("espeak-ng", "usr/bin/espeak-ng", data),
    ):
        launcher = built / "bin" / name
        launcher.write_text(
            _LAUNCHER.format(
                name=name,
                program=program,
                environment=environment,
                name_option=f"--argv0 {name} " if named else "",
                loader=shlex.quote(str(loader.relative_to(root))),
                libraries=search,
            )
        )
        launcher.chmod(0o755)


def _loader(root: Path) -> Path:
    for pattern in ("lib64/ld-linux-*.so.*", "lib/ld-linux-*.so.*", "lib/*-linux-gnu/ld-2.*.so"):
        for found in sorted((root / "usr").glob(pattern)):
            # Older ones are links to /lib: the machine's own loader, which is another version.
            if found.resolve().is_relative_to(root.resolve()):
                return found
    raise PrefixUnavailable(
        f"the packages hold no loader for {platform.machine()}",
        "use the built-in replay PBX: ringdesk demo --pbx replay",
    )


def _write_manifest(built: Path, suite: str, archives: list[Path]) -> None:
    sums = {a.name: hashlib.sha256(a.read_bytes()).hexdigest() for a in archives}
    manifest = {
        "recipe": RECIPE,
        "suite": suite,
        "built": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "sha256": sums,
    }
    (built / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
