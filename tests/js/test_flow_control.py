"""How many requests are in flight, over simulated ways and servers: nothing here depends on how fast this machine is."""

from __future__ import annotations

import pytest

# One person's events and one socket, in simulated ms. The way there takes half a round trip, the server draws one picture after
# the other, the way back carries `rate` bytes a ms, one after the other, and takes half a round trip. `late`: one reply of so
# many is held up by 200 ms, and with it those behind it.
SIMULATE = """(m, options) => {
  const { draw = 3, raw = 12300, small = 1500, most = Infinity } = options;
  const { seconds = 6, from = 3, every = 1000 / 60, late = 0, change } = options;
  const flow = new m.FlowControl();
  const queue = []; // [at, act], a calendar
  const at = (time, act) => queue.push([time, act]);
  let [now, wanted, inFlight, sequence, free, linkFree, replies] = [0, null, [], 0, 0, 0, 0];
  let { trip: way, rate = Infinity } = options;
  const seen = { answered: 0, latencies: [], flights: 0, limits: [], jpeg: [] };
  const send = () => {
    if (wanted === null || inFlight.length >= Math.min(most, flow.limit)) return;
    const asked = { sequence: ++sequence, event: wanted, sent: now, alone: inFlight.length === 0, jpeg: flow.compresses(now) };
    wanted = null;
    inFlight.push(asked);
    at(now + way / 2, () => {
      free = Math.max(free, now) + draw;
      const [drawn, served] = [free, draw];
      at(drawn, () => {
        const bytes = asked.jpeg ? small : raw;
        linkFree = Math.max(linkFree, now) + bytes / rate;
        replies += 1;
        if (late && replies % late === 0) linkFree += 200;
        at(linkFree + way / 2, () => receive(asked, bytes, served));
      });
    });
  };
  const receive = (asked, bytes, served) => {
    inFlight.splice(0, inFlight.indexOf(asked) + 1);
    flow.replied({ ...asked, at: now, served, bytes, awaited: wanted !== null });
    if (now >= 1000 * from && now < 1000 * seconds) {
      seen.answered += 1;
      seen.latencies.push(now - asked.event);
      seen.flights = Math.max(seen.flights, inFlight.length + 1);
      seen.limits.push(flow.limit);
      seen.jpeg.push(asked.jpeg);
    }
    send();
  };
  for (let k = 0; k * every < 1000 * seconds; k += 1) at(k * every, () => { wanted = now; send(); });
  if (change) at(1000 * change.at, () => { [way, rate] = [change.trip ?? way, change.rate ?? rate]; });
  while (queue.length > 0) {
    const next = queue.reduce((best, [time], i) => (time < queue[best][0] ? i : best), 0);
    const [[time, act]] = queue.splice(next, 1);
    now = time;
    act();
  }
  seen.latencies.sort((a, b) => a - b);
  return {
    rate: seen.answered / (seconds - from), p95: seen.latencies[Math.floor(0.95 * seen.latencies.length)],
    flights: seen.flights, limit: seen.limits.at(-1), everJpeg: seen.jpeg.includes(true),
  };
}"""


def simulated(js, **options):
    return js("explorer/connection/flow_control.js", SIMULATE, options)


@pytest.mark.parametrize(("trip", "in_flight"), [(0, 1), (20, 2), (50, 4), (100, 7), (200, 13)])
def test_every_event_is_answered_over_any_way_with_as_many_in_flight_as_it_needs_and_no_more(js, trip, in_flight):
    seen = simulated(js, trip=trip)
    assert seen["rate"] > 59
    assert seen["p95"] <= trip + 3 + 1
    assert seen["limit"] == in_flight and seen["flights"] <= in_flight
    assert not seen["everJpeg"]


def test_with_one_in_flight_a_far_server_answers_few(js):
    """What the simulation says of the loop that this replaces."""
    assert simulated(js, trip=100, most=1)["rate"] < 11


@pytest.mark.parametrize("trip", [0, 20, 100, 200])
@pytest.mark.parametrize(("mbit", "raw"), [(20, True), (5, False), (1, False)])
def test_a_narrow_way_gets_jpeg_files_and_no_queue(js, trip, mbit, raw):
    seen = simulated(js, trip=trip, rate=mbit * 125, seconds=20, **{"from": 5})
    assert seen["everJpeg"] is not raw
    assert seen["rate"] > 58
    assert seen["p95"] <= trip + 3 + 20


@pytest.mark.parametrize("trip", [0, 100])
def test_a_way_that_becomes_wide_carries_pictures_as_they_are_again(js, trip):
    seen = simulated(js, trip=trip, rate=125, change={"at": 4, "rate": 2500}, seconds=20, **{"from": 17})
    assert not seen["everJpeg"]
    assert seen["rate"] > 58


def test_a_way_too_narrow_even_for_jpeg_files_gets_no_backlog(js):
    """0.2 Mbit/s carry 16 files a second."""
    seen = simulated(js, trip=100, rate=25, seconds=16, **{"from": 11})
    assert 14 < seen["rate"] < 17
    assert seen["p95"] < 100 + 3 + 60 + 3 * 60, "one being carried, at most three waiting"


@pytest.mark.parametrize("trip", [0, 100])
def test_a_busy_server_gets_no_queue_and_no_request_for_jpeg_files(js, trip):
    seen = simulated(js, trip=trip, draw=50, seconds=8)
    assert 18 < seen["rate"] < 21
    assert seen["p95"] < trip + 50 + 2 * 50 + 17
    assert not seen["everJpeg"]


def test_replies_that_are_held_up_do_not_count_as_a_queue(js):
    held, steady = simulated(js, trip=100, late=100, seconds=12), simulated(js, trip=100, seconds=12)
    assert held["limit"] == steady["limit"] and not held["everJpeg"]
    assert held["rate"] > 50


def test_few_events_over_a_far_way_are_all_answered(js):
    assert simulated(js, trip=100, every=1000 / 25, seconds=6)["rate"] > 24


def test_a_way_that_becomes_longer_is_learnt_anew(js):
    seen = simulated(js, trip=20, change={"at": 3, "trip": 150}, seconds=12, **{"from": 8})
    assert seen["rate"] > 58
