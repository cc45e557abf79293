// How long the display shows one frame, measured once for the page while it is seen.

const USUAL = 1000 / 60; // ms
const [SHORTEST, LOOKS] = [4, 12]; // ms; frames

let [known, begun] = [USUAL, false];

/** ms between two frames of the display: 60 a second until it is measured, and never fewer: a busy page shows fewer than the display. */
export function displayFrame() {
  if (!begun) requestAnimationFrame((first) => look([first]));
  begun = true;
  return known;
}

function look(times) {
  if (times.length <= LOOKS) {
    requestAnimationFrame((time) => look([...times, time]));
    return;
  }
  const gaps = times.slice(1).map((time, i) => time - times[i]).sort((a, b) => a - b);
  known = Math.min(USUAL, Math.max(SHORTEST, gaps[LOOKS >> 2]));
}
