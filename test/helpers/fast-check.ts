import * as fc from 'fast-check';

/** The same cases each time, so that a run judges the change and not the luck; `PROPERTY_SEED=2` tries others. */
fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1) });

export * from 'fast-check';
