"""Find the machine's own Debian mirror in its apt sources (sources.list(5)). Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_ALIASES = {"oldoldstable", "oldstable", "stable", "testing", "unstable"}
_DEBIAN_SUITES = _ALIASES | {"bullseye", "bookworm", "trixie", "forky", "duke", "sid"}
_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<rest>\S.*)$")


@dataclass(frozen=True)
class AptSource:
    """One `deb` entry: one mirror with its suites, components and key."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""

    def for_suite(self, suite: str) -> str:
        """A deb822 `.sources` text for another suite of the same mirror and key."""
        fields = ["Types: deb", f"URIs: {self.uri}", f"Suites: {suite}", "Components: main"]
        if self.signed_by:
            fields.append(f"Signed-By: {self.signed_by}")
        return "\n".join(fields) + "\n"


def parse_sources(files: Mapping[str, str]) -> list[AptSource]:
    """All enabled binary entries of the files (name -> text), in order of the files.

    `NAME.sources` is deb822, `NAME.list` one line an entry; other names are ignored, as apt
    does. Broken entries are skipped: apt itself complains about those.
    """
    entries: list[AptSource] = []
    for name, text in files.items():
        if name.endswith(".sources"):
            entries += _parse_deb822(text)
        elif name.endswith(".list"):
            entries += _parse_one_line(text)
    return entries


def choose_mirror(entries: Iterable[AptSource]) -> AptSource | None:
    """The entry that carries Debian's main archive; neither -security nor third parties."""
    candidates = [entry for entry in entries if _score(entry) > 0]
    return max(candidates, key=_score, default=None)


def _score(entry: AptSource) -> int:
    if "main" not in entry.components or not _DEBIAN_SUITES.intersection(entry.suites):
        return 0
    folders = urlsplit(entry.uri).path.strip("/").split("/")
    named = "debian" in folders or any(f.startswith("debian.") for f in folders)
    return 2 * ("debian-archive" in entry.signed_by) + named


def _parse_one_line(text: str) -> Iterator[AptSource]:
    for line in text.splitlines():
        found = _ONE_LINE.match(line.split("#", 1)[0].strip())
        if not found:
            continue
        words = found["rest"].split()
        options = dict(o.split("=", 1) for o in (found["options"] or "").split() if "=" in o)
        if len(words) >= 3:
            key = options.get("signed-by", "")
            yield AptSource(words[0], (words[1],), tuple(words[2:]), key)


def _parse_deb822(text: str) -> Iterator[AptSource]:
    for fields in _stanzas(text):
        if "deb" not in fields.get("types", "").split() or _is_no(fields.get("enabled", "yes")):
            continue
        suites, components = fields.get("suites", ""), fields.get("components", "")
        for uri in fields.get("uris", "").split():
            key = fields.get("signed-by", "")
            yield AptSource(uri, tuple(suites.split()), tuple(components.split()), key)


def _is_no(value: str) -> bool:
    return value.strip().lower() in ("no", "false", "off", "without", "disable", "0")


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for block in re.split(r"\n(?:[ \t]*\n)+", "\n".join(lines)):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line[:1] in (" ", "\t") and name:  # an embedded key: keep its lines as they are
                fields[name] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields:
            yield fields
