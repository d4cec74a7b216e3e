// One sample, opened beside the list.

const panel = document.getElementById("sample");
let opened = null;

function open(sample, at) {
  opened = sample;
  const title = make("h2", "", "", whole(sample.id, []));
  title.id = "sample-name";
  title.tabIndex = -1;
  panel.replaceChildren(
    make("div", "panel-bar", "", badge(sample), make("span", "faint", number(at + 1) + " of " + number(shown.length)), ...steps(at)),
    title,
    ...blocks(sample),
  );
  panel.hidden = false;
  panel.scrollTop = 0;
  document.body.classList.add("opened");
  remember("#sample=" + encodeURIComponent(sample.id));
}

function steps(at) {
  const step = (label, name, does, off) => {
    const button = make("button", "", label);
    button.type = "button";
    button.title = name;
    button.setAttribute("aria-label", name);
    button.disabled = off;
    button.addEventListener("click", does);
    return button;
  };
  return [
    step("\u2191", "Previous sample (k)", () => show(at - 1), at <= 0),
    step("\u2193", "Next sample (j)", () => show(at + 1), at >= shown.length - 1),
    step("\u2715", "Close (Esc)", close, false),
  ];
}

function blocks(sample) {
  const found = [];
  const add = (label, text, longest) => {
    if (text === null || text === undefined || text === "") return;
    found.push(make("h3", "", label), whole(text, wanted.words));
    if (longest && text.length >= longest) found.push(make("p", "faint", "Cut: a report keeps the first " + number(longest) + " characters."));
  };
  add("Prompt", sample.prompt, 4000);
  add("Context", sample.context, 4000);
  add("Answer", sample.answer, 2000);
  if (!sample.answer && sample.verdict !== 4) found.push(make("h3", "", "Answer"), make("p", "faint", "Empty."));
  add("Compared with", sample.rival, 2000);
  add("Reference", sample.reference, 2000);
  add("Why not graded", data.names.reason[sample.reason]);
  if (!sample.judgements.some((one) => one[3] === sample.explanation)) add("Explanation", sample.explanation);
  for (const one of sample.judgements) found.push(judgement(one));
  found.push(make("h3", "", "About"), facts(sample));
  return found;
}

function judgement([judge, verdict, value, reasoning, reason, parts]) {
  const name = make("h3", "", "Judge ", whole(data.names.judge[judge], []));
  const worth = value === null ? "no verdict: " + (reason || "") : (verdict || "value") + ", " + +value.toFixed(3);
  const box = make("section", "judge", "", name, whole(worth, []));
  if (reasoning) box.append(whole(reasoning, wanted.words));
  const named = Object.entries(parts);
  if (named.length) box.append(pairs(named));
  return box;
}

function facts(sample) {
  const details = Object.entries(sample.details).map(([name, value]) => [name, String(value)]);
  const known = [
    ["place", sample.place],
    ["group", data.names.group[sample.group]],
    ["shard", data.names.shard[sample.shard]],
    ["decided by", data.names.stage[sample.stage]],
    ["value", sample.value === null ? "" : String(sample.value)],
    ["length of answer", number(sample.answer.length)],
    ...details,
  ];
  return pairs(known.filter(([, value]) => value));
}

function pairs(known) {
  return make("dl", "", "", ...known.flatMap(([name, value]) => [make("dt", "", "", whole(name, [])), make("dd", "", "", whole(value, []))]));
}

function close() {
  if (!opened) return;
  opened = null;
  panel.hidden = true;
  panel.replaceChildren();
  document.body.classList.remove("opened");
  remember("#samples");
  grid.focus({ preventScroll: true });
}

// Opens the sample at that place of the list.
function show(at) {
  if (at < 0 || at >= shown.length) return;
  goTo(at);
  const first = !opened;
  open(shown[at], at);
  if (first) {
    document.getElementById("row-" + at).scrollIntoView({ block: "nearest", behavior: "instant" });
    document.getElementById("sample-name").focus({ preventScroll: true });
  }
}

function remember(hash) {
  if (location.hash !== hash) history.replaceState(null, "", hash);
}
