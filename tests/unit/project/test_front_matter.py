"""From the comment block of a Lambda's source to its spec, and what is said about every mistake in it."""

from __future__ import annotations

import json
from pathlib import Path

import frontmatter
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import PROJECT
from samtranslator.model.sam_resources import SamFunction

from deployment.errors import FrontMatterError
from deployment.project import function_properties, placeholders
from deployment.project.front_matter import CommentHandler, FunctionSpec, read, read_all

HANDLER = "def handler(event, context):\n    return event\n"

GOOD = '''\
#!/usr/bin/env python3
# ---
# Description: Copy one shard of objects
# MemorySize: 512        # MB
# Timeout: 300           # seconds
#
# Environment:
#   Variables:
#     WORK_BUCKET: !Ref WorkBucket
#     SINCE: 2026-11-22
#     ACCOUNT: 012345670123
#     FLAG: yes
# Policies:
#   - Version: 2012-10-17
#     Statement:
#       - Effect: Allow
#         Action: [s3:GetObject, s3:GetObjectTagging]
#         Resource: !Sub arn:${AWS::Partition}:s3:::*/*
#       - Effect: Allow
#         Action: s3:PutObject
#         Resource:
#           - !Join ["/", [!GetAtt WorkBucket.Arn, "runs/*"]]
#           - ${DestinationObjects}
#         Condition: {StringEquals: {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}
# ---
"""Copy one shard."""

# ---
def handler(event, context):
    return event
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "lambda_functions"
    made.mkdir()
    return made


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def report(folder: Path, text: str, name: str = "work.py") -> str:
    with pytest.raises(FrontMatterError) as caught:
        read(write(folder, name, text))
    return str(caught.value)


def block(*lines: str) -> str:
    return "\n".join(["# ---", *(f"# {line}" for line in lines), "# ---", HANDLER])


# --- What is read -----------------------------------------------------------------------------------------


def test_a_block_becomes_the_properties_of_a_function(folder):
    spec = read(write(folder, "copy_keys.py", GOOD))
    assert spec.properties == {
        "Description": "Copy one shard of objects",
        "MemorySize": 512,
        "Timeout": 300,
        "Environment": {
            "Variables": {
                "WORK_BUCKET": {"Ref": "WorkBucket"},
                "SINCE": "2026-11-22",
                "ACCOUNT": "012345670123",
                "FLAG": "yes",
            }
        },
        "Policies": [
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": ["s3:GetObject", "s3:GetObjectTagging"],
                        "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::*/*"},
                    },
                    {
                        "Effect": "Allow",
                        "Action": "s3:PutObject",
                        "Resource": [
                            {"Fn::Join": ["/", [{"Fn::GetAtt": ["WorkBucket", "Arn"]}, "runs/*"]]},
                            "${DestinationObjects}",
                        ],
                        "Condition": {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}},
                    },
                ],
            }
        ],
    }
    assert json.loads(json.dumps(spec.properties)) == spec.properties


def test_a_spec_knows_its_names_and_the_line_of_each_property(folder):
    spec = read(write(folder, "copy_keys.py", GOOD))
    assert (spec.name, spec.logical_id) == ("copy_keys", "CopyKeys")
    assert (spec.source, spec.handler) == (
        "lambda_functions/copy_keys.py",
        "lambda_functions/copy_keys.handler",
    )
    outermost = {place[0]: line for place, line in spec.places.items() if len(place) == 1}
    assert outermost == {"Description": 3, "MemorySize": 4, "Timeout": 5, "Environment": 7, "Policies": 13}
    assert spec.places["Environment", "Variables", "FLAG"] == 12
    assert spec.places["Policies", 0, "Statement", 1, "Resource", 1] == 23


def test_the_block_may_have_windows_line_ends(folder):
    windows = read(write(folder, "windows.py", GOOD.replace("\n", "\r\n")))
    assert windows.properties == read(write(folder, "unix.py", GOOD)).properties


def test_an_indented_or_longer_rule_is_no_delimiter(folder):
    text = f"# -----\n{HANDLER}# ---- end\n#  ---\n"
    assert report(folder, text) == (
        "lambda_functions/work.py:1: there is no front matter: "
        "expected a block of comments between two lines '# ---'"
    )


@pytest.mark.parametrize(
    ("yaml", "value"),
    [
        ("!Ref WorkBucket", {"Ref": "WorkBucket"}),
        ("!Sub ${WorkBucket.Arn}/*", {"Fn::Sub": "${WorkBucket.Arn}/*"}),
        ('!Sub ["${A}", {A: b}]', {"Fn::Sub": ["${A}", {"A": "b"}]}),
        ("!GetAtt A.Outputs.B", {"Fn::GetAtt": ["A", "Outputs.B"]}),
        ("!GetAtt [A, Arn]", {"Fn::GetAtt": ["A", "Arn"]}),
        ('!Join ["-", [a, !Ref B]]', {"Fn::Join": ["-", ["a", {"Ref": "B"}]]}),
        ("!If [Cond, a, !Ref AWS::NoValue]", {"Fn::If": ["Cond", "a", {"Ref": "AWS::NoValue"}]}),
        ("{Fn::Sub: a}", {"Fn::Sub": "a"}),
        ("!Select [0, !GetAZs eu-west-1]", {"Fn::Select": [0, {"Fn::GetAZs": "eu-west-1"}]}),
    ],
)
def test_the_functions_of_cloudformation_can_be_written_short(folder, yaml, value):
    assert read(write(folder, "work.py", block(f"Description: {yaml}"))).properties == {"Description": value}


@pytest.mark.parametrize(
    "text", ["2012-10-17", "2012-10-17 10:00:00", "1:30", "0755", "1_000", "0x1f", "on", "no"]
)
def test_what_old_yaml_would_turn_into_something_else_stays_text(folder, text):
    assert read(write(folder, "work.py", block(f"Description: {text}"))).properties == {"Description": text}


plain = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Co")), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.dates().map(str) | plain,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(plain, children, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(plain.filter(bool), values, min_size=1, max_size=4))
def test_what_is_exported_as_a_block_is_read_back_the_same(metadata):
    post = frontmatter.Post(HANDLER)
    post.metadata = metadata
    text = frontmatter.dumps(post, handler=CommentHandler())
    assert text.startswith("# ---\n# ")
    assert frontmatter.parse(text, handler=CommentHandler()) == (metadata, HANDLER.strip())


# --- A block that cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HANDLER, "1: there is no front matter: expected a block of comments between two lines '# ---'"),
        (
            '"""Doc."""\n' + block("Timeout: 3"),
            "2: '# ---' must be at the top of the file, only a shebang may be above it",
        ),
        (
            "\n" + block("Timeout: 3"),
            "2: '# ---' must be at the top of the file, only a shebang may be above it",
        ),
        (
            "#!/usr/bin/python\n# coding: utf-8\n" + block("Timeout: 3"),
            "3: '# ---' must be at the top of the file, only a shebang may be above it",
        ),
        (
            "# ---\n# Timeout: 3\n" + HANDLER,
            "3: 'def handler(event, context):' is inside the front matter, which begins in line 1 "
            "and is not closed: expected '# ' and a property, or '# ---' to end it",
        ),
        (
            "# ---\n# Timeout: 3\n\n# ---\n" + HANDLER,
            "3: '' is inside the front matter, which begins in line 1 "
            "and is not closed: expected '# ' and a property, or '# ---' to end it",
        ),
        (
            "# ---\n#Timeout: 3\n# ---\n" + HANDLER,
            "2: '#Timeout: 3' is inside the front matter, which begins in line 1 "
            "and is not closed: expected '# ' and a property, or '# ---' to end it",
        ),
        (
            "# ---\n# ---\n" + HANDLER,
            "1: the front matter holds nothing: expected properties, such as 'Timeout: 60'",
        ),
        (
            "#!/usr/bin/python\n# ---\n# # nothing but this\n# ---\n" + HANDLER,
            "2: the front matter holds nothing: expected properties, such as 'Timeout: 60'",
        ),
        (
            block("hello"),
            "1: the front matter holds 'hello': expected properties, such as 'Timeout: 60'",
        ),
        (
            block("- Timeout"),
            "1: the front matter holds ['Timeout']: expected properties, such as 'Timeout: 60'",
        ),
        (block("Timeout: 3", "Timeout: 4"), "3: Timeout is repeated here, after line 2; keep one"),
        (
            "#!/bin/sh\n" + block("Tags: {a: b,", "  a: c}"),
            "4: a is repeated here, after line 3; keep one",
        ),
        (
            block("Environment:", "\tVariables: {}"),
            "3: this is not YAML: found character '\\t' that cannot start any token; indent with spaces",
        ),
        (
            block("Timeout: 3", "Tags: {a: b"),
            "3: this is not YAML: expected ',' or '}', but got '<stream end>'",
        ),
        (
            block("Timeout: 3", "Memory size: a: b"),
            "3: this is not YAML: mapping values are not allowed here",
        ),
        (block("Timeout: 3", "Description: a\x07b"), "3: the character '\\x07' is not allowed in YAML"),
        (
            block("Timeout: 3", "Description: !Subb x"),
            "3: !Subb is not a function of CloudFormation. Did you mean !Sub?",
        ),
        (
            block("Description: !Zzzzzz x"),
            "2: !Zzzzzz is not a function of CloudFormation. Known are !And, !Base64, !Cidr, !Condition, "
            "!Equals, !FindInMap, !GetAZs, !GetAtt, !If, !ImportValue, !Join, !Not, !Or, !Ref, !Select, "
            "!Split, !Sub, !Transform.",
        ),
        (
            block("Description: !!python/name:os.system x"),
            "2: the tag !!python/name:os.system is not known here; leave it out",
        ),
        (block("Tags: &a {x: *a}"), "2: this is not YAML: found unconstructable recursive node"),
        (block("Tags: {true: x}"), "2: the key True is not text; put it in quotes"),
        (block("1: x"), "2: the key 1 is not text; put it in quotes"),
        (block("Tags: {[a]: x}"), "2: the key ['a'] is not text; put it in quotes"),
    ],
)
def test_a_block_that_cannot_be_read_is_one_sentence_with_its_line(folder, text, message):
    assert report(folder, text) == f"lambda_functions/work.py:{message}"


def test_an_unclosed_block_at_the_end_of_the_file_is_named(folder):
    with pytest.raises(FrontMatterError) as caught:
        read(write(folder, "work.py", "# ---\n# Timeout: 3"))
    assert [str(problem) for problem in caught.value.problems][-1] == (
        "lambda_functions/work.py:1: the front matter is not closed: expected a second line '# ---'"
    )


def test_a_byte_order_mark_is_named(folder):
    path = folder / "work.py"
    path.write_text(block("Timeout: 3"), encoding="utf-8-sig")
    with pytest.raises(FrontMatterError) as caught:
        read(path)
    assert str(caught.value) == (
        "lambda_functions/work.py:1: "
        "the file begins with a byte order mark; save it as UTF-8 without one (BOM)"
    )


def test_a_file_that_is_not_utf_8_is_named_with_the_line_of_the_byte(folder):
    path = folder / "work.py"
    path.write_bytes(block("Timeout: 3", "Description: größe").encode("latin-1"))
    with pytest.raises(FrontMatterError) as caught:
        read(path)
    assert str(caught.value) == (
        "lambda_functions/work.py:3: the byte 0xf6 is not UTF-8; save the file as UTF-8"
    )


# --- Properties -------------------------------------------------------------------------------------------


NO_POLICY = "expected statements, a document, or the name of a managed policy"
NO_STATEMENT = "expected a mapping with Effect and Action"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Memory: 3", "Memory is not a property of AWS::Serverless::Function. Did you mean MemorySize?"),
        ("timeout: 3", "timeout is not a property of AWS::Serverless::Function. Did you mean Timeout?"),
        ("Colour: red", "Colour is not a property of AWS::Serverless::Function"),
        ("Timeout: ten", "Timeout is 'ten': expected a whole number"),
        ('Timeout: "10"', "Timeout is '10': expected a whole number"),
        ("Timeout:", "Timeout is None: expected a whole number"),
        ("Timeout: 1.5", "Timeout is 1.5: expected a whole number"),
        ("MemorySize: yes", "MemorySize is 'yes': expected a whole number"),
        ("MemorySize: true", "MemorySize is True: expected a whole number"),
        ("Architectures: arm64", "Architectures is 'arm64': expected a list"),
        ("Policies: 5", "Policies is 5: expected a list or a mapping or text"),
        # An empty item would be left out of the template without a word.
        ("Policies: [AWSXrayWriteOnlyAccess, null]", f"Policies has None: {NO_POLICY}"),
        ("Policies: [[]]", f"Policies has []: {NO_POLICY}"),
        ("Policies: {Statement: }", f"Policies has the statement None: {NO_STATEMENT}"),
        ("Policies: [{Statement: [{Effect: Deny}, a]}]", f"Policies has the statement 'a': {NO_STATEMENT}"),
        ("PropagateTags: 1", "PropagateTags is 1: expected true or false"),
        ("Environment: {LIMIT: '1'}", "Environment holds no Variables: expected a mapping of names to texts"),
        (
            "Environment: {Variables: {A: [10]}}",
            "Environment: A is [10]: expected text, a number, or true or false",
        ),
        ("Tags: {team: {a: b}}", "Tags: team is {'a': 'b'}: expected text, a number, or true or false"),
        (
            "Handler: x.y",
            "Handler cannot be set here: it is always the function handler() of this file",
        ),
        (
            "CodeUri: ./src",
            "CodeUri cannot be set here: the code is this file and shared/, zipped by the deployment",
        ),
        (
            "AutoPublishAlias: live",
            "AutoPublishAlias cannot be set here: the deployment publishes a version of its own, "
            "without an alias",
        ),
        (
            "FunctionName: mine",
            "FunctionName cannot be set here: it is made from the names of the stack and of this file",
        ),
    ],
)
def test_a_property_that_cannot_stand_is_reported_with_its_line(folder, line, message):
    assert report(folder, block("Description: first", line)) == f"lambda_functions/work.py:3: {message}"


def test_what_cloudformation_computes_may_stand_anywhere(folder):
    text = block(
        "Timeout: !Ref A", "Environment: {Variables: {B: !Ref C}}", "Tags: {d: !Ref E}", "Layers: !Ref F"
    )
    assert len(read(write(folder, "work.py", text)).properties) == 4


@pytest.mark.parametrize("name", ["LoggingConfig", "Tags"])
def test_what_the_deployment_adds_to_must_be_readable_here(folder, name):
    assert report(folder, block(f"{name}: !Ref A")) == (
        f"lambda_functions/work.py:2: {name} is {{'Ref': 'A'}}: "
        "expected a mapping, as the deployment adds to it"
    )


def test_every_property_of_a_sam_function_is_known():
    assert sorted([*function_properties.KINDS, *function_properties.RESERVED]) == sorted(
        SamFunction.property_types
    )


# --- Placeholders -----------------------------------------------------------------------------------------

KNOWN = (
    "Known are ${SourceBuckets}, ${SourceObjects}, ${DestinationBuckets}, ${DestinationObjects}, ${KmsKeys}, "
    "${StateMachineExecutions}, ${DeploymentBucket}, ${MetricsStack}."
)
WRITE_SUB = f"Write !Sub before a text that CloudFormation shall fill. {KNOWN}"


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ("${SourceObject}", f"${{SourceObject}} is not known. Did you mean ${{SourceObjects}}? {KNOWN}"),
        (
            "arn:${AWS::Partition}:s3:::x",
            f"${{AWS::Partition}} is not known. {WRITE_SUB}",
        ),
        (
            "${WorkBucket.Arn}/*",
            f"${{WorkBucket.Arn}} is not known. {WRITE_SUB}",
        ),
        (
            "${zzz}",
            f"${{zzz}} is not known. {WRITE_SUB}",
        ),
        ("${KmsKeys}/*", "${KmsKeys} is a list and must stand alone, found '${KmsKeys}/*'"),
    ],
)
def test_a_placeholder_that_nothing_fills_is_reported_with_its_own_line(folder, resource, message):
    text = block(
        "Timeout: 3",
        "Policies:",
        "  - Effect: Allow",
        "    Action: s3:GetObject",
        f"    Resource: ['{resource}']",
    )
    assert report(folder, text) == f"lambda_functions/work.py:6: {message}"


def test_what_cloudformation_and_iam_fill_is_left_alone():
    value = [
        {"Fn::Sub": ["${Anything}", {"Anything": "${Else}"}]},
        "${aws:username}",
        "${s3:prefix}/${*}${$}${?}",
    ]
    assert list(placeholders.mistakes(value)) == []
    assert placeholders.fill(value, {"DeploymentBucket": "b"}) == value


def test_lists_are_spliced_into_lists_and_texts_into_texts():
    filled = placeholders.fill(
        {
            "Resource": "${KmsKeys}",
            "More": ["a", "${KmsKeys}", ["b"]],
            "Text": "in ${DeploymentBucket}!",
            "N": 1,
        },
        {"KmsKeys": ["k1", "k2"], "DeploymentBucket": "zips"},
    )
    assert filled == {"Resource": ["k1", "k2"], "More": ["a", "k1", "k2", ["b"]], "Text": "in zips!", "N": 1}


# --- The source -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "handler = print\n",
        "class A:\n    def handler(self, event): ...\n",
    ],
)
def test_a_file_without_a_function_to_call_is_refused(folder, rest):
    assert report(folder, f"# ---\n# Timeout: 3\n# ---\n{rest}") == (
        "lambda_functions/work.py: there is no function for Lambda to call: "
        "expected 'def handler(event, context):'"
    )


def test_a_syntax_error_is_reported_with_its_line(folder):
    assert report(folder, block("Timeout: 3") + "x = (\n") == (
        "lambda_functions/work.py:6: this is not Python: '(' was never closed"
    )


@pytest.mark.parametrize("name", ["Copy.py", "copy-keys.py", "copy_.py", "a_1.py", "2a.py", "a__b.py"])
def test_a_name_that_could_not_be_imported_or_told_apart_is_refused(folder, name):
    assert report(folder, block("Timeout: 3"), name) == (
        f"lambda_functions/{name}: the name of a Lambda is lower-case words joined by underscores, "
        "such as copy_keys.py"
    )


# --- The folder -------------------------------------------------------------------------------------------


def test_all_mistakes_of_all_files_are_reported_together(folder):
    write(folder, "b.py", "# ---\n# Timeout: ten\n# Memory: 1\n# ---\nx = (\n")
    write(folder, "a.py", HANDLER)
    write(folder, "good.py", GOOD)
    with pytest.raises(FrontMatterError) as caught:
        read_all(folder)
    assert str(caught.value) == (
        "lambda_functions/a.py:1: there is no front matter: "
        "expected a block of comments between two lines '# ---'\n"
        "lambda_functions/b.py:2: Timeout is 'ten': expected a whole number\n"
        "lambda_functions/b.py:3: Memory is not a property of AWS::Serverless::Function. "
        "Did you mean MemorySize?\n"
        "lambda_functions/b.py:5: this is not Python: '(' was never closed"
    )
    assert caught.value.exit_code == 2


def test_only_sources_directly_in_the_folder_are_lambdas(folder):
    (folder / "shared").mkdir()
    write(folder / "shared", "helper.py", "x = 1\n")
    write(folder, "_draft.py", "x = 1\n")
    write(folder, "__init__.py", "")
    write(folder, "notes.md", "x")
    write(folder, "b.py", block("Timeout: 2"))
    write(folder, "a.py", block("Timeout: 1"))
    assert read_all(folder) == (
        FunctionSpec("a", folder / "a.py", {"Timeout": 1}),
        FunctionSpec("b", folder / "b.py", {"Timeout": 2}),
    )


def test_an_empty_or_missing_folder_is_a_mistake(folder):
    for empty in (folder, folder.parent / "lambda_function"):
        with pytest.raises(FrontMatterError) as caught:
            read_all(empty)
        assert str(caught.value) == f"{empty.name}/: there is no Lambda here: expected at least one *.py"


def test_our_own_lambdas_can_be_read():
    names = [spec.name for spec in read_all(PROJECT / "lambda_functions")]
    assert names == [
        "compare_listings",
        "copy_keys",
        "copy_large_object",
        "delete_orphaned_keys",
        "list_ranges",
        "tally_run",
        "validate_input",
    ]
