"""The page above the samples: what the grading came to, as HTML that needs no script. Pure.

Whatever a run wrote goes through ``said``. Buttons with ``data-filter`` lead to the samples that a figure counts.
"""

import html
import json
from collections.abc import Iterable, Mapping, Sequence

from ..metrics import Summary
from ..notation import amount, coefficient, interval, percent
from . import shapes
from .characters import one_line, visible
from .contents import MISSING, PARTLY, RIGHT, UNSCORED, WRONG, Contents, judging
from .panel import Panel
from .summary import COMPARES
from .words import arc_rows

_MOST_PARTS = 200
CLASSES = {RIGHT: "right", PARTLY: "partly", WRONG: "wrong", UNSCORED: "unscored", MISSING: "missing"}


def said(text: str, longest: int = 0) -> str:
    """Text of a run as HTML: inert, on one line, cut where ``longest`` says so."""
    return html.escape(one_line(text, longest))


def head(contents: Contents) -> str:
    """The rate with its interval, and what became of all samples."""
    summary, ends, word = contents.summary, contents.interval, contents.sense
    if summary.rate is None or ends is None:
        figure = '<p class="rate">–</p><p>Nothing could be graded.</p>'
    else:
        what = "outputs right" if contents.arc else word.high
        over = f"allowing for {ends.clusters:,} groups" if ends.clusters else "samples taken as independent"
        figure = (
            f'<p class="rate">{percent(summary.rate)}</p>'
            f"<p>{what}: {amount(summary.right)} of the {summary.scored:,} that could be graded</p>"
            f"{shapes.interval(ends.low, summary.rate, ends.high)}"
            '<p class="scale" aria-hidden="true"><span>0</span><span>50</span><span>100 %</span></p>'
            f"<p>{interval(ends.low, ends.high)}, {over}</p>"
        )
    low, high = summary.floor, summary.ceiling
    notes = ""
    if low is not None and high is not None and summary.scored < contents.samples:
        notes = (
            f"<p>If all that was not graded were {word.low}, {percent(low)} would be {word.high}; if they were "
            f"{word.high}, {percent(high)}.</p>"
        )
    notes += f"<p>{said(contents.corrected.told)}</p>" if contents.corrected else ""
    if contents.arc is not None:
        about = "".join(
            f"<dt>{label}</dt><dd>{text}</dd>" for label, text in arc_rows(contents.arc, summary.scored)
        )
        notes += f"<dl>{about}</dl>"
    return (
        f'<section class="head"><div>{figure}</div><div>{_outcome(contents)}<div class="notes">{notes}</div>'
        "</div></section>"
    )


def cards(contents: Contents) -> str:
    """Each figure that this grading has, in a box of its own."""
    found = [
        ("Values", _histogram(contents)),
        ("What could not be graded", _reasons(contents)),
        ("By group", _parts(contents, contents.groups, "group")),
        ("By shard", _parts(contents, contents.shards, None)),
        ("Who decided", _stages(contents)),
        ("Judges", "" if contents.panel is None else _judges(contents, contents.panel)),
        ("Length of answers", _lengths(contents)),
    ]
    boxes = "".join(
        f'<section class="card"><h2>{title}</h2>{inside}</section>' for title, inside in found if inside
    )
    return f'<div class="cards">{boxes}</div>'


def origin(contents: Contents) -> str:
    """What decided these grades, for whoever wants to make them again."""
    entry, how = contents.grading.entry, judging(contents.grading)
    rows = [
        ("ledger", contents.grading.path.name),
        ("options", json.dumps(entry["options"], sort_keys=True)),
        ("outputs", f"SHA-256 {entry['outputs_sha256']}"),
        ("references", f"SHA-256 {entry['references_sha256']}" if entry["references_sha256"] else "none"),
    ]
    if how is not None:
        rows.append(("rubric", f"{how['rubric']}, SHA-256 {how['rubric_sha256']}"))
        rows.append(("pool", how["pool"]))
        for one in how["judges"]:
            options = json.dumps(one["options"], sort_keys=True)
            rows.append((f"judge {one['model']}", f"{one['digest']} on {one['server']}, {options}"))
    lines = "".join(f"<dt>{said(name)}</dt><dd>{html.escape(visible(text))}</dd>" for name, text in rows)
    return f"<details><summary>How these grades came about</summary><dl>{lines}</dl></details>"


def _outcome(contents: Contents) -> str:
    found = [(name, count) for name, count in contents.verdicts.items() if count]
    whole = max(1, contents.samples)
    legend = "".join(
        f"<li>{_button('verdict', contents.told(name), contents.told(name), CLASSES[name])} {count:,}"
        f' <span class="faint">{percent(count / whole)}</span></li>'
        for name, count in found
    )
    return (
        f"<h2>{contents.samples:,} sample{'' if contents.samples == 1 else 's'}</h2>"
        f'{shapes.stack((CLASSES[name], count / whole) for name, count in found)}<ul class="legend">{legend}</ul>'
    )


def _histogram(contents: Contents) -> str:
    """Unscored and missing samples stand beside the values, so that nothing is out of sight."""
    bars, counts = contents.histogram, contents.verdicts
    columns = [
        (("0" if bar.low == 0 else "1") if bar.low == bar.high else f"{bar.low:.1f}", bar.count, "value")
        for bar in bars
    ]
    columns += [(name, counts[name], CLASSES[name]) for name in (UNSCORED, MISSING) if counts[name]]
    most = max((count for _, count, _ in columns), default=0)
    if not most:
        return ""
    drawn = "".join(
        f"<li><span>{count:,}</span>{shapes.column(count / most, name)}<span>{label}</span></li>"
        for label, count, name in columns
    )
    wide = "" if bars and bars[0].low == bars[0].high else ' <span class="faint">(bars of 0.1)</span>'
    return f'<ol class="columns">{drawn}</ol><p>Samples by value{wide}</p>'


def _parts(contents: Contents, parts: Mapping[str, Summary], kind: str | None) -> str:
    """The lowest rates first. Of very many, the ends."""
    if len(parts) < 2:
        return ""
    rated = sorted(parts.items(), key=lambda item: (item[1].rate is None, item[1].rate or 0.0, item[0]))
    shown, half = rated, _MOST_PARTS // 2
    note = f"{len(parts):,} {kind or 'shard'}s, the lowest rate first; bars are 95 % intervals of samples taken as independent, the line is the whole"
    if len(rated) > _MOST_PARTS:
        shown = rated[:half] + rated[-half:]
        note += f"; the {half} lowest and the {half} highest are shown"
    lines = "".join(
        _rated(
            _button(kind, name, one_line(name, 60)) if kind else said(name, 60),
            None if part.rate is None else (part.low or 0.0, part.rate, part.high or 0.0),
            part.scored,
            contents.summary.rate,
        )
        for name, part in shown
    )
    return f'<div class="many">{_table(("", "", contents.sense.high, "of"), lines)}</div><p>{note}.</p>'


def _stages(contents: Contents) -> str:
    whole = max(1, contents.summary.samples)
    lines = ""
    for name, part in contents.stages.items():
        right = "–" if part.rate is None else percent(part.rate)
        lines += (
            f"<tr><th>{_button('stage', name, one_line(name, 40))}</th>"
            f"<td>{shapes.stack([('value', part.scored / whole)])}</td>"
            f"<td>{percent(part.scored / whole)}</td><td>{part.scored:,}</td><td>{right}</td></tr>"
        )
    return lines and _table(("", "", "share", "decided", contents.sense.high), lines)


def _judges(contents: Contents, panel: Panel) -> str:
    lines = ""
    for voice in panel.voices:
        right = percent(voice.right / voice.judged) if voice.judged else "–"
        verdicts = ", ".join(f"{name or 'value'} {count:,}" for name, count in voice.verdicts.items())
        lines += (
            f"<tr><th>{said(voice.name, 60)}<small>{said(verdicts, 200)}</small></th>"
            f"<td>{right}</td><td>{voice.judged:,}</td><td>{sum(voice.unusable.values()):,}</td>"
        )
        if panel.compares:
            flips = percent(voice.flips / voice.swapped) if voice.swapped else "–"
            lines += f"<td>{flips}</td>"
        lines += "</tr>"
    heads = ("", contents.sense.high, "of", "no verdict", *(("flipped",) if panel.compares else ()))
    text = _table(heads, lines)
    for pair in panel.accords:
        share = percent(pair.agreed / pair.n) if pair.n else "–"
        ends = () if pair.low is None or pair.high is None else (pair.low, pair.high)
        kappa = "" if pair.kappa is None else f", kappa {coefficient(pair.kappa, *ends)}"
        kappa += f", over {pair.clusters:,} groups" if ends and pair.clusters else ""
        text += f"<p>{said(pair.first)} and {said(pair.second)} agree on {share} of {pair.n:,}{kappa}.</p>"
    if panel.alpha is not None and len(panel.voices) > 2:
        text += f"<p>Krippendorff’s alpha of all{' (ordinal)' if panel.ordinal else ''}: {coefficient(panel.alpha)}.</p>"
    if panel.disputed:
        text += f"<p>{_button('disputed', '', 'Samples on which judges differ')}: {panel.disputed:,}.</p>"
    if panel.compares:
        text += (
            f"<p>Here {COMPARES}. Flipped: the judge chose otherwise when the two answers changed places.</p>"
        )
    return text + "".join(f"<p>{said(caution)}</p>" for caution in contents.cautions)


def _lengths(contents: Contents) -> str:
    found = contents.lengths
    if found is None:
        return ""
    lines = "".join(
        _rated(
            f"{part.shortest:,} to {part.longest:,}",
            (part.low, part.rate, part.high),
            part.scored,
            contents.summary.rate,
        )
        for part in found.parts
    )
    table = _table(("characters", "", contents.sense.high, "of"), lines) if lines else ""
    return f"{table}<p>Rank correlation of value and length: {found.correlation:+.2f} over {found.n:,} answers.</p>"


def _reasons(contents: Contents) -> str:
    summary, word = contents.summary, contents.sense
    lines = "".join(
        f"<tr><th>{_button('reason', reason, one_line(reason, 80) or 'no reason')}</th><td>{count:,}</td></tr>"
        for reason, count in sorted(summary.unscored.items(), key=lambda item: -item[1])
    )
    if not lines:
        return ""
    return f"{_table(('', 'samples'), lines)}<p>None of these counts as {word.low}, or as {word.high}.</p>"


def _rated(name: str, ends: tuple[float, float, float] | None, of: int, middle: float | None) -> str:
    drawn = "" if ends is None else shapes.interval(*ends, middle)
    rate = "–" if ends is None else percent(ends[1])
    return f"<tr><th>{name}</th><td>{drawn}</td><td>{rate}</td><td>{of:,}</td></tr>"


def _table(columns: Sequence[str], lines: str) -> str:
    heads: Iterable[str] = (f'<th scope="col">{name}</th>' for name in columns)
    return f"<table><thead><tr>{''.join(heads)}</tr></thead><tbody>{lines}</tbody></table>"


def _button(kind: str, value: str, label: str, name: str = "") -> str:
    mark = f'<i class="{name}"></i>' if name else ""
    chosen = html.escape(json.dumps(value), quote=True)
    return f'<button type="button" data-filter="{kind}" data-value="{chosen}">{mark}{html.escape(label)}</button>'
