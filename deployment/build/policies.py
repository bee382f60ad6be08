"""Who may do what: the policies of the functions' roles, of the state machine's role and of the work bucket.

Pure functions that return parts of the template. The functions' own policies stand in their front matter;
here their placeholders are filled and what has nothing to apply to is left out. Never leave a permission
out because an emulator does not ask for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deployment.project import placeholders
from deployment.project.settings import Settings
from deployment.project.tags import STACK_TAG

VERSION = "2012-10-17"

# A state machine is named <base>-YYYYMMDD-HHMMSS. Neither a function nor its own role can name it before it
# exists.
ANY_TIMESTAMP = "-????????-??????"

_STATES = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"


def sub(text: str) -> dict[str, str]:
    """Return a text in which CloudFormation fills `${AWS::Partition}` and the like."""
    return {"Fn::Sub": text}


def document(statements: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a policy document of `statements`."""
    return {"Version": VERSION, "Statement": [dict(statement) for statement in statements]}


def front_matter_values(
    settings: Settings, deployment_bucket: str, machine_names: Sequence[str]
) -> dict[str, list[Any] | str]:
    """Return what each placeholder of a front matter stands for; `machine_names` are without timestamps."""
    return {
        "SourceBuckets": _bucket_arns(settings.source_buckets, ""),
        "SourceObjects": _bucket_arns(settings.source_buckets, "/*"),
        "DestinationBuckets": _bucket_arns(settings.destination_buckets, ""),
        "DestinationObjects": _bucket_arns(settings.destination_buckets, "/*"),
        "KmsKeys": list(settings.kms_key_arns),
        "StateMachineExecutions": [
            sub(f"{_STATES}:execution:{name}{ANY_TIMESTAMP}:*") for name in machine_names
        ],
        "DeploymentBucket": deployment_bucket,
        "MetricsStack": settings.stack_name if settings.has_metrics else "",
    }


def function_policies(policies: Any, values: Mapping[str, list[Any] | str]) -> list[Any]:
    """Return the filled `Policies` of a function: bare statements as one document, empty ones left out."""
    filled = placeholders.fill(policies, values, placeholders.FILLED_BY_CLOUDFORMATION)
    listed = filled if isinstance(filled, list) else [filled]
    if listed and all(isinstance(policy, dict) and "Effect" in policy for policy in listed):
        listed = [document(listed)]
    return [policy for policy in map(_without_empty_statements, listed) if policy is not None]


def are_documents(policies: Any) -> bool:
    """Whether filled `Policies` are policy documents only, no managed policies and no policy templates of SAM."""
    return all(isinstance(policy, dict) and "Statement" in policy for policy in policies)


def function_trust() -> dict[str, Any]:
    """Return who may take a function's role: Lambda, and for no other account.

    AWS documents for many services that they name the account they work for, but not for Lambda
    (https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html). So the condition holds where the account is
    named, and where it is not, nobody is kept out: a role can only be given to a function of its own account anyway
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html).
    """
    return _trust("lambda.amazonaws.com", "StringEqualsIfExists")


def state_machine_trust() -> dict[str, Any]:
    """Return who may take the state machines' role: Step Functions, for this account only.

    https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
    """
    return _trust("states.amazonaws.com", "StringEquals")


def scheduler_trust(group: str) -> dict[str, Any]:
    """Return who may take the schedules' role: EventBridge Scheduler, for this account and the schedules of this group only.

    The ARN is written out, although the group is a resource of the template, so that the two do not wait for each other.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    trust = _trust("scheduler.amazonaws.com", "StringEquals")
    arn = f"arn:${{AWS::Partition}}:scheduler:${{AWS::Region}}:${{AWS::AccountId}}:schedule-group/{group}"
    trust["Statement"][0]["Condition"]["ArnEquals"] = {"aws:SourceArn": sub(arn)}
    return trust


def scheduler_policy(machine_names: Sequence[str], queue: str) -> dict[str, Any]:
    """Return what the schedules may do: start the state machines, and put away what they could not start.

    `machine_names` are without timestamps; `queue` is the logical id of the dead-letter queue.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role
    """
    machines = [sub(f"{_STATES}:stateMachine:{name}{ANY_TIMESTAMP}") for name in machine_names]
    return document(
        [
            _allow(["states:StartExecution"], machines),
            _allow(["sqs:SendMessage"], [{"Fn::GetAtt": [queue, "Arn"]}]),
        ]
    )


def write_logs(log_group: str) -> dict[str, Any]:
    """Return the document that lets a function write into its log group, a logical id, which is there already.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
    """
    # The ARN that CloudFormation gives ends with `:*`, which are the streams.
    arn = {"Fn::GetAtt": [log_group, "Arn"]}
    statement = _allow(["logs:CreateLogStream", "logs:PutLogEvents"], [arn])
    return document([{"Sid": "WriteItsLog", **statement}])


def keep_out_of_deployment_buckets() -> dict[str, Any]:
    """Return the document that forbids a function every listing of a deployment bucket of this account, whatever else allows it.

    No run gets past its comparison then. Of objects the role says nothing: `*` in an ARN stands for slashes too, so a pattern
    that catches what is in such buckets would also catch keys of other buckets that contain such a name. Those are closed by
    the buckets' own policies (`keep_installations_out`).
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    return document(
        [
            {
                "Sid": "KeepOutOfDeploymentBuckets",
                "Effect": "Deny",
                "Action": ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"],
                "Resource": [sub("arn:${AWS::Partition}:s3:::*-deployment-${AWS::AccountId}-*")],
            }
        ]
    )


def keep_installations_out(arns: Sequence[Any], except_roles: Sequence[Any] = ()) -> dict[str, Any]:
    """Return the statement of a bucket's policy that shuts out the roles of all installations but these.

    `arns` are those of the bucket and of its objects. All roles of installations have our tag, and a role's tags are those of
    whoever has taken it. Who has no such tag, a deployer or an administrator, is not meant.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principaltag
    """
    condition: dict[str, Any] = {"Null": {f"aws:PrincipalTag/{STACK_TAG}": "false"}}
    if except_roles:
        condition["ArnNotEquals"] = {"aws:PrincipalArn": list(except_roles)}
    return {
        "Sid": "KeepOtherInstallationsOut",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": list(arns),
        "Condition": condition,
    }


def state_machine_policy(functions: Iterable[str], machine_names: Sequence[str]) -> dict[str, Any]:
    """Return what the state machines may do; `functions` are logical ids, `machine_names` without timestamps.

    They call published versions only, whose ARNs end with a number
    (https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html).
    https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    """
    machines = [f"{name}{ANY_TIMESTAMP}" for name in machine_names]
    children = [sub(f"{_STATES}:execution:{machine}/*:*") for machine in machines]
    executions = [sub(f"{_STATES}:execution:{machine}:*") for machine in machines]
    return document(
        [
            _allow(["lambda:InvokeFunction"], [sub(f"${{{name}.Arn}}:*") for name in functions]),
            _allow(["s3:GetObject"], [sub("${WorkBucket.Arn}/runs/*")]),
            _allow(
                ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"],
                [sub("${WorkBucket.Arn}/map-runs/*")],
            ),
            _allow(
                ["states:StartExecution"], [sub(f"{_STATES}:stateMachine:{machine}") for machine in machines]
            ),
            _allow(["states:DescribeExecution", "states:StopExecution"], executions + children),
            _allow(["states:RedriveExecution"], children),
        ]
    )


def boundary(settings: Settings) -> dict[str, str]:
    """Return the property that bounds what a role may be allowed, if the settings name a boundary."""
    arn = settings.permissions_boundary_arn
    return {"PermissionsBoundary": arn} if arn else {}


def tls_only(arns: Sequence[Any]) -> dict[str, Any]:
    """Return the statement of a bucket's policy that refuses every request without TLS; ARNs as above."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": list(arns),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _bucket_arns(names: Sequence[str], suffix: str) -> list[Any]:
    """The ARNs of these buckets, or of all when none is named, which then decide by their own policies."""
    return [sub(f"arn:${{AWS::Partition}}:s3:::{name}{suffix}") for name in names or ("*",)]


def _trust(service: str, operator: str) -> dict[str, Any]:
    return document(
        [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
                "Condition": {operator: {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            }
        ]
    )


def _allow(actions: list[str], resources: list[Any]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _without_empty_statements(policy: Any) -> Any:
    """The policy without statements about no resource at all (no KMS keys), or None if nothing is left."""
    if not isinstance(policy, dict) or "Statement" not in policy:
        return policy
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    kept = [statement for statement in statements if statement.get("Resource") != []]
    return {**policy, "Statement": kept} if kept else None
