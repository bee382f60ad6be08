"""What `fab sync` starts an execution with: flags, addresses and a file of JSON together, judged before anything is started.

The judge is the code that judges the input of an execution, `lambda_functions/shared/options.py`; here it speaks of flags where
flags were typed. A flag overrules the file: `fab sync --input nightly.json --dry-run`.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TextIO

from deployment.command_line.sync_flags import BY_OPTION, typed_pairs
from deployment.errors import ConfigurationError
from deployment.text import visible

STANDARD_INPUT = "-"
BYTE_ORDER_MARK = "\ufeff"
MAX_SHOWN_CHARACTERS = 80
MAX_DIGITS = 1_000

_JSON_EXAMPLE = '{"source": "my-source-bucket", "destination": "my-destination-bucket", "dryRun": true}'


class FlagSpelling:
    """Options as the flags that they were typed as; those of a file of JSON as JSON."""

    patterns = "--exclude '*.log' --exclude 'tmp/*'"
    as_text = ""

    def __init__(self, typed: Collection[str], has_file: bool) -> None:
        self._typed = typed
        self._has_file = has_file
        is_json = has_file and not typed
        self.example = (
            _JSON_EXAMPLE if is_json else "`fab sync my-source-bucket my-destination-bucket --dry-run`"
        )

    def name(self, option: str) -> str:
        return BY_OPTION[option].typed if self._is_flag(option) else f'"{option}"'

    def pair(self, option: str, value: Any) -> str:
        if not self._is_flag(option):
            return f'"{option}": {_quote(value)}'
        text = typed_pairs(value) if isinstance(value, Mapping) else str(value)
        return f"{BY_OPTION[option].typed} {shlex.quote(text)}"

    def given(self, option: str, value: Any) -> str:
        if not self._is_flag(option):
            return f'"{option}" is {_quote(value)}'
        flag = BY_OPTION[option]
        if isinstance(value, bool):
            return f"{flag.typed if value else flag.opposite} is given"
        if isinstance(value, Mapping):
            return f"{flag.typed} is {typed_pairs(value)}"
        values = value if isinstance(value, list) else [value]
        return f"{flag.typed} is {' '.join(map(_quote, values))}"

    def _is_flag(self, option: str) -> bool:
        return option in self._typed or not self._has_file


def read(typed: Mapping[str, Any], file: str | None = None, stdin: TextIO | None = None) -> dict[str, Any]:
    """Return the input of an execution; raise ConfigurationError for all that is wrong with it.

    `typed` are the options that were given as flags, with addresses where bucket names may be; `file` is a path, or `-`.
    """
    from_file = {} if file is None else read_file(file, stdin or sys.stdin)
    if not isinstance(from_file, dict):
        raise ConfigurationError(f"--input {file}: the input is {_quote(from_file)}; expected an object")
    return overrule(from_file, typed, file is not None)


def overrule(base: Mapping[str, Any], typed: Mapping[str, Any], has_base: bool = True) -> dict[str, Any]:
    """Return options with those over them that were typed as flags, judged together; raise as `read`."""
    from lambda_functions.shared import options

    flags = split_addresses(typed, base)
    given = {**base, **flags}
    spelling = FlagSpelling(flags, has_base)
    problems = options.find_problems(given, {}, spelling)
    if problems:
        raise ConfigurationError(options.describe_problems(problems, spelling))
    return given


def read_file(file: str, stdin: TextIO) -> Any:
    """Return the JSON of a file, or of standard input."""
    try:
        text = stdin.read() if file == STANDARD_INPUT else Path(file).read_text(encoding="utf-8")
        text = text.removeprefix(BYTE_ORDER_MARK)
        if not text.strip():
            raise ConfigurationError(f"--input {file}: this is empty. Expected, for example, {_JSON_EXAMPLE}")
        return json.loads(text, object_pairs_hook=_once_each, parse_int=_whole)
    except OSError as error:
        raise ConfigurationError(f"--input {file}: the file cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise ConfigurationError(f"--input {file}: this is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"--input {file}: this is not UTF-8 (byte {error.start + 1}: {error.reason}). Save it as UTF-8."
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"--input {file}: this is not JSON: {error}. Expected, for example, {_JSON_EXAMPLE}"
        ) from error


def split_addresses(typed: Mapping[str, Any], from_file: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with `s3://bucket/folder` and `bucket/folder` taken apart into bucket and prefix.

    An address names a folder, as in `aws s3 sync`: its prefix ends with a slash, so that `photos` is not `photos-of-others/` too.
    """
    options = dict(typed)
    for side, option in (("source", "prefix"), ("destination", "destinationPrefix")):
        bucket, folder = split_address(options.get(side))
        if folder and options.setdefault(option, folder) != folder:
            flag = "--prefix" if side == "source" else "--destination-prefix"
            raise ConfigurationError(
                f"--{side} is {_quote(typed[side])} and {flag} is {_quote(typed[option])}; expected one prefix. "
                f"Write --{side} {bucket}, or leave {flag} out."
            )
        if "*" in folder:
            raise ConfigurationError(
                f"--{side} is {_quote(typed[side])}; an address has no patterns. For the keys under a folder write the "
                f"folder, such as {bucket}/photos/, for a pattern --include, and for a key with a * in it --prefix."
            )
        options |= {} if bucket is None else {side: bucket}
    _require_both_folders(typed, {**from_file, **options})
    return options


def split_address(address: str | None) -> tuple[str | None, str]:
    """Return bucket and prefix of `bucket`, `bucket/folder`, `s3://bucket/folder`; what is none of them stays as it is.

    None of them: an ARN, `./folder` and `/folder` of this machine, `https://bucket...`, `s3:/bucket`.
    """
    if address is None or address.startswith("arn:"):
        return address, ""
    has_scheme = address[:5].lower() == "s3://"
    bucket, _, folder = address[5 if has_scheme else 0 :].partition("/")
    if folder and (not bucket.strip(".~") or ":" in bucket):
        return address, ""
    return bucket, f"{folder.rstrip('/')}/" if folder else ""


def _require_both_folders(typed: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse `fab sync a/photos b`: whether it empties b or b/photos is not to be guessed."""
    folder = split_address(typed.get("source"))[1]
    if folder and typed.get("destination") and "destinationPrefix" not in given:
        bucket = given["destination"]
        raise ConfigurationError(
            f"The source has the prefix {folder} and the destination has none. Write {bucket}/{folder} for the same prefix "
            f"there, or add --destination-prefix= to make the whole bucket {bucket} equal to it."
        )


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f'"{name}" appears twice')
        found[name] = value
    return found


def _whole(digits: str) -> int:
    """Return a number; raise ValueError for one that Python does not read, and says so in words for programmers."""
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"it has a number of {len(digits):,} digits")
    return int(digits)


def _quote(value: Any) -> str:
    text = visible(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[: MAX_SHOWN_CHARACTERS - 3]}..."
