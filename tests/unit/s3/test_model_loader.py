"""The quicker way to botocore's service models: what is read is what botocore reads."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader

from lambda_functions.shared.s3 import clients, model_loader

SERVICES = ("sts", "s3", "cloudformation", "lambda", "stepfunctions", "logs", "iam")
TYPES = ("service-2", "endpoint-rule-set-1", "paginators-1", "waiters-2")
SHARED = ("endpoints", "partitions", "_retry", "sdk-default-configuration")


def pair() -> tuple[botocore.session.Session, botocore.session.Session]:
    """Return a session as botocore makes it, and one with our loader."""
    usual, fast = botocore.session.Session(), botocore.session.Session()
    model_loader.use_fast_loader(fast)
    return usual, fast


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("type_name", TYPES)
def test_the_description_of_a_service_is_the_same(service: str, type_name: str) -> None:
    usual, fast = (session.get_component("data_loader") for session in pair())
    try:
        expected = usual.load_service_model(service, type_name)
    except DataNotFoundError:
        with pytest.raises(DataNotFoundError):
            fast.load_service_model(service, type_name)
        return
    found = fast.load_service_model(service, type_name)
    assert json.dumps(found) == json.dumps(expected), "even in the order of its names"


@pytest.mark.parametrize("name", SHARED)
def test_what_all_services_share_is_the_same(name: str) -> None:
    usual, fast = (session.get_component("data_loader") for session in pair())
    assert json.dumps(fast.load_data(name)) == json.dumps(usual.load_data(name))


@pytest.mark.parametrize("has_defaults", [True, False])
def test_the_same_folders_are_looked_through_in_the_same_order(tmp_path: Path, has_defaults: bool) -> None:
    """A session may be told to look in its own folders only."""
    usual = Loader([str(tmp_path)], include_default_search_paths=has_defaults)
    session = botocore.session.Session()
    session.register_component("data_loader", usual)
    folders = list(usual.search_paths)  # botocore adds to the list that it is given

    model_loader.use_fast_loader(session)

    assert session.get_component("data_loader").search_paths == folders


def test_all_services_that_botocore_knows_are_there() -> None:
    usual, fast = pair()
    assert set(usual.get_available_services()) <= set(fast.get_available_services())


def test_a_service_that_nobody_knows_is_refused_in_botocores_way() -> None:
    _, fast = pair()
    with pytest.raises(UnknownServiceError):
        fast.create_client("no-such-service", region_name="eu-west-1")


@pytest.mark.parametrize("suffix", [".json", ".json.gz"])
def test_a_persons_own_descriptions_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    folder = tmp_path / "sts" / "2099-01-01"
    folder.mkdir(parents=True)
    content = json.dumps({"metadata": {"serviceId": "mine"}}).encode()
    (folder / f"service-2{suffix}").write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    _, fast = pair()
    assert fast.get_service_model("sts").metadata == {"serviceId": "mine"}


def test_a_client_has_the_same_endpoint_partition_and_operations_as_botocores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    for region in ("eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1"):
        for service in SERVICES:
            theirs, ours = (session.create_client(service, region_name=region) for session in pair())
            assert ours.meta.endpoint_url == theirs.meta.endpoint_url
            assert ours.meta.partition == theirs.meta.partition
            assert ours.meta.service_model.operation_names == theirs.meta.service_model.operation_names


def test_the_clients_of_the_lambdas_are_made_in_this_way() -> None:
    loader = clients._session()._session.get_component("data_loader")
    assert type(loader).__module__ == "lambda_functions.shared.s3.model_loader"
