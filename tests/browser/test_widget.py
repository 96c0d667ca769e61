"""The widget of the notebooks, drawn by a browser as a notebook draws it."""

import base64
import builtins

import pytest

from s2s_lib import Translator, widget

PAGE = """async ([esm, bytes, sentence]) => {
  const file = Uint8Array.from(atob(bytes), (sign) => sign.charCodeAt());
  const values = { translator: new DataView(file.buffer), sentence };
  const module = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
  document.body.innerHTML = "<div id='here'></div>";
  module.default.render({ model: { get: (name) => values[name] }, el: document.getElementById("here") });
}"""


@pytest.fixture
def drawn(browser):
    pytest.importorskip("anywidget")
    translator = Translator.load("sample")
    made = widget.explore(translator, "The otter isn't sad.")
    page = browser.new_page()
    page.evaluate(PAGE, [made._esm, base64.b64encode(made.translator).decode(), made.sentence])
    page.wait_for_selector("[data-part=target] button")
    yield page, translator
    page.close()


def written(page):
    texts = page.eval_on_selector_all("[data-part=target] button", "all => all.map((one) => one.textContent)")
    return "".join(texts).replace("␣", " ").replace("‿", "\u202f").rstrip("■")


def test_it_writes_what_the_translator_writes_and_shows_where_it_looks(drawn):
    page, translator = drawn
    for sentence in ("The otter isn't sad.", "Go!"):
        page.fill("input", sentence)
        assert written(page) == translator.translate([sentence])[0]
    page.click("[data-part=target] button:nth-child(2)")
    assert page.get_attribute("[data-part=target] button:nth-child(2)", "aria-pressed") == "true"
    assert "%" in page.inner_text("[data-part=rivals]")
    assert page.locator("[data-part=source] span").count() == len("Go!")


def test_without_anywidget_it_says_what_to_install(monkeypatch, capsys):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name == "anywidget":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert widget.explore(Translator.load("sample"), "Go!") is None
    assert "pip install anywidget" in capsys.readouterr().out
