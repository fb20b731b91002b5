"""The files of the page: read and compressed once, at the start, and served from memory.

They are small and change only with the version. A browser asks with the ETag it has and gets a
304; each encoding has an ETag of its own, as RFC 9110 (8.8.3) wants of a strong one.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

INDEX = "index.html"
TYPES: Mapping[str, str] = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}


@dataclass(frozen=True)
class Form:
    """One file in one encoding ("" or "gzip")."""

    body: bytes
    encoding: str
    etag: str


@dataclass(frozen=True)
class Asset:
    """One file in both encodings; ``packed`` is None where gzip makes nothing smaller."""

    content_type: str
    plain: Form
    packed: Form | None

    def form(self, accept_encoding: str) -> Form:
        """The form for a browser that says so."""
        return self.packed if self.packed and accepts_gzip(accept_encoding) else self.plain


def pack(name: str, data: bytes) -> Asset:
    """A file's content in both encodings; the same content gives the same bytes and ETags."""
    digest = hashlib.sha256(data).hexdigest()[:20]
    small = gzip.compress(data, compresslevel=9, mtime=0)
    return Asset(
        content_type=TYPES.get(Path(name).suffix, "text/plain"),
        plain=Form(data, "", digest),
        packed=Form(small, "gzip", f"{digest}-gzip") if len(small) < len(data) else None,
    )


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header takes gzip (RFC 9110, 12.5.3); ``q=0`` refuses it."""
    weights = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameter = part.partition(";")
        weights[name.strip()] = parameter.partition("=")[2].strip() or "1"
    weight = weights.get("gzip", weights.get("*", "0"))
    return bool(weight.strip("0."))


def read_assets(folder: Path) -> dict[str, Asset]:
    """Every file below ``folder`` by its path there: nothing else can be asked for."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = ((path.relative_to(folder).as_posix(), path) for path in files)
    return {name: pack(name, path.read_bytes()) for name, path in named}


def add_page(app: web.Application, assets: Mapping[str, Asset]) -> None:
    """Serve the page at ``/`` and its files below ``/static/``."""

    async def index(request: web.Request) -> web.Response:
        return _answer(request, assets.get(INDEX))

    async def file(request: web.Request) -> web.Response:
        return _answer(request, assets.get(request.match_info["name"]))

    app.router.add_get("/", index)
    app.router.add_get("/static/{name:.+}", file)


def _answer(request: web.Request, asset: Asset | None) -> web.Response:
    if asset is None:
        raise web.HTTPNotFound
    form = asset.form(request.headers.get("Accept-Encoding", ""))
    headers = {"Vary": "Accept-Encoding"}
    if any(tag.value in {form.etag, "*"} for tag in request.if_none_match or ()):
        response = web.Response(status=304, headers=headers)
    else:
        if form.encoding:
            headers["Content-Encoding"] = form.encoding
        response = web.Response(
            body=form.body, content_type=asset.content_type, charset="utf-8", headers=headers
        )
    response.etag = form.etag
    return response
