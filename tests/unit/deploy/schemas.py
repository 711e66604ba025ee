"""Holding Kubernetes objects to the schemas of Kubernetes and of the operators whose objects they are."""

import copy
import functools
import os
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes_validate
import pytest
import yaml
from tests.unit.deploy.settings import ROOT

KUBERNETES: Final = ("1.30", "1.37")  # the oldest that the chart admits, and the newest whose schemas there are
_OF_OPERATORS: Final = ("kafka.strimzi.io/", "postgresql.cnpg.io/")


def is_of_operator(document: dict[str, Any]) -> bool:
    return str(document["apiVersion"]).startswith(_OF_OPERATORS)


def check_core(document: dict[str, Any]) -> None:
    """Hold an object of Kubernetes itself to its schema; a field that nobody knows is an error."""
    for version in KUBERNETES:
        kubernetes_validate.validate(document, version, strict=True)


def check_custom(document: dict[str, Any]) -> None:
    """
    Hold an operator's object to the schema of its definition; a field that nobody knows is an error.

    The test is skipped where there are no definitions.
    """
    group, version = document["apiVersion"].split("/")
    jsonschema.Draft202012Validator(_definitions()[group, version, document["kind"]]).validate(document)


@functools.cache
def _definitions() -> dict[tuple[str, str, str], dict[str, Any]]:
    folder = Path(os.environ.get("PATCHBAY_CRDS") or ROOT.parent / "shared" / "kubernetes-crds")
    files = sorted(folder.glob("*.yaml"))
    if not files:
        pytest.skip(f"there are no operators' definitions in {folder}: PATCHBAY_CRDS may name a folder that has them")
    found = {}
    for file in files:
        for definition in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader):
            spec = definition["spec"]
            for version in spec["versions"]:
                schema = _strict(version["schema"]["openAPIV3Schema"], top=True)
                found[spec["group"], version["name"], spec["names"]["kind"]] = schema
    return found


def _strict(schema: Any, *, top: bool = False) -> Any:
    """Return the schema so that it knows no fields but its own: a server drops the others without a word."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: _strict(part) for name, part in copy.copy(schema).items()}
    own = schema.get("properties")
    if isinstance(own, dict) and own.get("type") != "object":
        is_open = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
        if not is_open:
            strict["additionalProperties"] = False
    return strict if not top else strict | {"properties": strict["properties"] | {"metadata": {"type": "object"}}}
