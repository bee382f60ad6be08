"""Buckets that SYNCS names and that the functions may not touch, because a list leaves them out."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from places import ConfigurationElsewhere

from deployment.errors import ConfigurationError
from deployment.project import settings
from deployment.project.settings import Settings, from_module

PHOTOS = {"source": "from", "destination": "into"}


def settings_of(**names: Any) -> Settings:
    module = ModuleType("fabfile_config")
    vars(module).update({"SYNCS": {"photos": PHOTOS}, **names})
    return from_module(module, {})


@pytest.mark.parametrize(
    "name, side, verb", [("SOURCE_BUCKETS", "source", "read"), ("DESTINATION_BUCKETS", "destination", "write into")]
)  # fmt: skip
def test_a_bucket_that_its_list_leaves_out_is_refused(name: str, side: str, verb: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings_of(**{name: ["other", "more"]})
    assert str(caught.value).splitlines()[1:-1] == [
        f"  fabfile_config.py: SYNCS['photos']: the {side} \"{PHOTOS[side]}\" is not among {name} (other, more), so the "
        f'functions may not {verb} it; add it there, or write {name} = "syncs"'
    ]


@pytest.mark.parametrize(
    "lists",
    [
        {},
        {"SOURCE_BUCKETS": [], "DESTINATION_BUCKETS": ["into", "other"]},
        {"SOURCE_BUCKETS": "syncs", "DESTINATION_BUCKETS": ("into",)},
    ],
)
def test_every_bucket_those_of_syncs_and_a_list_that_has_them_are_right(lists: dict[str, Any]) -> None:
    assert [sync.name for sync in settings_of(**lists).syncs] == ["photos"]


def test_each_entry_has_its_line_and_what_is_wrong_already_is_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "meta_path", [ConfigurationElsewhere, *sys.meta_path])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fabfile_config", raising=False)
    (tmp_path / "fabfile_config.py").write_text(
        'SOURCE_BUCKETS = ["other"]\n'
        "DESTINATION_BUCKETS = 7\n"
        "SYNCS = {\n"
        '    "photos": {\n'
        '        "source": "from",\n'
        '        "destination": "into",\n'
        "    },\n"
        '    "films": {"source": "other", "destination": "elsewhere"},\n'
        "}\n"
    )
    found = settings.examine({})
    assert [(problem.line, problem.message.partition(":")[0]) for problem in found.problems] == [
        (2, "DESTINATION_BUCKETS is 7"),
        (5, "SYNCS['photos']"),
    ]
    assert found.wrong == {"SYNCS", "DESTINATION_BUCKETS"}
