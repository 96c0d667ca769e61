// The page around engine.js: it asks a worker, draws what comes back, and keeps its whole state in the address.
const here = new URL(".", import.meta.url);
const $ = (id) => document.getElementById(id);
const SIGNS = { " ": "␣", "\u00a0": "⍽", "\u202f": "‿" };
const EXAMPLES = ["The otter isn't sad.", "Where did Lina eat?", "My cat was sick.", "Don't leave!"];
const DEFAULTS = { s: EXAMPLES[0], model: "sample", step: 1, beam: 3, unit: 1 };
const visible = (sign) => SIGNS[sign] ?? sign;
const percent = (share) => (share >= 0.995 ? ">99 %" : share < 0.01 ? "<1 %" : `${Math.round(100 * share)} %`);

// ---- the worker ----
const sources = await Promise.all(["engine.js", "worker.js"].map(async (name) => (await fetch(new URL(name, here))).text()));
const worker = new Worker(URL.createObjectURL(new Blob(sources, { type: "text/javascript" })), { type: "module" });
const asked = new Map();
let count = 0;
worker.addEventListener("message", ({ data: { id, step, result, error } }) => {
  const { resolve, reject, tell } = asked.get(id) ?? {};
  if (!resolve) return;
  if (step) return tell?.(step);
  asked.delete(id);
  error ? reject(new Error(error)) : resolve(result);
});

/** Ask the worker; `tell` is called with each step of a trace as it comes. */
function ask(kind, question, tell, transfer = []) {
  return new Promise((resolve, reject) => {
    asked.set(++count, { resolve, reject, tell });
    worker.postMessage({ id: count, kind, ...question }, transfer);
  });
}

// ---- models ----
const models = new Map(); // by name: a promise of what a file says of itself

function model(name) {
  if (!models.has(name)) {
    const loading = fetch(new URL(`${name}.s2s`, here)).then((answer) => {
      if (!answer.ok) throw new Error(`${name}.s2s is not here (${answer.status})`);
      return answer.arrayBuffer();
    }).then((buffer) => ask("load", { name, buffer }, null, [buffer]));
    models.set(name, loading);
    loading.catch(() => models.delete(name));
  }
  return models.get(name);
}

async function loadFile(file) {
  const buffer = await file.arrayBuffer(), name = file.name ?? "your file";
  const said = await ask("load", { name, buffer }, null, [buffer]);
  models.set(name, Promise.resolve(said));
  if (![...$("model").options].some((option) => option.value === name)) $("model").append(new Option(name, name));
  return name;
}

window.s2s = {
  translate: async (text, { model: name = state.model, beamWidth } = {}) => (await model(name), ask("translate", { model: name, text, beamWidth })),
  sample: async (text, { model: name = state.model, ...options } = {}) => (await model(name), ask("sample", { model: name, text, options })),
  attention: async (text, { model: name = state.model } = {}) => {
    const steps = [];
    await model(name);
    await ask("trace", { model: name, text }, (step) => steps.push(step.attention));
    return steps;
  },
  load: loadFile,
};

// ---- the state, in the address ----
const state = { ...DEFAULTS, forced: [], looks: {}, sampling: null };

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(DEFAULTS)) state[name] = given.has(name)
    ? (typeof DEFAULTS[name] === "number" ? Math.max(1, Number(given.get(name)) || 1) : given.get(name)) : DEFAULTS[name];
  state.beam = Math.min(8, state.beam);
}

function writeAddress() {
  const said = Object.entries(DEFAULTS).filter(([name, usual]) => name === "s" || state[name] !== usual);
  const text = said.map(([name]) => `${name}=${encodeURIComponent(state[name])}`).join("&");
  if (location.hash.slice(1) !== text) history.replaceState(null, "", `#${text}`);
}

// ---- computing ----
let shown = { steps: [], source: [], target: [] }, run = 0;

async function compute({ keepStep = false } = {}) {
  const mine = ++run;
  writeAddress();
  $("told").classList.remove("error");
  try {
    $("told").textContent = models.has(state.model) ? "" : `Loading ${state.model} …`;
    const said = await model(state.model);
    if (mine !== run) return;
    $("told").textContent = `${said.settings.source_language} to ${said.settings.target_language}, ${said.parameters.toLocaleString("en")} numbers learnt in training.`;
    const steps = [];
    const question = { model: state.model, text: state.s, forced: state.forced, looks: state.looks, sampling: state.sampling };
    const character = (id) => said.target[id - 4] ?? "";
    const answer = await ask("trace", question, (step) => {
      if (mine !== run) return;
      steps.push(step);
      shown = { ...shown, steps, character };
      drawWritten();
    });
    if (mine !== run || answer.stopped) return;
    shown = { steps, source: answer.source, character, settings: said.settings, sizes: said.sizes };
    if (!keepStep) state.step = Math.min(state.step, Math.max(1, steps.length));
    drawAll();
    $("said").textContent = steps.length ? `It writes: ${textOf(steps)}` : "Nothing to translate.";
    const levels = await ask("beam", { model: state.model, text: state.s, width: state.beam });
    if (mine === run) drawTree(levels, character);
  } catch (error) {
    if (mine !== run) return;
    $("told").classList.add("error");
    $("told").textContent = error.message;
  }
}

const textOf = (steps) => steps.map(({ token }) => shown.character(token)).join("");

// ---- drawing ----
function make(name, attributes = {}, ...children) {
  const isSvg = ["svg", "line", "circle", "text", "path", "title"].includes(name);
  const element = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) key === "onclick" ? (element.onclick = value) : element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function drawWritten() {
  const { steps, character } = shown;
  $("written").replaceChildren(...steps.map(({ token, probability }, i) => {
    const sign = token === 2 ? "■" : visible(character(token)) || "?", number = i + 1;
    const label = `Step ${number}: ${token === 2 ? "end" : character(token)}, ${percent(probability)}`;
    return make("button", { class: `letter${state.forced[i] === undefined ? "" : " forced"}`, style: `--sure: ${probability.toFixed(2)}`,
      "aria-label": label, title: label, "aria-pressed": number === state.step, onclick: () => choose(number) }, sign);
  }));
}

function choose(number) {
  state.step = number;
  writeAddress();
  drawAll();
  $("written").children[number - 1]?.focus({ preventScroll: true });
}

function drawAll() {
  const { steps } = shown;
  $("step").max = Math.max(1, steps.length);
  $("step").value = state.step;
  drawWritten();
  drawRivals();
  drawLooks();
  drawHeat($("heat"), steps.map(({ attention }) => attention), steps.map(({ token }) => shown.character(token) || "■"), shown.source);
  drawStates();
  $("unforce").hidden = !state.forced.length;
  $("unlook").hidden = !Object.keys(state.looks).length;
}

function drawRivals() {
  const now = shown.steps[state.step - 1];
  $("rivals").replaceChildren(...(now?.rivals ?? []).map(({ id, probability }) => {
    const sign = id === 2 ? "end ■" : visible(shown.character(id)) || "start";
    const bar = make("span", { class: "bar", style: `width: ${Math.max(1, 100 * probability)}%` });
    const button = make("button", { "aria-label": `Write ${sign} here (${percent(probability)})`, onclick: () => force(id) },
      make("strong", {}, sign), make("span", {}, bar), make("span", { class: "number" }, percent(probability)));
    return make("li", {}, button);
  }));
}

function force(id) {
  const before = shown.steps.slice(0, state.step - 1).map(({ token }) => token);
  state.forced = [...before, id];
  state.looks = Object.fromEntries(Object.entries(state.looks).filter(([t]) => t < state.step));
  compute({ keepStep: true });
}

function look(place) {
  const weights = shown.source.map((_, i) => (i === place ? 1 : 0));
  state.forced = shown.steps.slice(0, state.step - 1).map(({ token }) => token);
  state.looks = { ...state.looks, [state.step - 1]: weights };
  compute({ keepStep: true });
}

function drawLooks() {
  const { steps, source, character } = shown, now = steps[state.step - 1], svg = $("looks");
  const hasAttention = Boolean(now?.attention);
  $("part-attention").querySelector(".hint").hidden = false;
  if (!hasAttention) {
    svg.replaceChildren();
    $("aim").replaceChildren(now ? "This model has no attention: two vectors carry the whole sentence." : "");
    return;
  }
  const gap = 26, width = Math.max(source.length, 6) * gap + 20, x = (i) => 20 + i * gap, middle = width / 2;
  svg.setAttribute("viewBox", `0 0 ${width} 130`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", 130);
  const parts = [];
  now.attention.forEach((weight, i) => {
    if (weight > 0.01) parts.push(make("line", { class: "look", x1: x(i), y1: 28, x2: middle, y2: 98, "stroke-width": (1 + 9 * weight).toFixed(1), "stroke-opacity": (0.25 + 0.75 * weight).toFixed(2) }, make("title", {}, percent(weight))));
  });
  source.forEach((sign, i) => parts.push(make("text", { x: x(i), y: 20, "text-anchor": "middle" }, visible(sign))));
  parts.push(make("text", { x: middle, y: 120, "text-anchor": "middle" }, now.token === 2 ? "■ (end)" : visible(character(now.token))));
  svg.replaceChildren(...parts);
  const most = now.attention.indexOf(Math.max(...now.attention));
  $("aim").replaceChildren(...source.map((sign, i) => make("button", { class: "letter", style: `--sure: ${now.attention[i].toFixed(2)}`, "data-place": i,
    "aria-pressed": i === most, "aria-label": `Look at ${sign}, letter ${i + 1} (now ${percent(now.attention[i])})`, onclick: () => look(i) }, visible(sign))));
}

function drawHeat(table, weights, rows, columns) {
  if (!weights[0]) return table.replaceChildren();
  const head = make("tr", {}, make("td"), ...columns.map((sign) => make("th", { scope: "col" }, visible(sign))));
  const body = weights.map((line, i) => make("tr", { class: i === state.step - 1 && table.id === "heat" ? "now" : "" },
    make("th", { scope: "row" }, visible(rows[i])),
    ...line.map((weight) => make("td", { style: `--w: ${weight.toFixed(2)}`, title: percent(weight) }))));
  table.replaceChildren(head, ...body);
}

function drawStates() {
  const { steps } = shown, canvas = $("states"), units = steps[0]?.hidden.length ?? 0;
  if (!units) return;
  const wide = 14, high = units > 200 ? 2 : 3;
  canvas.width = steps.length * wide;
  canvas.height = units * high;
  const paint = canvas.getContext("2d");
  steps.forEach(({ hidden }, t) => hidden.forEach((value, unit) => {
    paint.fillStyle = value >= 0 ? `rgba(11, 98, 168, ${Math.abs(value)})` : `rgba(200, 90, 10, ${Math.abs(value)})`;
    paint.fillRect(t * wide, unit * high, wide - 1, high);
  }));
  state.unit = Math.min(state.unit, units);
  $("unit").max = units;
  $("unit").value = state.unit;
  paint.strokeStyle = "#b3500a";
  paint.strokeRect(0.5, (state.unit - 1) * high + 0.5, canvas.width - 1, high);
  const values = steps.map(({ hidden, token }) => `${shown.character(token) ? visible(shown.character(token)) : "■"} ${hidden[state.unit - 1].toFixed(2)}`);
  $("unit-values").textContent = values.join("   ");
}

function drawTree(levels, character) {
  const svg = $("tree"), gap = 46, high = 44, width = levels[0]?.length ?? 0, sign = ({ token }) => (token === 2 ? "■" : visible(character(token)));
  const alive = levels.map((level) => level.map(() => false)); // on the way to one of the last hypotheses
  levels.at(-1)?.forEach((_, last) => {
    for (let t = levels.length - 1, place = last; t >= 0 && !alive[t][place]; place = levels[t--][place].parent) alive[t][place] = true;
  });
  const x = (t) => 24 + (t + 1) * gap, y = (place) => 26 + place * high, parts = [];
  levels.forEach((level, t) => level.forEach((one, place) => {
    if (one.score < -1e8) return;
    const from = t ? [x(t - 1), y(one.parent)] : [24, y(0)];
    parts.push(make("line", { class: alive[t][place] ? "kept" : "pruned", x1: from[0], y1: from[1], x2: x(t), y2: y(place) }));
  }));
  levels.forEach((level, t) => level.forEach((one, place) => {
    if (one.score < -1e8) return;
    const kind = one.token === 2 ? "done" : alive[t][place] ? "best" : "";
    parts.push(make("circle", { class: kind, cx: x(t), cy: y(place), r: 12 }, make("title", {}, `score ${one.rank.toFixed(3)} per letter`)));
    parts.push(make("text", { x: x(t), y: y(place) + 5, "text-anchor": "middle" }, sign(one)));
  }));
  parts.push(make("circle", { cx: 24, cy: y(0), r: 5 }));
  svg.replaceChildren(...parts);
  svg.setAttribute("width", x(levels.length));
  svg.setAttribute("height", Math.max(60, width * high + 20));
  svg.style.maxWidth = "none";
  const finals = (levels.at(-1) ?? []).map((one, last) => {
    const ids = [];
    for (let t = levels.length - 1, place = last; t >= 0; place = levels[t--][place].parent) ids.unshift(levels[t][place].token);
    return { text: ids.filter((id) => id > 3).map(character).join(""), rank: one.rank, score: one.score };
  }).filter(({ score }) => score > -1e8);
  $("finals").replaceChildren(...finals.map(({ text, rank }) => make("li", { lang: "fr" }, `${text} (${rank.toFixed(3)} per letter)`)));
}

// ---- training, recorded ----
async function loadTraining() {
  const record = await (await fetch(new URL("trace_sample.json", here))).json(), epochs = record.epochs;
  $("trained-source").textContent = record.source;
  $("epoch").max = epochs.length;
  $("epoch").value = epochs.length;
  const show = () => {
    const { text, loss, val_loss: held, attention } = epochs[$("epoch").value - 1];
    $("trained").textContent = `After epoch ${$("epoch").value}: ${text || "(nothing)"}   (loss ${loss.toFixed(2)}, held out ${held.toFixed(2)})`;
    drawHeat($("trained-heat"), attention, [...text, "■"].slice(0, attention.length), [...record.source]);
  };
  $("epoch").oninput = show;
  show();
}

// ---- the tour ----
const CARDS = [
  ["part-text", "One sentence", "The model reads English letters and writes French ones. It has never seen a word list: all that it knows it learnt from sentence pairs."],
  ["part-written", "Letter by letter", "It writes one letter at each step. A pale line below a letter means that the model hesitated there."],
  ["part-rivals", "A choice at each step", "For every letter of its alphabet the model gives a probability. The likeliest is written: that is greedy decoding."],
  ["part-rivals", "Now you choose", "Pick another letter in the list. From there on the model reads your letter, and has to go on from a text that it would not have written."],
  ["part-written", "Exposure bias", "In training it always read the right text. Its own slips, or yours, lead it where it has never been: one wrong letter often brings more."],
  ["part-attention", "Where it looks", "Before each letter the decoder weighs the source letters. Their weighted mean is what it knows of the source at this step: attention."],
  ["part-attention", "Make it look elsewhere", "Choose another source letter. All weight goes there, and the French may change. So the weights matter; they are still no full explanation."],
  ["part-beam", "Not only the best letter", "The likeliest letter now may lead to an unlikely sentence. Beam search keeps several beginnings and compares whole sentences at the end."],
  ["part-states", "What it remembers", "The decoder's memory is a few hundred numbers. Each row is one of them. Few have a meaning that a person could name."],
  ["part-training", "How it came to this", "Move the slider: after the first passes it only knows what French looks like. The source comes in later."],
];
let card = -1;

function showCard(number) {
  document.querySelectorAll(".lit").forEach((part) => part.classList.remove("lit"));
  card = number;
  $("tour").hidden = card < 0 || card >= CARDS.length;
  if ($("tour").hidden) return $("start-tour").focus();
  const [part, title, text] = CARDS[card];
  $(part).classList.add("lit");
  $(part).scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  $("card-title").textContent = `${card + 1} of ${CARDS.length}. ${title}`;
  $("card-text").textContent = text;
  $("said").textContent = `${title}. ${text}`;
  $("back").disabled = card === 0;
  $("next").textContent = card === CARDS.length - 1 ? "Done" : "Next";
}

// ---- what the reader does ----
function restart(change) {
  Object.assign(state, { forced: [], looks: {}, sampling: null, step: 1 }, change);
  $("sentence").value = state.s;
  $("model").value = state.model;
  compute();
}

let typing;
$("sentence").oninput = () => { clearTimeout(typing); typing = setTimeout(() => restart({ s: $("sentence").value }), 250); };
$("examples").replaceChildren(...EXAMPLES.map((text) => make("button", { onclick: () => restart({ s: text }) }, text)));
$("model").onchange = () => restart({ model: $("model").value });
$("step").oninput = () => { state.step = Number($("step").value); writeAddress(); drawAll(); };
$("unforce").onclick = () => { state.forced = []; compute({ keepStep: true }); };
$("unlook").onclick = () => { state.looks = {}; state.forced = []; compute({ keepStep: true }); };
$("width").append(...[1, 2, 3, 4, 5, 6, 7, 8].map((width) => new Option(width, width)));
$("width").onchange = () => { state.beam = Number($("width").value); compute({ keepStep: true }); };
$("unit").oninput = () => { state.unit = Math.max(1, Number($("unit").value) || 1); writeAddress(); drawStates(); };
$("draw").onclick = () => {
  const topK = Number($("top-k").value) || null, topP = Number($("top-p").value);
  const seed = Math.max(0, Math.trunc(Number($("seed").value)) || 0);
  state.sampling = { temperature: Math.max(0.1, Number($("temperature").value) || 1), topK, topP: topP < 1 ? topP : null, seed };
  state.forced = [];
  compute().then(() => {
    $("drawn").prepend(make("li", { lang: "fr" }, `${textOf(shown.steps)} (seed ${seed})`));
    $("seed").value = seed + 1;
  });
};
$("greedy").onclick = () => restart({});
$("file").onchange = async () => $("file").files[0] && take($("file").files[0]);
$("start-tour").onclick = () => { showCard(0); $("next").focus({ preventScroll: true }); };
$("next").onclick = () => showCard(card + 1);
$("back").onclick = () => showCard(card - 1);
$("leave").onclick = () => showCard(-1);
$("aim").addEventListener("pointermove", ({ buttons, clientX, clientY }) => { // drag the weight to another letter
  const over = buttons ? document.elementFromPoint(clientX, clientY)?.closest("#aim button") : null;
  if (over && over.getAttribute("aria-pressed") !== "true") look(Number(over.dataset.place));
});

async function take(file) {
  try {
    restart({ model: await loadFile(file) });
  } catch (error) {
    $("told").classList.add("error");
    $("told").textContent = `${file.name}: ${error.message}`;
  }
}

for (const name of ["dragover", "drop", "dragleave"])
  document.body.addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle("drop", name === "dragover");
    if (name === "drop" && event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
addEventListener("hashchange", () => { readAddress(); start(); });

function start() {
  $("sentence").value = state.s;
  $("model").value = state.model;
  $("width").value = state.beam;
  state.forced = [];
  state.looks = {};
  return compute();
}

readAddress();
start().then(loadTraining);
