"""Nothing but a renderer and a reader of frames knows what an answer is made of: an explorer whose decoder writes text."""

from __future__ import annotations

from test_explorer_life import MAIN, MOUNT

# A reader for a model that greets with 255, and how its answers are shown. Everything else is the explorer as it is.
TEXT = """async () => {
  const {READERS} = await import('/explorer/connection/binary_messages.js');
  const {RENDERERS} = await import('/explorer/renderer/renderer.js');
  READERS[255] = (view, sizes, count, start) => {
    const texts = new TextDecoder().decode(new Uint8Array(view.buffer, start)).split('|');
    return texts.map((text) => ({kind: 'text', text}));
  };
  const write = (context, {text}, [x, y, width, height]) => {
    context.fillStyle = '#fff';
    context.fillRect(x, y, width, height);
    drawn.push(text);
  };
  window.drawn = [];
  RENDERERS.text = {
    surface: () => {
      const element = document.createElement('output');
      return {element, paint: ({text}) => (element.textContent = text)};
    },
    draw: write,
    thumb: (canvas, answer) => write(canvas.getContext('2d'), answer, [0, 0, canvas.width, canvas.height]),
    ratio: () => 2,
    url: ({text}) => 'data:image/svg+xml,' + encodeURIComponent(text),
    difference: (a, b) => ({answer: {kind: 'text', text: `${a.text} / ${b.text}`}, mean: 0.5, same: a.text === b.text}),
  };
}"""

# A server that answers with "z0;z1" for each point, and with a path of three of them.
SERVER = """() => {
  const encoder = new TextEncoder();
  const frame = (kind, count, sequence, more, texts) => {
    const [body, head] = [encoder.encode(texts.join('|')), 12 + more.byteLength];
    const bytes = new Uint8Array(head + body.length);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, kind); view.setUint8(1, 255); view.setUint16(2, count, true); view.setUint32(4, sequence, true);
    bytes.set(new Uint8Array(more), 12);
    bytes.set(body, head);
    return bytes.buffer;
  };
  window.WebSocket = class {
    constructor() { setTimeout(() => this.onmessage({data: Uint8Array.from([2, 255, 2, 0, 0, 0, 0, 0, 67]).buffer})); }
    close() {}
    send(asked) {
      const view = new DataView(asked);
      const [kind, sequence] = [view.getUint8(0), view.getUint32(4, true)];
      const z = new Float32Array(asked.slice(8));
      const texts = Array.from({length: z.length / 2}, (_, i) => `${z[2 * i].toFixed(1)};${z[2 * i + 1].toFixed(1)}`);
      const none = new ArrayBuffer(0);
      const path = new ArrayBuffer(4 + 3 * 2 * 4 + 3 * 2 * 4);
      new DataView(path).setUint16(0, 2, true);
      const data = kind === 5 ? frame(5, 3, sequence, path, ['a', 'b', 'c']) : frame(kind, texts.length, sequence, none, texts);
      setTimeout(() => this.onmessage({data}));
    }
  };
}"""


def test_an_explorer_shows_answers_that_are_no_pictures(js):
    page = js.page
    js(MAIN, TEXT)
    js(MAIN, SERVER)
    js(MAIN, MOUNT)
    other = {"name": "b", "version": "1", "facts": "", "why": "", "sameZ": True, "sameData": True, "sameImage": True}
    page.evaluate("(other) => { const first = mount(); first.update({others: [other]}); }", other)
    shown = page.get_by_test_id("decoded")
    page.wait_for_function("() => document.querySelector('output[data-testid=decoded]')?.textContent === '0.0;0.0'")
    page.wait_for_function("() => drawn.includes('0.0;1.7')")  # behind a slider
    page.get_by_label("z1", exact=True).press("End")
    page.wait_for_function("() => document.querySelector('output[data-testid=decoded]').textContent === '0.0;2.0'")
    assert int(shown.get_attribute("data-seq")) >= 2
    page.keyboard.press("p")
    page.get_by_label("z0", exact=True).press("Home")
    page.keyboard.press("p")
    page.wait_for_function("() => ['0.0;2.0', '-2.0;2.0', 'a', 'c'].every((text) => drawn.includes(text))")  # pins and path
    page.keyboard.press("v")
    page.wait_for_function("() => drawn.includes('-2.6;2.0')")  # the traversal
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.get_by_text("Snapshot taken").wait_for()
    page.keyboard.press("c")
    page.get_by_role("dialog").get_by_role("button", name="b", exact=True).click()
    difference = page.get_by_test_id("difference")
    page.wait_for_function("() => document.querySelector('output[data-testid=difference]')?.textContent.includes(' / ')")
    assert difference.text_content() == "-2.0;2.0 / -2.0;2.0"
