"""What is asked over the second connection: again after a pause where the server is busy, in parts where it is much."""


def test_a_question_that_a_busy_server_did_not_take_is_asked_again_after_growing_pauses(js):
    script = """async (m) => {
      const sent = [], pauses = [];
      window.WebSocket = class {
        constructor() { window.socket = this; }
        send(frame) { sent.push(new DataView(frame).getUint32(4, true)); }
        close() {}
      };
      const later = window.setTimeout;
      window.setTimeout = (then, ms) => (ms >= 20000 ? 0 : (pauses.push(ms), later(then, 0)));
      Math.random = () => 0.5;
      const frame = (size, fill) => { const view = new DataView(new ArrayBuffer(size)); fill(view); return {data: view.buffer}; };
      const queries = new m.QueryConnection('ws://nowhere', life.signal);
      socket.onmessage(frame(8, (view) => view.setUint8(0, 2)));
      const places = queries.places('here', [[0, 0]]);
      const turn = () => new Promise((resolve) => later(resolve, 20));
      for (let refusals = 0; refusals < 3; refusals += 1) {
        socket.onmessage(frame(8, (view) => {
          view.setUint8(0, 7); view.setUint8(1, 4); view.setUint16(2, 1000, true); view.setUint32(4, sent.at(-1), true);
        }));
        await turn();
      }
      socket.onmessage(frame(8 + 16 + 32, (view) => { view.setUint8(0, 4); view.setUint32(4, sent.at(-1), true); }));
      return {sent, pauses, answered: (await places).length};
    }"""
    found = js("explorer/connection/query_connection.js", script)
    assert found == {"sent": [1, 2, 3, 4], "pauses": [1000, 2000, 4000], "answered": 1}


def test_more_strips_than_fit_one_question_are_asked_for_in_several(js):
    script = """async (m) => {
      const picture = {kind: 'pixels', height: 1, width: 1, channels: 1, pixels: new Uint8Array(1)};
      const row = (index) => ({
        slider: {index, range: {low: -1, high: 1}, film: document.createElement('canvas')},
        along: (z, value) => z.map((old, i) => (i === index ? value : old)),
      });
      const rows = Array.from({length: 80}, (_, index) => row(index));
      for (const {slider} of rows) slider.film.className = 'lw-stale';
      const asked = [];
      const queries = {pictures: async (topic, points) => (asked.push(points.length), points.map(() => picture))};
      const store = {held: Array(80).fill(0)};
      new m.SliderPictures({store, model: {queries}, parts: {rail: {sliders: {visible: rows}}}}).refresh();
      while (performance.getEntriesByName('film-refresh').length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      return {asked, stale: rows.filter(({slider}) => slider.film.classList.contains('lw-stale')).length};
    }"""
    assert js("explorer/sliders/slider_pictures.js", script) == {"asked": [511, 49], "stale": 0}
