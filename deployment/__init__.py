"""The steps behind `fab`, in the order in which a deployment takes them.

    settings -> front_matter -> bundle -> template -> artifacts -> stack -> machines -> announcement

The first four make no AWS call; `wanted` is what they have made. `account`, with `service_models`, opens the session
that the others work with. Each step stands here with the modules that only help it:

    settings      setting_values                        front_matter  front_matter_yaml, properties, sources
    bundle                                              template      policies, placeholders
    artifacts                                           machines      definitions, rendering, machine_list
    stack         stack_site, change_sets, changes      announcement
                  protection, stack_events, stack_view
                  stack_status, stack_failures, failure_hints

The other tasks, each named after its module but for `delete` (removal), `template` and `definition` (documents), `sync`
(executions), `recover` (recovery) and `check` (checks):

    plan          machine_plan, plan_rows, plan_view    checks        template_checks, policy_checks, check_report
    executions    sync_options, progress, report                      machine_checks, machine_graph, machine_rules
    versions      inventory, folder_code                status
    pruning                                             rollback
    recovery                                            questions
    logs          log_lines                             removal
    local         local_keeper                          demo          demo_data, equal
    documents

And what all of them use: `errors`, the tree of what can go wrong; `console`, what a person sees, with its `wording`;
`tags`, by which we know what is ours; `patience` with what passes by itself; of YAML `yaml_loaders`, `yaml_places` and
`machine_walk`, the way through a definition.

Nothing here knows Fabric: `fabfile.py` calls these modules, they never call back. The Lambdas are known as files only.
docs/architecture.md has a paragraph for each module.
"""

import atexit
import gc
import sys

# The `fab` program forbids bytecode, for fabfiles; compiling these modules anew takes `fab` longer than a call to AWS.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

# A collection walks over everything imported so far, and imports and AWS's models make Python collect again and again.
gc.freeze()
gc.set_threshold(50_000, 20, 100)

# At the end of the process Python would do it twice more, for memory that goes back with the process anyway.
atexit.register(gc.freeze)
