"""Puts texts that nobody vouches for between fences which they cannot close.

A graded answer may carry anything: a line that looks like the fence's end, an order to the judge, the marks with which
a chat model separates its messages. The name of a fence is one that occurs in none of the texts; the marks of chat
models, which a server would take for its own wherever they stand, get a space put in.
"""

import re
import unicodedata
from collections.abc import Sequence

# <|eot_id|>, <｜User｜>, [INST], <<SYS>>, </s>, <start_of_turn> and their like: one token each to the models that know them.
_CHAT_MARK = re.compile(
    r"<(?=[|\uff5c][^<>\s]{1,60}[|\uff5c]>"
    r"|/?(?:s|bos|eos|pad|unk|mask|start_of_turn|end_of_turn|end_of_utterance|think|tool_call|tool_response)>"
    r"|</?SYS>>)"
    r"|\[(?=/?[A-Z][A-Z_]{2,30}\])"
)
_UNSENDABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def safe(text: str) -> str:
    """``text`` that can be sent: no control characters, no halves of characters, no mark of a chat model in one piece."""
    return _CHAT_MARK.sub(lambda found: found[0] + " ", _UNSENDABLE.sub("\ufffd", text))


def ending(names: Sequence[str], texts: Sequence[str]) -> str:
    """What to put behind each of ``names``, so that none of them occurs in any of ``texts``, however it is written there.

    Nothing for nearly all texts, so that those that begin alike make prompts that begin alike.
    """
    # Looked ahead at, since one name may begin with another's last letters.
    pattern = re.compile(rf"(?=(?:{'|'.join(re.escape(name.casefold()) for name in names)})(?:-(x*))?)")
    found = [match[1] or "" for text in texts for match in pattern.finditer(_plain(text))]
    return "-" + "x" * (1 + max(map(len, found))) if found else ""


def fence(name: str, text: str) -> str:
    return f"<{name}>\n{text}\n</{name}>"


def _plain(text: str) -> str:
    """Without differences that a reader would not see: width, case, invisible characters."""
    if text.isascii():
        return text.casefold()
    visible = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", visible).casefold()
