// Text of a run becomes text on the page and nothing else: elements are made one by one, never from a string.

// What nobody sees, or what moves other characters about; the same as in characters.py, and shown as a chip.
const UNSEEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]|[\u{e0000}-\u{e007f}]/gu;

function make(tag, name, text, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.append(text);
  element.append(...children);
  return element;
}

function code(character) {
  return "U+" + character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
}

// On one line, for the list.
function line(text) {
  return text.slice(0, 400).replace(/\s+/g, " ").replace(UNSEEN, (found) => "\u27e8" + code(found) + "\u27e9");
}

// As it is, with a chip for each character that cannot be seen, and marks where `words` are.
function whole(text, words) {
  const block = make("div", "text");
  block.dir = "auto";
  let at = 0;
  for (const found of text.matchAll(UNSEEN)) {
    mark(block, text.slice(at, found.index), words);
    block.append(make("span", "unseen", code(found[0])));
    at = found.index + found[0].length;
  }
  mark(block, text.slice(at), words);
  return block;
}

function mark(block, text, words) {
  if (!words.length) return block.append(text);
  const pattern = new RegExp(words.map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|"), "giu");
  let at = 0;
  for (const found of text.matchAll(pattern)) {
    block.append(text.slice(at, found.index), make("mark", "", found[0]));
    at = found.index + found[0].length;
  }
  block.append(text.slice(at));
}

function number(count) {
  return count.toLocaleString("en-US");
}
