"""ARI's API documents, in the form that Asterisk serves: Swagger 1.1, a list and a declaration per resource.

They are made from the catalogue and the operations. Clients build their methods and event classes from them.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from .catalogue import event_types, fields_of, models
from .rest_operations import Operation, operations

__all__ = ["declaration", "event_model", "resource_list"]

_API_VERSION = "10.0.0"  # the value of Asterisk 22; clients do not derive a schema from it
_ENVELOPE = {"type": "string", "asterisk_id": "string?", "application": "string", "timestamp": "Date"}
_HEAD = {"apiVersion": _API_VERSION, "swaggerVersion": "1.1"}

# Which models a declaration holds: each has its own.
_MODELS: Mapping[str, tuple[str, ...]] = {
    "applications": ("Application",),
    "asterisk": (
        *("AsteriskInfo", "AsteriskPing", "BuildInfo", "ConfigInfo", "ConfigTuple", "LogChannel", "Module", "SetId"),
        *("StatusInfo", "SystemInfo", "Variable"),
    ),
    "bridges": ("Bridge", "Variable", "Variables"),
    "channels": ("Channel", "CallerID", "Dialed", "DialplanCEP", "RTPstat", "Variable", "Variables"),
    "deviceStates": ("DeviceState",),
    "endpoints": ("Endpoint", "TextMessage"),
    "mailboxes": ("Mailbox",),
    "playbacks": ("Playback",),
    "recordings": ("LiveRecording", "StoredRecording"),
    "sounds": ("FormatLangPair", "Sound"),
}
_EVENT_MODELS = (
    *("AdditionalParam", "ContactInfo", "Peer", "ReferTo", "ReferredBy", "RequiredDestination"),
    *("RESTHeader", "RESTQueryStringParameter", "RESTRequest"),
)


def resource_list(base: str) -> dict[str, Any]:
    """Return `resources.json`, the list of declarations. `base` is ARI's URL, `http://localhost:8088/ari`."""
    apis = [{"path": f"/api-docs/{name}.{{format}}", "description": f"{name} of ARI"} for name in operations()]
    return {**_HEAD, "basePath": base, "apis": apis}


def declaration(name: str, base: str, more_events: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, Any]:
    """Return `NAME.json`, the operations and models of a resource. Raises `KeyError` for an unknown name.

    `more_events` are event types that the catalogue does not know, with their fields: they are added to `events`.
    """
    paths: dict[str, list[dict[str, Any]]] = {}
    for operation in operations()[name]:
        paths.setdefault(operation.path, []).append(_operation(operation))
    apis = [{"path": path, "description": path, "operations": methods} for path, methods in paths.items()]
    described = _events(more_events or {}) if name == "events" else {m: _model(m, models()[m]) for m in _MODELS[name]}
    where = {"basePath": base, "resourcePath": f"/api-docs/{name}.{{format}}"}
    return {**_HEAD, **where, "requiresModules": [], "apis": apis, "models": described}


def event_model(name: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """The model of an event type; `fields` are its own, as in the catalogue (`?`: may be absent)."""
    return _model(name, {**_ENVELOPE, **fields})


def _events(more: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    known = {name: event_model(name, fields_of(name)) for name in event_types()}
    further = {name: event_model(name, fields) for name, fields in more.items() if name not in known}
    event = event_model("Event", {})
    message = _model("Message", models()["Message"])
    event |= {"discriminator": "type", "subTypes": sorted({*known, *further} - {"MissingParams"})}
    message |= {"discriminator": "type", "subTypes": ["Event", "MissingParams", "RESTRequest"]}
    others = {name: _model(name, models()[name]) for name in _EVENT_MODELS}
    return {"Message": message, "Event": event, **known, **further, **others}


def _model(name: str, fields: Mapping[str, str]) -> dict[str, Any]:
    properties = {
        field: {"type": declared.removesuffix("?"), "required": not declared.endswith("?"), "description": field}
        for field, declared in fields.items()
    }
    return {"id": name, "description": name, "properties": properties}


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [
        {
            "name": parameter.name,
            "description": parameter.name,
            "paramType": parameter.where,
            "dataType": parameter.type,
            "required": parameter.required,
            "allowMultiple": parameter.multiple,
        }
        for parameter in operation.parameters
    ]
    declared: dict[str, Any] = {
        "httpMethod": operation.method,
        "summary": operation.name,
        "nickname": operation.name,
        "responseClass": operation.returns,
        "parameters": parameters,
        "errorResponses": [{"code": code, "reason": _reason(code)} for code in operation.errors],
    }
    if operation.name == "eventWebsocket":
        declared |= {"upgrade": "websocket", "websocketProtocol": "ari"}
    return declared


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase
