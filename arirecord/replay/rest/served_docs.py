"""The API documents that a replay serves: the recorded ones, otherwise ours, with a model of every event type."""

from typing import Any

from arirecord.asterisk.api_docs import declaration, event_model, resource_list
from arirecord.asterisk.catalogue import event_types, fields_of
from arirecord.asterisk.rest_operations import operations

from .recorded_exchanges import RecordedRest

__all__ = ["ApiDocs"]


class ApiDocs:
    """`Documents(recorded).get("events.json", "http://localhost:8088/ari")`."""

    def __init__(self, recorded: RecordedRest) -> None:
        # Recorded ones are served only if complete: a list that names a missing document stops every client.
        whole = "resources.json" in recorded.documents and self._names(recorded) <= recorded.documents.keys()
        self._documents = recorded.documents if whole else {}
        self._unknown = recorded.unknown_events
        self._types = list(recorded.types)

    def get(self, name: str, base: str) -> dict[str, Any] | None:
        """A document by its name, `resources.json` or one that it lists; None for any other.

        `base` is the URL by which the client calls this server; paths in the document begin with it.
        """
        if self._documents:
            document = self._documents.get(name)
            if document is None:
                return None
            served = {**document, "basePath": base}
            return self._with_all_events(served) if name == "events.json" else served
        if name == "resources.json":
            return resource_list(base)
        stem = name.removesuffix(".json")
        return declaration(stem, base, self._unknown) if name != stem and stem in operations() else None

    def _with_all_events(self, document: dict[str, Any]) -> dict[str, Any]:
        models = document.get("models")
        if not isinstance(models, dict):
            return document
        known = event_types()
        missing = [name for name in self._types if name not in models]
        more = {
            name: event_model(name, fields_of(name) if name in known else self._unknown.get(name, {}))
            for name in missing
        }
        return {**document, "models": {**models, **more}}

    @staticmethod
    def _names(recorded: RecordedRest) -> set[str]:
        apis = recorded.documents["resources.json"].get("apis")
        paths = [api.get("path") for api in apis if isinstance(api, dict)] if isinstance(apis, list) else []
        return {path.rpartition("/")[2].replace("{format}", "json") for path in paths if isinstance(path, str)}
