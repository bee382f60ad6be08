"""What a value of the configuration may be: each function returns the value to keep or raises ValueError.

The text of the ValueError is the second half of a sentence: what was expected. `settings` puts name, value
and line before it. Formats are checked, existence is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from deployment.syncs.allowed_buckets import FROM_SYNCS
from deployment.text import has_half_a_character

# Bucket names have 63 characters at most, and the deployment bucket is <stack>-deployment-<12
# digits>-<region>; the longest name of a region is us-isof-south-1.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
MAX_BUCKET_NAME_LENGTH = 63
MAX_STACK_NAME_LENGTH = MAX_BUCKET_NAME_LENGTH - len("-deployment-") - 12 - len("-us-isof-south-1")

# A run's files must outlive its redrive, which is possible for 14 days.
# https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
RUN_RETENTION_DAYS = (15, 89)

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip

# https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
MAX_CONCURRENCY = 10_000

# A resource has at most 50 tags, of which CloudFormation, SAM and we add a few.
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
MAX_TAGS = 40

# Buckets of us-east-1 made before March 2018 may have capitals, underscores, and 255 characters.
_BUCKET_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{1,253}[A-Za-z0-9_]")
_FORBIDDEN_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_FORBIDDEN_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_TAG_TEXT = re.compile(r"[\w .:/=+\-@]*")

ON_FAILURE, ALWAYS = "failure", "always"

MAX_INTERVALS = 100

# What SMTP allows of an address (RFC 5321, 4.5.3.1), without the quoted forms that nobody has.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,255}$)([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}"
)
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z]{2,}(?:-[a-z]+)+-\d+:\d{12}:[A-Za-z0-9_-]{1,256}")

_NOTIFY_EXPECTED = (
    "expected a list of e-mail addresses, such as ['ops@example.com'], or the ARN of one topic, such as "
    "'arn:aws:sns:eu-west-1:123456789012:my-topic'"
)


class WrongElements(ValueError):
    """A list or mapping of which elements cannot stand: (index or name, the element, what was expected) of each."""

    def __init__(self, found: Sequence[tuple[int | str, Any, str]]) -> None:
        super().__init__("; ".join(message for _, _, message in found))
        self.found = tuple(found)


def optional(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `check`, with None allowed."""
    return lambda value: None if value is None else check(value)


def each(check: Callable[[Any], str]) -> Callable[[Any], tuple[str, ...]]:
    """Return a check for a list of what `check` accepts."""

    def check_all(value: Any) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ValueError("expected a list, such as [] or ['one', 'two']")
        return tuple(_checked(enumerate(value), lambda _, element: check(element)).values())

    return check_all


def _checked(elements: Iterable[tuple[Any, Any]], check: Callable[[Any, Any], str]) -> dict[Any, str]:
    """Return each element as `check` keeps it; raise WrongElements with all that it refuses."""
    kept, wrong = {}, []
    for place, element in elements:
        try:
            kept[place] = check(place, element)
        except ValueError as error:
            wrong.append((place, element, str(error)))
    if wrong:
        raise WrongElements(wrong)
    return kept


def buckets(value: Any) -> tuple[str, ...] | str:
    """A list of names of buckets, or the word for those that SYNCS names."""
    return FROM_SYNCS if value == FROM_SYNCS else each(bucket_name)(value)


def stack_name(value: Any) -> str:
    """A name that CloudFormation, S3 and Lambda accept as the beginning of their names."""
    return _text(
        value,
        rf"[a-z][a-z0-9-]{{0,{MAX_STACK_NAME_LENGTH - 1}}}",
        f"expected 1 to {MAX_STACK_NAME_LENGTH} lower-case letters, digits and hyphens, a letter first",
    )


def region(value: Any) -> str:
    """The code of a region."""
    return _text(value, r"[a-z]{2,}(-[a-z]+)+-\d+", "expected the code of a region, such as 'eu-west-1'")


def profile(value: Any) -> str:
    """The name of a profile of the AWS command line."""
    return _text(value, r".*\S.*", "expected the name of a profile in ~/.aws/config, or None")


def account_id(value: Any) -> str:
    """The number of an AWS account, as text: a number would lose its leading zeros."""
    return _text(value, r"[0-9]{12}", "expected account ids of 12 digits in quotes, such as '123456789012'")


def yes_or_no(value: Any) -> bool:
    """True or False, and nothing that Python would take for it."""
    if not isinstance(value, bool):
        raise ValueError("expected True or False")
    return value


def bucket_name(value: Any) -> str:
    """The name of a general-purpose bucket."""
    name = _text(value, r"(?s).*", "expected the name of a bucket, such as 'my-bucket'")
    if name.startswith(("s3://", "arn:")):
        raise ValueError(f"expected bare names of buckets, so '{_bare(name)}' instead of '{name}'")
    if not _is_bucket_name(name):
        raise ValueError(
            f"expected the name of a general-purpose bucket: 3 to {MAX_BUCKET_NAME_LENGTH} "
            "lower-case letters, digits, hyphens and dots, a letter or digit first and last (before March 2018 also capitals, "
            "underscores, and up to 255)"
        )
    return name


def _bare(name: str) -> str:
    return re.sub(r"^(s3://|arn:[^:]*:s3:::)", "", name).split("/")[0]


def _is_bucket_name(name: str) -> bool:
    return (
        _BUCKET_NAME.fullmatch(name) is not None
        and ".." not in name
        and not re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name)
        and not name.startswith(_FORBIDDEN_PREFIXES)
        and not name.endswith(_FORBIDDEN_SUFFIXES)
    )


def kms_key_arn(value: Any) -> str:
    """The ARN of a KMS key; aliases do not work in policies."""
    return _text(
        value,
        r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+",
        "expected ARNs of keys (not of aliases), such as "
        "'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab'",
    )


def policy_arn(value: Any) -> str:
    """The ARN of a managed IAM policy."""
    return _text(
        value,
        r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/\S+",
        "expected the ARN of a policy, such as 'arn:aws:iam::123456789012:policy/boundary', or None",
    )


def whole_number(
    least: int, most: int, expected: str = "a whole number from {} to {}"
) -> Callable[[Any], int]:
    """Return a check for whole numbers from `least` to `most`, which `expected` names: "days, {} to {}"."""
    return lambda value: _whole(value, least, most, f"expected {expected.format(least, most)}")


def log_retention_days(value: Any) -> int:
    """Days that CloudWatch keeps logs; it knows certain numbers only."""
    allowed = ", ".join(map(str, LOG_RETENTION_DAYS))
    days = _whole(value, 1, None, f"expected days, one of {allowed}")
    if days not in LOG_RETENTION_DAYS:
        raise ValueError(f"expected days, one of {allowed}")
    return days


def max_delete(value: Any) -> int | str:
    """A number of objects, or a share of the destination's objects such as "10%": what the input of a sync may say."""
    from lambda_functions.shared.option_rules import max_delete_problem  # only who sets a limit waits for it

    if max_delete_problem(value):
        raise ValueError("expected a whole number of objects, a share from '0%' to '100%', or None")
    limit: int | str = value
    return limit


def tags(value: Any) -> Mapping[str, str]:
    """Names and values that AWS accepts as tags, and that are not ours."""
    if not isinstance(value, Mapping):
        raise ValueError("expected a mapping, such as {'team': 'data'}")
    if len(value) > MAX_TAGS:
        raise ValueError(f"expected {MAX_TAGS} tags at most, found {len(value)}")
    return _checked(value.items(), _tag)


def notify(value: Any) -> str | tuple[str, ...]:
    """The addresses that notices go to, or the ARN of the topic that takes them; FIFO topics cannot send e-mail."""
    if isinstance(value, str):
        if not _TOPIC.fullmatch(value):
            raise ValueError(_NOTIFY_EXPECTED)
        return value
    if not isinstance(value, Sequence):
        raise ValueError(_NOTIFY_EXPECTED)
    times = Counter(one.lower() for one in value if isinstance(one, str))
    wrong = [
        (place, one, problem) for place, one in enumerate(value) if (problem := _address_problem(one, times))
    ]
    if wrong:
        raise WrongElements(wrong)
    return tuple(value)


def _address_problem(address: Any, times: Counter[str]) -> str:
    if isinstance(address, str) and address.startswith("arn:"):
        return f"expected an e-mail address; for a topic, write NOTIFY = {address!r}"
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address) or ".." in address:
        return "expected an e-mail address, such as 'ops@example.com'"
    return "expected every address once" if times[address.lower()] > 1 else ""


def notify_on(value: Any) -> str:
    """When a notice is sent."""
    if value not in (ON_FAILURE, ALWAYS) or not isinstance(value, str):
        raise ValueError(f"expected '{ON_FAILURE}' or '{ALWAYS}'")
    return value


def _tag(name: Any, text: Any) -> str:
    if not _is_tag_text(name, 1, 128) or not _is_tag_text(text, 0, 256):
        raise ValueError(
            "expected name and value as texts of up to 128 and 256 letters, digits, spaces and _.:/=+-@"
        )
    if name.lower().startswith(("aws:", "syncbuckets:")):
        raise ValueError("names that begin with aws: or syncbuckets: are reserved")
    return str(text)


def _is_tag_text(text: object, shortest: int, longest: int) -> bool:
    return (
        isinstance(text, str) and shortest <= len(text) <= longest and _TAG_TEXT.fullmatch(text) is not None
    )


def _text(value: Any, pattern: str, expected: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ValueError(expected)
    if has_half_a_character(value):
        raise ValueError("it has half a character (a lone surrogate), which UTF-8 cannot carry")
    return value


def _whole(value: Any, smallest: int, greatest: int | None, expected: str) -> int:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < smallest or (greatest is not None and value > greatest):
        raise ValueError(expected)
    return int(value)
