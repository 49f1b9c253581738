// Loaded before everything else: the native library that WITHOUT_LIBRARY names part of does not load here.
const load = process.dlopen.bind(process);
process.dlopen = (module, file, ...flags) => {
  if (file.includes(process.env.WITHOUT_LIBRARY)) throw new Error('cannot open shared object file');
  return load(module, file, ...flags);
};
