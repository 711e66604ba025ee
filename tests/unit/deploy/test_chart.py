"""The Helm chart: it renders on every value file, to objects that Kubernetes, the operators and the code know."""

from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml
from tests.unit.deploy.schemas import check_core, check_custom, is_of_operator
from tests.unit.deploy.settings import (
    DEPLOY,
    check_environment,
    listens_beyond_loopback,
    port_of,
    process_of,
)
from tests.unit.deploy.tools import run, tool

from patchbay.cli.topic import _parser
from patchbay.eventlog.topic import judge_settings, settings_of

CHART: Final = DEPLOY / "helm" / "patchbay"
VALUES: Final = sorted((CHART / "ci").glob("*.yaml"))
WORKLOADS: Final = ("Deployment", "Job")
_DIGEST: Final = "0" * 64

Document = dict[str, Any]


@pytest.fixture(scope="module", params=VALUES, ids=lambda path: path.stem)
def values(request: pytest.FixtureRequest) -> Path:
    """Give one value file after the other."""
    return Path(request.param)


@pytest.fixture(scope="module")
def rendered(values: Path) -> list[Document]:
    """Give what the chart becomes with it."""
    text = run(tool("helm"), "template", "patchbay", str(CHART), "--values", str(values), "--kube-version", "1.34.0")
    return [document for document in yaml.safe_load_all(text) if document]


def of_kind(rendered: list[Document], *kinds: str) -> list[Document]:
    return [document for document in rendered if document["kind"] in kinds]


def container_of(workload: Document) -> Document:
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    return dict(container)


def environ_of(container: Document) -> dict[str, str]:
    """Return the variables; a text that fits stands for what a secret holds."""
    found = {each["name"]: each.get("value", "word") for each in container["env"]}
    assert len(found) == len(container["env"]), "a variable is set twice"
    return found | {name: _DIGEST for name in found if name.endswith("SHA256")}


def test_the_chart_has_no_lint(values: Path) -> None:
    told = run(tool("helm"), "lint", str(CHART), "--strict", "--values", str(values), "--kube-version", "1.34.0")

    assert "0 chart(s) failed" in told


def test_every_object_is_one_that_kubernetes_knows(rendered: list[Document]) -> None:
    for document in rendered:
        if not is_of_operator(document):
            check_core(document)


def test_every_object_of_an_operator_is_one_that_the_operator_knows(rendered: list[Document]) -> None:
    for document in rendered:
        if is_of_operator(document):
            check_custom(document)


def test_every_container_starts_a_process_with_settings_that_it_has(rendered: list[Document]) -> None:
    started = []
    for workload in of_kind(rendered, *WORKLOADS):
        container = container_of(workload)
        process = process_of(container["command"])
        check_environment(process, environ_of(container))
        started.append(process)

    assert started == ["api", "projector", "routing", "commands"]


def test_the_job_types_a_command_that_is_understood(rendered: list[Document]) -> None:
    (job,) = of_kind(rendered, "Job")
    parsed = _parser().parse_args(container_of(job)["command"][2:])

    assert parsed.wait_seconds == 600


def test_a_process_is_probed_and_reached_where_it_listens(rendered: list[Document]) -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in of_kind(rendered, "NetworkPolicy")}
    for workload in of_kind(rendered, "Deployment"):
        container = container_of(workload)
        process, environ = process_of(container["command"]), environ_of(container)
        annotations = workload["spec"]["template"]["metadata"]["annotations"]
        port = port_of(process, environ)

        assert container["ports"] == [{"name": "http", "containerPort": port}]
        assert annotations["prometheus.io/port"] == str(port)
        assert listens_beyond_loopback(process, environ)
        assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
        assert container["readinessProbe"]["httpGet"]["path"] == ("/readyz" if process == "api" else "/livez")
        if policies:
            allowed = policies["patchbay-api" if process == "api" else "patchbay-metrics"]["ingress"][0]["ports"]
            assert port in [each["port"] for each in allowed]


def test_a_pod_may_do_nothing_but_its_work(rendered: list[Document]) -> None:
    for workload in of_kind(rendered, *WORKLOADS):
        pod, container = workload["spec"]["template"]["spec"], container_of(workload)

        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]


def test_no_secret_stands_in_an_object(rendered: list[Document]) -> None:
    """They are named, never held: neither as an object nor as a value."""
    assert not of_kind(rendered, "Secret")
    for workload in of_kind(rendered, *WORKLOADS):
        for variable in container_of(workload)["env"]:
            if variable["name"] in {"PGPASSWORD", "OPERATOR_KEY_SHA256"}:
                assert "secretKeyRef" in variable["valueFrom"]
            assert ":word@" not in variable.get("value", "")


def test_the_api_logs_in_as_one_who_only_reads(rendered: list[Document]) -> None:
    by_process = {
        process_of(container_of(each)["command"]): container_of(each) for each in of_kind(rendered, "Deployment")
    }
    logins = {
        process: [each for each in container["env"] if each["name"] in {"DATABASE_URL", "PGPASSWORD"}]
        for process, container in by_process.items()
    }
    roles = {
        role["name"]: role for cluster in of_kind(rendered, "Cluster") for role in cluster["spec"]["managed"]["roles"]
    }

    assert logins["api"] != logins["projector"] == logins["routing"]
    if roles:
        assert "//patchbay_api@" in logins["api"][0]["value"]
        assert roles["patchbay_api"]["inRoles"] == ["pg_read_all_data"]
        assert roles["call_router"]["login"] is False
        assert "sslmode=verify-full" in logins["api"][0]["value"]


def test_the_operators_topic_is_what_patchbay_would_create(rendered: list[Document]) -> None:
    for topic in of_kind(rendered, "KafkaTopic"):
        replicas = topic["spec"]["replicas"]
        settings = {name: str(value) for name, value in topic["spec"]["config"].items()}

        assert settings == settings_of(replicas)
        assert not judge_settings("patchbay.events", settings, replicas=replicas)
        assert topic["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_the_api_alone_may_append_and_nobody_has_a_transaction(rendered: list[Document]) -> None:
    users = of_kind(rendered, "KafkaUser")
    rules = [(user["metadata"]["name"], rule) for user in users for rule in user["spec"]["authorization"]["acls"]]

    assert {name for name, rule in rules if {"Write", "All", "IdempotentWrite"} & set(rule["operations"])} <= {
        "patchbay-api"
    }
    assert not [name for name, rule in rules if rule["resource"]["type"] == "transactionalId"]


def test_the_values_that_have_to_be_said_are_asked_for() -> None:
    helm = tool("helm")
    for text in ("operatorKey.secretName", "kafka.bootstrapServers"):
        said = (
            ["--set", "operatorKey.secretName=x"]
            if text.startswith("kafka")
            else ["--set", "kafka.bootstrapServers=k:9092,postgres.ownerSecret.name=o,postgres.readerSecret.name=r"]
        )
        with pytest.raises(AssertionError, match=text):
            run(helm, "template", "patchbay", str(CHART), "--kube-version", "1.34.0", *said)


def test_a_value_that_nobody_knows_is_refused() -> None:
    with pytest.raises(AssertionError, match="additional properties"):
        run(tool("helm"), "lint", str(CHART), "--strict", "--values", str(VALUES[0]), "--set", "kafka.brokers=3")


def test_a_field_that_an_operator_does_not_know_is_noticed() -> None:
    """Or else the checks above would prove nothing: a server drops such a field without a word."""
    document = {"apiVersion": "kafka.strimzi.io/v1", "kind": "KafkaTopic", "spec": {"partition": 3}}

    with pytest.raises(jsonschema.ValidationError, match="partition"):
        check_custom(document)
