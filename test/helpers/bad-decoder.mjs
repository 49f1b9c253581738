/** Stands in for decoder-entry.ts in decoder-process.test.ts: the picture's name says how to misbehave. */
import { appendFileSync, existsSync, statSync } from 'node:fs';

process.on('disconnect', () => process.exit());
process.on('message', ({ request: { name } }) => {
  process.send({ kind: 'begun' });
  const [what, marker] = name.split('@');
  switch (what) {
    case 'crash':
      return process.abort();
    case 'hang':
      return setTimeout(() => {
        for (;;);
      }, 50); // its first reply has to be sent
    case 'greed':
      return process.kill(process.pid, 'SIGKILL');
    case 'killed':
      if (existsSync(marker) && statSync(marker).size > 1) break;
      appendFileSync(marker, '.');
      return process.kill(process.pid, 'SIGKILL');
    case 'drip':
      return setInterval(sendPage, 200);
    case 'slow':
      return setTimeout(finish, 300);
    case 'bug':
      return process.send({ kind: 'failed', cause: 'TypeError: somewhere' });
    default:
      break;
  }
  return finish();
});

function finish() {
  sendPage();
  return process.send({ kind: 'done' });
}

function sendPage() {
  process.send({ kind: 'page', page: { page: undefined, width: process.pid }, patchBytes: 0 });
}
