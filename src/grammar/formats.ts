const month30 = '("04" | "06" | "09" | "11")';
const month31 = '("01" | "03" | "05" | "07" | "08" | "10" | "12")';
const day28 = '("0" [1-9] | "1" [0-9] | "2" [0-8])';
const leapYear =
  '(([0-9] [0-9]) ("0" [48] | [2468] [048] | [13579] [26]) | ("0" [048] | [2468] [048] | [13579] [26]) "00")';
const clock = '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]';

/** Every day of the calendar and no other (RFC 3339, full-date). */
const date = `([0-9]{4} "-" (${month31} "-" (${day28} | "29" | "3" [01]) | ${month30} "-" (${day28} | "29" | "30") | "02-" ${day28}) | ${leapYear} "-02-29")`;
/** With its offset, as RFC 3339 and JSON Schema ask for. */
const time = `${clock} ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [-+] ${clock})`;

const label = '[a-z0-9]{1,20} ("-" [a-z0-9]{1,20}){0,2}';
const host = `${label} ("." ${label}){0,4} "." [a-z]{2,12}`;
const byte = '("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9]{2} | [1-9]? [0-9])';
const clockSpan =
  '"T" ([0-9]{1,4} "H" ([0-9]{1,4} "M")? ([0-9]{1,4} "S")? | [0-9]{1,4} "M" ([0-9]{1,4} "S")? | [0-9]{1,4} "S")';

export interface TextFormat {
  /** In GBNF, without the quotes. */
  rule: string;
  /** Regular expressions that say no more than the rule: zod writes them beside its formats. */
  patterns?: readonly string[];
}

/** Formats that say how a text is used and not what is in it: any text will do. */
export const freeFormats = ['binary', 'password', 'path', 'file-path', 'directory-path', 'textarea', 'byte', 'base64'];

/** String formats. */
export const formats: Record<string, TextFormat> = {
  date: { rule: date },
  time: { rule: time },
  'date-time': { rule: `${date} "T" ${time}` },
  duration: {
    rule: `"P" ([0-9]{1,4} "W" | ${clockSpan} | ([0-9]{1,4} "Y" ([0-9]{1,4} "M")? ([0-9]{1,4} "D")? | [0-9]{1,4} "M" ([0-9]{1,4} "D")? | [0-9]{1,4} "D") (${clockSpan})?)`,
    patterns: [
      String.raw`^P(?:(\d+W)|(?!.*W)(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?)$`,
    ],
  },
  email: {
    rule: `[a-zA-Z0-9]{1,20} ([._+-] [a-zA-Z0-9]{1,20}){0,4} "@" ${host}`,
    patterns: [
      String.raw`^(?:[A-Za-z0-9_'+\-]+\.)*[A-Za-z0-9_'+\-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$`,
      String.raw`^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$`,
    ],
  },
  hostname: { rule: host },
  uri: {
    rule: `("http" "s"? | "ftp") "://" ${host} (":" [1-9] [0-9]{0,3})? ("/" [a-zA-Z0-9._~-]{0,60}){0,12} ("?" [a-zA-Z0-9._~=&-]{0,200})? ("#" [a-zA-Z0-9._~-]{0,60})?`,
  },
  ipv4: { rule: `${byte} ("." ${byte}){3}` },
  ipv6: { rule: '[0-9a-f]{1,4} (":" [0-9a-f]{1,4}){7}' },
  uuid: { rule: '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12}' },
};
