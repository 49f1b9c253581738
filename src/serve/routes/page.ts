import { readFile } from 'node:fs/promises';
import { packageFolder } from '../../base/place.ts';
import type { Route } from '../context.ts';

const types = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

const files = [
  'page.css',
  'icon.svg',
  'main.js',
  'answers.js',
  'api.js',
  'batch.js',
  'conversation.js',
  'dom.js',
  'look.js',
  'pictures.js',
  'results.js',
  'settings.js',
] as const;

/** A page for people: files of the package, which are told nothing and load nothing from elsewhere. */
export const pageRoutes: readonly Route[] = [
  pageRoute('/', 'index.html'),
  ...files.map((name) => pageRoute(`/page/${name}`, name)),
];

function pageRoute(path: string, name: `${string}.${keyof typeof types}`): Route {
  const type = types[name.slice(name.lastIndexOf('.') + 1) as keyof typeof types];
  return {
    method: 'get',
    path,
    open: true,
    answer: async (c) => c.body(await readFile(new URL(name, folder)), 200, { 'Content-Type': type, ...headers }),
  };
}

const folder = new URL('page/', packageFolder);

/** What an answer says cannot become a script even by mistake, and no other page can put this one into a frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
];

const headers = {
  'Content-Security-Policy': policy.join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
} as const;
