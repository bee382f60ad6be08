"""Finds one run among the executions of all our state machines: the newest, or the one that a person means by its name.

A name of SYNCS means the newest run of that sync; it goes before names of runs that begin so, which more of their name tells.

Only reads. Step Functions keeps executions for 90 days; those of machines that `fab prune` has deleted are gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from deployment.aws.installation import Installation
from deployment.errors import ConfigurationError, ExecutionFailed
from deployment.step_functions import listing, named_runs
from deployment.step_functions.executions import name_to_start
from deployment.text import listed, one_line

MAX_NAMED = 5
"""How many of the runs are named that a beginning may mean."""


@dataclass(frozen=True)
class Run:
    """An execution of ours, as it was when it was found."""

    arn: str
    status: str
    started_at: datetime

    @property
    def name(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition(":")[2]


def find_meant(installation: Installation, typed: str | None, deployed: Collection[str] | None = None) -> Run:
    """Return the newest run of the sync `typed`, if SYNCS has one of this name, else as `find`, which knows no names of SYNCS.

    Raises as `find`; ExecutionFailed also where the sync has no run.
    """
    if _is_sync(installation, typed):
        return _newest_of_sync(installation, name_to_start(deployed), str(typed))
    return find(installation, typed, deployed)


def find(installation: Installation, typed: str | None, deployed: Collection[str] | None = None) -> Run:
    """Return the newest run, or the one whose name is `typed` or begins with it; an ARN is a name too.

    `deployed` are the names of the machines that were deployed last, None where that is not known. Raises ConfigurationError
    where no name or several begin so, or where it is another machine's; ExecutionFailed where there is no run at all.
    """
    base = name_to_start(deployed)
    _require_machine(base, typed)
    found = list(_runs(installation, base, newest_only=typed is None))
    if not found:
        raise ExecutionFailed(
            f"There is no run of {base} of the stack {installation.title} yet, or Step Functions has forgotten it. "
            "`fab sync` starts one."
        )
    return max(found, key=lambda run: run.started_at) if typed is None else chosen(found, typed)


def find_running(
    installation: Installation, typed: str | None, deployed: Collection[str] | None = None
) -> Run:
    """Return the one run that is RUNNING, or that of those which is of the sync `typed`, or whose name begins with it.

    Raises ConfigurationError where several are meant, or none has such a name; ExecutionFailed where none runs, or where the
    one that is meant has ended.
    """
    base = name_to_start(deployed)
    running = list(_runs(installation, base, newest_only=False, statusFilter="RUNNING"))
    if _is_sync(installation, typed):
        return _running_of_sync(installation, running, str(typed))
    if typed is not None:
        if not any(typed == run.arn or run.name.startswith(typed) for run in running):
            ended = find(installation, typed, deployed)
            raise ExecutionFailed(f"The run {ended.name} is not RUNNING: it has ended {ended.status}.")
        return chosen(running, typed)
    if not running:
        raise ExecutionFailed(f"No run of {base} of the stack {installation.title} is RUNNING.")
    if len(running) > 1:
        raise ConfigurationError(
            f"{len(running):,} runs are RUNNING: {_names(running)}. Write the name of one, or its beginning."
        )
    return running[0]


def chosen(runs: Sequence[Run], typed: str) -> Run:
    """Return the run that is meant by its name, its ARN or the beginning of its name."""
    exact = [run for run in runs if typed in (run.name, run.arn)]
    begun = exact or [run for run in runs if run.name.startswith(typed)]
    if len(begun) == 1:
        return begun[0]
    if not begun:
        raise ConfigurationError(
            f"No run has a name that begins with {one_line(typed)!r}. `fab status` names the newest ones."
        )
    raise ConfigurationError(
        f"{len(begun):,} runs have names that begin with {one_line(typed)!r}: {_names(begun, by_arn=bool(exact))}. "
        f"Write {'the ARN of one' if exact else 'more of the name'}."
    )


def _require_machine(base: str, typed: str | None) -> None:
    """Raise ConfigurationError where `typed` is the ARN of an execution of a machine that is none of a base name."""
    arn = (typed or "").split(":")
    parts = listing.base_and_moment(arn[6]) if len(arn) == 8 and arn[5] == "execution" else None
    if parts and parts[0] != base:
        raise ConfigurationError(
            f"{one_line(arn[7])} is an execution of {one_line(arn[6])}, not a run of {base}. `fab status` shows it."
        )


def _is_sync(installation: Installation, typed: str | None) -> bool:
    """Whether SYNCS has a sync of this name."""
    return any(sync.name == typed for sync in installation.settings.syncs)


def _newest_of_sync(installation: Installation, base: str, name: str) -> Run:
    """Return the newest run with a sync's name, a dry run too; raise ExecutionFailed where there is none."""
    for run in named_runs.newest_first(installation, _machines(installation, base)):
        if run.name == name:
            return Run(run.described["executionArn"], run.described["status"], run.described["startDate"])
    raise ExecutionFailed(
        f"None of the newest {named_runs.MAX_EXECUTIONS} runs is one of the sync {name}. `fab sync {name}` starts one; a run of "
        "another name is found by the beginning of that, or by its ARN."
    )


def _running_of_sync(installation: Installation, running: Sequence[Run], name: str) -> Run:
    named = named_runs.with_names(installation, (run.arn for run in running))
    found = [run for run, known in zip(running, named, strict=True) if known.name == name]
    if not found:
        raise ExecutionFailed(f"No run of the sync {name} is RUNNING.")
    if len(found) > 1:
        raise ConfigurationError(
            f"{len(found):,} runs of the sync {name} are RUNNING: {_names(found)}. Write the name of one, or its beginning."
        )
    return found[0]


def _names(runs: Sequence[Run], by_arn: bool = False) -> str:
    """Return the newest of some runs, and how many there are more."""
    newest = sorted(runs, key=lambda run: run.started_at, reverse=True)
    return listed([run.arn if by_arn else run.name for run in newest], MAX_NAMED)


def _runs(installation: Installation, base: str, newest_only: bool, **only: str) -> Iterator[Run]:
    """Yield the runs of all machines of a base name; of each machine the newest first, as Step Functions lists them."""
    for arn in _machines(installation, base):
        for record in listing.executions_of(installation, arn, **only):
            yield Run(record["executionArn"], record["status"], record["startDate"])
            if newest_only:
                break


def _machines(installation: Installation, base: str) -> Iterator[str]:
    """Yield the ARNs of all machines of a base name."""
    for machine in listing.list_all(installation).ours:
        parts = listing.base_and_moment(machine.name)
        if parts is not None and parts[0] == base:
            yield machine.arn
