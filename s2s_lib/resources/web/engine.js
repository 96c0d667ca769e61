// The whole translator: it reads the very file that `Translator.save` writes, and writes the same characters.
// Plain JavaScript, no dependencies. Read it from top to bottom: the file, the text, the model, the choice.
// Arrays are flat Float32Arrays; a matrix (rows, columns) holds row after row.

// ---- the file: a zip archive of JSON texts and arrays; nothing in it is run ----
const FORMAT = "s2s-translator-2";
const LARGEST = { "config.json": 4e6, "source_vocabulary.json": 1e6, "target_vocabulary.json": 1e6, "model.json": 1e5 };
const MOST_BYTES = 2e8, MOST_PARAMETERS = 4e7, MOST_WIDTH = 100, MOST_LENGTH = 2000;

function require(holds, message) {
  if (!holds) throw new Error(message);
}

/** Unpack a zip archive into a Map of names to bytes; names, sizes and checksums are checked on the way. */
export async function unzip(bytes, mostMembers) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), end = bytes.length - 22;
  require(end >= 0 && view.getUint32(end, true) === 0x06054b50, "this is no zip archive, or it was cut short");
  const count = view.getUint16(end + 10, true), members = new Map();
  require(count <= mostMembers, `the archive has ${count} members, at most ${mostMembers} are expected`);
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < count; i++) {
    require(at + 46 <= end && view.getUint32(at, true) === 0x02014b50, "the archive's directory is damaged");
    const [method, sum] = [view.getUint16(at + 10, true), view.getUint32(at + 16, true)];
    const [packed, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    const [nameLength, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    require(!members.has(name), `the archive holds two members ${name}`);
    require(size <= (LARGEST[name] ?? MOST_BYTES), `${name} unpacks to ${size} bytes, which is too much`);
    const local = view.getUint32(at + 42, true);
    require(local + 30 <= end, `${name} lies outside of the archive`);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const content = await unpack(bytes.subarray(start, start + packed), method, size, name);
    require(crc32(content) === sum, `${name} is damaged: its checksum is wrong`);
    members.set(name, content);
    at += 46 + nameLength + extra + comment;
  }
  return members;
}

async function unpack(packed, method, size, name) {
  require(method === 0 || method === 8, `${name} is packed in an unknown way`);
  const content = new Uint8Array(size);
  let filled = 0;
  const stream = method ? new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"))
    : new Blob([packed]).stream();
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    require(filled + part.value.length <= size, `${name} unpacks to more than it says`);
    content.set(part.value, filled);
    filled += part.value.length;
  }
  require(filled === size, `${name} unpacks to less than it says`);
  return content;
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = CRC[(sum ^ byte) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

/** Read an array in NumPy's format, float16 or float32: its shape, and its numbers as a Float32Array. */
export function readArray(bytes, name) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  require(view.getUint32(0) === 0x934e554d && bytes[6] === 1, `${name} is no array in version 1.0 of the npy format`);
  const begin = 10 + view.getUint16(8, true), header = new TextDecoder("latin1").decode(bytes.subarray(10, begin));
  const [, kind] = header.match(/'descr': '(<f[24])'/) ?? [], [, dims] = header.match(/'shape': \(([\d, ]*)\)/) ?? [];
  require(kind && dims !== undefined && header.includes("'fortran_order': False"), `${name} must hold float16 or float32`);
  const shape = dims.split(",").filter((text) => text.trim()).map(Number), size = shape.reduce((a, b) => a * b, 1);
  const width = Number(kind[2]);
  require(size >= 1 && begin + size * width === bytes.length, `${name} does not hold the numbers of its shape`);
  const numbers = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const place = begin + i * width;
    numbers[i] = width === 4 ? view.getFloat32(place, true) : half(view.getUint16(place, true));
    require(Number.isFinite(numbers[i]), `${name} holds numbers that are not finite`);
  }
  return { shape, numbers };
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

/** Read a translator from the bytes of its file; an Error says in a sentence what is wrong with them. */
export async function load(buffer) {
  const members = await unzip(new Uint8Array(buffer), 5), json = {};
  for (const name of Object.keys(LARGEST)) {
    require(members.has(name), `the file lacks ${name}: it is no translator of this course`);
    json[name] = JSON.parse(new TextDecoder().decode(members.get(name)));
  }
  const settings = json["config.json"], { model, sizes } = json["model.json"];
  require(settings?.format === FORMAT, "it was written by another version of the course");
  require(["attention", "embedding"].includes(model), `this page knows no model named ${model}`);
  for (const name of ["max_source_length", "max_target_length"]) check(name, settings[name], MOST_LENGTH - 1);
  check("beam_width", settings.beam_width, MOST_WIDTH);
  const [source, target] = ["source", "target"].map((side) => vocabulary(json[`${side}_vocabulary.json`]));
  require(sizes.num_source_tokens === source.size && sizes.num_target_tokens === target.size,
    "the vocabularies and the model's sizes do not agree");
  const weights = {};
  let parameters = 0;
  for (const [name, bytes] of await unzip(members.get("weights.npz") ?? new Uint8Array(), 1000)) {
    weights[name.replace(/\.npy$/, "")] = readArray(bytes, name);
    parameters += weights[name.replace(/\.npy$/, "")].numbers.length;
    require(parameters <= MOST_PARAMETERS, `the model has more than ${MOST_PARAMETERS} parameters`);
  }
  checkShapes(model, sizes, weights);
  return { settings, model, sizes, source, target, weights, parameters };
}

function check(name, value, most) {
  require(Number.isInteger(value) && value >= 1 && value <= most, `${name} must be from 1 to ${most}, not ${value}`);
}

function checkShapes(model, { num_source_tokens, num_target_tokens, latent_dim, embedding_dim, layers, cell }, weights) {
  const sized = { latent_dim, embedding_dim, layers };
  for (const [name, value] of Object.entries(sized)) check(name, value, 8192);
  require(["lstm", "gru"].includes(cell), `this page knows no cell named ${cell}`);
  const expected = { "source_embedding/0": [num_source_tokens, embedding_dim], "target_embedding/0": [num_target_tokens, embedding_dim] };
  const gates = cell === "lstm" ? 4 : 3, ways = model === "attention" ? 2 : 1, units = latent_dim / ways;
  const recurrent = (name, place, input, size) => {
    expected[`${name}/${place}`] = [input, gates * size];
    expected[`${name}/${place + 1}`] = [size, gates * size];
    expected[`${name}/${place + 2}`] = cell === "lstm" ? [gates * size] : [2, gates * size];
  };
  for (let i = 0; i < layers; i++) {
    const input = i ? latent_dim : embedding_dim;
    for (let way = 0; way < ways; way++) recurrent(numbered(`encoder_${cell}`, i), 3 * way, input, units);
    recurrent(numbered(`decoder_${cell}`, i), 0, input, latent_dim);
  }
  if (ways === 2) Object.assign(expected, { "attentive_hidden/0": [2 * latent_dim, latent_dim], "attentive_hidden/1": [latent_dim] });
  Object.assign(expected, { "target_logits/0": [latent_dim, num_target_tokens], "target_logits/1": [num_target_tokens] });
  for (const [name, shape] of Object.entries(expected))
    require(weights[name]?.shape.join() === shape.join(), `weight ${name} must have the shape (${shape.join(", ")})`);
}

const numbered = (name, i) => (i ? `${name}_${i + 1}` : name);

// ---- the text: characters are Unicode's code points; ids 0 to 3 are padding, start, end and unknown ----
export const START = 1, END = 2, UNKNOWN = 3;
const INVISIBLE = /[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/gu;
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const OUTER = new RegExp(`^${SPACE}+|${SPACE}+$`, "gu"); // what Python's strip takes away

function vocabulary({ characters }) {
  require(typeof characters === "string", "a vocabulary must be one string of characters");
  const known = [...characters];
  require(known.every((one, i) => !i || known[i - 1].codePointAt() < one.codePointAt()), "a vocabulary is not sorted");
  return { characters: known, size: known.length + 4, idOf: new Map(known.map((one, i) => [one, i + 4])) };
}

/** The characters of a source as the model reads them: composed, trimmed, cut after the longest source. */
export function prepare({ settings }, text) {
  let prepared = text.replace(INVISIBLE, "").normalize("NFC");
  if (settings.fold_typography) prepared = prepared.replace(/[\u00a0\u2009\u202f]/gu, " ").replace(/\u2019/gu, "'");
  return [...prepared.replace(OUTER, "")].slice(0, settings.max_source_length);
}

export const encodeText = ({ source }, characters) => characters.map((one) => source.idOf.get(one) ?? UNKNOWN);

export function decodeText({ target }, ids) {
  const end = ids.indexOf(END);
  return (end < 0 ? ids : ids.slice(0, end)).map((id) => target.characters[id - 4] ?? "").join("");
}

// ---- the model: an encoder that reads, a decoder that takes one step for each character ----
/** Multiply a vector (rows) by a matrix (rows, columns), and add a bias. */
function affine(vector, matrix, bias, offset = 0) {
  const columns = matrix.shape[1], sums = new Float64Array(columns);
  for (let column = 0; column < columns; column++) sums[column] = bias ? bias[offset + column] : 0;
  for (let row = 0; row < vector.length; row++) {
    const factor = vector[row], begin = row * columns;
    if (factor) for (let column = 0; column < columns; column++) sums[column] += factor * matrix.numbers[begin + column];
  }
  return sums;
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const row = ({ shape, numbers }, i) => numbers.subarray(i * shape[1], (i + 1) * shape[1]);

/** One timestep of a recurrent layer: the next states, [hidden, cell] of an LSTM, [hidden] of a GRU. */
function recur({ weights, sizes }, name, place, input, [hidden, cell]) {
  const [kernel, recurrent, bias] = [0, 1, 2].map((i) => weights[`${name}/${place + i}`]);
  const units = hidden.length, next = new Float32Array(units), nextCell = new Float32Array(units);
  if (sizes.cell === "lstm") {
    const sums = affine(input, kernel, bias.numbers), from = affine(hidden, recurrent);
    const gate = (k, j) => sums[k * units + j] + from[k * units + j]; // Keras' order: input, forget, candidate, output
    for (let j = 0; j < units; j++) {
      nextCell[j] = sigmoid(gate(1, j)) * cell[j] + sigmoid(gate(0, j)) * Math.tanh(gate(2, j));
      next[j] = sigmoid(gate(3, j)) * Math.tanh(nextCell[j]);
    }
    return [next, nextCell];
  }
  const sums = affine(input, kernel, bias.numbers), from = affine(hidden, recurrent, bias.numbers, 3 * units);
  for (let j = 0; j < units; j++) { // Keras' order: update, reset, candidate
    const [update, reset] = [0, 1].map((k) => sigmoid(sums[k * units + j] + from[k * units + j]));
    const candidate = Math.tanh(sums[2 * units + j] + reset * from[2 * units + j]);
    next[j] = update * hidden[j] + (1 - update) * candidate;
  }
  return [next];
}

/** Read source ids: the states that the decoder starts from, and what it may look back at. */
export function encode(translator, ids) {
  const { sizes, model, weights } = translator, ways = model === "attention" ? 2 : 1;
  let sequence = ids.map((id) => row(weights["source_embedding/0"], id));
  const states = [];
  for (let i = 0; i < sizes.layers; i++) {
    const both = [];
    for (let way = 0; way < ways; way++) { // forward; with attention backward, too
      let state = [new Float32Array(sizes.latent_dim / ways), new Float32Array(sizes.latent_dim / ways)];
      const outputs = (way ? [...sequence].reverse() : sequence).map((input) => {
        state = recur(translator, numbered(`encoder_${sizes.cell}`, i), 3 * way, input, state);
        return state[0];
      });
      both.push({ state, outputs: way ? outputs.reverse() : outputs });
    }
    sequence = sequence.map((_, t) => join(both.map(({ outputs }) => outputs[t])));
    states.push(both[0].state.map((_, k) => join(both.map(({ state }) => state[k]))));
  }
  return { states, memory: ways === 2 ? sequence : null };
}

function join(parts) {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) whole.set(part, at), (at += part.length);
  return whole;
}

/** Take one step: log-probabilities of the next character, the next states, and where the decoder looked.
 * `looks`, if given, are attention weights to use in place of the model's own. */
export function step(translator, token, { states, memory }, looks = null) {
  const { weights, sizes } = translator;
  let hidden = row(weights["target_embedding/0"], token);
  const after = states.map((state, i) => {
    const next = recur(translator, numbered(`decoder_${sizes.cell}`, i), 0, hidden, state);
    hidden = next[0];
    return next;
  });
  let attention = null;
  if (memory) {
    attention = looks ?? softmax(memory.map((value) => value.reduce((sum, x, j) => sum + x * hidden[j], 0)));
    const context = new Float32Array(sizes.latent_dim);
    memory.forEach((value, t) => value.forEach((x, j) => (context[j] += attention[t] * x)));
    hidden = affine(join([hidden, context]), weights["attentive_hidden/0"], weights["attentive_hidden/1"].numbers).map(Math.tanh);
  }
  const scores = logSoftmax(affine(hidden, weights["target_logits/0"], weights["target_logits/1"].numbers));
  return { scores, state: { states: after, memory }, attention };
}

function logSoftmax(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b)), sum = logits.reduce((total, x) => total + Math.exp(x - most), 0);
  return Float32Array.from(logits, (x) => x - most - Math.log(sum));
}

const softmax = (logits) => Array.from(logSoftmax(Float64Array.from(logits)), Math.exp);

// ---- the choice: the likeliest character, a draw, or a beam ----
const argmax = (scores) => scores.reduce((best, score, i) => (score > scores[best] ? i : best), 0);

/** Write a translation step by step; yields what each step saw. `choose(scores, t)` returns an id;
 * `forced` ids come first, as if they had been chosen; `looks[t]` replaces attention weights. */
export function* write(translator, text, { choose = argmax, forced = [], looks = [] } = {}) {
  const characters = prepare(translator, text);
  if (!characters.length) return;
  let state = encode(translator, encodeText(translator, characters)), last = START;
  for (let t = 0; t <= translator.settings.max_target_length && last !== END; t++) {
    const { scores, state: after, attention } = step(translator, last, state, looks[t]);
    last = forced[t] ?? choose(scores, t);
    yield { token: last, scores, attention, states: after.states };
    state = after;
  }
}

/** Beam search; yields the hypotheses after each step: token, parent (place in the step before), score, rank. */
export function* beam(translator, text, width) {
  const { settings } = translator, characters = prepare(translator, text), { fround } = Math, never = -1e9;
  if (!characters.length) return;
  const first = encode(translator, encodeText(translator, characters));
  let kept = Array.from({ length: width }, (_, i) => ({ token: START, score: i ? never : 0, length: 0, state: first }));
  for (let t = 0; t <= settings.max_target_length && kept.some(({ token }) => token !== END); t++) {
    const candidates = [];
    kept.forEach(({ token, score, length, state }, parent) => {
      const ended = token === END, next = ended ? null : step(translator, token, state), grown = length + !ended;
      for (let id = 0; id < translator.target.size; id++) {
        const total = fround(score + (ended ? (id === END ? 0 : never) : next.scores[id]));
        const rank = fround(total / fround(grown ** settings.length_power));
        candidates.push({ token: id, parent, score: total, length: grown, rank, state: next?.state, attention: next?.attention });
      }
    });
    kept = candidates.map((one, place) => [one, place]).sort(([a, i], [b, j]) => b.rank - a.rank || i - j)
      .slice(0, width).map(([one]) => one);
    yield kept;
  }
}

/** Translate: greedily with a width of 1, else by beam search; "" for a blank text. */
export function translate(translator, text, { beamWidth = translator.settings.beam_width } = {}) {
  check("beamWidth", beamWidth, MOST_WIDTH);
  if (beamWidth === 1) return decodeText(translator, [...write(translator, text)].map(({ token }) => token));
  const steps = [...beam(translator, text, beamWidth)], ids = [];
  for (let t = steps.length - 1, place = 0; t >= 0; place = steps[t--][place].parent) ids.unshift(steps[t][place].token);
  return decodeText(translator, ids);
}

/** Translate by chance, as `Translator.sample` does: the same seed gives the same sentence. */
export function sample(translator, text, { seed = 0, ...restriction } = {}) {
  const numbers = randomNumbers(encodeText(translator, prepare(translator, text)), seed);
  const choose = (scores, t) => draw(restrict(scores, restriction), numbers(t));
  return decodeText(translator, [...write(translator, text, { choose })].map(({ token }) => token));
}

/** Log-probabilities from which a token is drawn: temperature first, then top-k, then top-p. */
export function restrict(scores, { temperature = 1, topK = null, topP = null } = {}) {
  const most = Math.max(...scores);
  let kept = logSoftmax(scores.map((score) => (score - most) / temperature));
  const keep = (rule) => {
    const order = [...kept.keys()].sort((a, b) => kept[b] - kept[a] || a - b), chosen = new Set(rule(order));
    kept = logSoftmax(kept.map((score, id) => (chosen.has(id) ? score : -Infinity)));
  };
  if (topK !== null) keep((order) => order.slice(0, topK));
  if (topP !== null && topP < 1) {
    let before = 0;
    keep((order) => order.filter((id) => [before < Math.fround(topP), (before = Math.fround(before + Math.exp(kept[id])))][0]));
  }
  return kept;
}

/** The token at which the running sum of probabilities first exceeds a number from 0 to 1. */
export function draw(scores, number) {
  const { fround } = Math, chances = Array.from(scores, (score) => fround(Math.exp(score)));
  let sum = 0;
  const sums = chances.map((chance) => (sum = fround(sum + chance)));
  const whole = Math.max(...sums.filter((_, id) => chances[id] > 0)), goal = fround(whole * fround(number));
  return sums.findIndex((reached, id) => chances[id] > 0 && reached > goal);
}

/** A function from a timestep, counted from 0, to its random number: splitmix32, keyed by seed and ids. */
export function randomNumbers(ids, seed) {
  let key = 0;
  for (let rest = BigInt(seed), first = true; first || rest; rest >>= 32n, first = false) key = mix(key ^ Number(rest & 0xffffffffn));
  for (const id of ids) key = mix(key ^ id);
  return (t) => (mix(key + t + 1) >>> 8) / 2 ** 24;
}

function mix(number) {
  let n = (number + 0x9e3779b9) >>> 0;
  n = Math.imul(n ^ (n >>> 16), 0x21f0aaad) >>> 0;
  n = Math.imul(n ^ (n >>> 15), 0x735a2d97) >>> 0;
  return (n ^ (n >>> 15)) >>> 0;
}
