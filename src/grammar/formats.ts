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

/** String formats, in GBNF without the quotes. */
export const formats: Record<string, string> = {
  date,
  time,
  'date-time': `${date} "T" ${time}`,
  uuid: '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12}',
};
