"""Which buckets leave the functions' policies, between the templates of two configurations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from places import PROJECT

from deployment.build import build
from deployment.build.bucket_access import NOTHING_TAKEN, TakenAway, compare
from deployment.project.settings import Settings

SOURCES = build.read_sources(PROJECT)


def template(source: tuple[str, ...], destination: tuple[str, ...]) -> dict[str, Any]:
    settings = Settings(source_buckets=source, destination_buckets=destination)
    made = build.build_project(SOURCES, settings, "the-deployment-bucket").template
    return json.loads(json.dumps(made))


@pytest.mark.parametrize(
    "before, after, taken",
    [
        ((("aaa",), ("bbb",)), (("aaa",), ("bbb",)), NOTHING_TAKEN),
        ((("aaa",), ("bbb",)), (("aaa", "ccc"), ("bbb", "ddd")), NOTHING_TAKEN),
        ((("aaa",), ("bbb",)), ((), ()), NOTHING_TAKEN),
        ((("aaa", "ccc"), ("bbb",)), (("aaa",), ("bbb",)), TakenAway(("ccc",), ())),
        ((("aaa",), ("bbb", "ddd", "eee")), (("aaa",), ("bbb",)), TakenAway((), ("ddd", "eee"))),
        ((("aaa",), ("bbb",)), (("bbb",), ("aaa",)), TakenAway(("aaa",), ("bbb",))),
        ((("aaa", "bbb"), ("bbb",)), (("aaa",), ("bbb",)), TakenAway(("bbb",), ())),
        (((), ("bbb",)), (("aaa",), ("bbb",)), TakenAway(("every other bucket",), ())),
        (((), ()), (("aaa",), ("bbb",)), TakenAway((), ("every other bucket",))),
    ],
)
def test_what_the_policies_allow_no_longer_is_taken_away(
    before: tuple[tuple[str, ...], tuple[str, ...]],
    after: tuple[tuple[str, ...], tuple[str, ...]],
    taken: TakenAway,
) -> None:
    assert compare(template(*before), template(*after)) == taken


def test_without_a_deployed_template_nothing_is_known_to_be_taken_away() -> None:
    assert compare(None, template(("aaa",), ("bbb",))) == compare({}, template((), ())) == NOTHING_TAKEN


def test_another_version_of_the_project_is_no_other_configuration() -> None:
    older = template(("aaa",), ("bbb",))
    for policy in older["Resources"]["CopyKeysRole"]["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            statement["Sid"] = f"Old{statement['Sid']}"
    del older["Resources"]["TallyRunRole"]
    older["Resources"]["Other"] = {
        "Type": "AWS::IAM::Role",
        "Properties": {"Policies": [{"Ref": "X"}, "Name"]},
    }
    assert compare(older, template(("aaa",), ("bbb",))) == NOTHING_TAKEN


def test_it_is_said_in_one_sentence() -> None:
    assert str(TakenAway(("a", "b"), ("c",))) == "may no longer read a, b and no longer write into c"
    assert str(TakenAway((), ("c",))) == "may no longer write into c"
