"""Answers that several operations have alike, but for their own successes, stand in the document once."""

import json
from collections import Counter
from http import HTTPStatus
from typing import Any, Final

_FEWEST: Final = 3  # operations that make it worth a name


def share_responses(document: dict[str, Any]) -> None:
    """Let operations refer to the commonest answer of each status, which gets a name among the components."""
    counts: Counter[tuple[str, str]] = Counter()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    for operation in operations:
        answers = operation["responses"].items()
        counts.update((status, json.dumps(answer)) for status, answer in answers if status != "200")
    names: dict[tuple[str, str], str] = {}
    for (status, text), count in counts.most_common():
        name = HTTPStatus(int(status)).phrase.title().replace(" ", "")
        if count >= _FEWEST and name not in names.values():
            names[status, text] = name
    document["components"]["responses"] = {name: json.loads(text) for (_, text), name in sorted(names.items())}
    for operation in operations:
        for status, response in operation["responses"].items():
            name = names.get((status, json.dumps(response)), "")
            if name:
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
