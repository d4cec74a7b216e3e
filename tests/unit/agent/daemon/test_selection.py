"""``[auto] on``: what counts, and what changes the hash of it."""

import pytest

from agent.daemon.publish.selection import Selection, fingerprint
from sync.store.lines import Content


@pytest.mark.parametrize(
    ("patterns", "inside", "outside"),
    [
        ([], ["a", "b/c.md"], []),
        (["src/**"], ["src/a.py", "src/deep/b"], ["a.py", "other/src/a.py", "src.py"]),
        (["src"], ["src/a.py", "lib/src/b", "src"], ["a.py"]),
        (["/src/"], ["src/a.py"], ["lib/src/b", "src"]),
        (["*.py"], ["a.py", "src/deep/b.py"], ["a.pyc"]),
        (["src/**", "!*.md"], ["src/a.py"], ["src/a.md", "src/deep/b.md", "a.md"]),
        (["!*.md", "src/"], ["src/a.md", "src/a.py", "b.py"], ["b.md"]),
        (["!*.md"], ["a.py", "src/b"], ["a.md", "src/b.md"]),
        (["src", "!src/old", "src/old/keep"], ["src/a", "src/old/keep/b"], ["src/old/a"]),
    ],
)
def test_last_pattern_that_matches_a_file_or_a_folder_above_it_decides(
    patterns: list[str], inside: list[str], outside: list[str]
) -> None:
    selection = Selection(patterns)
    assert [path for path in inside if not selection.matches(path.encode())] == []
    assert [path for path in outside if selection.matches(path.encode())] == []


def test_only_path_and_content_of_what_is_selected_count() -> None:
    def of(files: dict[str, str], links: dict[str, str] | None = None) -> str:
        contents = [
            (path.encode(), Content(1, chunks, "anywhere", "")) for path, chunks in sorted(files.items())
        ]
        return fingerprint(
            Selection(["src/**"]),
            contents,
            {path.encode(): target.encode() for path, target in (links or {}).items()},
        )

    one = of({"src/a": "x", "b": "y"})
    assert of({"src/a": "x", "b": "other"}, {"link": "a", "src/empty": ""}) == one
    others = [
        of({"src/a": "z"}),
        of({"src/b": "x"}),
        of({"src/a": "x", "src/b": "y"}),
        of({}),
        of({"src/a": "x"}, {"src/l": "a"}),
    ]
    assert len({one, *others}) == 6
