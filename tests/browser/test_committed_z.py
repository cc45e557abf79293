"""What is committed is what counts: snapshots, directions and keys in a real browser."""

from __future__ import annotations

from read_screen import PIXELS, at, differs, settled, slider, value

FARTHEST = """async (pictures) => {
  const [a, b] = await Promise.all(pictures.map(async (src) => {
    const image = Object.assign(new Image(), { src });
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
    const pen = canvas.getContext('2d');
    pen.drawImage(image, 0, 0);
    return pen.getImageData(0, 0, image.width, image.height).data;
  }));
  return Math.max(...a.map((value, i) => Math.abs(value - b[i])));
}"""


def test_a_snapshot_taken_while_the_pointer_is_on_the_map_holds_the_committed_picture(mapped):
    committed = mapped.evaluate(PIXELS)
    before = mapped.evaluate("() => document.querySelector('[data-testid=decoded]').toDataURL()")
    mapped.mouse.move(*at(mapped, 0.2, 0.25))
    differs(mapped, PIXELS, committed)  # the canvas shows what is under the pointer
    mapped.keyboard.press("s")
    mapped.wait_for_function("() => localStorage.getItem('latent-walk.gallery.tiny')")
    kept = mapped.evaluate("() => JSON.parse(localStorage.getItem('latent-walk.gallery.tiny'))[0]")
    assert kept["z"] == [0, 0, 0, 0]
    assert mapped.evaluate(FARTHEST, [kept["picture"], before]) <= 1  # a batch of another size is rounded in another way


def test_a_direction_keeps_what_an_animation_has_moved(mapped):
    mapped.get_by_text("principal components").click()
    slider(mapped, 2).focus()
    mapped.get_by_role("button", name="Animate z2").click()
    mapped.wait_for_function("Math.abs(document.querySelector('input[aria-label=\"z2\"]').value) > 0.8")
    mapped.get_by_role("button", name="Stop z2").click()
    stopped = value(mapped, 2)
    mapped.get_by_label("PC 1", exact=True).focus()
    mapped.keyboard.press("ArrowRight")  # a fine step: z2 moves by a few hundredths, and does not jump back
    assert abs(value(mapped, 2) - stopped) < 0.2


SENT = """() => {
  window.asked = 0;
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (this.url.includes('_stcore')) asked += 1;
    return send.call(this, data);
  };
}"""
FRAME = """() => getComputedStyle(document.querySelector('[data-testid="stMain"]')).boxShadow"""


def test_a_letter_runs_the_page_once(mapped):
    settled(mapped)
    mapped.evaluate(SENT)
    mapped.keyboard.press("r")  # Streamlit itself would take it for "run again"
    settled(mapped)
    assert mapped.evaluate("() => asked") == 1


def test_a_click_beside_everything_and_then_a_key_frames_nothing(mapped):
    mapped.mouse.click(8, 400)
    mapped.keyboard.press("ArrowDown")
    mapped.keyboard.press("x")
    assert mapped.evaluate("() => document.activeElement.dataset.testid") == "stMain"
    assert mapped.evaluate(FRAME).endswith("0px 2px 0px 0px inset")  # a line at the top, no frame
