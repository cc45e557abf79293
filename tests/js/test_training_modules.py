"""The slider through a training: what it says and asks for, and what follows newer weights."""

from __future__ import annotations

import numpy as np
from test_explorer_life import MAIN, MOUNT

FRAMES = "explorer/connection/binary_messages.js"
SLIDER = "explorer/training/time_slider.js"
STATE = "explorer/answers/server_routes.js"

SLIDER_ON_PAGE = """
  const log = [];
  const on = {travel: (step) => log.push(step), settle: () => log.push('settled'), wanted: () => {}};
  const menu = document.createElement('span');
  const slider = new m.TimeSlider(on, menu, life.signal);
  document.body.append(slider.element);
  const stops = [0, 4, 16].map((step) => ({step, epoch: step / 4, quality: ''}));
  const input = slider.element.querySelector('input');
  const words = () => slider.element.querySelector('[data-testid="training-step"]').textContent;
"""


def test_a_request_names_the_step_where_there_were_zeros(js):
    bytes_of = "(m, step) => [...new Uint8Array(m.encodePicture(7, [1.5], step))].slice(0, 8)"
    assert js(FRAMES, bytes_of, None) == [10, 0, 0, 0, 7, 0, 0, 0]
    assert js(FRAMES, bytes_of, 0) == [10, 1, 0, 0, 7, 0, 0, 0]
    assert js(FRAMES, bytes_of, 70_000) == [10, 0x71, 0x11, 0x01, 7, 0, 0, 0]


def test_a_request_for_noise_is_of_another_kind_and_has_its_seed_before_z(js):
    noisy = "(m, step) => [...new Uint8Array(m.encodePicture(7, [1.5], step, 0xfffffffe))]"
    head = [7, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, *np.float32([1.5]).tobytes()]
    assert js(FRAMES, noisy, None) == [9, 0, 0, 0, *head]
    assert js(FRAMES, noisy, 512) == [9, 1, 2, 0, *head]


def test_a_question_about_several_steps_is_laid_out_as_the_server_reads_it(js):
    frame = js(FRAMES, "(m) => [...new Uint8Array(m.encodeTraining(9, 44, [3, 256], [1, -2]))]")
    assert frame[:12] == [8, 0, 44, 0, 9, 0, 0, 0, 2, 0, 0, 0]
    assert frame[12:20] == [3, 0, 0, 0, 0, 1, 0, 0]
    assert frame[20:] == [0, 0, 128, 63, 0, 0, 0, 192]


def test_codes_are_read_step_by_step(js):
    script = """(m) => {
      const buffer = new ArrayBuffer(12 + 8 + 2 * 3 * 2 * 4 + 6);
      new Uint32Array(buffer, 0, 5).set([2, 3, 2, 4, 16]);
      new Float32Array(buffer, 20, 12).set(Array.from({length: 12}, (_, i) => i));
      new Uint16Array(buffer, 68).set([7, 8, 300]);
      return [...m.readCodes(buffer)].map(([step, {means, labels}]) => [step, [...means], [...labels]]);
    }"""
    assert js(STATE, script) == [[4, [0, 1, 2, 3, 4, 5], [7, 8, 300]], [16, [6, 7, 8, 9, 10, 11], [7, 8, 300]]]


def test_the_right_end_is_now_and_one_stays_where_one_stands_when_the_training_goes_on(js):
    script = f"""(m) => {{ {SLIDER_ON_PAGE}
      const said = [];
      slider.offer(stops, 'now: step 20', null);
      said.push([input.valueAsNumber, words()]);
      slider.move(-1, 0);
      said.push([input.valueAsNumber, words()]);
      slider.offer([...stops, {{step: 32, epoch: 8, quality: 'ELBO −9'}}], 'now: step 40', 16);
      said.push([input.valueAsNumber, words()]);
      slider.move(1, 0); slider.move(1, 0); slider.move(1, 0);
      said.push([input.valueAsNumber, words()]);
      slider.offer([], '', null);
      return [said, log, slider.element.hidden];
    }}"""
    said, log, hidden = js(SLIDER, script)
    assert said == [[3, "now: step 20"], [2, "step 16 · epoch 4.0"], [2, "step 16 · epoch 4.0"], [4, "now: step 40"]]
    assert log == [16, "settled", 32, "settled", None, "settled", None, "settled"] and hidden


def test_where_there_are_no_snapshots_their_place_says_why(js):
    script = f"""(m) => {{ {SLIDER_ON_PAGE}
      const said = () => [slider.element.hidden, slider.element.innerText.trim(), input.offsetParent === null];
      slider.offer([], 'now: step 20', null, ['too large', 'why']);
      const none = said();
      slider.offer(stops, 'now: step 20', null, []);
      const some = slider.element.querySelector('[data-testid="no-snapshots"]').hidden;
      slider.offer([], 'now: step 20', null);
      return [none, some, said()[0]];
    }}"""
    none, some, hidden = js(SLIDER, script)
    assert none[:1] == [False] and "too large" in none[1] and some and hidden


def test_playing_goes_from_the_beginning_to_now_and_settles_there(js):
    script = f"""async (m) => {{ {SLIDER_ON_PAGE}
      slider.offer(stops, 'now', null);
      window.setTimeout = (act) => {{ queueMicrotask(act); return 1; }};
      slider.toggle();
      for (let i = 0; i < 20; i += 1) await null;
      return [log, slider.element.querySelector('.lw-play').getAttribute('aria-pressed')];
    }}"""
    assert js(SLIDER, script) == [[0, 4, 16, None, "settled"], "false"]


RUN = """() => {
  window.asked = [];
  window.state = {live: false, version: '1', step: 20, epoch: 5,
                  snapshots: [0, 4].map((step) => ({step, epoch: step / 4, quality: ''}))};
  window.fetch = async (url) => {
    asked.push(String(url).split('/').pop());
    return String(url).includes('/training?') ? Response.json(state) : new Response('none', {status: 404});
  };
}"""


def test_only_models_of_runs_are_asked_for_their_past(js):
    page = js.page
    page.evaluate(RUN)
    js(MAIN, MOUNT)
    page.evaluate(RUN)
    page.evaluate("() => { window.first = mount(); }")
    assert page.get_by_test_id("training").is_hidden()
    assert page.evaluate("() => asked.filter((url) => url.startsWith('training'))") == []
    page.evaluate("() => first.update({model: 'b', run: true})")
    page.get_by_test_id("training").wait_for()
    page.keyboard.press(",")
    assert page.get_by_test_id("training-step").inner_text() == "step 4 · epoch 1.0"
    assert page.locator(".lw-explorer.lw-past").count() == 1
    page.keyboard.press(".")
    assert page.get_by_test_id("training-step").inner_text() == "now: step 20 · epoch 5.0"
    page.keyboard.press(",")
    page.evaluate("() => first.update({model: 'a'})")
    assert page.get_by_test_id("training").is_hidden()
    assert page.locator(".lw-explorer.lw-past").count() == 0


def test_a_training_that_ends_asks_the_page_for_what_it_leaves(js):
    page = js.page
    js(MAIN, MOUNT)
    page.evaluate(RUN)
    page.evaluate("() => { state.live = true; window.first = mount(); first.update({model: 'b', run: true, training: true}); }")
    page.get_by_test_id("training").wait_for()
    assert page.get_by_test_id("training-step").inner_text() == "now: step 20 · epoch 5.0"
    page.evaluate("() => { state = {...state, live: false}; }")
    page.wait_for_function("() => sent.some(({kind}) => kind === 'refresh')")
