// The samples, and which of them are shown in which order.

const data = JSON.parse(document.getElementById("data").textContent);
const VERDICT_CLASSES = ["right", "partly", "wrong", "unscored", "missing"];

const samples = data.samples.map((row) => {
  const [at, id, verdict, value, reason, group, shard, stage, prompt, context, answer, rival, reference, explanation, place, details, judgements] = row;
  const values = judgements.map((one) => one[2]).filter((one) => one !== null);
  const disputed = new Set(values).size > 1;
  return { at, id, verdict, value, reason, group, shard, stage, prompt, context, answer, rival, reference, explanation, place, details, judgements, disputed };
});

const wanted = { words: [], verdict: -1, reason: -1, group: -1, stage: -1, disputed: false };
const order = { key: "at", down: false };
let shown = samples;

const haystacks = new Map();

function haystack(sample) {
  let found = haystacks.get(sample);
  if (found === undefined) {
    const said = sample.judgements.map((one) => one[3]);
    const names = [data.names.group[sample.group], data.names.reason[sample.reason]];
    const parts = [sample.id, sample.prompt, sample.context, sample.answer, sample.rival, sample.reference, sample.explanation, ...said, ...names];
    found = parts.filter(Boolean).join("\n").toLowerCase();
    haystacks.set(sample, found);
  }
  return found;
}

function fits(sample) {
  return (
    (wanted.verdict < 0 || sample.verdict === wanted.verdict) &&
    (wanted.reason < 0 || sample.reason === wanted.reason) &&
    (wanted.group < 0 || sample.group === wanted.group) &&
    (wanted.stage < 0 || sample.stage === wanted.stage) &&
    (!wanted.disputed || sample.disputed) &&
    wanted.words.every((word) => haystack(sample).includes(word))
  );
}

const collator = new Intl.Collator("en", { numeric: true });
const KEYS = {
  at: (sample) => sample.at,
  verdict: (sample) => sample.verdict,
  value: (sample) => (sample.value === null ? -1 : sample.value),
  id: (sample) => sample.id,
  prompt: (sample) => sample.prompt || "",
  answer: (sample) => sample.answer.length,
  reference: (sample) => sample.reference || "",
  group: (sample) => data.names.group[sample.group] || "",
  stage: (sample) => data.names.stage[sample.stage] || "",
};

function choose() {
  shown = samples.filter(fits);
  const key = KEYS[order.key];
  const sign = order.down ? -1 : 1;
  if (order.key === "at" && !order.down) return;
  shown.sort((a, b) => {
    const [one, other] = [key(a), key(b)];
    const found = typeof one === "string" ? collator.compare(one, other) : one - other;
    return sign * found || a.at - b.at;
  });
}

function isNarrowed() {
  return wanted.words.length > 0 || wanted.disputed || [wanted.verdict, wanted.reason, wanted.group, wanted.stage].some((one) => one >= 0);
}
