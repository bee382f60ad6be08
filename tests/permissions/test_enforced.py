"""Are the rendered policies enough? Whole runs on moto with IAM enforced, each function under its own role."""

from __future__ import annotations

import pytest
from moto_enforced import EnforcedWorld, enforced

LONG_TAGS = "&".join(f"tag{number}={'u' * 250}" for number in range(10))


def fill(world: EnforcedWorld) -> None:
    source, destination = world.source, world.destination
    source.put("plain", b"1", Tagging="a=b")
    source.put("changed", b"22")
    source.put("empty", b"")
    source.put_parts("parts", b"1", b"2", Tagging=LONG_TAGS)
    source.put_parts("odd parts", b"333", b"22", b"22")
    source.put_parts("changed parts", b"1", b"2")
    for key in ("changed", "changed parts", "orphan", "orphan\x01"):
        destination.put(key, b"1", 2 * 3600)


@pytest.mark.parametrize("large_parts", [2000, 1], ids=["copied by one worker", "copied by many"])
def test_whole_runs_succeed_with_the_roles_of_the_template(large_parts, monkeypatch):
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", large_parts)
    with enforced() as world:
        fill(world)
        report = world.run(compareTags=True, acl="bucket-owner-full-control")
        assert report["outcome"] == "Succeeded", str(report["notSynchronised"])
        assert (report["copied"]["objects"], report["deleted"]["objects"]) == (6, 2)
        assert world.destination.bodies() == world.source.bodies()
        again = world.run(compareTags=True)
        assert (again["outcome"], again["copied"]["objects"]) == ("Succeeded", 0)


@pytest.mark.parametrize(
    ("function", "action", "said"),
    [
        ("copy_keys", "s3:PutObject", "AccessDenied: Access Denied (CopyObject)"),
        (
            "delete_orphaned_keys",
            "s3:DeleteObject",
            "not deleted: AccessDenied: Access Denied (DeleteObjects)",
        ),
    ],
)
def test_a_permission_that_is_taken_away_is_missed(function, action, said):
    def without(name, found):
        is_meant = [name == function and "destination" in str(one["Resource"]) for one in found]
        return [
            {**one, "Action": [other for other in one["Action"] if not meant or other != action]}
            for one, meant in zip(found, is_meant, strict=True)
        ]

    with enforced(without) as world:
        world.source.put("plain", b"1")
        world.destination.put("orphan", b"1")
        report = world.run()
        assert report["outcome"] == "SyncIncomplete"
        assert [one["error"] for one in report["notSynchronised"]] == [said]
