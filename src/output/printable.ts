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
  return printable(text).replaceAll('\n', '\u240a').replaceAll('\t', '\u2409');
}

/** Text that a program reads through a pipe stays as it is; a terminal must not obey what a name holds. */
export function shownAt(sink: { isTTY: boolean }, text: string): string {
  return sink.isTTY ? printable(text) : text;
}
