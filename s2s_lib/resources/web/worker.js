// Computes beside the page, so that the page never waits. It is started from a Blob behind engine.js, whose
// functions it therefore has: a message { id, kind, … } is answered by messages with the same id.
const models = new Map();
let newest = 0; // the last trace asked for: an older one stops

const pause = () => new Promise((resume) => setTimeout(resume));
const best = (scores, most) => [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, most)
  .map((id) => ({ id, probability: Math.exp(scores[id]) }));

const answers = {
  async load({ name, buffer }) {
    const translator = await load(buffer);
    models.set(name, translator);
    const { settings, sizes, model, parameters, source, target } = translator;
    return { name, settings, sizes, model, parameters, source: source.characters, target: target.characters };
  },
  translate: ({ model, text, beamWidth }) => translate(models.get(model), text, { beamWidth }),
  sample: ({ model, text, options }) => sample(models.get(model), text, options),
  async trace({ id, model, text, forced, looks, sampling }, tell) {
    const translator = models.get(model), options = { forced, looks };
    newest = id;
    if (sampling) {
      const numbers = randomNumbers(encodeText(translator, prepare(translator, text)), sampling.seed);
      options.choose = (scores, t) => draw(restrict(scores, sampling), numbers(t));
    }
    for (const { token, scores, attention, states } of write(translator, text, options)) {
      const hidden = states.at(-1)[0];
      tell({ step: { token, rivals: best(scores, 8), probability: Math.exp(scores[token]), attention, hidden } });
      await pause();
      if (newest !== id) return { stopped: true };
    }
    return { source: prepare(translator, text) };
  },
  async beam({ model, text, width }) {
    const levels = [...beam(models.get(model), text, width)];
    return levels.map((level) => level.map(({ token, parent, score, rank, length }) => ({ token, parent, score, rank, length })));
  },
};

addEventListener("message", async ({ data }) => {
  const tell = (message) => postMessage({ id: data.id, ...message });
  try {
    tell({ result: await answers[data.kind](data, tell) });
  } catch (error) {
    tell({ error: error.message });
  }
});
