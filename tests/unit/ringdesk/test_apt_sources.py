"""The machine's own Debian mirror is found in every form apt knows."""

import pytest

from ringdesk.demo.apt_sources import AptSource, choose_mirror, parse_sources

DEBIAN_12_IMAGE = """\
Types: deb
# http://snapshot.example/archive/debian/20250520T000000Z
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""

ONE_LINE = """\
# deb http://old.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb [arch=amd64 signed-by=/etc/docker.asc] https://download.example/linux/debian bookworm stable
deb https://apt.example/pub/repos/apt bookworm-pgdg main
deb [arch=amd64] http://mirror.example/debian trixie main contrib  # near by
"""

EMBEDDED_KEY = """\
Types: deb deb-src
URIs: https://mirror.example/debian/
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY865UxYJKwYBBAHaRw8BAQdAd7Z0srwuhlB6JKFkcf4HU4SSS/xcRfwEQWzr
 -----END PGP PUBLIC KEY BLOCK-----
"""


def test_the_debian_image_names_its_mirror_in_deb822() -> None:
    mirror = choose_mirror(parse_sources({"debian.sources": DEBIAN_12_IMAGE}))
    assert mirror is not None
    assert mirror.uri == "http://mirror.example/debian"
    assert mirror.signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg"


def test_one_line_entries_without_security_sources_and_third_parties() -> None:
    mirror = choose_mirror(parse_sources({"sources.list": ONE_LINE}))
    assert mirror == AptSource("http://mirror.example/debian", ("trixie",), ("main", "contrib"))


def test_an_embedded_key_goes_along_unchanged() -> None:
    mirror = choose_mirror(parse_sources({"debian.sources": EMBEDDED_KEY}))
    assert mirror is not None
    text = mirror.for_suite("testing")
    assert "Suites: testing\n" in text
    assert text.endswith("Signed-By: " + EMBEDDED_KEY.partition("Signed-By:")[2].lstrip(" "))


def test_a_written_entry_reads_back_the_same() -> None:
    source = AptSource("http://mirror.example/debian", ("sid",), ("main",), "/k/debian-archive.gpg")
    assert parse_sources({"x.sources": source.for_suite("sid")}) == [source]


@pytest.mark.parametrize(
    "text",
    [
        DEBIAN_12_IMAGE.replace("Types: deb", "Types: deb-src"),
        DEBIAN_12_IMAGE.replace("Types: deb", "Enabled: no\nTypes: deb"),
        DEBIAN_12_IMAGE.replace("bookworm", "noble"),
        DEBIAN_12_IMAGE.replace("Components: main", "Components: contrib"),
        "no colon anywhere\n\n: : :\n\n\n",
        "",
    ],
)
def test_no_mirror_is_better_than_a_wrong_one(text: str) -> None:
    assert choose_mirror(parse_sources({"debian.sources": text})) is None


def test_files_apt_ignores_are_ignored() -> None:
    assert parse_sources({"debian.sources.disabled": DEBIAN_12_IMAGE, "x.bak": ONE_LINE}) == []


def test_a_mirror_list_of_a_cloud_image() -> None:
    text = DEBIAN_12_IMAGE.replace(
        "http://mirror.example/debian\n", "mirror+file:/etc/apt/mirrors/debian.list\n"
    )
    mirror = choose_mirror(parse_sources({"debian.sources": text}))
    assert mirror is not None
    assert mirror.uri == "mirror+file:/etc/apt/mirrors/debian.list"
