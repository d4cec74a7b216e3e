// The list draws only the rows that can be seen, so that its length costs nothing.

const grid = document.getElementById("grid");
const list = document.getElementById("list");
const rows = document.getElementById("rows");
const heads = document.getElementById("heads");
const SPARE = 6;
let current = -1;
let drawn = "";

const has = (test) => samples.some(test);
const COLUMNS = [
  { key: "verdict", label: "", width: "7.2rem", cell: (sample) => badge(sample) },
  { key: "id", label: "sample", width: "minmax(5rem, .8fr)", cell: (sample) => line(sample.id) },
  { key: "prompt", label: "prompt", width: "minmax(0, 2fr)", cell: (sample) => line(sample.prompt || ""), if: has((one) => one.prompt) },
  { key: "answer", label: "answer", width: "minmax(0, 2fr)", cell: (sample) => line(sample.answer), sorts: "length of answer" },
  { key: "reference", label: "reference", width: "minmax(0, 1.2fr)", cell: (sample) => line(sample.reference || ""), if: has((one) => one.reference) },
  { key: "group", label: "group", width: "minmax(0, .9fr)", cell: (sample) => line(data.names.group[sample.group] || ""), if: data.names.group.length > 0 },
  { key: "stage", label: "decided by", width: "6.5rem", cell: (sample) => line(data.names.stage[sample.stage] || ""), if: data.names.stage.length > 1 },
  { key: "value", label: "value", width: "4.2rem", cell: (sample) => (sample.value === null ? "" : String(+sample.value.toFixed(3))), if: has((one) => one.verdict === 1) },
].filter((column) => column.if !== false);

function badge(sample) {
  const found = make("span", "badge " + VERDICT_CLASSES[sample.verdict], data.verdicts[sample.verdict]);
  if (sample.disputed) {
    const differ = make("span", "differ", "\u2260");
    differ.title = "Judges differ";
    found.append(differ);
  }
  return found;
}

function drawHeads() {
  document.documentElement.style.setProperty("--columns", COLUMNS.map((column) => column.width).join(" "));
  heads.replaceChildren(
    ...COLUMNS.map((column) => {
      const head = make("div", "cell " + column.key);
      head.setAttribute("role", "columnheader");
      const sorted = order.key === column.key;
      head.setAttribute("aria-sort", sorted ? (order.down ? "descending" : "ascending") : "none");
      const button = make("button", "", column.label || "verdict");
      button.type = "button";
      button.title = "Sort by " + (column.sorts || column.label || "verdict");
      if (sorted) button.append(order.down ? " \u2193" : " \u2191");
      button.addEventListener("click", () => sortBy(column.key));
      head.append(button);
      return head;
    }),
  );
}

// Up, down, then as read.
function sortBy(key) {
  if (order.key !== key) Object.assign(order, { key, down: false });
  else if (!order.down) order.down = true;
  else Object.assign(order, { key: "at", down: false });
  refresh();
}

function row(sample, at) {
  const element = make("div", "row" + (at === current ? " current" : ""));
  element.id = "row-" + at;
  element.setAttribute("role", "row");
  element.setAttribute("aria-rowindex", at + 2);
  element.setAttribute("aria-selected", at === current);
  element.dataset.at = at;
  element.style.transform = "translateY(" + at * height() + "px)";
  for (const column of COLUMNS) {
    const cell = make("div", "cell " + column.key, "", column.cell(sample));
    cell.setAttribute("role", "gridcell");
    if (column.key !== "verdict") cell.dir = "auto";
    element.append(cell);
  }
  return element;
}

function height() {
  return Number.parseFloat(getComputedStyle(list).getPropertyValue("--row"));
}

function draw() {
  const tall = height();
  const first = Math.max(0, Math.floor(list.scrollTop / tall) - SPARE);
  const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / tall) + SPARE);
  const now = [first, last, current, tall].join();
  if (now === drawn) return;
  drawn = now;
  rows.replaceChildren(...shown.slice(first, last).map((sample, at) => row(sample, first + at)));
  const visible = current >= first && current < last;
  if (visible) grid.setAttribute("aria-activedescendant", "row-" + current);
  else grid.removeAttribute("aria-activedescendant");
}

function redraw() {
  drawn = "";
  rows.style.height = shown.length * height() + "px";
  grid.style.setProperty("--gutter", list.offsetWidth - list.clientWidth + "px");
  grid.setAttribute("aria-rowcount", shown.length + 1);
  grid.classList.toggle("short", shown.length * height() < list.clientHeight);
  draw();
}

// Makes the sample at that place the current one, and brings it into view.
function goTo(at) {
  current = Math.max(-1, Math.min(shown.length - 1, at));
  const tall = height();
  if (current >= 0) {
    const top = current * tall;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + tall > list.scrollTop + list.clientHeight) list.scrollTop = top + tall - list.clientHeight;
  }
  draw();
}

list.addEventListener("scroll", draw, { passive: true });
new ResizeObserver(() => redraw()).observe(list);
