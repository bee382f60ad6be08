"""The tasks of SyncBuckets. `fab` without arguments deploys everything; `fab --list` shows the others.

`deploy_everything` is the pipeline, one line a step; each step is a module of `deployment/`, whose docstring tells the
rest. The configuration is read inside the tasks, so that this file can be imported before there is one.
"""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from fabric import task
from invoke.context import Context
from invoke.exceptions import Exit

from deployment import (
    announcement,
    artifacts,
    bundle,
    check_report,
    checks,
    documents,
    executions,
    front_matter,
    machines,
    pruning,
    removal,
    stack,
    template,
)
from deployment import demo as demonstration
from deployment import local as emulator
from deployment import logs as log_events
from deployment import rollback as older
from deployment import settings as configuration
from deployment import status as current_status
from deployment import versions as deployed_versions
from deployment.account import aws_sentence, connect
from deployment.console import Console
from deployment.errors import SyncBucketsError
from deployment.settings import Settings
from deployment.sync_options import sync_options

PROJECT = Path(__file__).resolve().parent
INTERRUPTED = 130
"""The exit status that shells give to what Ctrl-C has ended."""


def friendly(function: Callable[..., None]) -> Callable[..., None]:
    """Turn what a person can do something about into one message and an exit status, never a traceback."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except SyncBucketsError as error:
            raise Exit(f"Error: {error}", code=error.exit_code) from error
        except ParamValidationError:
            raise  # a call that botocore would not even send is a mistake of ours
        except (ClientError, BotoCoreError) as error:
            raise Exit(f"Error: {aws_sentence(error)}", code=1) from error
        except KeyboardInterrupt as error:
            raise Exit("Interrupted.", code=INTERRUPTED) from error

    return wrapper


def deploy_everything(settings: Settings, console: Console) -> None:
    """Bring the stack and the state machines of one account and region up to date with this folder."""
    functions = front_matter.read_all(PROJECT / "lambda_functions")
    definitions = machines.read_all(PROJECT / "state_machines")
    machines.rehearse(definitions, functions)
    bundles = bundle.make_all(functions, PROJECT)
    account = connect(settings)
    announcement.begin(console, account, settings)
    bucket = artifacts.bucket_name(account, settings)
    wanted = template.build(functions, bundles, settings, bucket, [machine.name for machine in definitions])
    artifacts.ensure_bucket(account, settings)
    uploaded = artifacts.upload_missing(account, bucket, bundles)
    deployed = stack.deploy(account, settings, wanted, console)
    current = machines.create_all(account, settings, definitions, functions, deployed.outputs, console)
    announcement.announce(console, account, settings, uploaded, deployed, current)


@task(default=True)
@friendly
def deploy(context: Context) -> None:
    """Deploy everything that has changed."""
    deploy_everything(configuration.load(), Console())


@task
@friendly
def watch(context: Context) -> None:
    """Follow what CloudFormation is doing with the stack."""
    settings = configuration.load()
    stack.watch(connect(settings), settings, Console())


@task(auto_shortflags=False, help={"yes": "Do not ask. Default: ask for the stack's name."})
@friendly
def delete(context: Context, yes: bool = False) -> None:
    """Delete the stack and the state machines, not the data."""
    settings = configuration.load()
    removal.delete(connect(settings), settings, Console(), yes)


@task(
    auto_shortflags=False,
    help={
        "source": "The bucket to read. Required.",
        "destination": "The bucket to make equal to it. Required.",
        "prefix": "Only keys that begin so. Default: all keys.",
        "destination-prefix": "What the destination's keys begin with instead. Default: the same prefix.",
        "dry-run": "Only count what would be copied and deleted.",
        "no-delete": "Keep what the source does not have. Default: delete it.",
        "max-delete": "Refuse to delete more objects, e.g. 500 or 10%. Default: MAX_DELETE of the configuration.",
        "allow-empty-source": "Sync even if that empties the destination. Default: refuse.",
        "json": "Print one JSON document instead of tables.",
        "wait": "Wait for the end and show progress. Default: wait.",
    },
)
@friendly
def sync(
    context: Context,
    source: str | None = None,
    destination: str | None = None,
    prefix: str | None = None,
    destination_prefix: str | None = None,
    dry_run: bool = False,
    no_delete: bool = False,
    max_delete: str | None = None,
    allow_empty_source: bool = False,
    json: bool = False,
    wait: bool = True,
) -> None:
    """Make the destination bucket equal to the source bucket."""
    options = sync_options(
        source, destination, prefix, destination_prefix, dry_run, no_delete, max_delete, allow_empty_source
    )
    settings = configuration.load()
    executions.sync(connect(settings), settings, options, Console(), wait, json)


@task
@friendly
def local(context: Context) -> None:
    """Run the embedded emulator until Ctrl-C."""
    emulator.serve(Console())


@task(
    auto_shortflags=False,
    help={"source-dir": "A folder whose files are synced. Default: two buckets that are made up."},
)
@friendly
def demo(context: Context, source_dir: str | None = None) -> None:
    """Deploy and sync on this machine, without an AWS account."""
    demonstration.run(deploy_everything, source_dir, Console())


@task(auto_shortflags=False, help={"json": "Print one JSON document instead of lines."})
@friendly
def check(context: Context, json: bool = False) -> None:
    """Check Lambdas, template and state machines, offline."""
    check_report.show(Console(), checks.project(PROJECT), json)


@task(name="template", auto_shortflags=False, help={"json": "Print JSON. Default: YAML."})
@friendly
def print_template(context: Context, json: bool = False) -> None:
    """Print the SAM template that a deployment would use, offline."""
    document = documents.template_of(PROJECT, configuration.load_or_defaults(PROJECT))
    Console().result(documents.as_json(document) if json else documents.as_yaml(document))


@task(
    name="definition",
    auto_shortflags=False,
    help={
        "name": "Which state machine, without timestamp. Default: the only one.",
        "deployed": "Print the newest one in the account. Default: the file's, offline.",
    },
)
@friendly
def print_definition(context: Context, name: str | None = None, deployed: bool = False) -> None:
    """Print a state machine in Amazon States Language."""
    settings = configuration.load_or_defaults(PROJECT)
    if deployed:
        document = documents.deployed_definition(connect(settings), PROJECT, settings, name)
    else:
        document = documents.definition_of(PROJECT, settings, name)
    Console().result(documents.as_json(document))


@task(auto_shortflags=False, help={"json": "Print one JSON document instead of tables."})
@friendly
def status(context: Context, json: bool = False) -> None:
    """Show stack, state machine, running and ended executions."""
    settings = configuration.load()
    current_status.show(connect(settings), settings, PROJECT, Console(), json)


@task(auto_shortflags=False, help={"json": "Print one JSON document instead of tables."})
@friendly
def versions(context: Context, json: bool = False) -> None:
    """List the state machines, the current one first."""
    settings = configuration.load()
    deployed_versions.show(connect(settings), settings, PROJECT, Console(), json)


@task(
    auto_shortflags=False,
    help={
        "keep": f"So many state machines stay, the newest of each name. Default: {pruning.KEEP}.",
        "dry-run": "Only show what would be deleted.",
        "yes": "Do not ask. Default: ask.",
    },
)
@friendly
def prune(context: Context, keep: str = str(pruning.KEEP), dry_run: bool = False, yes: bool = False) -> None:
    """Delete older state machines and what only they call."""
    pruning.kept_number(keep)
    settings = configuration.load()
    pruning.prune(connect(settings), settings, keep, Console(), dry_run, yes)


@task(
    auto_shortflags=False,
    help={
        "to": "Name of the state machine to go back to. Default: the newest that differs from the current."
    },
)
@friendly
def rollback(context: Context, to: str | None = None) -> None:
    """Make an older state machine the current one again."""
    settings = configuration.load()
    older.rollback(connect(settings), settings, to, Console())


@task(
    auto_shortflags=False,
    help={
        "function": "Only this function, by its file name, e.g. copy_keys. Default: all.",
        "since": f"How far back: a number with s, m, h or d. Default: {log_events.SINCE}.",
        "follow": "Go on showing what is new, until Ctrl-C.",
        "filter": "Only what has this text, capitals as given. Default: everything.",
        "json": "Print one JSON object a line.",
    },
)
@friendly
def logs(
    context: Context,
    function: str | None = None,
    since: str = log_events.SINCE,
    follow: bool = False,
    filter: str | None = None,
    json: bool = False,
) -> None:
    """Show what the functions have written to their logs."""
    query = log_events.query_of(PROJECT, function, since, filter)
    settings = configuration.load()
    log_events.show(connect(settings), settings, query, Console(), follow, json)
