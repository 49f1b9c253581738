const month30 = '("04" | "06" | "09" | "11")';
const month31 = '("01" | "03" | "05" | "07" | "08" | "10" | "12")';
const day28 = '("0" [1-9] | "1" [0-9] | "2" [0-8])';
const leapYear =
  '([0-9] [0-9] ("0" [48] | [2468] [048] | [13579] [26]) | ("0" [48] | [2468] [048] | [13579] [26]) "00")';
const clock = '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]';

/** Python knows no year 0, nor does the calendar. */
const year = '([1-9] [0-9]{3} | "0" ([1-9] [0-9]{2} | "0" ([1-9] [0-9] | "0" [1-9])))';
/** Every day of the calendar and no other (RFC 3339, full-date). */
const date = `(${year} "-" (${month31} "-" (${day28} | "29" | "3" [01]) | ${month30} "-" (${day28} | "29" | "30") | "02-" ${day28}) | ${leapYear} "-02-29")`;
/** With its offset, as RFC 3339 and JSON Schema ask for. */
const time = `${clock} ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [-+] ${clock})`;

const label = '[a-z0-9]{1,20} ("-" [a-z0-9]{1,20}){0,2}';
const host = `${label} ("." ${label}){0,4} "." [a-z]{2,12}`;
const email = `[a-zA-Z0-9]{1,20} ([._+-] [a-zA-Z0-9]{1,20}){0,4} "@" ${host}`;
const byte = '("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9]{2} | [1-9]? [0-9])';
const clockSpan =
  '"T" ([0-9]{1,4} "H" ([0-9]{1,4} "M")? ([0-9]{1,4} "S")? | [0-9]{1,4} "M" ([0-9]{1,4} "S")? | [0-9]{1,4} "S")';

const ipv4 = `${byte} ("." ${byte}){3}`;
const ipv6 = '[0-9a-f]{1,4} (":" [0-9a-f]{1,4}){7}';
const bits32 = '("3" [0-2] | [12] [0-9] | [0-9])';
const bits128 = '("12" [0-8] | "1" [01] [0-9] | [1-9]? [0-9])';
/** Of a network, what is behind its bits is 0. */
const network4 = `(${Array.from({ length: 33 }, (_, bits) => {
  const step = 2 ** (8 - (bits % 8));
  const part = Array.from({ length: 256 / step }, (_, at) => `"${at * step}"`).join(' | ');
  const whole = Array.from<string>({ length: Math.floor(bits / 8) }).fill(byte);
  return `${[...whole, `(${part})`, '"0"', '"0"', '"0"'].slice(0, 4).join(' "." ')} "/${bits}"`;
}).join(' | ')})`;
const network6 = `(${Array.from({ length: 7 }, (_, at) => `[0-9a-f]{1,4} (":" [0-9a-f]{1,4}){${at}} "::/${16 * at + 16}"`).join(' | ')} | ${ipv6} "/128")`;
const uuidOf = (version: number): string =>
  `[0-9a-f]{8} "-" [0-9a-f]{4} "-${version}" [0-9a-f]{3} "-" [89ab] [0-9a-f]{3} "-" [0-9a-f]{12}`;
/** Without bits that the last group does not need. */
const base64 = (sign: string): string => `(${sign}{4})* (${sign} [AQgw] "==" | ${sign}{2} [AEIMQUYcgkosw048] "=")?`;

export interface TextFormat {
  /** In GBNF, without the quotes. */
  rule: string;
  /** Regular expressions that say no more than the rule: zod writes them beside its formats. */
  patterns?: readonly string[];
}

/** Formats that say how a text is used and not what is in it: any text will do. */
export const freeFormats = [
  'binary',
  'password',
  'path',
  'file-path',
  'directory-path',
  'textarea',
  'regex',
  'color',
  'phone',
];

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
    rule: email,
    patterns: [
      String.raw`^(?:[A-Za-z0-9_'+\-]+\.)*[A-Za-z0-9_'+\-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$`,
      String.raw`^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$`,
    ],
  },
  hostname: {
    rule: host,
    patterns: [
      String.raw`^(?=.{1,253}\.?$)[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-0-9a-zA-Z]{0,61}[0-9a-zA-Z])?)*\.?$`,
    ],
  },
  'name-email': { rule: `(${email} | [A-Za-zÀ-ÖØ-öø-ÿ]{1,20} (" " [A-Za-zÀ-ÖØ-öø-ÿ]{1,20}){0,4} " <" ${email} ">")` },
  uri: {
    rule: `("http" "s"? | "ftp") "://" ${host} (":" [1-9] [0-9]{0,3})? ("/" [a-zA-Z0-9._~-]{0,60}){0,12} ("?" [a-zA-Z0-9._~=&-]{0,200})? ("#" [a-zA-Z0-9._~-]{0,60})?`,
  },
  ipv4: { rule: ipv4 },
  ipv6: { rule: ipv6 },
  ipvanyaddress: { rule: `(${ipv4} | ${ipv6})` },
  ipv4interface: { rule: `${ipv4} ("/" ${bits32})?` },
  ipv6interface: { rule: `${ipv6} ("/" ${bits128})?` },
  ipvanyinterface: { rule: `(${ipv4} ("/" ${bits32})? | ${ipv6} ("/" ${bits128})?)` },
  ipv4network: { rule: network4 },
  ipv6network: { rule: network6 },
  ipvanynetwork: { rule: `(${network4} | ${network6})` },
  uuid: { rule: '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12}' },
  ...Object.fromEntries([1, 3, 4, 5, 6, 7, 8].map((version) => [`uuid${version}`, { rule: uuidOf(version) }])),
  base64: { rule: base64('[A-Za-z0-9+/]') },
  byte: { rule: base64('[A-Za-z0-9+/]') },
  base64url: { rule: base64('[A-Za-z0-9_-]') },
};
