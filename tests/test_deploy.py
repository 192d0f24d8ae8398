"""The files of ``deploy/``: what they name exists in the command line, and the parts fit together."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml

from createflow.cli.app import app
from createflow.reference_server.joining.join_file import KINDS

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
IMAGES = {"createflow", "createflow-reference"}
KUBERNETES_VERSIONS = ("1.34", "1.37")
GROUP: Any = typer.main.get_command(app)


def compose() -> dict[str, Any]:
    """The compose file."""
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return document


def objects() -> Iterator[dict[str, Any]]:
    """All objects of Kubernetes."""
    for file in KUBERNETES:
        yield from yaml.safe_load_all(file.read_text(encoding="utf-8"))


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of each job or deployment and its containers."""
    for name, pod in pods():
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            yield name, container


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of each job or deployment and its pod."""
    for one in objects():
        if one["kind"] in {"Job", "Deployment"}:
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


def named(kind: str, name: str) -> dict[str, Any]:
    """The specification of one object."""
    (found,) = [one["spec"] for one in objects() if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return dict(found)


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every command line of createflow in the files, with where it stands."""
    for name, service in compose()["services"].items():
        yield f"compose {name}", service["command"]
        if "healthcheck" in service:
            how, program, *arguments = service["healthcheck"]["test"]
            assert (how, program) == ("CMD", "createflow")
            yield f"compose {name} health", arguments
    for job, container in containers():
        yield f"{job} {container['name']}", container["args"]
        probe = container.get("startupProbe")
        if probe is not None:
            program, *arguments = probe["exec"]["command"]
            assert program == "createflow"
            yield f"{job} {container['name']} probe", arguments


@pytest.mark.parametrize("line", [pytest.param(line, id=where) for where, line in command_lines()])
def test_the_command_line_knows_every_command_and_option(line: list[str]) -> None:
    """And takes its values: the parser reads the line as it stands."""
    assert all(isinstance(word, str) for word in line), "YAML reads a bare number as one"
    with GROUP.make_context("createflow", list(line)) as context:
        name, command, arguments = GROUP.resolve_command(context, list(line))
        command.make_context(name, list(arguments), parent=context).close()
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in arguments if word.startswith("--")} <= options


def test_every_image_is_built_from_the_dockerfile_and_has_what_its_commands_need() -> None:
    """``up`` needs the extra ``reference``, which the image of the tester lacks."""
    services = compose()["services"]
    built = {service["image"] for service in services.values() if "build" in service}
    named = {service["image"] for service in services.values()} | {one["image"] for _, one in containers()}
    assert built == named == IMAGES
    assert services["stack"]["build"]["args"]["EXTRAS"] == "reference"
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "ARG EXTRAS=" in dockerfile
    assert 'ENTRYPOINT ["createflow"]' in dockerfile
    for image, line in [(service["image"], service["command"]) for service in services.values()] + [
        (one["image"], one["args"]) for _, one in containers()
    ]:
        assert image == "createflow-reference" or line[0] not in {"up", "join"}


def value(line: list[str], option: str) -> str:
    """The value of an option in a command line."""
    return line[line.index(option) + 1]


def test_workers_ask_the_master_where_it_listens_and_are_as_many_as_it_waits_for() -> None:
    """In both kinds of files."""
    services = compose()["services"]
    master, worker = services["load-master"]["command"], services["load-worker"]["command"]
    assert value(worker, "--worker") == "load-master:5557"
    assert value(master, "--master") == "0.0.0.0:5557"
    assert int(value(master, "--workers")) == services["load-worker"]["deploy"]["replicas"]
    jobs = {one["metadata"]["name"]: one["spec"] for one in objects() if one["kind"] == "Job"}
    lines = {name: container["args"] for name, container in containers()}
    (service,) = [one for one in objects() if one["kind"] == "Service" and one["metadata"]["name"] == "load-master"]
    assert (
        value(lines["load-worker"], "--worker")
        == f"{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    )
    assert value(lines["load-master"], "--master").endswith(f":{service['spec']['ports'][0]['targetPort']}")
    assert int(value(lines["load-master"], "--workers")) == jobs["load-worker"]["parallelism"]
    assert jobs["load-worker"]["completions"] == jobs["load-worker"]["parallelism"]
    labels = jobs["load-master"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()


def test_nobody_else_reaches_the_master() -> None:
    """Its protocol has no passwords."""
    assert compose()["networks"]["load"]["internal"] is True
    policy = named("NetworkPolicy", "load-master")
    (rule,) = policy["ingress"]
    assert rule["from"] == [{"podSelector": policy["podSelector"]}]
    workers = [one["spec"]["template"]["metadata"]["labels"] for one in objects() if one["kind"] == "Job"]
    wanted = policy["podSelector"]["matchLabels"].items()
    assert sum(wanted <= labels.items() for labels in workers) == 2


def test_no_container_has_more_rights_than_it_needs() -> None:
    """No root, no capabilities, no token of the cluster."""
    for service in compose()["services"].values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    for _, pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
    for _, container in containers():
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert container["resources"]["limits"]["memory"]


def test_every_mounted_volume_is_declared() -> None:
    """And every declared one is mounted."""
    document = compose()
    mounted = {
        volume["source"] if isinstance(volume, dict) else volume.partition(":")[0]
        for service in document["services"].values()
        for volume in service.get("volumes", [])
        if isinstance(volume, dict) or not volume.startswith(".")
    }
    assert mounted == set(document["volumes"])
    for _, pod in pods():
        uses = {
            mount["name"]
            for container in [*pod.get("initContainers", []), *pod["containers"]]
            for mount in container.get("volumeMounts", [])
        }
        assert uses == {volume["name"] for volume in pod.get("volumes", [])}


def test_who_joins_has_the_file_of_its_kind_and_reaches_the_stack_where_it_listens() -> None:
    """By name: the certificate is for it. Nobody else reaches the stack, or a gateway that has joined."""
    services = compose()["services"]
    lines = {name: container["args"] for name, container in containers()}
    (up,) = [container["args"] for name, container in containers() if container["args"][0] == "up"]
    assert value(services["stack"]["command"], "--listen").startswith("stack:")
    for kind in KINDS:
        assert services[f"joined-{kind}"]["command"][:3] == ["join", kind, f"/join/{kind}.json"]
        assert lines[f"joined-{kind}"][:3] == ["join", kind, f"/join/{kind}.json"]
        (volume,) = named("Deployment", f"joined-{kind}")["template"]["spec"]["volumes"]
        assert volume["secret"]["secretName"] == f"createflow-join-{kind}"
    stack = named("Job", "createflow-stack")["template"]
    host, _, port = value(up, "--listen").partition(":")
    assert (host, host) == (stack["spec"]["hostname"], stack["spec"]["subdomain"])
    assert named("Service", host)["selector"].items() <= stack["metadata"]["labels"].items()
    (entry,) = named("NetworkPolicy", "createflow-stack")["ingress"]
    assert entry["from"] == [{"podSelector": {"matchLabels": {"app": "createflow-joined"}}}]
    assert entry["ports"][0]["port"] == int(port)
    (gate,) = named("NetworkPolicy", "createflow-joined")["ingress"]
    assert gate["from"] == [{"podSelector": {"matchLabels": stack["metadata"]["labels"]}}]
    assert str(gate["ports"][0]["port"]) == value(lines["joined-gateway"], "--port")


def test_the_readme_names_files_jobs_and_profiles_that_exist() -> None:
    """Its commands need a container engine, which the tests do not have."""
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"--file(?:name)? (deploy/\S+\.yaml)", text):
        assert (ROOT / name).is_file()
    known = {name for name, _ in pods()}
    assert set(re.findall(r"(?:job|deployment)/(\S+)", text)) <= known
    profiles = {profile for service in compose()["services"].values() for profile in service["profiles"]}
    assert set(re.findall(r"--profile (\w+)", text)) == profiles


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize(
    "described", [pytest.param(one, id=f"{one['kind']} {one['metadata']['name']}") for one in objects()]
)
def test_every_object_fits_the_schema_of_kubernetes(described: dict[str, Any], version: str) -> None:
    """The strict one, which knows every field: a misspelt name would be dropped by a cluster without a word."""
    kubernetes_validate.validate(described, version, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**described, "lables": {}}, version, strict=True)
