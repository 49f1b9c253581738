/** Behind `host:port` an `@` is part of a path; behind what is no host, a password may hold every sign that would end it. */
const credentials = /:\/\/(?:[^\s/\\?#]*|(?!(?:localhost|[^\s/@:[]*\.[^\s/@:[]*):\d{1,5}(?:[^\w@]|$))[^\s/@:[]+:\S*)@/g;

/** Text that may name URLs, without the passwords in them: whatever was given by mistake where none is taken, too. */
export function withoutPasswords(text: string): string {
  if (!text.includes('://') || !text.includes('@')) return text;
  return text
    .split(/(\s)/)
    .map((word) => {
      const end = word.lastIndexOf('@') + 1; // behind it nothing is looked for, which would take time in its square
      return word.slice(0, end).replaceAll(credentials, '://***@') + word.slice(end);
    })
    .join('');
}
