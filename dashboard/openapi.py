"""The API's description, OpenAPI 3.1, made from the declared routes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from dashboard.rights import PUBLIC
from dashboard.routes import COOKIE, Endpoint
from dashboard.schemas import ErrorAnswer

_REF = "#/components/schemas/{model}"
_SCHEMES = {
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    "page": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Ringdesk",
        "description": "1: no other site's form can send it",
    },
    "web": {
        "type": "http",
        "scheme": "bearer",
        "description": "callback.web_token of the settings",
    },
}
_BY_TOKEN = frozenset({"ask_callback"})
_WORDS = {
    200: "Done",
    201: "Made",
    202: "Begun",
    204: "Done; nothing to tell",
    206: "The asked part",
    304: "Not changed",
    400: "Unreadable",
    401: "No living session",
    403: "Not allowed",
    404: "Not there, or not yours to see",
    409: "Refused as things are",
    413: "Too long",
    416: "No such part",
    422: "Not valid",
    429: "Too many attempts",
    503: "Cannot be done now",
    504: "The PBX has not answered; nobody knows whether it was done",
}


def describe(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """The OpenAPI document of ``endpoints``."""
    names, definitions = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operations = paths.setdefault(endpoint.address, {})
        operations[endpoint.method.lower()] = _operation(endpoint, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ringdesk", "version": version},
        "paths": paths,
        "components": {"schemas": definitions, "securitySchemes": _SCHEMES},
    }


def _schemas(endpoints: Sequence[Endpoint]) -> tuple[dict[type[BaseModel], Any], Any]:
    models: dict[type[BaseModel], Any] = {ErrorAnswer: "serialization"}
    for endpoint in endpoints:
        models |= dict.fromkeys(endpoint.inputs.values(), "validation")
        if endpoint.answer is not None:
            models[endpoint.answer] = "serialization"
    found, document = models_json_schema(list(models.items()), ref_template=_REF)
    return {model: found[model, mode] for model, mode in models.items()}, document["$defs"]


def _operation(endpoint: Endpoint, names: dict[type[BaseModel], Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint, names),
    }
    if needs := _security(endpoint):
        operation["security"] = [needs]
    if "body" in endpoint.inputs:
        schema = names[endpoint.inputs["body"]]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _security(endpoint: Endpoint) -> dict[str, Any]:
    session: dict[str, Any] = {} if endpoint.name in PUBLIC else {"session": []}
    if endpoint.name in _BY_TOKEN:
        session = {"web": []}
    return session if endpoint.method == "GET" else session | {"page": []}


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters = []
    for place in ("path", "query"):
        if place in endpoint.inputs:
            parameters += _fields(endpoint.inputs[place], place)
    return parameters


def _fields(model: type[BaseModel], place: str) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=_REF)
    required = schema.get("required", [])
    return [
        {"name": name, "in": place, "required": name in required, "schema": _no_null(field)}
        for name, field in schema["properties"].items()
    ]


def _no_null(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter is absent or has a value; there is no null in an address."""
    kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
    return kinds[0] if kinds else field


def _responses(endpoint: Endpoint, names: dict[type[BaseModel], Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {str(endpoint.status): _success(endpoint, names)}
    if endpoint.media != "application/json":
        responses |= {"206": _success(endpoint, names), "304": {"description": _WORDS[304]}}
        responses["416"] = {"description": _WORDS[416]}
    for status in sorted(_failures(endpoint)):
        error = {"application/json": {"schema": names[ErrorAnswer]}}
        responses[str(status)] = {"description": _WORDS[status], "content": error}
    return responses


def _success(endpoint: Endpoint, names: dict[type[BaseModel], Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": _WORDS[endpoint.status]}
    if endpoint.status != 204:
        schema = names[endpoint.answer] if endpoint.answer else {}
        success["content"] = {endpoint.media: {"schema": schema}}
    return success


def _failures(endpoint: Endpoint) -> set[int]:
    failures = {*endpoint.errors, 503}
    if endpoint.name not in PUBLIC:
        failures |= {401, 403}
    if endpoint.inputs:
        failures |= {400, 422}
    if endpoint.method != "GET":
        failures |= {403, 413}
    return failures
