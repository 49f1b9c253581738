/** A program that loads the picture it is given and then has nothing more to do. */
import { loadFile } from './pictures.ts';

const { width, height } = await loadFile(process.argv[2]!);
console.log(`${width}x${height}`);
