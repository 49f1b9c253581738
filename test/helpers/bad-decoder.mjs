/** Stands in for decoder-entry.ts in decoder-process.test.ts: the picture's name says how to misbehave. */
process.on('disconnect', () => process.exit());
process.on('message', ({ name }) => {
  process.send({ kind: 'begun' });
  switch (name) {
    case 'crash':
      return process.abort();
    case 'hang':
      return setTimeout(() => {
        for (;;);
      }, 50); // its first reply has to be sent
    case 'greed':
      return process.kill(process.pid, 'SIGKILL');
    case 'bug':
      return process.send({ kind: 'failed', cause: 'TypeError: somewhere' });
    default:
      process.send({ kind: 'page', page: { page: undefined, width: process.pid } });
      return process.send({ kind: 'done' });
  }
});
