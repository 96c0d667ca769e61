// Answers questions about translator files with the page's engine: `node engine.mjs QUESTIONS.json`, JSON on stdout.
import { readFileSync } from "node:fs";
import * as engine from "../../s2s_lib/resources/web/engine.js";

const answers = [];
for (const { file, texts = [], beamWidth, seeds = [], sampling = {}, attention } of JSON.parse(readFileSync(process.argv[2]))) {
  try {
    const translator = await engine.load(readFileSync(file));
    if (attention) {
      const steps = texts.map((text) => [...engine.write(translator, text)]);
      answers.push(steps.map((one) => one.map(({ attention, scores }) => ({ attention, scores: [...scores] }))));
    } else if (seeds.length)
      answers.push(texts.map((text) => seeds.map((seed) => engine.sample(translator, text, { seed, ...sampling }))));
    else answers.push(texts.map((text) => engine.translate(translator, text, { beamWidth })));
  } catch (error) {
    answers.push({ error: error.message });
  }
}
process.stdout.write(JSON.stringify(answers));
