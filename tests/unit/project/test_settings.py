"""From the configuration to Settings: what is kept, what wins, and what the report of mistakes says."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import ConfigurationElsewhere

import fabfile_config_template
from deployment.errors import ConfigurationError
from deployment.project import setting_values, settings
from deployment.project.settings import RULES, Settings, from_module


def config(**names: object) -> ModuleType:
    module = ModuleType("fabfile_config")
    vars(module).update(names)
    return module


def mistakes(**names: object) -> list[str]:
    """The report without its first and last line."""
    with pytest.raises(ConfigurationError) as caught:
        from_module(config(**names), {})
    return [line.strip() for line in str(caught.value).splitlines()[1:-1]]


@pytest.fixture
def config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched first for fabfile_config, which nothing has imported yet."""
    monkeypatch.setattr(sys, "meta_path", [ConfigurationElsewhere, *sys.meta_path])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fabfile_config", raising=False)
    return tmp_path


# --- Settings and the template hold each other ------------------------------------------------------------


def test_the_template_works_unedited_and_has_the_defaults():
    assert from_module(fabfile_config_template, {}) == Settings() == settings.defaults({})


def test_every_setting_stands_in_the_template_and_nothing_else_does():
    in_template = [name for name in vars(fabfile_config_template) if not name.startswith("_")]
    assert sorted(in_template) == sorted(RULES)
    assert sorted(rule.field for rule in RULES.values()) == sorted(
        f.name for f in dataclasses.fields(Settings)
    )


def test_every_setting_of_the_template_is_explained_by_a_comment_above_it():
    lines = Path(fabfile_config_template.__file__).read_text(encoding="utf-8").splitlines()
    for name in RULES:
        number = next(number for number, line in enumerate(lines) if line.startswith(f"{name} ="))
        assert lines[number - 1].startswith("# "), f"{name} has no comment"


def test_the_template_names_the_limits_that_the_checks_have():
    text = Path(fabfile_config_template.__file__).read_text(encoding="utf-8")
    assert f"1 to {setting_values.MAX_STACK_NAME_LENGTH} lower-case letters" in text
    least, most = setting_values.RUN_RETENTION_DAYS
    assert f"kept. {least} or more" in text
    assert f"{most} at most" in text
    assert f"1 to {setting_values.MAX_CONCURRENCY}." in text
    assert f"{setting_values.MAX_TAGS} at most" in text


# --- What is kept -----------------------------------------------------------------------------------------


def test_all_values_are_kept_in_the_form_that_the_other_modules_use():
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    boundary = "arn:aws:iam::123456789012:policy/teams/boundary"
    assert from_module(
        config(
            STACK_NAME="nightly",
            AWS_REGION="us-gov-west-1",
            AWS_PROFILE="my profile",
            ALLOWED_ACCOUNTS=["012345678901", "123456789012"],
            SOURCE_BUCKETS=["a-bucket", "b.bucket"],
            DESTINATION_BUCKETS=("c-bucket",),
            KMS_KEY_ARNS=[key],
            RUN_RETENTION_DAYS=15,
            LOG_RETENTION_DAYS=3653,
            MAX_CONCURRENCY=10_000,
            MAX_DELETE="10%",
            PERMISSIONS_BOUNDARY_ARN=boundary,
            TERMINATION_PROTECTION=True,
            TAGS={"team": "data"},
            NOTIFY=["ops@example.com"],
            NOTIFY_ON="always",
            NOTIFY_AFTER_INTERVALS=3,
            DASHBOARD=True,
        ),
        {},
    ) == Settings(
        stack_name="nightly",
        region="us-gov-west-1",
        profile="my profile",
        allowed_accounts=("012345678901", "123456789012"),
        source_buckets=("a-bucket", "b.bucket"),
        destination_buckets=("c-bucket",),
        kms_key_arns=(key,),
        run_retention_days=15,
        log_retention_days=3653,
        max_concurrency=10_000,
        max_delete="10%",
        permissions_boundary_arn=boundary,
        termination_protection=True,
        tags={"team": "data"},
        notify=("ops@example.com",),
        notify_on="always",
        notify_after_intervals=3,
        dashboard=True,
    )


def test_a_setting_that_is_left_out_has_its_default():
    assert from_module(config(MAX_DELETE=0), {}) == Settings(max_delete=0)


def test_the_environment_wins_over_the_configuration():
    environ = {"AWS_PROFILE": "work", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}
    found = from_module(config(AWS_PROFILE="home", AWS_REGION="ap-south-1"), environ)
    assert (found.profile, found.region) == ("work", "eu-west-1")
    assert from_module(config(), {"AWS_DEFAULT_REGION": "us-east-1"}).region == "us-east-1"


def test_an_empty_environment_variable_counts_as_not_set():
    assert from_module(config(AWS_REGION="ap-south-1"), {"AWS_REGION": ""}).region == "ap-south-1"


def test_helpers_of_a_persons_own_are_left_alone():
    names = {"_ACCOUNT": "1", "account": "1", "os": sys, "make": len, "SOURCE_BUCKETS": ["abc"]}
    assert from_module(config(**names), {}) == Settings(source_buckets=("abc",))


@given(st.from_regex(r"[a-z][a-z0-9-]{0,22}", fullmatch=True))
def test_every_accepted_stack_name_fits_the_deployment_bucket_in_every_region(name):
    stack_name = from_module(config(STACK_NAME=name), {}).stack_name
    assert len(f"{stack_name}-deployment-123456789012-us-isof-south-1") <= 63


# --- What is refused --------------------------------------------------------------------------------------


TOPIC = "arn:aws:sns:eu-west-1:123456789012:alerts"
NOTIFY = (
    "expected a list of e-mail addresses, such as ['ops@example.com'], or the ARN of one topic, such as "
    "'arn:aws:sns:eu-west-1:123456789012:my-topic'"
)


@pytest.mark.parametrize(
    "value", [TOPIC, TOPIC.replace("aws", "aws-us-gov", 1), [], ["a.b+c@d-e.example.com"], ("o'k@x.io",)]
)
def test_notices_go_to_addresses_or_to_a_topic(value):
    kept = from_module(config(NOTIFY=value), {}).notify
    assert kept == (value if isinstance(value, str) else tuple(value))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ops", "expected an e-mail address, such as 'ops@example.com'"),
        ("ops@example", "expected an e-mail address, such as 'ops@example.com'"),
        ("Ops <ops@example.com>", "expected an e-mail address, such as 'ops@example.com'"),
        ("ops@example.com\n", "expected an e-mail address, such as 'ops@example.com'"),
        ("ops@example..com", "expected an e-mail address, such as 'ops@example.com'"),
        (7, "expected an e-mail address, such as 'ops@example.com'"),
        ("ME@example.com", "expected every address once"),
        (TOPIC, f"expected an e-mail address; for a topic, write NOTIFY = '{TOPIC}'"),
    ],
)
def test_an_address_that_is_none_is_named_with_its_place(address, expected):
    with pytest.raises(ConfigurationError) as caught:
        from_module(config(NOTIFY=["me@example.com", address]), {})
    assert f"NOTIFY[1] is {address!r}: {expected}" in str(caught.value)


def test_all_mistakes_are_in_one_report_with_their_lines(config_folder):
    (config_folder / "fabfile_config.py").write_text(
        "import os\n"
        'STACK_NAMES = "sync"\n'
        "LOG_RETENTION_DAYS = 31\n"
        "SOURCE_BUCKETS: list = 'my-bucket'\n"
        "max_delete = 5\n"
        "COLOUR = 'red'\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        settings.load({"AWS_REGION": "Ireland"})
    assert str(caught.value) == (
        "fabfile_config.py cannot be used as it is:\n"
        "  environment variable AWS_REGION: AWS_REGION is 'Ireland': expected the code of a region, "
        "such as 'eu-west-1'\n"
        "  fabfile_config.py:2: STACK_NAMES is not a setting. Did you mean STACK_NAME?\n"
        "  fabfile_config.py:3: LOG_RETENTION_DAYS is 31: expected days, one of 1, 3, 5, 7, 14, 30, 60, 90, "
        "120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653\n"
        "  fabfile_config.py:4: SOURCE_BUCKETS is 'my-bucket': expected a list, "
        "such as [] or ['one', 'two']\n"
        "  fabfile_config.py:5: max_delete is not a setting. Did you mean MAX_DELETE?\n"
        "  fabfile_config.py:6: COLOUR is not a setting. Begin a name of your own with an underscore.\n"
        "fabfile_config_template.py explains every setting."
    )
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ALLOWED_ACCOUNTS", "123456789012", "expected a list, such as [] or ['one', 'two']"),
        ("TERMINATION_PROTECTION", "yes", "expected True or False"),
        ("TERMINATION_PROTECTION", 1, "expected True or False"),
        (
            "STACK_NAME",
            "SyncBuckets",
            "expected 1 to 23 lower-case letters, digits and hyphens, a letter first",
        ),
        ("STACK_NAME", "a" * 24, "expected 1 to 23 lower-case letters, digits and hyphens, a letter first"),
        ("STACK_NAME", "", "expected 1 to 23 lower-case letters, digits and hyphens, a letter first"),
        ("STACK_NAME", None, "expected 1 to 23 lower-case letters, digits and hyphens, a letter first"),
        ("AWS_PROFILE", " ", "expected the name of a profile in ~/.aws/config, or None"),
        ("SOURCE_BUCKETS", None, "expected a list, such as [] or ['one', 'two']"),
        ("RUN_RETENTION_DAYS", 14, "expected days, 15 to 89"),
        ("RUN_RETENTION_DAYS", True, "expected days, 15 to 89"),
        ("MAX_CONCURRENCY", 0, "expected a whole number from 1 to 10000, or None"),
        ("MAX_CONCURRENCY", 10_001, "expected a whole number from 1 to 10000, or None"),
        (
            "PERMISSIONS_BOUNDARY_ARN",
            "boundary",
            "expected the ARN of a policy, such as 'arn:aws:iam::123456789012:policy/boundary', or None",
        ),
        ("TAGS", ["team"], "expected a mapping, such as {'team': 'data'}"),
        *(
            ("NOTIFY", value, NOTIFY)
            for value in ("ops@example.com", f"{TOPIC}.fifo", f"{TOPIC}:id", None, 7, "")
        ),
        *(
            ("NOTIFY_ON", value, "expected 'failure' or 'always'")
            for value in ("never", "Always", None, True, [])
        ),
        *(
            ("NOTIFY_AFTER_INTERVALS", value, "expected a whole number from 1 to 100")
            for value in (0, 101, 1.5, True)
        ),
        ("DASHBOARD", "yes", "expected True or False"),
    ],
)
def test_a_wrong_value_is_reported_with_what_was_expected(name, value, expected):
    assert mistakes(**{name: value}) == [f"fabfile_config.py: {name} is {value!r}: {expected}"]


ACCOUNT = "expected account ids of 12 digits in quotes, such as '123456789012'"
TAG = "expected name and value as texts of up to 128 and 256 letters, digits, spaces and _.:/=+-@"


@pytest.mark.parametrize(
    ("name", "value", "messages"),
    [
        (
            "ALLOWED_ACCOUNTS",
            [123456789012, "012345678901", "1234-5678-9012"],
            [f"[0] is 123456789012: {ACCOUNT}", f"[2] is '1234-5678-9012': {ACCOUNT}"],
        ),
        (
            "SOURCE_BUCKETS",
            ["s3://abc/x", "fine", 1, "arn:aws:s3:::abc/*"],
            [
                "[0] is 's3://abc/x': expected bare names of buckets, so 'abc' instead of 's3://abc/x'",
                "[2] is 1: expected the name of a bucket, such as 'my-bucket'",
                "[3] is 'arn:aws:s3:::abc/*': "
                "expected bare names of buckets, so 'abc' instead of 'arn:aws:s3:::abc/*'",
            ],
        ),
        (
            "TAGS",
            {"syncbuckets:stack": "x", "team": "data", "cost": 3},
            [
                "['syncbuckets:stack'] is 'x': names that begin with aws: or syncbuckets: are reserved",
                f"['cost'] is 3: {TAG}",
            ],
        ),
    ],
)
def test_every_wrong_element_of_a_list_is_named(name, value, messages):
    assert mistakes(**{name: value}) == [f"fabfile_config.py: {name}{message}" for message in messages]


def test_too_many_tags_are_refused_without_naming_them_all():
    (found,) = mistakes(TAGS={f"name-{number}": "" for number in range(41)})
    assert found.startswith("fabfile_config.py: TAGS is {'name-0': '', ")
    assert found.endswith("…: expected 40 tags at most, found 41")
    assert len(found) < 400


@pytest.mark.parametrize("value", [0, 1000, "0%", "1.5%", "100%"])
def test_max_delete_may_be_a_number_of_objects_or_a_share_of_them(value):
    assert from_module(config(MAX_DELETE=value), {}).max_delete == value


@pytest.mark.parametrize("value", ["10", "101%", "-1%", "ten", "100.1%", -1, 1.5, True])
def test_max_delete_is_a_number_or_a_share(value):
    expected = "expected a whole number of objects, a share from '0%' to '100%', or None"
    assert mistakes(MAX_DELETE=value) == [f"fabfile_config.py: MAX_DELETE is {value!r}: {expected}"]


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 256,
        "A c",
        "-abc",
        "abc-",
        "a..b",
        "192.168.0.1",
        "xn--abc",
        "my-s3alias",
        "use1--x-s3",
        "a\nb",
    ],
)
def test_what_is_no_general_purpose_bucket_is_refused(name):
    with pytest.raises(
        ValueError, match="expected the name of a general-purpose bucket: 3 to 63 lower-case letters"
    ):
        setting_values.bucket_name(name)


@pytest.mark.parametrize("name", ["Abc", "a_b", "A" * 64])
def test_a_bucket_may_be_older_than_the_rules_of_today(name):
    assert setting_values.bucket_name(name) == name


def test_an_alias_is_no_key():
    with pytest.raises(ValueError, match="ARNs of keys \\(not of aliases\\)"):
        setting_values.kms_key_arn("arn:aws:kms:eu-west-1:123456789012:alias/mine")


# --- The file itself --------------------------------------------------------------------------------------


def test_a_missing_configuration_says_what_to_copy(config_folder):
    with pytest.raises(ConfigurationError) as caught:
        settings.load({})
    assert str(caught.value) == (
        "fabfile_config.py is missing. Run: cp fabfile_config_template.py fabfile_config.py"
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("TAGS = {", "fabfile_config.py:1 cannot be imported: SyntaxError: '{' was never closed"),
        (
            "import nowhere",
            "fabfile_config.py:1 cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
        ),
        ("1 / 0", "fabfile_config.py:1 cannot be imported: ZeroDivisionError: division by zero"),
    ],
)
def test_a_configuration_that_cannot_be_imported_is_one_sentence(config_folder, source, message):
    (config_folder / "fabfile_config.py").write_text(source)
    with pytest.raises(ConfigurationError) as caught:
        settings.load({})
    assert str(caught.value) == message


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("half", ["\ud800", "\udfff"])
def test_no_setting_takes_half_a_character(name, half):
    for value in (f"work{half}", [f"work{half}"], {"team": f"work{half}"}, {f"team{half}": "x"}):
        (problem,) = mistakes(**{name: value})
        assert re.match(rf"fabfile_config.py: {name}(\[.*\])? is ", problem)


def test_half_a_character_is_named_where_the_value_would_be_right_without_it():
    expected = "it has half a character (a lone surrogate), which UTF-8 cannot carry"
    for name, value in (
        ("AWS_PROFILE", "work\udc80"),
        ("PERMISSIONS_BOUNDARY_ARN", "arn:aws:iam::111122223333:policy/\ud800"),
    ):
        assert mistakes(**{name: value}) == [f"fabfile_config.py: {name} is {value!r}: {expected}"]
