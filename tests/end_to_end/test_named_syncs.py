"""Syncs that the configuration names, from an entry to its last run, by the real `fab` on the embedded emulator."""

from __future__ import annotations

import json

from deployed_project import Project

NIGHTLY = (
    '"nightly": {"source": "named-source", "destination": "named-copy", "exclude": ["films/*"], '
    '"schedule": "cron(0 3 * * ? *)"},'
)
FILMS = '"films": {"source": "named-films", "destination": "named-copy", "prefix": "films/"},'
SYNCS = f"SYNCS = {{{NIGHTLY} {FILMS}}}"
WAITING = "StartAt: Rest\nTimeoutSeconds: 900\nStates:\n  Rest: {Type: Wait, Seconds: 600, End: true}\n"


def test_a_named_sync_is_run_verified_and_listed_and_its_buckets_are_not_taken_silently(
    editable: Project,
) -> None:
    source, _ = editable.bucket("named-source"), editable.bucket("named-copy")
    source.put_object(Bucket="named-source", Key="key", Body=b"body")
    (editable.folder / "state_machines" / "waiting.yaml").write_text(WAITING)
    config = "fabfile_config.py"
    editable.replace(config, "\nSYNCS = {}", f"\n{SYNCS}")
    editable.replace(config, "\nSOURCE_BUCKETS = []", '\nSOURCE_BUCKETS = "syncs"')
    editable.replace(config, "\nDESTINATION_BUCKETS = []", '\nDESTINATION_BUCKETS = "syncs"')
    deployed = editable.fab()
    assert deployed.returncode == 0, deployed.stderr
    nightly_input = (
        '{"source": "named-source", "destination": "named-copy", "exclude": ["films/*"], "name": "nightly"}'
    )
    assert (
        f"{nightly_input}\nor from here" in deployed.stdout
        and "\nfab sync nightly --dry-run\n" in deployed.stdout
    )

    before = json.loads(editable.fab("syncs", "--json").stdout)["syncs"]
    assert [(one["name"], one["lastRun"]) for one in before] == [("nightly", None), ("films", None)]
    unknown, synced, verified = (
        editable.fab("sync", "nigtly"), editable.fab("sync", "nightly", "--json"), editable.fab("verify", "nightly"),
    )  # fmt: skip
    assert (unknown.returncode, "Did you mean `fab sync nightly`?" in unknown.stderr) == (2, True)
    assert (synced.returncode, verified.returncode) == (0, 0), synced.stderr + verified.stderr
    run = json.loads(synced.stdout)
    assert (run["report"]["name"], run["report"]["copied"]["objects"]) == ("nightly", 1)

    nightly, films = json.loads(editable.fab("syncs", "--json").stdout)["syncs"]
    assert (nightly["lastRun"]["executionArn"], nightly["lastRun"]["status"]) == (
        run["executionArn"],
        "SUCCEEDED",
    )
    assert nightly["nextRun"].endswith("T03:00:00+00:00")
    assert films["lastRun"] is None
    assert "1 object copied" in " ".join(editable.fab("syncs").stdout.split())

    editable.replace(config, FILMS, "")
    (waiting,) = [arn for arn in editable.own_machines() if ":waiting-" in arn]
    client = editable.client("stepfunctions")
    execution = client.start_execution(stateMachineArn=waiting, name="at-work", input="{}")["executionArn"]
    planned, refused = editable.fab("plan"), editable.fab()
    assert "Buckets: the functions may no longer read named-films." in planned.stdout
    assert "1 execution is RUNNING: at-work. One that works on such a bucket will fail." in refused.stdout
    assert (refused.returncode, "To deploy all the same: fab deploy --yes" in refused.stderr) == (1, True)
    agreed = editable.fab("deploy", "--yes")
    assert agreed.returncode == 0, agreed.stderr
    assert client.describe_execution(executionArn=execution)["status"] == "RUNNING"
    client.stop_execution(executionArn=execution)
