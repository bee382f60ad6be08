"""The steps behind `fab`, in the order in which a deployment takes them.

    settings -> front_matter -> bundle -> template -> artifacts -> stack -> machines -> executions

The first four make no AWS call, and neither does `checks`, which judges all that can be judged beforehand;
`account` opens the session that the others work with. `console` is what a person sees of it, `errors` the
tree of what can go wrong, `local` the embedded emulator, `demo` what it shows, `removal` the way back.
`versions`, `status`, `logs`, `pruning` and `rollback` are the tasks of the days after. The remaining modules are
parts of these:

    settings     setting_values             front_matter  front_matter_yaml, properties
    template     placeholders, policies     checks        template_checks, machine_checks
    stack        change_sets, stack_events  machines      definitions, rendering
                 stack_view, stack_status   executions    progress, report, patience
                 stack_failures             console       announcement
                 failure_hints              demo          demo_data, equal
    change_sets  changes, protection        plan          wanted, machine_plan, plan_rows, plan_view
    local        local_keeper               fab sync      sync_options
    versions     inventory, folder_code     logs          log_lines
    all          tags

Nothing here knows Fabric: `fabfile.py` calls these modules, they never call back. The Lambdas are known as
files only.
"""

import gc
import sys

# The `fab` program forbids bytecode, for fabfiles; compiling these modules anew takes `fab` longer than a call to AWS.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

# A collection walks over everything imported so far, and imports and AWS's models make Python collect again and again.
gc.freeze()
gc.set_threshold(50_000, 20, 100)
