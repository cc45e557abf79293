"""The explorer as a whole in a blank page: moved to another place, mounted and given up many times, its keys, its address."""

from __future__ import annotations

import time
from typing import Any

import pytest

MAIN = "explorer/main.js"
MOUNT = """(m) => {
  const dimensions = [0, 1].map((index) => ({index, low: -2, high: 2, kl: 1 - index / 2, active: true}));
  const fixed = {model: 'a', version: '1', session: 's', dimensions, revision: 1, pinsRevision: 1, shape: '1x1x1', encodes: true};
  const none = {posterior: null, picture: null, pins: null, compared: null};
  const data = {...fixed, ...none, classes: [], file: '', hash: '', acknowledged: {}, others: [], z: [0, 0]};
  window.sent = [];
  window.mount = () => {
    const parentElement = document.body.appendChild(document.createElement('div'));
    const given = {data, parentElement, setStateValue: (kind, message) => sent.push({kind, ...message})};
    const leave = m.default(given);
    const update = (more) => m.default({...given, data: {...data, ...more}});
    return {parentElement, update, leave: () => { leave(); parentElement.remove(); }};
  };
}"""


@pytest.fixture
def mounted(js) -> Any:
    """One explorer on the page, as window.first; its clock is the test's."""
    js.page.clock.install()
    js(MAIN, MOUNT)
    js.page.evaluate("() => { window.first = mount(); }")
    return js.page


def test_what_is_unfolded_and_an_open_sheet_move_along_to_another_place(mounted):
    mounted.evaluate("() => first.parentElement.classList.add('lw-comparing')")
    mounted.keyboard.press("?")
    mounted.evaluate("() => { first.leave(); window.second = mount(); }")
    assert mounted.evaluate("() => second.parentElement.className") == "lw-comparing"
    assert mounted.evaluate("() => document.querySelector('dialog[open]').matches(':modal')")
    mounted.keyboard.press("Escape")
    mounted.keyboard.press("g")
    assert mounted.get_by_role("dialog", name="Gallery").is_visible()


def test_newer_weights_wait_until_the_slider_in_the_hand_is_let_go(mounted):
    box = mounted.get_by_label("z0", exact=True).bounding_box()
    mounted.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mounted.mouse.down()
    mounted.evaluate("() => { window.held = document.querySelector('.lw-rail'); first.update({version: '2'}); }")
    assert mounted.evaluate("() => held.isConnected")
    mounted.mouse.up()
    mounted.clock.run_for(20)
    assert not mounted.evaluate("() => held.isConnected")


def test_letters_are_ours_alone_and_can_be_switched_off(mounted):
    mounted.evaluate("() => { window.heard = []; document.addEventListener('keydown', ({key}) => heard.push(key)); }")
    commits = "() => sent.filter(({kind}) => kind === 'commit').length"
    mounted.keyboard.press("r")  # Streamlit would run the page again
    assert mounted.evaluate(commits) == 1
    mounted.keyboard.press("?")
    mounted.get_by_label("Use single letters as keys").uncheck()
    mounted.keyboard.press("Escape")
    before = mounted.evaluate("() => heard.length")
    for key in ("r", "R", "?", "g"):
        mounted.keyboard.press(key)
    assert mounted.evaluate(commits) == 1
    assert mounted.get_by_role("dialog").count() == 0
    assert mounted.evaluate("() => heard.length") >= before + 4  # what is not ours is left to others
    mounted.keyboard.press("Control+z")
    assert mounted.evaluate(commits) == 2
    mounted.evaluate("() => first.leave()")
    mounted.clock.fast_forward(1600)
    mounted.evaluate("() => { window.second = mount(); }")
    assert not mounted.get_by_label("Use single letters as keys").is_checked()  # remembered


def test_a_snapshot_of_another_latent_size_cannot_be_gone_to(mounted):
    kept = [{"z": [1] * size, "picture": "data:image/png;base64,", "note": "", "when": "2026-01-01"} for size in (3, 2)]
    mounted.evaluate("(kept) => localStorage.setItem('latent-walk.gallery.a', JSON.stringify(kept))", kept)
    mounted.keyboard.press("g")
    cards = mounted.get_by_role("dialog", name="Gallery").locator(".lw-snap button.lw-thumb")
    assert [cards.nth(i).is_disabled() for i in range(2)] == [True, False]
    assert "3 dimensions" in cards.nth(0).get_attribute("title")


def test_many_quick_commits_write_the_address_less_often_and_the_last_one_wins(js):
    js.page.clock.install()
    js(
        "explorer/state/address_bar.js",
        """(m) => { window.count = 0; const old = history.replaceState.bind(history);
        history.replaceState = (...given) => { count += 1; if (count > 100) throw new DOMException('too many', 'SecurityError');
          old(...given); };
        window.place = {committed: {z: []}};
        const bar = new m.AddressBar({data: {model: 'a'}, store: place, signal: life.signal});
        window.address = (z) => { place.committed = {z}; bar.write(); }; }""",
    )
    for _ in range(6):
        js.page.evaluate("() => { for (let i = 0; i < 100; i += 1) address([i, performance.now()]); }")
        js.page.clock.run_for(3000)
    js.page.evaluate("() => address([7])")
    assert js.page.evaluate("() => count") < 100
    js.page.clock.run_for(2000)
    assert js.page.evaluate("() => location.search") == "?model=a&z=7"


def test_an_address_that_the_browser_refuses_throws_nothing_and_is_written_later(js):
    js.page.clock.install()
    js(
        "explorer/state/address_bar.js",
        """(m) => { window.old = history.replaceState.bind(history);
        history.replaceState = () => { throw new DOMException('too many', 'SecurityError'); };
        new m.AddressBar({data: {model: 'a'}, store: {committed: {z: [1]}}, signal: life.signal}).write();
        history.replaceState = old; }""",
    )
    js.page.clock.run_for(11_000)
    assert js.page.evaluate("() => location.search") == "?model=a&z=1"


def test_an_address_belongs_to_its_page(js):
    js.page.clock.install()
    many = """(m) => { const committed = {z: []};
      const bar = new m.AddressBar({data: {model: 'a'}, store: {committed}, signal: life.signal});
      for (const i of Array(60).keys()) { committed.z = [i]; bar.write(); } }"""
    js("explorer/state/address_bar.js", many)
    js.page.evaluate("() => history.replaceState(null, '', '/encode')")
    js.page.clock.run_for(2000)
    assert js.page.evaluate("() => location.pathname + location.search") == "/encode"


def test_what_the_system_takes_out_of_the_hand_is_not_committed(js):
    said = js(
        "explorer/map/gestures.js",
        """(m) => { const said = []; const element = document.body.appendChild(document.createElement('div'));
        element.setPointerCapture = () => {};
        m.listen(element, new Proxy({}, {get: (_, name) => () => said.push(name)}), life.signal);
        const pointer = (kind) => element.dispatchEvent(new PointerEvent(kind, {pointerId: 1, pointerType: 'mouse', button: 0}));
        const key = (kind, altKey) => element.dispatchEvent(new KeyboardEvent(kind, {key: 'ArrowLeft', altKey}));
        ['pointerdown', 'pointercancel', 'pointerup'].forEach(pointer);
        ['keydown', 'keyup'].forEach((kind) => key(kind, true));
        return said; }""",
    )
    assert said == ["drag", "cancel"]


LISTENERS = """(m) => {
  window.heard = new Map(); // what listens to window and document, without what the clock of the test does
  for (const target of [window, document]) {
    const [add, remove] = [target.addEventListener.bind(target), target.removeEventListener.bind(target)];
    target.addEventListener = (kind, listener, options) => {
      heard.set(listener, kind);
      options?.signal?.addEventListener('abort', () => heard.delete(listener));
      add(kind, listener, options);
    };
    target.removeEventListener = (kind, listener, options) => { heard.delete(listener); remove(kind, listener, options); };
  }
  window.roots = [];
  window.once = () => {
    const {leave} = mount();
    roots.push(new WeakRef(document.querySelector('.lw-explorer')));
    return leave;
  };
}"""


def test_twenty_explorers_that_are_given_up_leave_nothing_behind(js):
    page = js.page
    page.clock.install()
    js(MAIN, MOUNT)
    js(MAIN, LISTENERS)
    for _ in range(20):
        page.evaluate("() => once()()")
        page.clock.run_for(1600)
    assert page.evaluate("() => document.querySelectorAll('.lw-explorer').length") == 0
    assert page.evaluate("() => [...heard.values()]") == []
    page.clock.run_for(60_000)  # whatever was under way has ended
    collector = page.context.new_cdp_session(page)
    deadline = time.monotonic() + 20  # answers of the network come by the real clock, and hold what asked until then
    while (alive := collected(page, collector)) > 5 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert alive < 6  # the browser itself still holds the last few; what is held by one of ours is all twenty


def collected(page: Any, collector: Any) -> int:
    """How many explorers a collection leaves."""
    for _ in range(2):
        collector.send("HeapProfiler.collectGarbage")
    return page.evaluate("() => roots.filter((root) => root.deref()).length")
