/**
 * A word for messages, receipts and progress: without the password that a URL in it may carry, whether the URL is right
 * or not. A password may hold every sign that would end it.
 */
export function urlName(word: string): string {
  const [start, scheme] = /^(@?https?:|[a-z][a-z\d+.-]*:(?=[/\\])|[^/\\\s]*:(?=[/\\]{2}))[/\\]*/i.exec(word) ?? [];
  if (start === undefined || scheme === undefined) return withoutScheme(word);
  const rest = word.slice(start.length);
  const hidden = credentialsEnd(rest);
  return hidden < 0 ? word : `${scheme}//***${rest.slice(hidden)}`;
}

/** `me:password@host.example/a.png`: the scheme was forgotten. */
function withoutScheme(word: string): string {
  const sign = word.lastIndexOf('@');
  const [authority = ''] = word.slice(sign + 1).split(/[/\\?#]/, 1);
  return sign >= 0 && isHost(authority) && /^[^/\\:@\s]+:(?![/\\\s])/.test(word) ? `***${word.slice(sign)}` : word;
}

/** Where the `@` behind them is; -1 where there are none: an `@` further down is part of a path. */
function credentialsEnd(rest: string): number {
  const end = rest.search(/[/\\?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const sign = authority.lastIndexOf('@');
  if (isHost(authority.slice(sign + 1))) return sign;
  return sign >= 0 || !/^[\w.-]*$/.test(authority) ? rest.lastIndexOf('@') : -1;
}

/** Looks like nothing but a host, perhaps with a port: no part of a password that goes on behind it. */
function isHost(authority: string): boolean {
  return /^(localhost|[^:.]*\.[^:]*|\[[^\]]*\])(:\d{1,5})?$/i.test(authority);
}
