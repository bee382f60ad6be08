"""Every way in which SyncBuckets can fail, and the exit status of each.

    SyncBucketsError             1
      ConfigurationError         2   fabfile_config.py, or an argument of a task
      FrontMatterError           2   a file of lambda_functions/, with all problems found
      StateMachineError          2   a file of state_machines/
      CredentialsError           1   no credentials, expired ones, no region, an unknown profile, the wrong account
      DeploymentBucketError      1   the bucket that holds the zips
      StackError                 1   CloudFormation refused, failed or is busy
      ExecutionFailed            1   an execution of the state machine did not succeed
      EmulatorError              1   the embedded emulator did not start or stop
      PackageMissing             1   a package that only some tasks need is not installed
      ChangesFound               1   `fab plan --fail-on-changes`, and something would change
      Declined                   1   the question was answered with no, or nobody was there to answer it
      NotInSync                  1   `fab verify`, and the buckets differ
      CouldNotTell               2   `fab verify`, and whether they differ is not known, for whatever reason

A message has three parts: what is wrong and where (`lambda_functions/copy_keys.py:4`), what was found
against what was expected, what to do next. The fabfile prints it on one line after "Error:" and ends with
the exit status; any other exception is a mistake of ours and keeps its traceback.

Status 2 is for what can be fixed in a file, 1 for everything else. Declining is 1 as well, so that
`fab deploy && ./promote.sh` stops: the exit status tells whether what was asked for has happened. Only
`fab verify` keeps 1 for a difference, and ends with 2 for whatever else can happen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One mistake in one file; `path` is relative to the project, `line` counts from 1."""

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.message}"


class SyncBucketsError(Exception):
    """The base of all errors that a person can do something about."""

    exit_code = 1


class ConfigurationError(SyncBucketsError):
    """The configuration, or what was given on the command line, cannot be used; `problems` has mistakes of the file."""

    exit_code = 2

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__(message)


class FrontMatterError(SyncBucketsError):
    """Lambda sources cannot be deployed; `problems` has every mistake, the text one line for each."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StateMachineError(SyncBucketsError):
    """A state machine file cannot be read or rendered."""

    exit_code = 2


class CredentialsError(SyncBucketsError):
    """There is no usable way into an AWS account, or it leads into one that is not allowed."""


class DeploymentBucketError(SyncBucketsError):
    """The deployment bucket cannot be made, or does not belong to this account."""


class StackError(SyncBucketsError):
    """The CloudFormation stack could not be brought into, or out of, the wanted state."""


class ExecutionFailed(SyncBucketsError):
    """An execution ended in any status other than SUCCEEDED."""


class EmulatorError(SyncBucketsError):
    """The embedded emulator did not come up, or did not answer."""


class PackageMissing(SyncBucketsError):
    """A package that only some tasks need is not installed; the message has the command that installs it."""


class ChangesFound(SyncBucketsError):
    """A plan was asked to fail when there is anything to do, and there is."""


class Declined(SyncBucketsError):
    """A person said no, or a question could not be asked."""


class NotInSync(SyncBucketsError):
    """Two buckets were compared, and they differ."""


class CouldNotTell(SyncBucketsError):
    """Whether two buckets differ could not be found out."""

    exit_code = 2
