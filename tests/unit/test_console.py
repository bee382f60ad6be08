"""What a person sees, on a terminal, in a pipe and in CI."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from deployment import text as wording
from deployment.console import Console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def piped(stdin: str = "", **options: object) -> tuple[Console, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Console(out, err, io.StringIO(stdin), environ={}, **options), out, err


def on_terminal(
    stdin: str = "", environ: dict[str, str] | None = None, **options: object
) -> tuple[Console, io.StringIO, io.StringIO]:
    out, err = Terminal(), Terminal()
    environ = {"TERM": "xterm"} if environ is None else environ
    return Console(out, err, Terminal(stdin), environ=environ, width=80, **options), out, err


def test_results_go_to_stdout_and_steps_and_warnings_to_stderr() -> None:
    shown, out, err = piped()
    shown.step("Uploading 2 zips")
    shown.warning("The machine is old")
    shown.result("done")
    assert out.getvalue() == "done\n"
    assert err.getvalue() == "Uploading 2 zips\nThe machine is old\n"


def test_nothing_is_folded_at_the_width_of_a_pipe_or_of_a_terminal() -> None:
    arn = "arn:aws:states:eu-west-1:123456789012:execution:" + "x" * 200
    shown, out, _ = piped()
    shown.result(arn)
    assert out.getvalue() == arn + "\n"
    shown, out, _ = on_terminal()
    shown.result(arn)
    assert out.getvalue() == arn + "\n"


SENTENCE = (
    "Error: The stack sync-buckets in 123456789012/eu-west-1 does not exist yet, and photos are waiting.\n"
    "  fabfile_config.py:34: SOURCE_BUCKETS is 'photos': expected a list, such as [] or ['one', 'two'], of names\n"
    "Stop it with `aws stepfunctions stop-execution --region us-east-1 --execution-arn arn:aws:states:us-east-1:1:x`, then go on."
)
FOLDED = (
    "Error: The stack sync-buckets in 123456789012/eu-west-1 does not exist yet, and\n"
    "photos are waiting.\n"
    "  fabfile_config.py:34: SOURCE_BUCKETS is 'photos': expected a list, such as []\n"
    "  or ['one', 'two'], of names\n"
    "Stop it with\n"
    "`aws stepfunctions stop-execution --region us-east-1 --execution-arn arn:aws:states:us-east-1:1:x`,\n"
    "then go on."
)


def test_sentences_are_folded_between_words_on_a_terminal_and_never_inside_a_command_or_in_a_pipe() -> None:
    shown, out, err = on_terminal(environ={"TERM": "xterm", "NO_COLOR": "1"})
    for write in (shown.say, shown.step, shown.warning):
        write(SENTENCE)
    assert (out.getvalue(), err.getvalue()) == (f"{FOLDED}\n", f"{FOLDED}\n" * 2)
    shown, out, err = piped()
    for write in (shown.say, shown.step, shown.warning):
        write(SENTENCE)
    assert (out.getvalue(), err.getvalue()) == (f"{SENTENCE}\n", f"{SENTENCE}\n" * 2)


def test_a_word_that_is_longer_than_the_terminal_is_not_broken() -> None:
    address = "https://" + "x" * 100
    shown, out, _ = on_terminal()
    shown.say(f"  {address} is the address")
    assert out.getvalue() == f"  {address}\n  is the address\n"


def test_a_json_document_comes_out_as_it_went_in() -> None:
    document = '{\n  "key": "[bold]a[/bold] :smile: \\u001b \\\\n",\n  "n": 1\n}'
    shown, out, _ = piped()
    shown.result(document)
    assert out.getvalue() == document + "\n"


def test_markup_in_a_key_is_text() -> None:
    shown, out, err = on_terminal()
    shown.step("[red]photos[/red]/:smile:/a.jpg")
    shown.table("", ["key"], [["[link=http://example.com]x[/link]"]])
    assert "[red]photos[/red]/:smile:/a.jpg" in err.getvalue()
    assert "[link=http://example.com]x[/link]" in out.getvalue()


def test_a_key_cannot_send_commands_to_the_terminal() -> None:
    shown, _, err = on_terminal()
    shown.step("a\x1b]0;title\x07b\x9b2Jc\u202edcba\ud800\x7f\r")
    assert err.getvalue() == "a\\x1b]0;title\\x07b\\x9b2Jc\\u202edcba\\ud800\\x7f\\r\n"


def test_a_line_end_in_a_cell_is_written_as_an_escape() -> None:
    shown, out, _ = piped()
    shown.table("", ["key"], [["two\nlines\tx"]])
    assert "two\\nlines\\tx" in out.getvalue()


def test_a_table_in_a_pipe_is_plain_text_with_numbers_on_the_right() -> None:
    shown, out, _ = piped()
    shown.table("Plan", ["what", "objects", "size"], [["copy", 12345, "1.5 GiB"], ["delete", 7, "999 bytes"]])
    assert [line.rstrip() for line in out.getvalue().splitlines()] == [
        "Plan",
        "what     objects        size",
        "─" * 28,
        "copy      12,345     1.5 GiB",
        "delete         7   999 bytes",
    ]


def test_long_cells_are_folded_at_80_columns_and_nothing_is_lost() -> None:
    key = "folder/" * 30
    shown, out, _ = on_terminal(environ={"TERM": "xterm", "NO_COLOR": "1"})
    shown.table("Keys", ["key", "bytes"], [[key, 1]])
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    assert max(map(len, plain.splitlines())) == 80
    assert re.sub(r"[\s1]", "", plain.split("─\n")[1]) == key


def test_a_terminal_without_the_characters_shows_their_numbers() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    shown = Console(stream, stream, io.StringIO(), environ={})
    shown.result("Grüße")
    shown.table("", ["key"], [["a"]])
    assert raw.getvalue().startswith(b"Gr\\xfc\\xdfe\n")
    assert b"\\u2500" not in raw.getvalue()


def test_progress_in_a_pipe_writes_changes_only_and_not_more_often_than_every_two_seconds() -> None:
    clock = Clock()
    shown, out, err = piped(clock=clock)
    with shown.progress("Copying") as progress:
        for second, text in enumerate(["1 of 9", "1 of 9", "2 of 9", "3 of 9", "4 of 9\n5 ranges"]):
            clock.now = 100.0 + second
            progress.update(text)
        progress.update("9 of 9")
    assert err.getvalue() == "Copying\n  1 of 9\n  2 of 9\n  4 of 9; 5 ranges\n  9 of 9\n"
    assert out.getvalue() == ""


def test_progress_with_the_time_is_a_line_every_ten_seconds_in_a_pipe_changed_or_not() -> None:
    clock = Clock()
    shown, _, err = piped(clock=clock)
    began = datetime(2026, 11, 22, 23, 59, 55, tzinfo=UTC)
    with shown.progress("Copying", lambda: began + timedelta(seconds=clock.now - 100)) as progress:
        for second in range(22):
            clock.now = 100.0 + second
            progress.update("1 of 9\nnone failed" if second < 12 else "2 of 9")
        progress.update("9 of 9")
    assert err.getvalue() == (
        "Copying\n  23:59:55  1 of 9; none failed\n  00:00:05  1 of 9; none failed\n  00:00:15  2 of 9\n"
        "  00:00:16  9 of 9\n"
    )


def test_progress_that_ends_where_it_stood_says_nothing_twice() -> None:
    shown, _, err = piped(clock=Clock())
    with shown.progress("Copying") as progress:
        progress.update("9 of 9")
    with shown.progress("Waiting"):
        pass
    assert err.getvalue() == "Copying\n  9 of 9\nWaiting\n"


@pytest.mark.parametrize("environ", [{"CI": "true"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_progress_is_not_redrawn_in_ci_without_colour_or_on_a_dumb_terminal(environ: dict[str, str]) -> None:
    shown, _, err = on_terminal(environ=environ)
    with shown.progress("Copying") as progress:
        progress.update("1 of 9")
    assert "\x1b" not in err.getvalue()
    assert err.getvalue() == "Copying\n  1 of 9\n"


def test_progress_on_a_terminal_is_redrawn_and_gone_afterwards() -> None:
    shown, out, err = on_terminal()
    with shown.progress("Copying") as progress:
        progress.update("1 of 9 " + "x" * 200)
        shown.step("a line above")
    text = err.getvalue()
    assert "Copying: 1 of 9" in text and "a line above\n" in text
    assert "x" * 81 not in text, "a line of the block is cut at the width"
    assert text.rstrip().endswith("\x1b[2K"), "the block is erased at the end"
    assert out.getvalue() == ""


def test_a_block_of_several_lines_says_for_how_long_it_has_been_going_on() -> None:
    clock = Clock()
    shown, _, err = on_terminal(clock=clock)
    with shown.progress("Copying") as progress:
        clock.now += 61
        progress.update("1 of 9\n2 failed")
    assert re.search(r"01:01 Copying: 1 of 9\s+2 failed", err.getvalue())


def test_a_text_that_is_asked_for_is_asked_for_at_each_redrawing() -> None:
    clock = Clock()
    shown, _, err = on_terminal(clock=clock)
    with shown.progress("Copying") as progress:
        progress.update(lambda: f"{110 - clock.now:.0f} s left")
        clock.now += 3
    assert "Copying: 7 s left" in err.getvalue()
    quiet, _, err = piped(clock=clock)
    with quiet.progress("Copying") as progress:
        progress.update(lambda: "6 s left")
    assert err.getvalue() == "Copying\n  6 s left\n"


def test_an_exception_ends_the_progress_block_and_passes_through() -> None:
    shown, _, err = on_terminal()
    with pytest.raises(ValueError, match="broken"), shown.progress("Copying"):
        raise ValueError("broken")
    assert "\x1b[?25h" in err.getvalue(), "the cursor is back"


def test_a_question_goes_to_stderr_and_its_answer_comes_from_stdin() -> None:
    shown, out, err = piped(" yes \n")
    assert shown.ask("Deploy? [y/N]") == "yes"
    assert (out.getvalue(), err.getvalue()) == ("", "Deploy? [y/N] ")


def test_no_more_input_is_an_empty_answer() -> None:
    shown, _, _ = piped("")
    assert shown.ask("Deploy?") == ""


def test_somebody_is_there_only_if_questions_and_answers_go_through_a_terminal() -> None:
    assert on_terminal()[0].is_interactive
    assert not on_terminal(environ={"CI": "1"})[0].is_interactive
    assert not piped()[0].is_interactive
    assert not Console(Terminal(), Terminal(), io.StringIO(), environ={}).is_interactive
    assert Console(io.StringIO(), Terminal(), Terminal(), environ={}).is_interactive


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (1024**2 - 1, "1.0 MiB"),
        (5 * 1024**3, "5.0 GiB"), (2 * 1024**4, "2.0 TiB"), (3000 * 1024**5, "3,000.0 PiB"),
    ],
)  # fmt: skip
def test_sizes_are_written_in_binary_units(size_bytes: int, text: str) -> None:
    assert wording.size(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (4, "4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (172_799, "47 h 59 min"),
        (172_800, "2 days"),
        (216_000, "2.5 days"),
        (30 * 86_400, "30 days"),
    ],
)
def test_durations_are_written_in_words(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


def test_one_object_is_singular() -> None:
    assert [wording.objects(n) for n in (0, 1, 12345)] == ["0 objects", "1 object", "12,345 objects"]


def test_a_diff_is_coloured_on_a_terminal_and_plain_elsewhere() -> None:
    shown, out, _ = piped()
    shown.diff("@@ -1 +1 @@\n-a\n+b\n c")
    assert out.getvalue() == "@@ -1 +1 @@\n-a\n+b\n c\n"
    shown, out, _ = on_terminal()
    shown.diff("-a\n+b\n c")
    assert out.getvalue() == "\x1b[31m-a\x1b[0m\n\x1b[32m+b\x1b[0m\n c\n"


def test_plain_lines_are_written_without_loading_rich() -> None:
    code = (
        "import sys; from deployment.console import Console; c = Console(); c.step('a'); c.result('b'); "
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
