"""Events held to OpenLineage's own JSON schemas."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SPEC = Path(__file__).parent / "spec"


@cache
def registry() -> Registry:
    """Every schema that is kept here, by its id."""
    found = (json.loads(file.read_text()) for file in SPEC.glob("*.json"))
    return Registry().with_resources((each["$id"], Resource.from_contents(each)) for each in found)


def faults(event: dict[str, Any]) -> list[str]:
    """What an event, or a facet in it, breaks of the schema that it names itself."""
    named = [(event["schemaURL"], event), *((each["_schemaURL"], each) for each in _facets(event))]
    return [error.message for url, part in named for error in _validator(url).iter_errors(part)]


@cache
def _validator(url: str) -> Draft202012Validator:
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator({"$ref": url}, registry=registry(), format_checker=checker)


def _facets(part: Any) -> list[dict[str, Any]]:
    if isinstance(part, list):
        return [facet for each in part for facet in _facets(each)]
    if not isinstance(part, dict):
        return []
    here = [part] if "_schemaURL" in part else []
    return here + [facet for each in part.values() for facet in _facets(each)]


def events(folder: Path) -> list[dict[str, Any]]:
    """Every event of a folder, oldest first."""
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]
