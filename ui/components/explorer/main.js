// Where Streamlit meets the explorer: one Explorer for each mounted element, kept over reruns.

import { Explorer } from "./explorer.js";

const mounted = new WeakMap(); // parent element -> Explorer

export default function explorer({ data, parentElement, setStateValue }) {
  let instance = mounted.get(parentElement);
  if (!instance) {
    instance = new Explorer(parentElement.querySelector(".lw-root") ?? parentElement);
    mounted.set(parentElement, instance);
  }
  instance.update(data, setStateValue);
  return () => {
    mounted.get(parentElement)?.destroy();
    mounted.delete(parentElement);
  };
}
