/** A part of the page that is there from the start. */
export const byId = (id) => document.getElementById(id);

/** Names of attributes have a hyphen, all others are properties; children that are texts stay texts. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-')) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** Told to whoever listens to the page; whoever looks at it sees the same in its place. */
export function say(text) {
  byId('status').textContent = text;
}

/** Shown and told until the next question; an empty text takes it away. */
export function complain(text) {
  byId('problem').textContent = text;
}

export function save(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = element('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may begin to read it later
}

export const count = (number, one, many = `${one}s`) => `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
