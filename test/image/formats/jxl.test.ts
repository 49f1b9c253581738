import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFile } from '../../helpers/pictures.ts';

/** 8 x 8 pixels by libjxl 0.7: `cjxl -d 1 -e 3 -x color_space=...`. */
const pictures = {
  RGB_D65_202_Rel_PeQ:
    '/wpBQEIePQIAEggBABQDXeUSAAAVKqOMG7yc6/nyQ4fFtI3rDG21bWFJosg4NkkncEgSK8HGBQgbMAAAM/frOkCskMJsouZ9qW6KXgzLcO/rwkief5aUhcQBQnTiWBRdcVbqLGXVxJdCpvMwhkshhDlbtUQKCM/p2bcYBDhfyr0KH6wbN71NmNX1fYEjgDrV8cYXDUBJw9ezEAKxwysFPASkZMJJUlIISVTavFJOJr2SDx/dMU0AmVn6GS7ovmBvRP8/yloLB7ifBga9DvtkBkRdUAk=',
  RGB_D65_202_Rel_HLG:
    '/wpBQEKegQgAEggBAGQCXeUSAAAVKqOMG7yc6/nyQ4fFtI3rDG21bWFJosg4NkkncEgSa8DGJTAPAADMnLADLBVSIAuGbbuUpDuRiowHLoUAwAsBxsBFH/9s9437i4NGieQXRa2Yz7ewfp3BSVcehexnoLXiIPWhtZaTHvsIDuE3MplJfj60L+XZkTgUARx4kShJRTiSq1D+0QGq3GxywDZ5lmIbB8gA',
  'RGB_0.3;0.33_SRG_Rel_HLG':
    '/wpBQIIQ8EkCkVAGIgASCAEAPAJd5RIAABUqo4wbvJzr+fJDh8W0jesMbbVtYUmiyDg2SSdwSBJrwMYlMMYAAMycGA7QVEiBLBh2bVG6O1XxYrwTFyVOiCPGi3TvwcpyOfm/9t2DNRAaduSXhxLvPPhObjaPFPDDimNWSGJ6rHl76yPCC1JA0BHx2JkdcjbK44deWp5ucRGjXpkGRpui4xyoBA==',
  RGB_D65_SRG_Rel_Lin:
    '/wpBQELRIgASCAEAIAJd5RIAABUqo4wbvJzr+fJDh8W0jesMbbVtYUmiyDg2SSdwSBKrMMYFNgYAAJi5MwZrhRRIsm23jaeTYmy8i/GcJR4AVjukGimu0cgy8L2GfK2JndtDt5pebYxkzaeL6m467R88ICHQcrf+BMdgz0L0LUibVn5vE7F0Ds9j9/IBR7cYg5gVAWQD',
};

for (const [space, base64] of Object.entries(pictures)) {
  const light = space.endsWith('PeQ') ? 'PQ' : space.endsWith('HLG') ? 'HLG' : undefined;
  test(`a JPEG XL in ${space} ${light ? 'warns that its light is cut off' : 'has no warning'}`, async () => {
    const { width, warnings } = await decodeFile(Buffer.from(base64, 'base64'), { name: 'a.jxl' });
    assert.equal(width, 8);
    const says = `its light (${light}) is brighter than a screen's: what is beyond white is shown as white`;
    assert.deepEqual(warnings, light ? [says] : undefined);
  });
}
