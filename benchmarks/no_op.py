"""How long a deployment takes that has nothing to do: `fab`, and `sam deploy` of the same template on the same endpoint.

    python3 -m venv /tmp/sam && /tmp/sam/bin/pip install -r benchmarks/requirements-sam.txt
    .venv/bin/python benchmarks/no_op.py /tmp/sam/bin/sam [runs]

Both are deployed to one embedded emulator, each into a stack of its own as they would undo each other's work in one. Then
they take turns, so that whatever else this machine does strikes both. Prints the median of the wall clock, and of the
processor's time, which says more on a busy machine; ends with status 1 unless `fab` takes at most a fifth of the time.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from deployment.build import bundle, template  # noqa: E402
from deployment.emulator.emulator import ACCOUNT_ID, Emulator  # noqa: E402
from deployment.project import front_matter, states_language  # noqa: E402
from deployment.project.settings import Settings  # noqa: E402

REGION = "eu-west-1"
PEER_STACK = "sam-peer"
PARTS = ("deployment", "lambda_functions", "state_machines", "fabfile.py", "fabfile_config_template.py")
MOST_RATIO = 1 / 5
NOTHING_TO_DO = {"fab": "Nothing to do", "sam": "No changes to deploy"}


def copy_project(folder: Path) -> None:
    for part in PARTS:
        copy = shutil.copytree if (PROJECT / part).is_dir() else shutil.copy
        copy(PROJECT / part, folder / part)
    shutil.copy(folder / "fabfile_config_template.py", folder / "fabfile_config.py")


def peer_template(bucket: str) -> str:
    """Return the template of `fab`, under another stack's name."""
    functions = front_matter.read_all(PROJECT / "lambda_functions")
    bundles = bundle.make_all(functions, PROJECT)
    names = [machine.name for machine in states_language.read_all(PROJECT / "state_machines")]
    return json.dumps(template.make(functions, bundles, Settings(stack_name=PEER_STACK), bucket, names))


def sam_command(sam: str, bucket: str) -> list[str]:
    return [
        *(sam, "deploy", "--no-fail-on-empty-changeset", "--template-file", "template.json"),
        *("--stack-name", PEER_STACK, "--s3-bucket", bucket, "--region", REGION, "--no-progressbar"),
        *(
            "--capabilities",
            "CAPABILITY_IAM",
            "CAPABILITY_AUTO_EXPAND",
            "--tags",
            f"syncbuckets:stack={PEER_STACK}",
        ),
    ]


def run(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, float, str]:
    """Return wall clock and processor time in seconds, and what was said."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    wall_seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    said = done.stdout + done.stderr
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{said}")
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall_seconds, cpu_seconds, said


def measure(
    sam: str, runs: int, folder: Path, environment: dict[str, str]
) -> dict[str, list[tuple[float, float]]]:
    bucket = f"sync-buckets-deployment-{ACCOUNT_ID}-{REGION}"
    (folder / "template.json").write_text(peer_template(bucket))
    commands = {"fab": [str(Path(sys.executable).with_name("fab"))], "sam": sam_command(sam, bucket)}
    for command in commands.values():
        run(command, folder, environment)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            wall_seconds, cpu_seconds, said = run(command, folder, environment)
            if NOTHING_TO_DO[name] not in said:
                sys.exit(f"{name} had something to do:\n{said}")
            times[name].append((wall_seconds, cpu_seconds))
    return times


def main(sam: str, runs: int) -> int:
    with tempfile.TemporaryDirectory() as name, Emulator(region=REGION) as emulator:
        folder = Path(name)
        copy_project(folder)
        quiet = {"SAM_CLI_TELEMETRY": "0", "NO_COLOR": "1"}
        own = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("AWS_") and key != "PYTHONDONTWRITEBYTECODE"
        }
        times = measure(sam, runs, folder, {**own, **emulator.environment, **quiet})
    medians = {
        name: [statistics.median(column) for column in zip(*pairs, strict=True)]
        for name, pairs in times.items()
    }
    for name, (wall_seconds, cpu_seconds) in medians.items():
        print(f"{name}: {wall_seconds:.2f} s wall clock, {cpu_seconds:.2f} s processor, median of {runs}")
    ratios = [ours / theirs for ours, theirs in zip(medians["fab"], medians["sam"], strict=True)]
    print(f"fab / sam: {ratios[0]:.3f} of the wall clock, {ratios[1]:.3f} of the processor time")
    return 0 if ratios[0] <= MOST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 7))
