"""From what was typed to what Invoke gets: words become flags, `--dry` becomes `--dry-run`, and the rest is judged.

Pure: tokens in, tokens or a ConfigurationError out, before anything is done. Invoke takes its core flags anywhere, so they are
looked for anywhere, in all the forms that Invoke knows: `-R`, `-eR`, `--hosts=a`, before a task and behind it. What is dry
is all of a command line: whoever writes `fab prune --yes delete --yes --dry` does not mean that one half is real.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from deployment.command_line.core_flags import Meaning
from deployment.command_line.grammar import DRY_RUN, Flag, Grammar
from deployment.command_line.words import HELP
from deployment.errors import ConfigurationError


@dataclass
class _Call:
    """A task and what was typed behind it."""

    task: str
    tokens: list[str] = field(default_factory=list)
    given: set[str] = field(default_factory=set)


def rewrite(tokens: Sequence[str], grammar: Grammar) -> list[str]:
    """Return the tokens, without the program's name, as Invoke is to see them; raise ConfigurationError for a mistake."""
    if tokens[:1] == ["--complete"]:
        return list(tokens)  # a shell asks what may come next, and nothing is run
    if "--" in tokens:
        raise grammar.error(
            "Nothing was done: there is nothing to write behind --, because no shell command is run."
        )
    return _Reading(list(tokens), grammar).result()


class _Reading:
    def __init__(self, tokens: list[str], grammar: Grammar) -> None:
        self._waiting = tokens[::-1]
        self._grammar = grammar
        self._calls: list[_Call] = []
        self._core: list[str] = []
        self._answer: list[str] = []
        self._dry = ""

    def result(self) -> list[str]:
        while self._waiting:
            token = self._waiting.pop()
            if token.startswith("-") and token != "-":
                self._read_flag(token)
            else:
                self._read_word(token)
        if self._answer:
            return [*self._core, *self._answer]
        if self._dry:
            self._make_dry()
        return self._core + [token for call in self._calls for token in (call.task, *call.tokens)]

    @property
    def _task(self) -> str | None:
        return self._calls[-1].task if self._calls else None

    def _read_word(self, token: str) -> None:
        is_task = token in self._grammar.tasks
        free = self._free_words()
        if free and is_task:
            raise self._grammar.error(
                f"Nothing was done: {token} may be the {free[0]} of `fab {self._task}` or the task `fab {token}`. "
                f"Write --{free[0]}={token}, or each task in a command of its own.",
                self._task,
            )
        if free:
            self._give(f"--{free[0]}", token)
        elif is_task:
            self._calls.append(_Call(token))
        elif token == HELP:
            self._answer.append(f"--help={self._waiting.pop()}" if self._waiting else "--help")
        elif self._task and self._grammar.words.get(self._task):
            raise self._grammar.error(f"{token!r} is one word too many for `fab {self._task}`.", self._task)
        else:
            raise self._grammar.unknown_task(token, self._task)

    def _free_words(self) -> list[str]:
        if not self._calls:
            return []
        call = self._calls[-1]
        return [word for word in self._grammar.words.get(call.task, ()) if f"--{word}" not in call.given]

    def _read_flag(self, token: str) -> None:
        typed, equals, value = token.partition("=")
        own = self._grammar.tasks[self._task] if self._task else {}
        if typed in own:
            self._read_own_flag(typed, own[typed], value if equals else None)
        elif typed in self._grammar.core:
            self._read_core_flag(typed, self._grammar.core[typed], value if equals else None)
        elif len(typed) > 2 and not typed.startswith("--"):
            self._read_cluster(token)
        else:
            raise self._unknown_flag(typed)

    def _read_cluster(self, token: str) -> None:
        """Read `-eR` as `-e -R`, and `-Hname` as `-H name`."""
        for place, letter in enumerate(token[1:], start=2):
            flag = self._grammar.core.get(f"-{letter}")
            if flag is None:
                raise self._unknown_flag(token)
            rest = token[place:].removeprefix("=") if flag.takes_value else ""
            self._read_core_flag(f"-{letter}", flag, rest or None)
            if rest:
                return

    def _unknown_flag(self, typed: str) -> ConfigurationError:
        following = next((token for token in self._waiting[::-1] if token in self._grammar.tasks), None)
        return self._grammar.unknown_flag(typed, self._task, following)

    def _read_own_flag(self, typed: str, flag: Flag, value: str | None) -> None:
        if not flag.takes_value:
            self._require_no_value(typed, value)
            self._calls[-1].tokens.append(typed)
            self._calls[-1].given.add(typed)
            return
        if typed in self._calls[-1].given and not flag.is_repeatable:
            raise self._grammar.error(f"{typed} is given twice; expected one.", self._task)
        self._give(typed, self._value_of(typed) if value is None else value)

    def _give(self, typed: str, value: str) -> None:
        self._calls[-1].tokens.append(f"{typed}={value}")
        self._calls[-1].given.add(typed)

    def _value_of(self, typed: str) -> str:
        """Take the next token; what begins with a dash is taken for a forgotten value."""
        if not self._waiting:
            raise self._grammar.error(f"{typed} needs a value.", self._task)
        if self._waiting[-1].startswith("-") and self._waiting[-1] != "-":
            flag = self._waiting[-1]
            raise self._grammar.error(
                f"{typed} needs a value, and {flag} behind it looks like a flag; if it is the value, write {typed}={flag}.",
                self._task,
            )
        return self._waiting.pop()

    def _require_no_value(self, typed: str, value: str | None) -> None:
        if value is not None:
            raise self._grammar.needless_value(typed, value, self._task)

    def _read_core_flag(self, typed: str, flag: Flag, value: str | None) -> None:
        meaning = flag.verdict.meaning
        if meaning is Meaning.REFUSED:
            raise self._grammar.refused(typed, flag, self._task)
        if meaning is Meaning.BEFORE_TASKS and self._calls:
            raise self._grammar.error(
                f"Nothing was done: {typed} is read before the tasks only. Write: fab {typed} ... {self._task}",
                self._task,
            )
        if not flag.takes_value:
            self._require_no_value(typed, value)
        elif value is None:
            value = self._core_value_of(typed, flag)
        if meaning is Meaning.DRY_RUN:
            self._dry = self._dry or typed
            return
        if flag.name == "help" and value is None:
            value = self._task
        shown = typed if value is None else f"{typed}={value}"
        (self._answer if meaning is Meaning.ANSWER else self._core).append(shown)

    def _core_value_of(self, typed: str, flag: Flag) -> str | None:
        if not flag.is_value_optional:
            return self._value_of(typed)
        has_value = self._waiting and not self._calls and not self._waiting[-1].startswith("-")
        return self._waiting.pop() if has_value else None

    def _make_dry(self) -> None:
        for task in [call.task for call in self._calls] or [self._grammar.default]:
            if DRY_RUN not in self._grammar.tasks[task]:
                raise self._grammar.no_dry_run(self._dry, task)
        for call in self._calls:
            if DRY_RUN not in call.given:
                call.tokens.append(DRY_RUN)
