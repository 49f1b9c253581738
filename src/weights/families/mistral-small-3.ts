import { type Family, mistralText } from './family.ts';

/** Mistral Small 3.1 and 3.2, Magistral Small 1.2. configuration_mistral3.py. */
export const mistralSmall3: Family = {
  name: 'Mistral Small 3',
  params: { merges: true, stretches: false },
  huggingFace: {
    modelType: 'mistral3',
    textType: 'mistral',
    featureLayer: -1,
    projectorBias: false,
    spatialMergeSize: 2,
    projectorNorm: true,
    tied: true,
    text: mistralText,
  },
};
