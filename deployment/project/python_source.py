"""What Python says about the source of a Lambda, without running it.

`front_matter` asks whether there is a handler to call, `check` besides whether everything that is imported will be
there on AWS. Every mistake is a line (None: the whole file) and a sentence.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from deployment.text import did_you_mean

Mistake = tuple[int | None, str]

# What Lambda's Python runtime brings besides the standard library: boto3 and what boto3 needs.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
IN_THE_RUNTIME = frozenset({"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "urllib3"})


def parse(text: str) -> tuple[ast.Module | None, Mistake | None]:
    """Return the tree of a source, or what is wrong with it; nothing of it is run."""
    try:
        tree = ast.parse(text)
        compile(tree, "a Lambda", "exec", dont_inherit=True)  # finds more, such as a stray `return`
    except SyntaxError as error:
        return None, (error.lineno, f"this is not Python: {error.msg}")
    except ValueError as error:  # a null character
        return None, (None, f"this is not Python: {error}")
    except (RecursionError, MemoryError):  # the latter is what the parser calls a full stack
        return None, (None, "this is not Python: an expression is nested too deep")
    return tree, None


def handler_mistakes(tree: ast.Module) -> Iterator[Mistake]:
    """Yield why Lambda could not call the handler: there is none, or it takes other arguments."""
    named = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    handlers = [node for node in named if node.name == "handler"]
    if not handlers:
        yield None, "there is no function for Lambda to call: expected 'def handler(event, context):'"
    for handler in handlers[-1:]:
        if isinstance(handler, ast.AsyncFunctionDef):
            yield handler.lineno, "the handler is async, which Lambda does not await: expected a plain 'def'"
        elif not _takes_two(handler.args):
            found = ast.unparse(handler.args)
            yield handler.lineno, f"Lambda calls handler(event, context), but this one is handler({found})"


def import_mistakes(tree: ast.Module, path: Path, folder: Path) -> Iterator[Mistake]:
    """Yield the imports at the top of the source at `path` that will not be there on AWS; `folder` is that of the Lambdas.

    A zip holds its own file and `shared/`, no other Lambda and no package. Imports inside of functions, `if` and `try`
    are left alone: whoever writes one knows why.
    """
    package = (folder.name, *path.relative_to(folder).parent.parts)
    for node in tree.body:
        for name in _imported_modules(node, package, folder):
            top = name.partition(".")[0]
            if top == folder.name:
                yield from ((node.lineno, message) for message in _not_in_the_zip(name, folder))
            elif top not in sys.stdlib_module_names and top not in IN_THE_RUNTIME:
                yield node.lineno, f"{top} is not available on AWS: expected boto3 or the standard library"


def _takes_two(arguments: ast.arguments) -> bool:
    """Whether a function can be called with two values and nothing else."""
    positional = len(arguments.posonlyargs) + len(arguments.args)
    needed = positional - len(arguments.defaults)
    keywords_needed = any(default is None for default in arguments.kw_defaults)
    return needed <= 2 and (positional >= 2 or arguments.vararg is not None) and not keywords_needed


def _imported_modules(node: ast.stmt, package: Sequence[str], folder: Path) -> Iterator[str]:
    """Yield the modules that a statement of a source in `package` imports, by their whole names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else ()
        module = ".".join([*base, *filter(None, [node.module])])
        # `from lambda_functions.shared import clients` imports a module, `from x.clients import connect` a name of one
        is_package = folder.parent.joinpath(*module.split(".")).is_dir()
        yield from (f"{module}.{alias.name}" for alias in node.names) if is_package else (module,)


def _not_in_the_zip(name: str, folder: Path) -> Iterator[str]:
    """Yield what is wrong with a module under `lambda_functions`."""
    _, *parts = name.split(".")
    if parts[:1] != ["shared"]:
        yield f"{name} is not in the zip of this Lambda: expected a module of {folder.name}/shared/"
        return
    path = folder.joinpath(*parts)
    if len(parts) > 1 and not (
        path.is_dir() or path.with_suffix(".py").is_file() or _is_name_in_package(path)
    ):
        folder_name = ".".join([folder.name, *parts[:-1]])
        guess = did_you_mean(parts[-1], _modules_in(path.parent), f"{folder_name}.{{}}")
        yield f"there is no module {name}{'.' if guess else ''}{guess}"


def _modules_in(folder: Path) -> list[str]:
    """The modules and packages that a folder holds; none where there is no such folder."""
    return [path.stem for path in folder.glob("*") if path.suffix == ".py" or path.is_dir()]


def _is_name_in_package(path: Path) -> bool:
    """Whether this is a name that a package defines in its `__init__.py`, as far as reading it tells."""
    try:
        tree = ast.parse((path.parent / "__init__.py").read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return False
    names = {name for node in ast.walk(tree) for name in _defined_names(node)}
    return bool(names & {path.name, "*", "__getattr__"})


def _defined_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node of a module gives a meaning to."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
