import type { DataSet } from 'dicom-parser';
import type { Size } from '../opened.ts';

/** What a DICOM file says of its pictures. Source: DICOM PS3.3, C.7.6.3, C.11.1 and C.11.2 */
export interface DicomHeader extends Size {
  frames: number;
  /** Of a pixel: 1 or 3. */
  samples: number;
  photometric: string;
  /** Each sample of a colour in a plane of its own. */
  planar: boolean;
  /** What a sample takes, and how much of it counts. */
  allocated: number;
  stored: number;
  signed: boolean;
  /** From stored values to those of the measurement. */
  slope: number;
  intercept: number;
  /** What is to be seen, in values of the measurement; undefined where the file does not say. */
  window: { centre: number; width: number; kind: string } | undefined;
  /** Stands for what was not measured. */
  padding: number | undefined;
  /** How many times wider than high a pixel is. */
  aspect: number;
  transferSyntax: string;
  /** Tables instead of numbers say what values mean. */
  hasTables: boolean;
}

export function readDicomHeader(dataSet: DataSet): DicomHeader {
  const whole = (tag: string): number => dataSet.uint16(tag) ?? 0;
  const decimal = (tag: string): number | undefined => {
    const value = dataSet.floatString(tag, 0);
    return value === undefined || Number.isNaN(value) ? undefined : value;
  };
  const signed = whole('x00280103') === 1;
  const [centre, width] = [decimal('x00281050'), decimal('x00281051')];
  return {
    width: whole('x00280011'),
    height: whole('x00280010'),
    frames: Math.max(1, dataSet.intString('x00280008') ?? 1),
    samples: dataSet.uint16('x00280002') ?? 1,
    photometric: dataSet.string('x00280004') ?? 'MONOCHROME2',
    planar: whole('x00280006') === 1,
    allocated: whole('x00280100'),
    stored: whole('x00280101') || whole('x00280100'),
    signed,
    slope: decimal('x00281053') ?? 1,
    intercept: decimal('x00281052') ?? 0,
    window:
      centre === undefined || width === undefined || width <= 0
        ? undefined
        : { centre, width, kind: dataSet.string('x00281056') ?? 'LINEAR' },
    padding: signed ? dataSet.int16('x00280120') : dataSet.uint16('x00280120'),
    aspect: aspectOf(dataSet),
    transferSyntax: dataSet.string('x00020010') ?? '1.2.840.10008.1.2',
    hasTables: ['x00283000', 'x00283010'].some((tag) => dataSet.elements[tag] !== undefined),
  };
}

/** By the ratio of a pixel's height to its width, or by how far rows and columns are apart. */
function aspectOf(dataSet: DataSet): number {
  for (const tag of ['x00280034', 'x00280030', 'x00181164']) {
    const [high, wide] = [dataSet.floatString(tag, 0), dataSet.floatString(tag, 1)];
    if (high !== undefined && wide !== undefined && high > 0 && wide > 0) return wide / high;
  }
  return 1;
}
