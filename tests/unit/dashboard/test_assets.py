"""The page's files: small on the wire, asked for once, sent again only when they changed."""

from __future__ import annotations

import gzip

import pytest

from dashboard.assets import accepts_gzip, pack
from tests.unit.dashboard.house import House


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip, deflate, br", True),
        ("GZIP;q=0.5", True),
        ("br;q=1.0, *;q=0.1", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("x-gzipped", False),
    ],
)
def test_what_a_browser_says_it_takes(header: str, takes: bool) -> None:
    assert accepts_gzip(header) is takes


def test_each_encoding_has_its_own_tag_and_the_same_content_the_same() -> None:
    text = b"export const answer = 42;\n" * 40
    asset = pack("answer.mjs", text)
    assert asset == pack("answer.mjs", text)
    packed = asset.form("gzip")
    assert gzip.decompress(packed.body) == text
    assert len(packed.body) < len(text)
    assert packed.etag != asset.form("").etag
    assert asset.content_type == "text/javascript"


def test_what_gzip_makes_longer_is_sent_as_it_is() -> None:
    asset = pack("x.js", b";")
    assert asset.packed is None
    assert asset.form("gzip").body == b";"


async def test_a_browser_gets_the_packed_file_and_a_plain_one_on_demand(house: House) -> None:
    sizes = {}
    for takes in ("gzip", "identity"):
        headers = {"Accept-Encoding": takes}
        async with house.client.get("/static/main.js", headers=headers) as response:
            assert response.headers["Vary"] == "Accept-Encoding"
            assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
            assert response.headers.get("Content-Encoding") == (takes if takes == "gzip" else None)
            assert "import { render } from 'preact';" in await response.text()
            sizes[takes] = int(response.headers["Content-Length"])
            tag = response.headers["ETag"]
        again = headers | {"If-None-Match": tag}
        async with house.client.get("/static/main.js", headers=again) as response:
            assert (response.status, response.headers["ETag"]) == (304, tag)
            assert response.headers["Vary"] == "Accept-Encoding"
    assert sizes["gzip"] < sizes["identity"]
