// Where Streamlit meets the explorer: one Explorer, kept over reruns.
//
// After quick reruns Streamlit sometimes takes the component's element away and puts a new one in its place. The explorer then
// moves into the new place as it is, with its history, what is playing and what has the focus.

import { QuickerAnswers } from "./answers/quicker_answers.js";
import { Explorer } from "./explorer.js";

const PATIENCE = 1500; // ms without a place before it is given up: the person has gone to another page

const mounted = new WeakMap(); // parent element -> Explorer
let homeless = null; // {instance, timer}

export default function explorer({ data, parentElement, setStateValue }) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, attach(parentElement.querySelector(".lw-root") ?? parentElement));
  mounted.get(parentElement).update(data, setStateValue);
  return () => {
    if (mounted.has(parentElement)) leave(mounted.get(parentElement));
    mounted.delete(parentElement);
  };
}

function attach(place) {
  if (homeless === null) return new Explorer(place, new QuickerAnswers());
  const { instance, timer } = homeless;
  clearTimeout(timer);
  homeless = null;
  instance.moveTo(place);
  return instance;
}

function leave(instance) {
  const timer = setTimeout(() => {
    if (homeless?.instance === instance) homeless = null;
    instance.close();
  }, PATIENCE);
  homeless = { instance, timer };
}
