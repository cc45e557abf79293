"""The state of an explorer, and that a part needs nothing but its own file and a line in the list."""

from __future__ import annotations

from test_explorer_life import MAIN, MOUNT

STORE, PARTS = "explorer/state/store.js", "explorer/list_of_parts.js"


def test_looking_changes_what_is_shown_moving_what_is_held_and_only_a_commit_what_counts(js):
    script = """(m) => {
      const told = [];
      const store = new m.Store((what, {committed, held, shown, here, cause}) => {
        told.push([what, cause.by, committed.z[0], held[0], shown[0], here[0]]);
      });
      store.commit([0], null, {by: 'page'});
      store.move([1], {by: 'slider', index: 0});
      store.look([2], {by: 'look'});
      store.back();
      store.look([3], {by: 'path'});
      store.commit(store.here, null, {by: 'person'});
      return told;
    }"""
    assert js(STORE, script) == [
        ["committed", "page", 0, 0, 0, 0],
        ["moved", "slider", 0, 1, 1, 1],
        ["moved", "look", 0, 1, 2, 1],  # where one stands is not where one looks
        ["moved", "back", 0, 1, 1, 1],
        ["moved", "path", 0, 1, 3, 3],  # but a path that is played leads there
        ["committed", "person", 3, 3, 3, 3],
    ]


# A part that writes down what it is told, and has something to be stopped.
PROBE = """({PARTS}) => {
  window.told = [];
  PARTS.probe = class {
    elements = {'under the picture': Object.assign(document.createElement('p'), {id: 'probe'})};
    keys = [{key: 'X', words: 'Probe', run: () => told.push('key')}];
    constructor({signal}) {
      this.store = arguments[0].store;
      signal.addEventListener('abort', () => told.push('end'));
    }
    attach(root) { told.push(`attach ${root.contains(this.elements['under the picture'])}`); }
    open({name, again}) { told.push(`open ${name}${again ? ' again' : ''}`); }
    moved({shown, cause}) { told.push(`moved ${shown} by ${cause.by}`); }
    committed({committed, cause}) { told.push(`committed ${committed.z} by ${cause.by}`); }
    linkState() { return {probe: 1}; }
  };
}"""


def test_a_part_is_a_file_and_a_line_and_ends_with_the_explorer(js):
    page = js.page
    page.clock.install()
    js(PARTS, PROBE)
    js(MAIN, MOUNT)
    page.evaluate("() => { window.first = mount(); }")
    assert page.locator(".lw-picture-card #probe").count() == 1
    page.get_by_label("z1", exact=True).focus()
    page.keyboard.down("End")
    page.keyboard.up("End")
    page.keyboard.press("x")
    page.evaluate("() => first.update({version: '2'})")
    page.evaluate("() => first.update({version: '2', revision: 2, z: [1, 1]})")
    page.evaluate("() => first.leave()")
    page.clock.run_for(1600)
    assert page.evaluate("() => told") == [
        "attach true",
        "open a",
        "committed 0,0 by page",
        "moved 0,2 by slider",
        "committed 0,2 by release",
        "key",
        "open a again",
        "committed 1,1 by page",
        "end",
    ]


WAITING = """(m) => {
  window.begun = 0;
  window.waiting = new Map(); // timers that have not rung
  const [set, clear] = [window.setTimeout, window.clearTimeout];
  window.setTimeout = (act, ms) => {
    const id = set(() => { waiting.delete(id); act(); }, ms);
    waiting.set(id, `${ms} ms: ${act}`);
    begun += 1;
    return id;
  };
  window.clearTimeout = (id) => { waiting.delete(id); clear(id); };
  window.observed = 0;
  const Observer = window.ResizeObserver;
  window.ResizeObserver = class extends Observer {
    observe(element) { observed += 1; super.observe(element); }
    disconnect() { observed -= 1; super.disconnect(); }
  };
}"""


def test_no_timer_and_no_observer_outlives_an_explorer(js):
    page = js.page
    page.clock.install()
    js(MAIN, WAITING)
    js(MAIN, MOUNT)
    page.evaluate("() => { window.first = mount(); }")
    for key in ("p", "r", "p", "s", "a", "f"):  # pins, a path, a toast, an animation, the picture alone
        page.keyboard.press(key)
    page.get_by_test_id("map").hover()
    assert page.evaluate("() => [begun > 5, observed > 2]") == [True, True]
    page.evaluate("() => first.leave()")
    page.clock.run_for(1500)
    assert page.evaluate("() => [...waiting.values()]") == []
    assert page.evaluate("() => observed") == 0


def test_a_pause_leaves_nothing_on_a_signal_that_lives_long(js):
    script = """async (m) => {
      const {signal} = life;
      const heard = new Set();
      signal.addEventListener = (_, listener) => heard.add(listener);
      signal.removeEventListener = (_, listener) => heard.delete(listener);
      const pauses = [1, 2, 3].map((ms) => m.pause(ms, signal));
      const during = heard.size;
      await Promise.all(pauses);
      return [during, heard.size];
    }"""
    assert js("explorer/timers.js", script) == [3, 0]
