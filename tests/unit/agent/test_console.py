"""What a command says, where it goes, and that nothing hostile reaches the terminal."""

import io
import json
import threading

import pytest

from agent.console import Console, JsonConsole, TextConsole, visible
from sync.clock import ManualClock
from sync.progress import Silent


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def err() -> io.StringIO:
    return io.StringIO()


def speak(console: Console) -> None:
    console.say("scanning")
    console.warn("two files were skipped")
    console.table("Runs", ["run", "state"], [["r1", "done"], ["longer", None]])
    console.result({"runs": 2}, "2 runs")
    console.next_step("hybrid pull")


def test_results_go_to_standard_output_and_the_rest_to_standard_error(
    out: io.StringIO, err: io.StringIO
) -> None:
    speak(TextConsole(out=out, err=err, clock=ManualClock()))
    assert out.getvalue() == "Runs\nrun     state\nr1      done\nlonger\n2 runs\n"
    assert err.getvalue() == "scanning\nWarning: two files were skipped\nNext: hybrid pull\n"


def test_quiet_leaves_results_and_warnings(out: io.StringIO, err: io.StringIO) -> None:
    speak(TextConsole(out=out, err=err, clock=ManualClock(), quiet=True))
    assert out.getvalue().endswith("2 runs\n")
    assert err.getvalue() == "Warning: two files were skipped\n"


def test_json_puts_one_document_and_nothing_else_on_standard_output(
    out: io.StringIO, err: io.StringIO
) -> None:
    speak(JsonConsole(out=out, err=err, clock=ManualClock()))
    assert json.loads(out.getvalue()) == {"runs": 2}
    assert err.getvalue() == "scanning\nWarning: two files were skipped\n"


def test_stream_is_one_line_each(out: io.StringIO, err: io.StringIO) -> None:
    console = JsonConsole(out=out, err=err, clock=ManualClock())
    console.stream({"line": "a\nb"})
    console.stream({"line": "c"})
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [{"line": "a\nb"}, {"line": "c"}]


def test_stream_of_text_keeps_empty_lines(out: io.StringIO, err: io.StringIO) -> None:
    console = TextConsole(out=out, err=err, clock=ManualClock())
    console.stream({"line": ""}, "")
    console.stream({"line": "x"}, "x")
    assert out.getvalue() == "\nx\n"


@pytest.mark.parametrize(
    "hostile", ["\x1b]0;title\x07", "\x9b31m", "a\rb", "evil\u202egpj.exe", "\u2066x", "\x00", "x\u2028y"]
)
def test_control_characters_are_shown_as_escapes(hostile: str) -> None:
    shown = visible(hostile)
    assert shown != hostile
    assert shown.isprintable()


def test_ordinary_text_of_any_language_is_left_alone() -> None:
    assert visible("naïve\tÜbung\n数据 🙂") == "naïve\tÜbung\n数据 🙂"


@pytest.mark.parametrize("terminal", [False, True])
def test_table_shows_cells_as_they_are_without_markup(terminal: bool, err: io.StringIO) -> None:
    out = Terminal() if terminal else io.StringIO()
    console = TextConsole(out=out, err=err, clock=ManualClock())
    console.table("", ["na[b]me"], [["[red]x[/red] \x1b[2J"]])
    assert "na[b]me" in out.getvalue()
    assert "[red]x[/red] \\x1b[2J" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()


@pytest.mark.parametrize("kind", [TextConsole, JsonConsole])
@pytest.mark.parametrize(("quiet", "bars"), [(True, True), (False, False)])
def test_no_progress_is_told_where_it_is_not_wanted(
    kind: type[TextConsole | JsonConsole], quiet: bool, bars: bool, out: io.StringIO
) -> None:
    for stream in (io.StringIO(), Terminal()):
        console = kind(out=out, err=stream, clock=ManualClock(), quiet=quiet, bars=bars)
        assert isinstance(console.progress(), Silent)


@pytest.mark.parametrize("kind", [TextConsole, JsonConsole])
def test_without_a_terminal_long_work_says_a_line_a_minute(
    kind: type[TextConsole | JsonConsole], out: io.StringIO, err: io.StringIO
) -> None:
    clock = ManualClock()
    meter = kind(out=out, err=err, clock=clock).progress()
    meter.start("judge m", 1_000, "prompts")
    meter.advance(400)  # known from before
    for _ in range(150):
        clock.advance(1)
        meter.advance(2)
    meter.finish()
    assert err.getvalue().splitlines() == [
        "judge m: 520 of 1,000 prompts, 2.0 prompts/s, 4 min left",
        "judge m: 640 of 1,000 prompts, 2.0 prompts/s, 3 min left",
        "judge m: 700 prompts in 2 min",
    ]
    assert not out.getvalue()


def test_bar_shows_rate_and_remaining_time_on_standard_error_only(out: io.StringIO) -> None:
    clock, err = ManualClock(), Terminal()
    console = TextConsole(out=out, err=err, clock=clock)
    meter = console.progress()
    meter.start("upload", 10_000_000)
    for _ in range(5):
        clock.advance(1)
        meter.advance(1_000_000)
    meter.finish()
    assert "upload" in err.getvalue()
    assert "5.0/10.0 MB" in err.getvalue()
    assert "1.0 MB/s" in err.getvalue()
    assert "00:05" in err.getvalue()
    assert not out.getvalue()


def test_counts_have_a_rate_in_their_own_unit(out: io.StringIO) -> None:
    clock, err = ManualClock(), Terminal()
    console = TextConsole(out=out, err=err, clock=clock)
    meter = console.progress()
    meter.start("scan", None, "files")
    for _ in range(3):
        clock.advance(1)
        meter.advance(250)
    meter.finish()
    assert "750/?" in err.getvalue()
    assert "250 files/s" in err.getvalue()


def test_message_during_a_phase_is_a_line_of_its_own(out: io.StringIO) -> None:
    err = Terminal()
    console = TextConsole(out=out, err=err, clock=ManualClock())
    console.progress().start("upload", 10)
    console.warn("the [network] is slow")
    console.close()
    assert any(line.endswith("Warning: the [network] is slow") for line in err.getvalue().split("\n"))


def test_closing_ends_a_phase_that_an_error_left_open(out: io.StringIO) -> None:
    before = threading.active_count()
    console = TextConsole(out=out, err=Terminal(), clock=ManualClock())
    console.progress().start("upload", 10)
    console.close()
    console.close()
    assert threading.active_count() == before
