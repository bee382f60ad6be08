"""What a command line may consist of: tasks with their flags and words, and the core flags; and what to say of the rest.

Pure. The texts of errors end with one line of usage, so that nobody has to look for it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from deployment.command_line.core_flags import UNKNOWN, VERDICTS, Verdict
from deployment.command_line.words import ALONE, HELP, INSTEAD_OF_A_DRY_RUN, LIKELY_FLAG, OPTIONAL_WORDS
from deployment.errors import ConfigurationError
from deployment.text import did_you_mean, nearest_name

DRY_RUN = "--dry-run"
MAX_GUESSES = 3
_YES_WORDS = ("true", "yes", "on", "1")
_DRY_WORDS = ("--dry", "--dryrun", DRY_RUN)


@dataclass(frozen=True)
class Flag:
    """A flag as it is typed; `name` is the long name without dashes that all its spellings have in common."""

    name: str
    takes_value: bool = False
    is_value_optional: bool = False
    is_repeatable: bool = False

    @property
    def verdict(self) -> Verdict:
        """What becomes of it, if it is a core flag."""
        return VERDICTS.get(self.name, UNKNOWN)


Flags = Mapping[str, Flag]
"""By what is typed: `--prefix`, `-R`."""


@dataclass(frozen=True)
class Grammar:
    """What may be typed; `default` is the task that is run where none is named."""

    tasks: Mapping[str, Flags]
    core: Flags
    words: Mapping[str, tuple[str, ...]]
    default: str

    def usage(self, task: str | None = None) -> str:
        """Return one line: `Usage: fab sync SOURCE DESTINATION [FLAGS]. ...`."""
        if task is None:
            return "Usage: fab [TASK] [FLAGS]. `fab help` lists the tasks."
        words = "".join(
            f" [{word.upper()}]" if word in OPTIONAL_WORDS else f" {word.upper()}"
            for word in self.words.get(task, ())
        )
        alone = f" or fab {task} {ALONE[task]} [FLAGS]" if task in ALONE else ""
        return f"Usage: fab {task}{words} [FLAGS]{alone}. `fab help {task}` explains the flags."

    def error(self, sentence: str, task: str | None = None) -> ConfigurationError:
        """Return what to raise for a mistake in a command line."""
        return ConfigurationError(f"{sentence}\n{self.usage(task)}")

    def unknown_task(self, word: str, before: str | None = None) -> ConfigurationError:
        """Say which task is meant; behind another task, `before`, the word may as well have been meant for that one."""
        guess = did_you_mean(word.lower(), [*self.tasks, HELP], "`fab {}`")
        if before is None:
            return self.error(f"There is no task {word!r}.{guess}")
        if before in LIKELY_FLAG and not guess:
            guess = f" Write `fab {before} {LIKELY_FLAG[before]} {shlex.quote(word)}`."
        return self.error(
            f"{word!r} is no task, and `fab {before}` takes no word without a flag.{guess}", before
        )

    def needless_value(self, typed: str, value: str, task: str | None) -> ConfigurationError:
        """Say how to write what was meant: `--no-wait` for `--wait=false`."""
        flags = self.tasks[task] if task else {}
        opposite = typed.replace("--no-", "--") if typed.startswith("--no-") else f"--no{typed[1:]}"
        instead = (
            typed
            if value.lower() in _YES_WORDS
            else opposite
            if opposite in flags
            else f"{typed}, or leave it out"
        )
        return self.error(f"{typed} takes no value, and got {value!r}. Write {instead}.", task)

    def unknown_flag(self, typed: str, task: str | None, next_task: str | None = None) -> ConfigurationError:
        """Say which flag is meant, or which task has it; `next_task` is the one that follows a flag without a task."""
        name = task or next_task or self.default
        if typed.lower() in _DRY_WORDS and DRY_RUN not in self.tasks[name]:
            return self.no_dry_run(typed, name)
        if task is None:
            return self.error(
                f"There is no flag {typed} without a task.{self._owner(typed, next_task)}", next_task
            )
        return self.error(f"`fab {task}` has no flag {typed}.{self._nearest(typed, self.tasks[task])}", task)

    def _owner(self, typed: str, next_task: str | None) -> str:
        owners = [name for name, flags in self.tasks.items() if typed in flags]
        named = [next_task] if next_task in owners else owners[:3]
        if named:
            return f" Write it behind a task: {' or '.join(f'`fab {name} {typed}`' for name in named)}."
        return self._nearest(typed, {**self.core, **(self.tasks[next_task] if next_task else {})})

    def no_dry_run(self, typed: str, task: str) -> ConfigurationError:
        has = " and ".join(f"`fab {name}`" for name, flags in self.tasks.items() if DRY_RUN in flags)
        advice = INSTEAD_OF_A_DRY_RUN.get(task, f"Only {has} have one: {DRY_RUN}.")
        return self.error(
            f"Nothing was done: `fab {task}` has no dry run, so {typed} is refused. {advice}", task
        )

    def refused(self, typed: str, flag: Flag, task: str | None = None) -> ConfigurationError:
        """Say why, and what the task has of that letter: who types `fab logs -f` does not mean Fabric's -f."""
        meant = _of_letter(typed, self.tasks[task]) if task else []
        advice = f" `fab {task}` has {', '.join(meant)}." if meant else ""
        return self.error(
            f"Nothing was done: {typed} is refused, because {flag.verdict.instead} Leave {typed} out.{advice}"
        )

    def _nearest(self, typed: str, flags: Flags) -> str:
        wanted = typed.lower().replace("_", "-")
        long = [name for name in flags if name.startswith("--")]
        begun = [name for name in long if len(wanted) > 2 and name.startswith(wanted)]
        nearest = begun[0] if begun else " or ".join(_of_letter(wanted, flags)) or nearest_name(wanted, long)
        return f" Did you mean {nearest}?" if nearest else ""


def _of_letter(typed: str, flags: Flags) -> list[str]:
    """Return the long flags that `-f` may be short for, none where that says nothing: there are no short flags of ours."""
    begun = [name for name in flags if len(typed) == 2 and name.startswith(f"-{typed}")]
    return sorted(begun) if len(begun) <= MAX_GUESSES else []
