/** What the trial of a build of the CPU's arithmetic forks, once for it and once for the prebuilt one. */
import { endWithParent } from '../../base/own-process.ts';
import { openNative } from '../open-native.ts';
import { type Products, computeProducts } from './products.ts';

endWithParent({ maxBytes: Infinity });
const products = await compute(process.argv[3] === 'prebuilt');
process.send?.(products, () => process.removeAllListeners('disconnect').disconnect());

async function compute(prebuilt: boolean): Promise<Products | 'unloadable'> {
  const native = await openNative({ gpu: 'off', prebuilt, onLog: () => {} });
  try {
    if (!prebuilt && native.ownBuild === undefined) return 'unloadable';
    native.ggml.logSet(null, null); // a reason that is logged right before an abort would not get through JavaScript
    return await computeProducts(native);
  } finally {
    await native.close();
  }
}
