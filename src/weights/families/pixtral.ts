import { type Family, mistralText } from './family.ts';

/** Pixtral-12B and its fine-tunes. configuration_llava.py. */
export const pixtral: Family = {
  name: 'Pixtral',
  params: { merges: false, stretches: false },
  huggingFace: {
    modelType: 'llava',
    textType: 'mistral',
    featureLayer: -2,
    projectorBias: true,
    spatialMergeSize: 1,
    projectorNorm: false,
    tied: false,
    text: mistralText,
  },
};
