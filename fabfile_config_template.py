"""The configuration of `fab`, with every setting at its default.

    cp fabfile_config_template.py fabfile_config.py

then edit the copy; it is never committed. It works as it is, and a setting that is left out has the value
given here. Environment variables win over this file: AWS_PROFILE, and AWS_REGION or AWS_DEFAULT_REGION. One
that is empty counts as not set.
"""

# --- Where ------------------------------------------------------------------------------------------------

# The CloudFormation stack, and the beginning of the names of all functions, log groups and the deployment
# bucket. 1 to 23 lower-case letters, digits and hyphens, a letter first. Another name is another,
# independent installation.
STACK_NAME = "sync-buckets"

# The region of the stack, such as "eu-west-1". None: the profile's own. Best the region of the destination
# buckets, as that is where most requests go; the buckets themselves may be anywhere in the partition.
AWS_REGION = None

# A profile of ~/.aws/config. None: the default chain of credentials (environment, default profile, instance
# role).
AWS_PROFILE = None

# The accounts that may be worked on, ids of 12 digits as texts: ["123456789012"]. []: any. Every task that
# talks to AWS asks first whose credentials it has, and refuses any other account before it touches anything.
# Set it where several profiles are at hand: the most expensive mistake is the wrong account.
ALLOWED_ACCOUNTS = []

# --- What may be touched ----------------------------------------------------------------------------------

# Names of the buckets that may be read. []: every bucket that lets this account read it. Name them where
# you can: the policies of the functions are then narrowed to these buckets. "syncs": the sources of SYNCS.
SOURCE_BUCKETS = []

# Names of the buckets that may be written to and deleted from. []: every bucket that lets this account do so.
# "syncs": the destinations of SYNCS.
DESTINATION_BUCKETS = []

# ARNs of the KMS keys with which objects of these buckets are encrypted, if the keys are your own
# (SSE-KMS). []: no permission on any key, which is right for SSE-S3, the default of S3.
KMS_KEY_ARNS = []

# The ARN of a managed policy that all roles get as their permissions boundary. None: no boundary. Needed
# only where your organisation asks for one.
PERMISSIONS_BOUNDARY_ARN = None

# Whether CloudFormation refuses to delete the stack, `fab delete` included. True: for a stack that must stay;
# to delete it all the same, set False, run `fab`, then `fab delete`. False, the default: it can be deleted.
# `fab` sets the stack to this, whatever was chosen elsewhere. It does not hinder updates.
TERMINATION_PROTECTION = False

# --- How much ---------------------------------------------------------------------------------------------

# The most deletions that a run may plan, unless its input says otherwise: a number of objects (1000), or a
# share of the destination's objects ("10%"). A run that plans more changes nothing and ends with
# DeletionRefused. None: no limit, so that a sync is a sync from the start, but for what looks like a wrong
# destination: more than 1,000 objects and more than half of the destination's. "100%": not even that. Set it,
# to "10%" say, once your destinations hold what you cannot get back.
MAX_DELETE = None

# The number of Lambdas at work at the same time, 1 to 10000. None: half of what the account allows, but 40
# at most, so that other functions of the account are not starved.
MAX_CONCURRENCY = None

# --- How long ---------------------------------------------------------------------------------------------

# Days that the files of a run (lists of work, reports) are kept. 15 or more, as a failed execution can be
# redriven for 14 days and needs them; 89 at most, as Step Functions takes the same execution name again after
# 90 days, and a run must never find the records of another.
RUN_RETENTION_DAYS = 30

# Days that the functions' logs are kept: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 or another number
# that CloudWatch knows. As long as the files of a run, so that a report can be explained.
LOG_RETENTION_DAYS = 30

# --- Tags -------------------------------------------------------------------------------------------------

# Tags for everything that is made, for your bills: names to values, both texts, 40 at most.
TAGS = {}

# --- Syncs ------------------------------------------------------------------------------------------------

# Syncs that have a name, which `fab sync NAME`, `fab verify NAME` and `fab syncs` know. A name is 1 to 64 letters from A to Z,
# digits, underscores and hyphens. An entry has "source" and "destination", and any other option that the input of an execution
# may have (docs/input.md) but "name", "plan" and "planDigest". Besides:
# - "schedule": when it runs by itself, as EventBridge Scheduler takes it: "cron(minute hour day-of-month month day-of-week year)"
#   with one of the two days as ?, "rate(6 hours)", or "at(2026-12-31T23:00:00)" for once. Left out or None: not by itself.
# - "timezone": where the clock of "schedule" hangs, such as "Europe/Berlin". Left out: "UTC".
# docs/syncs.md has more. For example:
#
# SYNCS = {
#     "photos": {
#         "source": "my-source-bucket",
#         "destination": "my-destination-bucket",
#         "prefix": "photos/",
#         "maxDelete": 1000,
#         "schedule": "cron(0 3 * * ? *)",
#         "timezone": "Europe/Berlin",
#     },
# }
#
# {}: there are none.
SYNCS = {}

# --- Notices ----------------------------------------------------------------------------------------------

# Who is told of runs that fail: a list of e-mail addresses, ["ops@example.com"], each of which gets a mail
# with a link to confirm first; or the ARN of one SNS topic of your own in the stack's region, as a text. []:
# nobody. Notices and the topic of `fab` are not encrypted with a key of yours, and a notice names buckets and
# may name keys. It also makes alarms, and metrics of each sync for them, which cost; docs/notices.md has the sums.
NOTIFY = []

# "failure": a notice for each run that fails. "always": one for each run that succeeds too.
NOTIFY_ON = "failure"

# After how many of its intervals without a success an alarm says so of a sync with a schedule, 1 to 100: 2, of
# a nightly sync, are two days.
NOTIFY_AFTER_INTERVALS = 2

# Whether there is a dashboard in CloudWatch with objects, bytes, failures and duration by sync. It costs as
# the metrics do, and beyond three dashboards of an account $3 a month.
DASHBOARD = False
