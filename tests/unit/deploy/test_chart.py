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

from patchbay.cli import database as database_command
from patchbay.cli import topic as topic_command
from patchbay.eventlog import RIGHTS
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

    assert sorted(started) == ["api", "commands", "commands", "projector", "routing"]


def test_a_job_types_a_command_that_is_understood(rendered: list[Document]) -> None:
    parsers = {"topic": topic_command._parser(), "database": database_command._parser()}
    for job in of_kind(rendered, "Job"):
        _, command, *typed = container_of(job)["command"]

        assert parsers[command].parse_args(typed).wait_seconds == 600


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
        scheme = {"scheme": "HTTPS"} if "API_TLS_KEY_FILE" in environ else {}
        assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http", **scheme}
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


def logins_of(rendered: list[Document]) -> dict[str, dict[str, Any]]:
    """Return by component what its container says of a login: the variable's value, or its secret's name."""
    found = {}
    for workload in of_kind(rendered, *WORKLOADS):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        variables = {each["name"]: each for each in container_of(workload)["env"]}
        found[labels["app.kubernetes.io/component"]] = {
            name: variable.get("value") or variable["valueFrom"]["secretKeyRef"]["name"]
            for name, variable in variables.items()
            if name in {"DATABASE_URL", "PGPASSWORD", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"}
        }
    return found


def test_each_process_logs_in_as_itself_and_the_owner_s_login_is_the_job_s_alone(rendered: list[Document]) -> None:
    found = logins_of(rendered)
    roles = {
        role["name"]: role for cluster in of_kind(rendered, "Cluster") for role in cluster["spec"]["managed"]["roles"]
    }
    told = {
        component: (login["DATABASE_URL"], login.get("PGPASSWORD"))
        for component, login in found.items()
        if "DATABASE_URL" in login
    }

    assert told.keys() == {"api", "projector", "routing", "database"}
    assert len(set(told.values())) == len(told)
    for component, login in found.items():
        if component != "database":
            assert login["KAFKA_SASL_USERNAME"] == RIGHTS[component].user
    if roles:
        for component in ("api", "projector", "routing"):
            assert f"//patchbay_{component}@" in told[component][0]
            assert "sslmode=verify-full" in told[component][0]
            assert "inRoles" not in roles[f"patchbay_{component}"]
        assert roles["call_router"]["login"] is False


def test_no_process_speaks_to_kafka_without_tls(rendered: list[Document]) -> None:
    for workload in of_kind(rendered, *WORKLOADS):
        environ = environ_of(container_of(workload))
        pod = workload["spec"]["template"]["spec"]
        mounted = {volume["name"] for volume in pod.get("volumes", [])}
        mounts = {mount["name"]: mount["mountPath"] for mount in container_of(workload).get("volumeMounts", [])}

        assert mounts.keys() == mounted
        if "KAFKA_BOOTSTRAP_SERVERS" in environ:
            assert environ["KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
        for name, value in environ.items():
            if name.endswith("_FILE"):
                assert value.rpartition("/")[0] in mounts.values()
    for cluster in of_kind(rendered, "Kafka"):
        for listener in cluster["spec"]["kafka"]["listeners"]:
            assert listener["tls"] is True
            assert listener["authentication"] == {"type": "scram-sha-512"}


def test_the_operators_topic_is_what_patchbay_would_create(rendered: list[Document]) -> None:
    for topic in of_kind(rendered, "KafkaTopic"):
        replicas = topic["spec"]["replicas"]
        settings = {name: str(value) for name, value in topic["spec"]["config"].items()}

        assert settings == settings_of(replicas)
        assert not judge_settings("patchbay.events", settings, replicas=replicas)
        assert topic["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_kafka_s_users_may_do_what_the_library_says(rendered: list[Document]) -> None:
    """The API alone may append, and nobody has a transaction; who reads for himself is a reader."""
    users = {user["metadata"]["name"]: user["spec"]["authorization"]["acls"] for user in of_kind(rendered, "KafkaUser")}
    rights = {found.user: found for kind, found in RIGHTS.items() if kind != "reader"}

    assert not users or users.keys() >= rights.keys()
    for name, rules in users.items():
        wanted = rights.get(name, RIGHTS["reader"])
        found = {rule["resource"]["type"]: tuple(rule["operations"]) for rule in rules}

        assert found == {"topic": wanted.topic} | ({"cluster": wanted.cluster} if wanted.cluster else {})
        assert ("Write" in found["topic"]) == (name == "patchbay-api")


def test_the_values_that_have_to_be_said_are_asked_for() -> None:
    logins = ",".join(f"postgres.logins.{who}=x" for who in ("owner", "api", "projector", "routing"))
    said = {
        "operatorKey.secretName": f"kafka.bootstrapServers=k:9092,{logins}",
        "kafka.bootstrapServers": f"operatorKey.secretName=x,{logins}",
        "postgres.logins": "operatorKey.secretName=x,kafka.bootstrapServers=k:9092",
        "kafka.logins needs": f"operatorKey.secretName=x,kafka.bootstrapServers=k:9092,kafka.logins.api=x,{logins}",
    }
    for asked, rest in said.items():
        with pytest.raises(AssertionError, match=asked):
            run(tool("helm"), "template", "patchbay", str(CHART), "--kube-version", "1.34.0", "--set", rest)


def test_a_value_that_nobody_knows_is_refused() -> None:
    with pytest.raises(AssertionError, match="additional properties"):
        run(tool("helm"), "lint", str(CHART), "--strict", "--values", str(VALUES[0]), "--set", "kafka.brokers=3")


def test_a_field_that_an_operator_does_not_know_is_noticed() -> None:
    """Or else the checks above would prove nothing: a server drops such a field without a word."""
    document = {"apiVersion": "kafka.strimzi.io/v1", "kind": "KafkaTopic", "spec": {"partition": 3}}

    with pytest.raises(jsonschema.ValidationError, match="partition"):
        check_custom(document)
