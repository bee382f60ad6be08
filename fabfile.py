"""The tasks of SyncBuckets. `fab` without arguments deploys everything; `fab --list` shows the others.

A task reads its flags and the configuration and makes one call; the module that it calls, of `deployment/`, tells the rest.
The configuration is read inside the tasks, so that this file can be imported before there is one. What only one task needs
is imported there, so that `fab` with nothing to do is over in no time.
"""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from fabric import task
from invoke.context import Context
from invoke.exceptions import Exit

from deployment.aws.errors import aws_sentence
from deployment.aws.installation import Installation
from deployment.build import build
from deployment.cloudformation import stack
from deployment.command_line import program, sync_flags
from deployment.command_line.dryness import require_no_unheard_dry_run
from deployment.console import Console
from deployment.errors import SyncBucketsError
from deployment.project import settings as configuration
from deployment.project.settings import Settings
from deployment.streams import PIPE_CLOSED, OutputClosed, let_go_of_stdout
from deployment.tasks.stack import deploy as deployment
from deployment.text import visible

PROJECT = Path(__file__).resolve().parent
KEEP = "3"
SINCE = "10m"
INTERRUPTED = 130
"""The exit status that shells give to what Ctrl-C has ended."""

program.take_over()


def friendly(function: Callable[..., None]) -> Callable[..., None]:
    """Turn what a person can do something about into one message and an exit status, never a traceback."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        try:
            require_no_unheard_dry_run(next(iter(args), None), kwargs)
            function(*args, **kwargs)
        except SyncBucketsError as error:
            raise Exit(visible(f"Error: {error}"), code=error.exit_code) from error
        except ParamValidationError:
            raise  # a call that botocore would not even send is a mistake of ours
        except (ClientError, BotoCoreError) as error:
            raise Exit(visible(f"Error: {aws_sentence(error)}"), code=1) from error
        except KeyboardInterrupt as error:
            raise Exit("Interrupted.", code=INTERRUPTED) from error
        except OutputClosed as error:
            let_go_of_stdout()
            raise Exit(code=PIPE_CLOSED) from error

    return wrapper


def fab_task(**options: Any) -> Callable[[Callable[..., None]], Any]:
    """Make a task of a function, with long flags only; `options` are those of `fabric.task`."""
    return lambda function: task(auto_shortflags=False, **options)(friendly(function))


def with_option_flags(
    flags: Sequence[sync_flags.OptionFlag],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a task a flag for each of these options of the input, which it gets as keyword arguments."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = [
            one for one in inspect.signature(function).parameters.values() if one.kind is not one.VAR_KEYWORD
        ]
        signature = inspect.Signature([*own, *sync_flags.parameters(flags)])
        function.__signature__ = signature  # type: ignore[attr-defined]
        return function

    return decorate


def enter(console: Console, doing: str = "", settings: Settings | None = None) -> Installation:
    """Return what a task works on, after it has been allowed and shown; without `doing` the task shows it itself."""
    installation = Installation.connect(settings or configuration.load())
    if doing:
        console.step(f"{doing}: {installation.place}, stack {installation.stack_name}")
    return installation


@fab_task(
    default=True,
    help={
        "ask": "Show the plan and ask before doing it. Default: deploy without asking.",
        "yes": "Do not ask before buckets are taken away while executions are RUNNING. Default: ask.",
    },
)
def deploy(context: Context, ask: bool = False, yes: bool = False) -> None:
    """Deploy everything that has changed."""
    console = Console()
    if ask:
        deployment.require_terminal_to_ask(console)
    settings, sources = configuration.load(), build.read_sources(PROJECT)
    deployment.deploy(enter(console, "" if ask else "Deploying", settings), sources, console, ask, yes)


@fab_task(
    help={
        "json": "Print one JSON document (docs/planning.md) instead of tables.",
        "fail-on-changes": "End with status 1 if anything would change. Default: 0 either way.",
    },
)
def plan(context: Context, json: bool = False, fail_on_changes: bool = False) -> None:
    """Show what `fab` would do, and do nothing."""
    settings, sources, console = configuration.load(), build.read_sources(PROJECT), Console()
    deployment.plan(enter(console, settings=settings), sources, console, json, fail_on_changes)


@fab_task()
def watch(context: Context) -> None:
    """Follow what CloudFormation is doing with the stack."""
    console = Console()
    stack.watch(enter(console, "Watching"), console)


@fab_task(
    help={
        "skip": "Resources to leave as they are, by logical id, with commas between them. Default: none.",
        "yes": "Do not ask. Default: ask.",
    },
)
def recover(context: Context, skip: str | None = None, yes: bool = False) -> None:
    """Finish the rollback of an update that got stuck."""
    from deployment.tasks.stack import recover as recovery

    names = recovery.skipped_names(skip)
    console = Console()
    recovery.recover(enter(console, "Recovering"), names, console, yes)


@fab_task(help={"yes": "Do not ask. Default: ask for the stack's name."})
def delete(context: Context, yes: bool = False) -> None:
    """Delete the stack and the state machines, not the data."""
    from deployment.tasks.stack import delete as removal

    console = Console()
    removal.delete(enter(console, "Deleting"), console, yes)


@fab_task(
    help={
        **sync_flags.help_texts(),
        "input": "A file of JSON with options, - for standard input; flags overrule it. Default: none.",
        "json": "Print one JSON document instead of tables.",
        "list": "Write every planned line to this file, in the order of keys; - for standard output.",
        "wait": "Wait for the end and show progress. Default: wait.",
        "ask": "Show the plan of a dry run and carry it out after a yes. Default: sync without asking.",
    },
    iterable=sync_flags.REPEATABLE,
)
@with_option_flags(sync_flags.EVERY_FLAG)
def sync(
    context: Context,
    input: str | None = None,
    json: bool = False,
    list: str | None = None,
    wait: bool = True,
    ask: bool = False,
    **options: Any,
) -> None:
    """Make the destination bucket equal to the source bucket."""
    from deployment.step_functions.executions import sides
    from deployment.tasks.runs import sync as runs
    from deployment.tasks.syncs import named_input

    given = named_input.read(sync_flags.given_options(options), input, "sync", configuration.load)
    console = Console()
    runs.sync(enter(console, f"Syncing {sides(given)}"), given, console, wait, json, list or "", ask)


@fab_task(
    help={
        **sync_flags.help_texts(sync_flags.COMPARING),
        "deep": "Ask for the metadata of every object, two requests each. Default: where the source is newer.",
        "input": "A file of JSON with the options of a sync, - for standard input. Default: none.",
        "json": "Print one JSON document instead of tables.",
        "list": "Write every difference to this file, in the order of keys; - for standard output.",
    },
    iterable=sync_flags.REPEATABLE,
)
@with_option_flags(sync_flags.COMPARING)
def verify(
    context: Context,
    deep: bool = False,
    input: str | None = None,
    json: bool = False,
    list: str | None = None,
    **options: Any,
) -> None:
    """Tell by the exit status whether two buckets are equal."""
    from deployment.step_functions.executions import sides
    from deployment.tasks.runs import verify as verification
    from deployment.tasks.syncs import named_input

    with verification.unknown_unless_told():
        given = named_input.read(sync_flags.given_options(options), input, "verify", configuration.load)
        given, console = verification.options_of(given, deep), Console()
        installation = enter(console, f"Comparing {sides(given)}")
        verification.verify(installation, given, console, json, list or "")


@fab_task(help={"json": "Print one JSON document instead of tables."})
def syncs(context: Context, json: bool = False) -> None:
    """List the syncs that have a name: schedule, next and last run."""
    from deployment.tasks.syncs import syncs_list

    console = Console()
    installation = enter(console)
    syncs_list.show(installation, console, json, syncs_list.read_schedules(installation))


@fab_task(
    help={
        "name": "The run, the beginning of its name, or a name of SYNCS. Default: the newest.",
        "json": "Print one JSON document instead of tables.",
    },
)
def follow(context: Context, name: str | None = None, json: bool = False) -> None:
    """Come back to a run and show it until its end."""
    from deployment.tasks.runs import follow as following

    console = Console()
    following.follow(enter(console, "Following"), name, console, json)


@fab_task(
    help={
        "name": "The run, the beginning of its name, or a name of SYNCS. Default: the only one RUNNING.",
        "now": "End the execution too; no report, and its destination stays closed for 930 s. Default: no.",
        "yes": "Do not ask. Default: ask.",
    },
)
def stop(context: Context, name: str | None = None, now: bool = False, yes: bool = False) -> None:
    """Stop a run: it ends what is under way, and reports."""
    from deployment.tasks.runs import stop as stopping

    console = Console()
    stopping.stop(enter(console, "Stopping"), name, console, yes, now)


@fab_task(
    help={
        "name": "The run, the beginning of its name, or a name of SYNCS. Default: the newest.",
        "csv": "Write all that was not synchronised to this file, for a spreadsheet; - for standard output.",
        "failures": "Write all that was not synchronised to this file, as JSON lines; - for standard output.",
        "html": "Write one page to send on, which loads nothing, to this file; - for standard output.",
        "json": "Print one JSON document instead of tables.",
        "list": "Write every planned line to this file, in the order of keys; - for standard output.",
    },
)
def report(
    context: Context,
    name: str | None = None,
    failures: str | None = None,
    json: bool = False,
    list: str | None = None,
    html: str | None = None,
    csv: str | None = None,
) -> None:
    """Show what came of a run, and why objects failed."""
    from deployment.tasks.runs import report as reporting

    wanted = reporting.Wanted(json, failures or "", list or "", html or "", csv or "")
    console = Console()
    reporting.report(enter(console, "Reading"), name, console, wanted)


@fab_task(
    help={
        **sync_flags.help_texts(sync_flags.GRANTED),
        "source": "The bucket to read, an address such as bucket/folder/, or a name of SYNCS. Required.",
        "destination": "The bucket to write, or an address. Required, but for a name of SYNCS.",
        "source-account": "The account, 12 digits, that owns the source. Default: it is asked.",
        "destination-account": "The account, 12 digits, that owns the destination. Default: it is asked.",
        "source-kms-key": "The ARN of the KMS key of the source's objects. Default: it is asked.",
        "destination-kms-key": "The ARN of the KMS key of the destination. Default: it is asked.",
        "json": "Print one JSON document instead of sentences.",
    },
)
@with_option_flags(sync_flags.GRANTED)
def policies(
    context: Context,
    source_account: str | None = None,
    destination_account: str | None = None,
    source_kms_key: str | None = None,
    destination_kms_key: str | None = None,
    json: bool = False,
    **options: Any,
) -> None:
    """Show what the owners of both buckets must attach."""
    from deployment.tasks.runs import sync_input
    from deployment.tasks.stack import policies as attached

    flags = {
        "source": attached.flags_of("source", source_account, source_kms_key),
        "destination": attached.flags_of("destination", destination_account, destination_kms_key),
    }
    settings, console = configuration.load(), Console()
    typed = attached.read_input(sync_flags.given_options(options), settings)
    given = sync_input.read(typed)
    installation = enter(
        console, f"Reading who owns what of {given['source']} and {given['destination']}", settings
    )
    attached.show(installation, PROJECT, given, flags, console, json)


@fab_task(help={"name": "Which sync of SYNCS. Default: the only one with a schedule."})
def pause(context: Context, name: str | None = None) -> None:
    """Pause the schedule of a sync until `fab resume`."""
    from deployment.tasks.syncs import pausing

    console = Console()
    pausing.pause(enter(console, "Pausing"), name, console)


@fab_task(help={"name": "Which sync of SYNCS. Default: the only one with a schedule."})
def resume(context: Context, name: str | None = None) -> None:
    """Let the schedule of a sync start it again."""
    from deployment.tasks.syncs import pausing

    console = Console()
    pausing.resume(enter(console, "Resuming"), name, console)


@fab_task()
def local(context: Context) -> None:
    """Run the embedded emulator until Ctrl-C."""
    from deployment.emulator import emulator

    emulator.serve(Console())


@fab_task(
    help={"source-dir": "A folder whose files are synced. Default: two buckets that are made up."},
)
def demo(context: Context, source_dir: str | None = None) -> None:
    """Deploy and sync on this machine, without an AWS account."""
    from deployment.emulator import demo as demonstration

    demonstration.run(PROJECT, source_dir, Console())


@fab_task(help={"json": "Print one JSON document instead of lines."})
def check(context: Context, json: bool = False) -> None:
    """Check Lambdas, template and state machines, offline."""
    from deployment.checks import check as checks

    checks.show(Console(), checks.project(PROJECT), json)


@fab_task(name="template", help={"json": "Print JSON. Default: YAML."})
def print_template(context: Context, json: bool = False) -> None:
    """Print the SAM template that a deployment would use, offline."""
    from deployment.tasks.stack import documents

    document = documents.template_of(PROJECT, configuration.load_or_defaults(PROJECT))
    Console().result(documents.as_json(document) if json else documents.as_yaml(document))


@fab_task(
    name="definition",
    help={
        "name": "Which state machine, without timestamp. Default: the only one.",
        "deployed": "Print the newest one in the account. Default: the file's, offline.",
    },
)
def print_definition(context: Context, name: str | None = None, deployed: bool = False) -> None:
    """Print a state machine in Amazon States Language."""
    from deployment.tasks.stack import documents

    settings, console = configuration.load_or_defaults(PROJECT), Console()
    if deployed:
        document = documents.deployed_definition(enter(console, "Reading", settings), PROJECT, name)
    else:
        document = documents.definition_of(PROJECT, settings, name)
    console.result(documents.as_json(document))


@fab_task(help={"json": "Print one JSON document instead of tables."})
def status(context: Context, json: bool = False) -> None:
    """Show stack, state machine, running and ended executions."""
    from deployment.tasks.stack import status as current_status

    console = Console()
    current_status.show(enter(console), PROJECT, console, json)


@fab_task(help={"json": "Print one JSON document instead of tables."})
def versions(context: Context, json: bool = False) -> None:
    """List the state machines, the current one first."""
    from deployment.tasks.stack import versions as deployed_versions

    console = Console()
    deployed_versions.show(enter(console), PROJECT, console, json)


@fab_task(
    help={
        "keep": f"How many state machines of each name to keep, the newest. Default: {KEEP}.",
        "dry-run": "Only show what would be deleted.",
        "yes": "Do not ask. Default: ask.",
    },
)
def prune(context: Context, keep: str = KEEP, dry_run: bool = False, yes: bool = False) -> None:
    """Delete older state machines and what only they call."""
    from deployment.tasks.stack import prune as pruning

    pruning.number_to_keep(keep)
    console = Console()
    pruning.prune(enter(console), keep, console, dry_run, yes)


@fab_task(
    help={"to": "Machine to go back to, or the name of its file's. Default: the newest that differs."},
)
def rollback(context: Context, to: str | None = None) -> None:
    """Make an older state machine the current one again."""
    from deployment.tasks.stack import rollback as older

    console = Console()
    older.rollback(enter(console), to, console)


@fab_task(
    help={
        "function": "Only this function, by its file name, e.g. copy_keys. Default: all.",
        "since": f"How far back: a number with s, m, h or d. Default: {SINCE}.",
        "follow": "Go on showing what is new, until Ctrl-C.",
        "filter": "Only what has this text, capitals as given. Default: everything.",
        "json": "Print one JSON object a line.",
    },
)
def logs(
    context: Context,
    function: str | None = None,
    since: str = SINCE,
    follow: bool = False,
    filter: str | None = None,
    json: bool = False,
) -> None:
    """Show what the functions have written to their logs."""
    from deployment.tasks.runs import logs as log_events

    query = log_events.query_of(PROJECT, function, since, filter)
    console = Console()
    log_events.show(enter(console), query, console, follow, json)
