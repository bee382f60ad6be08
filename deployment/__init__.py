"""The steps behind `fab`, in the order in which a deployment takes them.

    settings -> front_matter -> bundle -> template -> artifacts -> stack -> machines -> executions

The first four make no AWS call, and neither does `checks`, which judges all that can be judged beforehand;
`account` opens the session that the others work with. `console` is what a person sees of it, `errors` the
tree of what can go wrong, `local` the embedded emulator, `demo` what it shows. The remaining modules are
parts of these, each named by the one that uses it.

Nothing here knows Fabric: `fabfile.py` calls these modules, they never call back. The Lambdas are known as
files only.
"""
