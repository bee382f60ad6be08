"""Asks before something is done, and sees to it that there is somebody to ask.

`fab deploy --ask` and `fab recover` ask for y; `fab delete` and `fab prune` put questions of their own. Bare `fab` and
`fab deploy` never ask: they are for CI as for a desk.
"""

from __future__ import annotations

from deployment.console import Console
from deployment.errors import Declined, StackError
from deployment.plan import view
from deployment.plan.plan import Plan

_NOTHING_DEPLOYED = "Nothing was deployed:"


def demand_terminal(console: Console, nothing: str, instead: str) -> None:
    """Raise Declined where nobody can be asked; `nothing` says what was not done, `instead` how to do without a question."""
    if not console.is_interactive:
        raise Declined(f"{nothing} there is no terminal to ask on. {instead}")


def demand_yes(console: Console, question: str, nothing: str) -> None:
    """Ask, and raise Declined for every answer but y and yes."""
    if console.ask(f"{question} [y/N]").lower() not in ("y", "yes"):
        raise Declined(f"{nothing} the answer was not y.")


def demand_terminal_for_deployment(console: Console) -> None:
    """Raise Declined where `--ask` was given and nobody can be asked, before anything else is done."""
    demand_terminal(console, _NOTHING_DEPLOYED, "To deploy without asking, leave out --ask: fab deploy")


def is_deployment_wanted(console: Console, plan: Plan) -> bool:
    """Show a plan as `fab plan` does and ask for it; False, and no question, where there is nothing to do.

    Raises Declined when the answer is not yes, StackError when the stack cannot be deployed as it stands.
    """
    if plan.obstacle:
        raise StackError(plan.obstacle)
    view.show(console, plan, as_json=False, fail_on_changes=False)
    if plan.would_change:
        place = f"account {plan.account_id}, region {plan.region}"
        demand_yes(console, f"Deploy this to {place}?", _NOTHING_DEPLOYED)
    return plan.would_change
