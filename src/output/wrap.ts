/** Text in lines of at most `columns` characters, broken at blanks; all but the first begin with `indent`. */
export function wrap(text: string, { columns, indent }: { columns: number; indent: string }): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line.trim() !== '' && longer.length > columns) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line].map((one) => `${one}\n`).join('');
}

/** Names and what they mean, side by side as far as there is room. */
export function definitions(rows: readonly (readonly [name: string, meaning: string])[], columns: number): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const isNarrow = columns < width + 30;
  return rows
    .map(([name, meaning]) =>
      isNarrow
        ? `${name}\n${wrap(`  ${meaning}`, { columns, indent: '  ' })}`
        : wrap(name.padEnd(width) + meaning, { columns, indent: ' '.repeat(width) }),
    )
    .join('');
}
