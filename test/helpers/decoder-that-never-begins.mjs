/** Stands in for decoder-entry.ts where a library that it imports does not load. */
process.exitCode = 1;
process.disconnect();
