/** A TIFF structure whose directory, or the Exif directory behind it, holds one date. */
export function exifWithDate(
  date: string,
  { tag, inExif, little }: { tag: number; inExif: boolean; little: boolean },
): Buffer {
  const tiff = Buffer.alloc(80);
  const u16 = (value: number, at: number): number =>
    little ? tiff.writeUInt16LE(value, at) : tiff.writeUInt16BE(value, at);
  const u32 = (value: number, at: number): number =>
    little ? tiff.writeUInt32LE(value, at) : tiff.writeUInt32BE(value, at);
  const directory = (at: number, [name, type, count, value]: [number, number, number, number]): void => {
    u16(1, at);
    u16(name, at + 2);
    u16(type, at + 4);
    u32(count, at + 6);
    u32(value, at + 10);
  };
  tiff.write(little ? 'II' : 'MM', 'latin1');
  u16(42, 2);
  u32(8, 4);
  if (inExif) directory(8, [0x8769, 4, 1, 30]);
  directory(inExif ? 30 : 8, [tag, 2, 20, 60]);
  tiff.write(date, 60, 'latin1');
  return tiff;
}
