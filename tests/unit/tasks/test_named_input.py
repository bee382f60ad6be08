"""`fab sync photos`: when a word is the name of a sync, and what the flags change of it."""

from __future__ import annotations

from typing import Any

import pytest

from deployment.errors import ConfigurationError
from deployment.project.settings import Settings
from deployment.syncs.entries import Sync
from deployment.tasks.syncs import named_input

PHOTOS = {"source": "from", "destination": "into", "prefix": "a/", "maxDelete": "10%", "name": "photos"}
FILMS = {"source": "from", "destination": "films-copy", "dryRun": True, "name": "films"}
SETTINGS = Settings(syncs=(Sync("photos", PHOTOS, "rate(1 day)"), Sync("films", FILMS)))


def read(settings: Settings = SETTINGS, **typed: Any) -> dict[str, Any]:
    return named_input.read(typed, None, "sync", lambda: settings)


def refusal(settings: Settings = SETTINGS, **typed: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(settings, **typed)
    return str(caught.value)


def unread() -> Settings:
    raise AssertionError("nobody needs the configuration for that")


def test_one_word_is_a_sync_and_its_input_has_its_name_and_no_schedule() -> None:
    assert read(source="photos") == PHOTOS
    assert read(source="films") == FILMS


def test_flags_overrule_the_entry() -> None:
    assert read(source="photos", dryRun=True, prefix="b/", maxDelete=7) == {
        **PHOTOS, "dryRun": True, "prefix": "b/", "maxDelete": 7,
    }  # fmt: skip
    assert read(source="films", dryRun=False)["dryRun"] is False
    assert read(source="photos", name="by-hand")["name"] == "by-hand"


def test_what_is_wrong_is_said_in_flags_where_flags_were_typed_and_as_json_elsewhere() -> None:
    assert refusal(source="photos", maxDelete="ten").startswith(
        '--max-delete is "ten"; expected a number of objects'
    )
    assert refusal(source="photos", verify=True, dryRun=True).startswith(
        "--verify is given and --dry-run is given; "
    )
    assert refusal(source="films", verify=True).startswith('--verify is given and "dryRun" is true; ')


@pytest.mark.parametrize(
    "typed",
    [
        {"source": "photos", "destination": "other"},
        {"source": "photos/a", "destination": "other/a"},
        {"plan": "fab-1"},
    ],
)
def test_two_buckets_stay_two_buckets_and_need_no_configuration(typed: dict[str, Any]) -> None:
    found = named_input.read(typed, None, "sync", unread)
    assert "name" not in found
    assert found.get("source") == typed.get("source", "").partition("/")[0] or "plan" in typed


@pytest.mark.parametrize("source", ["s3://photos", "photos/", "my.bucket", ""])
def test_an_address_alone_is_no_name(source: str) -> None:
    with pytest.raises(ConfigurationError, match="--destination is missing"):
        named_input.read({"source": source}, None, "sync", unread)


def test_a_file_of_options_is_no_sync_of_the_configuration(tmp_path: Any) -> None:
    file = tmp_path / "nightly.json"
    file.write_text('{"destination": "other"}')
    found = named_input.read({"source": "photos"}, str(file), "sync", unread)
    assert found == {"source": "photos", "destination": "other"}


def test_an_unknown_name_is_answered_with_the_nearest_or_with_those_that_there_are() -> None:
    assert refusal(source="photo") == (
        "SYNCS names no sync 'photo'. Did you mean `fab sync photos`? "
        "For two buckets write both: `fab sync photo my-destination-bucket`."
    )
    assert refusal(source="zzz").startswith(
        "SYNCS names no sync 'zzz'. It names photos, films. For two buckets"
    )
    many = Settings(syncs=tuple(Sync(f"s{number}", PHOTOS) for number in range(12)))
    assert "It names s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 and 2 more. " in refusal(many, source="zzz")


def test_without_any_sync_a_bucket_alone_misses_the_other() -> None:
    assert refusal(Settings(), source="photos").startswith("--destination is missing. ")
