"""One HTML file that holds all it needs: it opens by a double click, without a network, and can ask nothing of one.

Its policy allows its own script and style by their hashes, and nothing else: no request, no frame, no other script, no
HTML made from text. So even a mistake in escaping would run nothing.
"""

import base64
import hashlib
from importlib import resources
from string import Template
from typing import IO

from .contents import Contents
from .figures import cards, head, origin, said
from .page_data import MOST, embedded
from .summary import method

_SCRIPTS = ("text.js", "samples.js", "list.js", "sample.js", "page.js")


def write_page(contents: Contents, file: IO[bytes]) -> None:
    script = '"use strict";\n(() => {\n' + "".join(map(_asset, _SCRIPTS)) + "})();\n"
    style = _asset("page.css")
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    text = Template(_asset("page.html")).substitute(
        policy=policy,
        style=style,
        script=script,
        run=said(contents.grading.title),
        method=said(method(contents)),
        head=head(contents),
        cards=cards(contents),
        origin=origin(contents),
        listed=_listed(contents),
        data=embedded(contents),
    )
    file.write(text.encode())


def _listed(contents: Contents) -> str:
    if contents.samples <= MOST:
        return ""
    return (
        f"<p>Listed are {MOST:,} of {contents.samples:,} samples, those that are not {contents.sense.high} first. The figures above "
        "count all; CSV and Parquet hold all.</p>"
    )


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
