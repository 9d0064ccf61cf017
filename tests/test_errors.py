import pytest

from research.errors import printable, warn


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b/ü", "a b/ü"),
        ("one\ntwo\r", "one\\ntwo\\r"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("right\u202eleft\udce9", "right\\u202eleft\\udce9"),
    ],
)
def test_what_names_in_files_hold_neither_breaks_lines_nor_steers_a_terminal(text, shown, capsys):
    assert printable(text) == shown
    warn(text)
    assert capsys.readouterr().err == f"warning: {shown}\n"
