/**
 * Text for a terminal: control characters but tab and newline become visible signs, so that neither a model's answer
 * nor a file's name can move the cursor, change the title or hide text.
 */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd';
  });
}

/** The same on one line: a file's name may hold newlines and tabs too. */
export function printableLine(text: string): string {
  return straight(printable(text)).replaceAll('\n', '\u240a').replaceAll('\t', '\u2409');
}

/** Without the marks by which a name can turn the direction of what stands behind it. */
export function straight(text: string): string {
  return text.replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

const maxMessage = 2000;

/** A message that quotes what was given stays readable whatever that was: its beginning and its end. */
export function brief(message: string): string {
  if (message.length <= maxMessage) return message;
  return `${message.slice(0, maxMessage / 2)} … ${message.slice(-maxMessage / 4)}`;
}

/** Text that a program reads through a pipe stays as it is; a terminal must not obey what a name holds. */
export function shownAt(sink: { isTTY: boolean }, text: string): string {
  return sink.isTTY ? printable(text) : text;
}
