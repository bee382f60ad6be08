"""Where Invoke's program and ours meet: `fab` loads the fabfile, which makes the program that is loading it read as we do.

Invoke parses its core flags before it loads a fabfile, and the tasks afterwards; `fab -h` and `fab --version` alone it answers
before, so they are ours only where our own `fab` is installed (`fab_command/`). So all of the command line is read again here,
rewritten (`reading`), and only then parsed for tasks. The only room of `deployment/` that knows Invoke.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from invoke.exceptions import Exit, ParseError
from invoke.program import Program

from deployment import allow_bytecode
from deployment.command_line.grammar import Flag, Flags, Grammar
from deployment.command_line.reading import rewrite
from deployment.command_line.words import WORDS
from deployment.errors import ConfigurationError
from deployment.streams import PIPE_CLOSED, columns, let_go_of_stdout
from deployment.text import folded

MISTAKES = (ConfigurationError, ParseError, ValueError)
"""Ours, Invoke's, and Python's about a number of Invoke's that is none."""


def take_over() -> None:
    """Make the program that is loading the fabfile read its command line our way; nothing where no program is."""
    program = _running_program()
    if program is not None and not isinstance(program, CommandLine):
        read_our_way(program)


def read_our_way(program: Any) -> Any:
    """Return the same program, which from now on does all that `CommandLine` says."""
    program.__class__ = type("SyncBuckets", (CommandLine, type(program)), {})
    return program


class CommandLine(Program):
    """What is different from Invoke's own program; stands before Fabric's in the order of classes."""

    def _make_parser(self) -> Any:
        """Return the parser, the same one each time: making one takes the texts of the flags away from the tasks."""
        made = self.__dict__.get("our_parser") or super()._make_parser()
        self.our_parser = made
        return made

    def parse_core(self, argv: list[str] | None) -> None:
        """Parse what stands before the tasks, as Invoke does; a mistake there is no traceback, and bytecode is written."""
        try:
            super().parse_core(argv)
        except MISTAKES as error:
            raise _exit(error) from error
        allow_bytecode()

    def execute(self) -> None:
        """Run the tasks; what a terminal gets of an error is folded between words, as all that `console` writes."""
        try:
            super().execute()
        except Exit as error:
            raise Exit(_folded(error.message), code=error.code) from error

    def parse_collection(self) -> None:
        """Load the fabfile, for help about nothing in particular too: our tasks are what there is to say."""
        if self.args.help.value is True:
            self.load_collection()
        super().parse_collection()

    def parse_tasks(self) -> None:
        """Parse what was typed, rewritten; every mistake is one message and the status 2."""
        try:
            self.argv = [self.argv[0], *rewrite(self.argv[1:], grammar_of(self))]
            self.parse_core_args()
            super().parse_tasks()
        except MISTAKES as error:
            raise _exit(error) from error

    def parse_cleanup(self) -> None:
        """Show help, versions, a list or what a shell may complete; a reader that has gone is no mistake."""
        try:
            self._require_known_help()
            try:
                if self.args.version.value:
                    self.print_version()
                    raise Exit
                super().parse_cleanup()
            finally:
                sys.stdout.flush()
        except BrokenPipeError as error:
            let_go_of_stdout()
            raise Exit(code=PIPE_CLOSED) from error

    def print_version(self) -> None:
        from deployment.command_line import screens

        print("\n".join(screens.versions()))

    def print_help(self) -> None:
        from deployment.command_line import screens

        print("\n".join(screens.tasks(list(self._helplines()))))

    def print_task_help(self, name: str) -> None:
        from deployment.command_line import screens

        grammar = grammar_of(self)
        rows = screens.flag_rows(self.parser.contexts[name].help_tuples(), grammar.tasks[name])
        head = screens.head_of_task(grammar.usage(name), self.collection[name].__doc__, bool(rows))
        print("\n".join(head))
        if rows:
            self.print_columns(rows)

    def _helplines(self) -> Iterator[tuple[str, str]]:
        for name, task in self.collection.tasks.items():
            yield name, (task.__doc__ or "").strip().partition("\n")[0]

    def _require_known_help(self) -> None:
        name = self.args.help.value
        if isinstance(name, str) and name not in self.parser.contexts:
            raise _exit(grammar_of(self).unknown_task(name))


def run(program: Any) -> None:
    """Run Fabric's program our way from its first flag on; a reader that has gone is no mistake here either."""
    try:
        read_our_way(program).run()
    except BrokenPipeError:
        let_go_of_stdout()
        sys.exit(PIPE_CLOSED)


def grammar_of(program: Any) -> Grammar:
    """Return what may be typed, of the tasks that a program has loaded."""
    tasks = {
        context.name: _flags(context.args.values(), context.inverse_flags)
        for context in program._make_parser().contexts.values()
    }
    return Grammar(tasks, _flags(program.initial_context.args.values()), WORDS, program.collection.default)


def _exit(error: Exception) -> Exit:
    return Exit(_folded(f"Error: {error}"), code=ConfigurationError.exit_code)


def _folded(message: str | None) -> str | None:
    width = columns(sys.stderr)
    return folded(message, width) if message and width else message


def _flags(arguments: Iterable[Any], inverse: Iterable[str] = ()) -> Flags:
    found = {typed: Flag(typed[2:]) for typed in inverse}
    for argument in arguments:
        flag = Flag(
            max(argument.names, key=len), argument.takes_value, argument.optional, argument.kind is list
        )
        found |= {f"--{name}" if len(name) > 1 else f"-{name}": flag for name in argument.names}
    return found


def _running_program() -> Any:
    """Return the program in whose call we are; Invoke tells nobody, so the calls are looked through."""
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        caller = frame.f_locals.get("self")
        if isinstance(caller, Program):
            return caller
    return None
