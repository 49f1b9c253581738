import { sharesOf } from './answers.js';

/** As `pixtral batch` writes them. */
export function jsonLines(records) {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/** A line for each record, with columns for fields of JSON and options of decisions. RFC 4180. */
export function csv(records) {
  const rows = records.map(cellsOf);
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))].sort(
    (a, b) => (a === 'error') - (b === 'error'),
  );
  const lines = [columns, ...rows.map((row) => columns.map((column) => row.get(column) ?? ''))];
  return lines.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

function cellsOf({ id, text, data, answers, error }) {
  const cells = new Map([['id', id]]);
  if (error) cells.set('error', error.message);
  else if (answers) for (const [column, cell] of answers.flatMap(decisionCells)) cells.set(column, cell);
  else if (data && typeof data === 'object')
    for (const [key, value] of Object.entries(data)) {
      const column = key === 'id' || key === 'error' ? `data.${key}` : key;
      cells.set(column, typeof value === 'string' ? value : JSON.stringify(value));
    }
  else cells.set('text', text);
  return cells;
}

function decisionCells(answer, index) {
  const name = answer.name ?? `q${index + 1}`;
  if (answer.type === 'predicate') return [[name, String(answer.probability)]];
  const value = answer.type === 'choice' ? answer.choice : String(answer.score);
  return [[name, value], ...sharesOf(answer).map(([option, share]) => [`${name}: ${option}`, String(share)])];
}

/** A cell that a spreadsheet would take for a formula stays text. */
function csvCell(text) {
  const plain = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
