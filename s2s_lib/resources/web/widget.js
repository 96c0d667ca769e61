// The open translator inside a notebook. It stands behind engine.js, whose functions it uses: type, translate, look.
const SIGNS = { " ": "␣", "\u00a0": "⍽", "\u202f": "‿" };
const STYLE = `.s2s { font: 16px system-ui, sans-serif; max-width: 46rem } .s2s input { font: inherit; width: 100%; padding: 4px 8px }
.s2s .letters { display: flex; flex-wrap: wrap; gap: 2px; margin: 8px 0 } .s2s .letters > * { font: inherit; min-width: 1.4em; padding: 2px 4px;
background: none; color: inherit; border: 1px solid #8884; border-bottom: 4px solid rgba(11, 98, 168, var(--w, 0)); border-radius: 4px }
.s2s button[aria-pressed=true] { outline: 3px solid #b3500a } .s2s p { margin: 4px 0; opacity: 0.8; font-size: 14px }`;

function letter(kind, sign, weight, label) {
  const element = document.createElement(kind);
  element.textContent = SIGNS[sign] ?? sign;
  element.style.setProperty("--w", weight.toFixed(2));
  element.title = label;
  return element;
}

function render({ model, el }) {
  el.innerHTML = `<style>${STYLE}</style><div class="s2s"><input aria-label="Sentence to translate" maxlength="200">
    <div class="letters" data-part="target" aria-label="What it writes"></div><p data-part="rivals"></p>
    <div class="letters" data-part="source" aria-label="Where it looks"></div>
    <p>Choose a letter that it wrote: below stand its rivals, and the source letters that it looked at.</p></div>`;
  const part = (name) => el.querySelector(`[data-part=${name}]`), input = el.querySelector("input");
  let translator = null, steps = [], source = [];
  const character = (id) => (id === END ? "■" : translator.target.characters[id - 4] ?? "?");

  function show(place) {
    const { scores, attention } = steps[place];
    [...part("target").children].forEach((one, i) => one.setAttribute("aria-pressed", i === place));
    const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, 5);
    const said = order.map((id) => `${SIGNS[character(id)] ?? character(id)} ${(100 * Math.exp(scores[id])).toFixed(1)} %`);
    part("rivals").textContent = `Likeliest here: ${said.join("   ")}`;
    part("source").replaceChildren(...source.map((sign, i) => letter("span", sign, attention?.[i] ?? 0, attention ? `${(100 * attention[i]).toFixed(1)} %` : "no attention")));
  }

  function run() {
    if (!translator) return;
    source = prepare(translator, input.value);
    steps = [...write(translator, input.value)];
    part("target").replaceChildren(...steps.map(({ token, scores }, i) => {
      const button = letter("button", character(token), Math.exp(scores[token]), `step ${i + 1}`);
      button.onclick = () => show(i);
      return button;
    }));
    steps.length ? show(0) : part("source").replaceChildren();
  }

  input.value = model.get("sentence");
  input.oninput = run;
  const { buffer, byteOffset, byteLength } = model.get("translator");
  load(buffer.slice(byteOffset, byteOffset + byteLength)).then((loaded) => { translator = loaded; run(); })
    .catch((error) => { part("rivals").textContent = error.message; });
}

export default { render };
