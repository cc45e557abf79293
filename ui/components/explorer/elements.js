// A small way to write elements, canvases that are sharp on any screen, and files for a person to keep.

/** h("button.lw-button", {type: "button"}, "Reset") */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** A button of the rows under the picture. */
export function button(label, words, run) {
  return h("button.lw-button", { type: "button", title: words, onclick: run }, label);
}

/** The same for a sign or a short name. */
export function smallButton(label, words, run) {
  return h("button.lw-button.lw-small", { type: "button", title: words, "aria-label": label.length > 2 ? null : words, onclick: run }, label);
}

/** A button that looks like a link. */
export function linkButton(label, words, run) {
  return h("button.lw-link", { type: "button", title: words, onclick: run }, label);
}

/** Closes the sheet that it is on. */
export function closeButton() {
  return h("button.lw-button", { type: "button", onclick: (event) => event.target.closest("dialog").close() }, "Close");
}

/** The canvas with as many pixels as its place has on the screen, and a context in CSS pixels. */
export function fitted(canvas) {
  const [width, height] = [Math.max(1, canvas.clientWidth), Math.max(1, canvas.clientHeight)];
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { context, width, height };
}

/** Hands a file to the person's browser. */
export function download(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000); // the browser reads it after the click
}
