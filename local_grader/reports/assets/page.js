// Search, filters, keys and links.

const field = (name) => document.getElementById(name);

function refresh() {
  const kept = opened || shown[current];
  choose();
  drawHeads();
  current = kept ? shown.indexOf(kept) : -1;
  list.scrollTop = 0;
  redraw();
  if (current >= 0) goTo(current);
  field("count").textContent = isNarrowed() ? number(shown.length) + " of " + number(samples.length) : number(samples.length);
  field("none").hidden = shown.length > 0;
  field("clear").disabled = !isNarrowed();
  field("verdict").value = wanted.reason >= 0 ? "reason " + wanted.reason : String(wanted.verdict);
  field("group").value = String(wanted.group);
  field("stage").value = String(wanted.stage);
  field("disputed").checked = wanted.disputed;
}

function clear() {
  Object.assign(wanted, { words: [], verdict: -1, reason: -1, group: -1, stage: -1, disputed: false });
  field("search").value = "";
  refresh();
}

function option(value, label) {
  const found = make("option", "", line(label));
  found.value = String(value);
  return found;
}

function fill() {
  const counts = data.verdicts.map((_, at) => samples.filter((sample) => sample.verdict === at).length);
  const verdicts = data.verdicts.map((name, at) => option(at, name + " (" + number(counts[at]) + ")")).filter((_, at) => counts[at]);
  field("verdict").append(option(-1, "all verdicts"), ...verdicts);
  if (data.names.reason.length > 1) {
    const reasons = make("optgroup", "", "", ...data.names.reason.map((name, at) => option("reason " + at, name)));
    reasons.label = "not graded because of";
    field("verdict").append(reasons);
  }
  for (const kind of ["group", "stage"]) {
    const names = data.names[kind].map((name, at) => [name, at]).sort((a, b) => collator.compare(a[0], b[0]));
    field(kind).append(option(-1, kind === "group" ? "all groups" : "decided by any"), ...names.map(([name, at]) => option(at, name)));
    field(kind).hidden = names.length < 2;
  }
  field("disputed-label").hidden = !samples.some((sample) => sample.disputed);
}

function filterBy(kind, value) {
  if (kind === "disputed") wanted.disputed = true;
  else if (kind === "reason") Object.assign(wanted, { reason: data.names.reason.indexOf(value), verdict: -1 });
  else if (kind === "verdict") Object.assign(wanted, { verdict: data.verdicts.indexOf(value), reason: -1 });
  else wanted[kind] = data.names[kind].indexOf(value);
  refresh();
  field("samples").scrollIntoView();
}

function followLink() {
  const found = /^#sample=(.*)$/s.exec(location.hash);
  if (!found) return;
  let id;
  try {
    id = decodeURIComponent(found[1]);
  } catch {
    return;
  }
  const sample = samples.find((one) => one.id === id);
  if (!sample) {
    field("count").textContent = "No sample is called " + line(id);
    return;
  }
  if (!shown.includes(sample)) clear();
  show(shown.indexOf(sample));
}

let waiting = 0;
field("search").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    wanted.words = field("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    refresh();
  }, 60);
});
field("verdict").addEventListener("change", () => {
  const [kind, at] = field("verdict").value.split(" ");
  Object.assign(wanted, kind === "reason" ? { reason: Number(at), verdict: -1 } : { verdict: Number(kind), reason: -1 });
  refresh();
});
for (const kind of ["group", "stage"]) {
  field(kind).addEventListener("change", () => {
    wanted[kind] = Number(field(kind).value);
    refresh();
  });
}
field("disputed").addEventListener("change", () => {
  wanted.disputed = field("disputed").checked;
  refresh();
});
field("clear").addEventListener("click", clear);
rows.addEventListener("click", (event) => {
  const found = event.target.closest(".row");
  if (found && !String(getSelection())) show(Number(found.dataset.at));
});
document.addEventListener("click", (event) => {
  const found = event.target.closest("[data-filter]");
  if (found) filterBy(found.dataset.filter, JSON.parse(found.dataset.value));
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const target = event.target;
  const writing = target.matches("input:not([type=checkbox]), select, textarea");
  const inList = target === grid || target === list;
  const opens = inList || target === document.body || panel.contains(target);
  const page = Math.max(1, Math.floor(list.clientHeight / height()) - 1);
  if (event.key === "Escape") {
    if (opened) close();
    else if (target === field("search")) grid.focus();
  } else if (writing) {
    if (target === field("search") && (event.key === "Enter" || event.key === "ArrowDown")) {
      grid.focus();
      goTo(Math.max(0, current));
    } else return;
  } else if (event.key === "/") {
    field("search").focus();
    field("search").select();
  } else if (event.key === "j" || (event.key === "ArrowDown" && inList)) move(1);
  else if (event.key === "k" || (event.key === "ArrowUp" && inList)) move(-1);
  else if (event.key === "PageDown" && inList) move(page);
  else if (event.key === "PageUp" && inList) move(-page);
  else if (event.key === "Home" && inList) move(-shown.length);
  else if (event.key === "End" && inList) move(shown.length);
  else if (event.key === "Enter" && opens && !target.matches("button, a, summary") && current >= 0) show(current);
  else return;
  event.preventDefault();
});

function move(by) {
  const at = Math.max(0, Math.min(shown.length - 1, current + by));
  if (opened) show(at);
  else goTo(at);
}

// Paper has no scroll bar: the first of what is shown are printed as they are.
const MOST_PRINTED = 200;
addEventListener("beforeprint", () => {
  const entries = shown.slice(0, MOST_PRINTED).map((sample) =>
    make("li", "", "", badge(sample), " ", make("b", "", line(sample.id)), whole(line(sample.prompt || ""), []), whole(line(sample.answer), [])),
  );
  if (shown.length > MOST_PRINTED) entries.push(make("li", "", "\u2026 and " + number(shown.length - MOST_PRINTED) + " more."));
  field("printed").replaceChildren(...entries);
});
addEventListener("afterprint", () => field("printed").replaceChildren());
addEventListener("hashchange", followLink);

fill();
refresh();
followLink();
