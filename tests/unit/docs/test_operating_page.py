"""The commands for the emulator on docs/operating.md, and the README's first step, without an emulator: they hang together."""

from __future__ import annotations

import ast
import re
import shlex

from places import PROJECT

import fabfile_config_template
from deployment.build.notices import notice_resources
from deployment.project.settings import Settings
from deployment.syncs import entries

OPERATING = (PROJECT / "docs" / "operating.md").read_text(encoding="utf-8")


def block(mark: str) -> str:
    (found,) = re.findall(rf"^<!-- {mark} -->\n```\n(.*?)^```$", OPERATING, re.MULTILINE | re.DOTALL)
    return str(found)


def programs(text: str) -> list[ast.Module]:
    """The programs that `python -c` gets, as they are pasted."""
    words = shlex.split(text)
    return [ast.parse(words[place + 2]) for place, word in enumerate(words) if word == "python"]


def test_the_configuration_that_is_appended_is_one_and_its_buckets_are_those_that_are_made() -> None:
    begin = block("fab local: begin")
    (line,) = re.findall(r"^echo '(.*)' >> fabfile_config\.py$", begin, re.MULTILINE)
    (made,) = re.findall(r"for name in (\(.*?\))\]", begin)
    ((name, entry),) = ast.literal_eval(line.removeprefix("SYNCS = ")).items()

    assert fabfile_config_template.SYNCS == {}
    assert ast.literal_eval(made) == (entry["source"], entry["destination"])
    assert f"fab sync {name} --dry-run" in begin.splitlines()
    assert [one.name for one in entries.read({name: entry})] == [name]
    assert len(programs(begin)) == 2


def test_the_queue_listens_to_the_topic_of_a_stack_with_the_name_of_the_template() -> None:
    settings = Settings(notify=("me@example.com",))
    topic = notice_resources.parts(settings, [])["Resources"]["NoticeTopic"]["Properties"]["TopicName"]
    assert f"endswith(':{topic}')" in block("fab local: listen")
    assert [len(programs(block(f"fab local: {mark}"))) for mark in ("listen", "read")] == [1, 1]


def test_the_first_step_of_the_readme_names_an_environment_that_stands_above_and_how_long_the_rest_takes() -> (
    None
):
    before, _, steps = (PROJECT / "README.md").read_text(encoding="utf-8").partition("\n## Use it\n")
    first = steps.strip().splitlines()[0]
    assert "python3 -m venv .venv" in before
    assert re.fullmatch(
        r"1\. `\. \.venv/bin/activate`, made above\. `pip install -r requirements\.txt` adds .* \d+ s\.",
        first,
    )
