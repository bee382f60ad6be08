"""`fab policies`: what it asks, what it makes of the answers and of flags, and what it says where neither can be right."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployment.errors import ConfigurationError
from deployment.project.settings import Settings
from deployment.syncs import entries
from tests.installations import ACCOUNT_ID
from tests.owned_buckets import THEIRS, FakeS3Client, FakeStack, Owned, installation, refused, said, users

SYNC = "fab policies my-source-bucket my-destination-bucket"
SILENT = Owned(owner=THEIRS, silent=("*",))
OURS = Owned()
KEY = f"arn:aws:kms:eu-west-1:{THEIRS}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NARROW = Settings(source_buckets=("other",), destination_buckets=("my-destination-bucket",))


def place(source: Owned | None = OURS, destination: Owned | None = OURS, **more: Any) -> Any:
    buckets = {"my_source_bucket": source, "my_destination_bucket": destination}
    made = FakeS3Client(**{name: bucket for name, bucket in buckets.items() if bucket})
    return installation(made, **more)


def answer(flags: str, where: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(f"{SYNC} {flags} --json", where))
    return found


def kinds(found: dict[str, Any]) -> list[str]:
    return [f"{one['kind']} of {one['on']}" for one in found["documents"]]


def actions(found: dict[str, Any]) -> set[str]:
    statements = [one for document in found["documents"] for one in document["document"].get("Statement", ())]
    return {action for one in statements for action in one["Action"]}


def notes_about(found: dict[str, Any], word: str) -> list[str]:
    return [note for note in found["notes"] if word in note]


# --- Who owns what ------------------------------------------------------------------------------------------


def test_inside_one_account_nothing_has_to_be_attached_and_each_bucket_is_asked_four_times() -> None:
    where = place()
    assert said(SYNC, where).endswith(
        "\nNothing has to be attached: inside one account the policies of the functions' roles are enough.\n"
    )
    asked = (
        "head_bucket",
        "get_bucket_request_payment",
        "get_bucket_ownership_controls",
        "get_bucket_encryption",
    )
    buckets = ("my-source-bucket", "my-destination-bucket")
    assert where.client("s3").called == [f"{call} {bucket}" for bucket in buckets for call in asked]


class TakesAnybodyForTheOwner(FakeS3Client):
    """S3 as an emulator has it."""

    def _bucket(self, call: str, **where: str) -> Owned:
        owner = self.buckets[where["Bucket"]].owner
        return super()._bucket(call, Bucket=where["Bucket"], ExpectedBucketOwner=owner)


def test_where_every_account_is_taken_for_the_owner_nothing_is_said_to_be_confirmed() -> None:
    where = installation(TakesAnybodyForTheOwner(my_source_bucket=Owned(), my_destination_bucket=Owned()))

    text = said(f"{SYNC} --source-account {THEIRS}", where)

    assert f"of another account, {THEIRS} (as given; this endpoint confirms every account)." in text
    assert answer(f"--source-account {THEIRS}", where)["source"]["confirmed"] is False
    assert answer("", where)["source"]["confirmed"] is True


@pytest.mark.parametrize(
    ("source", "destination", "flags", "expected"),
    [
        (SILENT, OURS, f"--source-account {THEIRS}", ["bucket policy of my-source-bucket"]),
        (
            OURS,
            SILENT,
            f"--destination-account {THEIRS}",
            ["bucket policy of my-destination-bucket", "object ownership of my-destination-bucket"],
        ),
        (
            SILENT,
            SILENT,
            f"--source-account {THEIRS} --destination-account {THEIRS} --source-kms-key {KEY} --destination-kms-key {KEY}",
            [
                "bucket policy of my-source-bucket",
                "bucket policy of my-destination-bucket",
                "object ownership of my-destination-bucket",
                f"key policy of {KEY}",
            ],
        ),
    ],
)
def test_each_side_of_another_account_gets_its_documents(
    source: Owned, destination: Owned, flags: str, expected: list[str]
) -> None:
    found = answer(flags, place(source, destination))
    assert kinds(found) == expected
    assert {one["account"] for one in found["documents"]} == {THEIRS}


def test_what_the_other_account_lets_us_ask_is_asked_and_not_said_to_be_unknown() -> None:
    key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    found = answer(f"--destination-account {THEIRS}", place(OURS, Owned(owner=THEIRS, encryption=key)))
    assert kinds(found) == ["bucket policy of my-destination-bucket", f"key policy of {KEY}"]
    assert (found["destination"]["confirmed"], found["destination"]["denied"]) == (True, [])
    assert found["notes"] == [
        f"Add {KEY} to KMS_KEY_ARNS in fabfile_config.py and run `fab`: the roles do not name it yet."
    ]


def test_one_answer_is_enough_to_know_whose_a_bucket_is() -> None:
    calls = ("head_bucket", "get_bucket_ownership_controls", "get_bucket_encryption")
    found = answer("", place(Owned(silent=calls)))
    assert found["source"]["confirmed"]
    assert found["source"]["denied"] == ["HeadBucket", "GetBucketOwnershipControls", "GetBucketEncryption"]


@pytest.mark.parametrize("ownership", ["ObjectWriter", "BucketOwnerPreferred", None])
def test_a_destination_with_acls_needs_its_owner_to_own_the_copies_or_the_acl(ownership: str | None) -> None:
    where = place(OURS, Owned(owner=THEIRS, ownership=ownership))
    found = answer(f"--destination-account {THEIRS}", where)
    assert found["documents"][1]["document"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert found["documents"][1]["when"] is None
    with_acl = answer(f"--destination-account {THEIRS} --acl bucket-owner-full-control", where)
    assert kinds(with_acl) == ["bucket policy of my-destination-bucket"]
    assert "s3:PutObjectAcl" in actions(with_acl) - actions(found)


@pytest.mark.parametrize(
    ("payer", "flags", "expected"),
    [
        (
            "Requester",
            "",
            'my-source-bucket is requester pays: sync with --request-payer ("requestPayer": true); no',
        ),
        ("Requester", "--request-payer", ""),
        ("BucketOwner", "", ""),
    ],
)
def test_requester_pays_is_said_where_it_matters(payer: str, flags: str, expected: str) -> None:
    found = answer(f"--source-account {THEIRS} {flags}", place(Owned(owner=THEIRS, payer=payer)))
    assert [note[: len(expected)] for note in notes_about(found, "requester")] == (
        [expected] if expected else []
    )
    assert notes_about(answer("", place(Owned(payer=payer))), "requester") == []


# --- Keys ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["abcd-12", "mrk-12"])
def test_a_key_named_by_its_id_is_one_of_the_buckets_owner_and_region(named: str) -> None:
    source = Owned(region="us-west-2", encryption={"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": named})
    found = answer("", place(source))
    assert found["source"]["kmsKey"] == f"arn:aws:kms:us-west-2:{ACCOUNT_ID}:key/{named}"
    (document,) = found["documents"]
    assert document["when"].startswith("only if the key policy does not let IAM policies decide")
    assert document["document"]["Statement"][0]["Condition"]["StringEquals"] == {
        "kms:ViaService": "s3.us-west-2.amazonaws.com"
    }


@pytest.mark.parametrize(
    ("encryption", "owner", "expected"),
    [
        (
            {"SSEAlgorithm": "aws:kms"},
            THEIRS,
            "is encrypted with the AWS managed key aws/s3, which no other account",
        ),
        ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/aws/s3"}, ACCOUNT_ID, ""),
        (
            {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/mine"},
            THEIRS,
            "is encrypted with alias/mine, an alias.",
        ),
        ({"SSEAlgorithm": "AES256"}, THEIRS, ""),
        (None, THEIRS, ""),
    ],
)
def test_a_key_that_no_policy_can_name_is_said(encryption: Any, owner: str, expected: str) -> None:
    where = place(Owned(owner=owner, encryption=encryption))
    found = answer(f"--source-account {owner}", where)
    assert found["source"]["kmsKey"] is None
    assert [expected in note for note in notes_about(found, "encrypt")] == ([True] if expected else [])


def test_the_key_of_the_sync_itself_goes_before_the_buckets_and_none_is_needed_for_sse_s3() -> None:
    where = place(OURS, Owned(encryption={"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "abcd"}))
    own = answer(f"--server-side-encryption aws:kms --sse-kms-key-id {KEY}", where)
    assert own["destination"]["kmsKey"] == KEY
    assert answer("--server-side-encryption AES256", where)["documents"] == []


# --- Only what the sync uses --------------------------------------------------------------------------------


ANNOTATIONS = {"s3:ListObjectAnnotations", "s3:GetObjectAnnotation", "s3:PutObjectAnnotation"}
LOCKS = {
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetObjectRetention",
    "s3:GetObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
}


@pytest.mark.parametrize(
    ("flags", "gone", "come"),
    [
        ("--no-delete", {"s3:DeleteObject"}, set()),
        ("--no-copy-tags", {"s3:PutObjectTagging", "s3:GetObjectTagging"}, set()),
        ("--acl bucket-owner-full-control", set(), {"s3:PutObjectAcl"}),
        ("--restore days=7,tier=Bulk", set(), {"s3:RestoreObject"}),
        ("--annotations copy", set(), ANNOTATIONS),
        ("--object-lock copy", set(), LOCKS),
    ],
)
def test_an_option_takes_away_or_adds_what_it_is_about(flags: str, gone: set[str], come: set[str]) -> None:
    both = f"--source-account {THEIRS} --destination-account {THEIRS}"
    where = place(SILENT, SILENT)
    plain, other = actions(answer(both, where)), actions(answer(f"{both} {flags}", where))
    assert (plain - other, other - plain) == (gone, come)


def test_the_tags_of_a_bucket_are_asked_only_where_its_name_is_like_an_installations() -> None:
    where = installation(FakeS3Client(my_workbucket=SILENT, my_destination_bucket=OURS))
    command = f"fab policies my-workbucket my-destination-bucket --source-account {THEIRS} --json"
    assert "s3:GetBucketTagging" in actions(json.loads(said(command, where)))


def test_two_prefixes_of_one_bucket_share_a_policy_without_sharing_a_sid() -> None:
    where = installation(FakeS3Client(one=SILENT))
    owner = f"--source-account {THEIRS} --destination-account {THEIRS}"
    found = json.loads(said(f"fab policies one/a/ one/b/ {owner} --json", where))
    sids = [one["Sid"] for one in found["documents"][0]["document"]["Statement"]]
    assert kinds(found)[0] == "bucket policy of one"
    assert sorted(sids) == sorted(set(sids)) and len(sids) == 6


def test_a_sync_of_the_configuration_is_meant_by_its_name_and_flags_overrule_it() -> None:
    entry = {"source": "my-source-bucket", "destination": "my-destination-bucket", "sourceOwner": THEIRS}
    settings = Settings(syncs=entries.read({"photos": {**entry, "prefix": "p/", "schedule": "rate(1 hour)"}}))
    where = place(SILENT, settings=settings)
    found = json.loads(said("fab policies photos --json", where))
    assert (found["source"]["account"], found["source"]["prefix"]) == (THEIRS, "p/")
    assert json.loads(said("fab policies photos --prefix q/ --json", where))["source"]["prefix"] == "q/"


# --- The roles and the settings -----------------------------------------------------------------------------


def test_a_stack_that_is_not_deployed_has_a_pattern_for_its_roles_and_a_word_about_it() -> None:
    found = answer(f"--source-account {THEIRS}", place(SILENT, stack=FakeStack()))
    statement = found["documents"][0]["document"]["Statement"][0]
    assert statement["Condition"]["ArnLike"]["aws:PrincipalArn"] == [
        f"arn:aws:iam::{ACCOUNT_ID}:role/sync-buckets-*"
    ]
    assert len(notes_about(found, "is not deployed")) == 1


def test_a_function_that_is_not_deployed_yet_is_named() -> None:
    found = answer("", place(stack=FakeStack(*(name for name in users() if name != "CopyKeys"))))
    assert found["notes"] == [
        "Not deployed yet, and in no policy here: the roles of CopyKeys. Run `fab`, then this again."
    ]


def test_a_bucket_that_the_roles_do_not_name_is_said() -> None:
    assert answer("", place(settings=NARROW))["notes"] == [
        "Add my-source-bucket to SOURCE_BUCKETS in fabfile_config.py and run `fab`: the roles do not name it yet."
    ]


# --- The screen ---------------------------------------------------------------------------------------------


def test_sentences_are_folded_on_a_terminal_and_commands_and_json_are_not() -> None:
    where = place(OURS, SILENT)
    command = f"{SYNC} --destination-account {THEIRS} --destination-kms-key {KEY}"
    piped, shown = said(command, where), said(command, where, width=80)
    sentences = [line for line in shown.splitlines() if not re.match(r'[ {}\[\]"]', line)]
    assert [line for line in sentences if len(line) > 80] == []
    assert piped.split() == shown.split()
    for document in answer(command.removeprefix(SYNC), where)["documents"]:
        assert f"  {document['attach']}\n" in piped and f"  {document['attach']}\n" in shown


def test_the_json_among_the_sentences_is_that_of_the_documents() -> None:
    where, flags = place(SILENT), f"--source-account {THEIRS}"
    text = said(f"{SYNC} {flags}", where)
    found, _ = json.JSONDecoder().raw_decode(text[text.index('{\n  "Version"') :])
    assert found == answer(flags, where)["documents"][0]["document"]


# --- What cannot be right -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "where", "sentence"),
    [
        (
            "",
            place(None),
            "There is no bucket my-source-bucket (S3 answers 404). Check the name, or create the bucket first.",
        ),
        (
            "",
            place(OURS, SILENT),
            "S3 answers 403 to every question about my-destination-bucket: it belongs to another account, or these "
            "credentials may not ask. Say whose it is, for example --destination-account 111122223333.",
        ),
        (
            f"--source-account {THEIRS}",
            place(),
            f"my-source-bucket belongs to {ACCOUNT_ID}, the account of these credentials, and not to {THEIRS}. Correct or "
            "leave out --source-account (or sourceOwner in the input).",
        ),
        (
            "--source-account 1234",
            place(),
            "--source-account is '1234'; expected the 12 digits of an AWS account, such as 111122223333.",
        ),
        (
            "--destination-kms-key alias/mine",
            place(),
            "--destination-kms-key is 'alias/mine'; expected the ARN of a KMS key, such as "
            "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab. Aliases do not work in policies.",
        ),
        (
            f"--source-kms-key {KEY}",
            place(Owned(region="us-west-2")),
            f"The key {KEY} is in eu-west-1 and my-source-bucket in us-west-2; a bucket's key is in the bucket's own region. "
            "Correct --source-kms-key.",
        ),
    ],
)
def test_what_cannot_be_right_is_one_sentence(flags: str, where: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        said(f"{SYNC} {flags}", where)
    assert str(caught.value) == sentence


def test_one_bucket_has_one_owner() -> None:
    where = installation(FakeS3Client(one=SILENT))
    with pytest.raises(ConfigurationError, match="one is both source and destination, so it has one owner"):
        said(
            f"fab policies one/a/ one/b/ --source-account {THEIRS} --destination-account 999999999999", where
        )


def test_an_account_that_contradicts_the_sync_is_refused() -> None:
    entry = {"source": "my-source-bucket", "destination": "my-destination-bucket", "sourceOwner": THEIRS}
    where = place(settings=Settings(syncs=entries.read({"photos": entry})))
    with pytest.raises(
        ConfigurationError, match=f"--source-account is 999999999999 and the sync's sourceOwner is {THEIRS}"
    ):
        said("fab policies photos --source-account 999999999999", where)


@pytest.mark.parametrize(
    ("name", "advice"), [("fotos", "fab policies photos"), ("x", "For two buckets write both")]
)
def test_a_name_that_is_no_sync_is_said(name: str, advice: str) -> None:
    entry = {"source": "my-source-bucket", "destination": "my-destination-bucket"}
    where = place(settings=Settings(syncs=entries.read({"photos": entry})))
    with pytest.raises(ConfigurationError, match=re.escape(f"SYNCS names no sync '{name}'")) as caught:
        said(f"fab policies {name}", where)
    assert advice.lower() in str(caught.value).lower()


@pytest.mark.parametrize("flags", ["", "--destination my-destination-bucket"])
def test_without_a_source_it_says_what_to_write(flags: str) -> None:
    with pytest.raises(ConfigurationError, match="Policies for which buckets"):
        said(f"fab policies {flags}", place())


def test_a_server_that_fails_is_no_answer_about_permissions() -> None:
    where = place()

    def failing(**_: str) -> None:
        raise refused(503, "SlowDown")

    where.client("s3").get_bucket_encryption = failing
    with pytest.raises(ClientError, match="SlowDown"):
        said(SYNC, where)
