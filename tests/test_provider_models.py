"""botocore's data in the provider's zip: smaller, and the same for everything that is called."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore
import botocore.session
import pytest
from botocore import xform_name
from botocore.loaders import Loader

from cfn_injector.cli import build_provider, provider_models
from cfn_injector.protocol import registry

DATA = Path(botocore.__file__).parent / "data"
SERVICES = sorted(registry.services(registry.BUILT_IN))
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


@cache
def contents() -> Mapping[str, bytes]:
    return build_provider.contents()


@pytest.fixture(scope="module")
def cut_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, body in contents().items():
        if name.startswith(provider_models.DATA):
            path = folder / name.removeprefix(provider_models.DATA)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
    return folder


@pytest.fixture(scope="module")
def cut_session(cut_data: Path) -> boto3.Session:
    inner = botocore.session.get_session()
    inner.register_component(
        "data_loader", Loader(extra_search_paths=[str(cut_data)], include_default_search_paths=False)
    )
    return boto3.Session(botocore_session=inner)


@cache
def whole_session() -> boto3.Session:
    return boto3.Session()


def model(service: str, files: Mapping[str, bytes]) -> Any:
    (name,) = [
        name for name in files if name.startswith(f"{provider_models.DATA}{service}/") and "service-2.json" in name
    ]
    return json.loads(gzip.decompress(files[name]) if name.endswith(".gz") else files[name])


def installed(service: str) -> dict[str, bytes]:
    """The files of one service as botocore has them, by their names in the zip."""
    versions = DATA / service
    latest = max(folder.name for folder in versions.iterdir())
    return {
        f"{provider_models.DATA}{service}/{latest}/{path.name}": path.read_bytes()
        for path in (versions / latest).iterdir()
    }


@pytest.mark.parametrize("service", SERVICES)
def test_an_operation_whose_name_no_code_has_is_not_in_the_zip(service: str) -> None:
    whole, kept = model(service, installed(service)), model(service, contents())
    code = b"\n".join(body for name, body in contents().items() if name.endswith(".py")).decode()
    for operation in whole["operations"]:
        named = operation in code or xform_name(operation) in code
        assert named or operation not in kept["operations"]
    assert len(kept["operations"]) < len(whole["operations"]) / 2


@pytest.mark.parametrize("service", SERVICES)
def test_what_stays_of_an_operation_is_all_of_it_but_the_documentation(
    service: str, cut_session: boto3.Session
) -> None:
    kept = cut_session.client(service, "eu-west-1", **KEYS).meta.service_model
    whole = whole_session().client(service, "eu-west-1", **KEYS).meta.service_model
    assert kept.operation_names
    for name in kept.operation_names:
        for side in ("input_shape", "output_shape"):
            theirs, ours = (getattr(each.operation_model(name), side) for each in (whole, kept))
            assert described(ours, set()) == described(theirs, set()), f"{name}.{side}"
        assert kept.operation_model(name).http == whole.operation_model(name).http
        assert kept.operation_model(name).endpoint == whole.operation_model(name).endpoint
    assert kept.metadata == whole.metadata
    assert {each.error_code for each in kept.error_shapes} == {each.error_code for each in whole.error_shapes}


def described(shape: Any, above: set[str]) -> Any:
    """A shape with everything below it, as far as it does not contain itself."""
    if shape is None or shape.name in above:
        return shape and shape.name
    below = above | {shape.name}
    parts: Any = None
    if shape.type_name == "structure":
        parts = {name: described(member, below) for name, member in shape.members.items()}
    elif shape.type_name == "list":
        parts = described(shape.member, below)
    elif shape.type_name == "map":
        parts = described(shape.key, below), described(shape.value, below)
    return shape.name, shape.type_name, shape.serialization, shape.metadata, parts


@pytest.mark.parametrize("service", SERVICES)
def test_an_endpoint_is_the_same_in_every_region_of_every_partition(service: str, cut_session: boto3.Session) -> None:
    regions = [
        region
        for each in json.loads((DATA / "partitions.json").read_bytes())["partitions"]
        for region in [*each["regions"]][-3:]
    ]
    assert len(regions) > 15
    for region in regions:
        ours, theirs = (session.client(service, region, **KEYS) for session in (cut_session, whole_session()))
        assert ours.meta.endpoint_url == theirs.meta.endpoint_url
        assert ours.meta.partition == theirs.meta.partition
        assert ours._request_signer.signing_name == theirs._request_signer.signing_name
        assert ours._request_signer.region_name == theirs._request_signer.region_name


def test_a_service_of_another_package_keeps_all_operations_and_its_endpoints() -> None:
    files = {**installed("stepfunctions"), **installed("lambda")}
    endpoints = {provider_models.ENDPOINTS: (DATA / "endpoints.json").read_bytes()}
    code = {"theirs.py": b"getattr(services.client('stepfunctions'), 'create_' + kind)", "ours.py": b"get_function"}
    kept = provider_models.cut({**files, **endpoints, **code}, {"stepfunctions"})
    assert model("stepfunctions", kept)["operations"].keys() == model("stepfunctions", files)["operations"].keys()
    assert model("lambda", kept)["operations"].keys() == {"GetFunction"}
    for partition in json.loads(kept[provider_models.ENDPOINTS])["partitions"]:
        assert partition["services"].keys() <= {"states", "lambda"}
    assert "states" in json.loads(kept[provider_models.ENDPOINTS])["partitions"][0]["services"]
    assert {name: kept[name] for name in code} == code


def test_what_was_changed_says_so_and_what_was_not_is_the_same_document() -> None:
    for name, body in contents().items():
        if not name.startswith(provider_models.DATA):
            continue
        path = DATA / name.removeprefix(provider_models.DATA)
        packed = path.with_name(f"{path.name}.gz")
        original = json.loads(path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes()))
        document = json.loads(body)
        assert document == original or document["note"] == provider_models.NOTE["note"]


def test_nothing_is_left_to_unpack_when_the_provider_starts() -> None:
    assert not [name for name in contents() if name.startswith(provider_models.DATA) and name.endswith(".gz")]
