"""Files of formats that are rarer than TIFF, for `npm run compare:pictures -- <folder>`: python test/compare/make_pictures.py <folder>

Needs numpy, Pillow with its plugin for JPEG XL, and imagecodecs. expected.json names a PNG for each: what was written means, by plain arithmetic.
"""

import os
import gzip
import io
import json
import struct
import sys
import zlib
from itertools import product
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_jxl  # noqa: F401
from PIL import Image

FOLDER = Path(sys.argv[1])
FOLDER.mkdir(parents=True, exist_ok=True)
EXPECTED = {}
WIDTH, HEIGHT = 53, 39
RNG = np.random.default_rng(int(os.environ.get("SEED", 15)))


def share(count):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x / WIDTH, y / HEIGHT, (x + y) / (WIDTH + HEIGHT), 1 - x / WIDTH, 1 - y / HEIGHT][:count]
    return np.clip(np.stack(planes, -1) * 0.8 + 0.1 + RNG.normal(0, 0.04, (HEIGHT, WIDTH, count)), 0, 1)


def expect(name, rgb, content=None, mean=0.6, block=2.0, verdict=None):
    if content is not None:
        (FOLDER / name).write_bytes(content)
    pixels = rgb if rgb.dtype == np.uint8 else np.floor(np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8)
    if pixels.ndim == 2 or pixels.shape[-1] == 1:
        pixels = np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, -1)
    Image.fromarray(np.ascontiguousarray(pixels)).save(FOLDER / f"{name}.reference.png")
    EXPECTED[name] = {"reference": f"{name}.reference.png", "limits": {"mean": mean, "block": block}, **({"verdict": verdict} if verdict else {})}


def on_white(rgb, alpha):
    return rgb * alpha + (1 - alpha)


def eight(values):
    return np.round(values * 255).astype(np.uint8)


def jxl():
    for count, distance in product((1, 3, 4), (0, 1)):
        stored = eight(share(count)).squeeze()
        image = Image.fromarray(stored)
        name = f"{ {1: 'grey', 3: 'rgb', 4: 'rgba'}[count]}-{'lossless' if distance == 0 else 'lossy'}.jxl"
        image.save(FOLDER / name, lossless=distance == 0, quality=92)
        read = np.asarray(Image.open(FOLDER / name)).astype(float) / 255
        rgb = on_white(read[..., :3], read[..., 3:]) if count == 4 else read
        expect(name, rgb, mean=1.2, block=3)
    frames = np.stack([eight(share(3)), eight(1 - share(3))])
    expect("film.jxl", frames[0], imagecodecs.jpegxl_encode(frames, lossless=True))


def jpeg2000():
    for count, bits, kind in product((1, 2, 3, 4), (8, 16), ("j2k", "jp2")):
        values = np.round(share(count) * (2 ** bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
        content = imagecodecs.jpeg2k_encode(values.squeeze(), level=0, reversible=True, codecformat=kind)
        rgb = values[..., :3 if count >= 3 else 1] / (2 ** bits - 1)
        expect(f"{count}-{bits}.{kind}", rgb, content, verdict="refused" if count in (2, 4) and kind == "j2k" else None)
    values = eight(share(3))
    for level in (30, 60):
        content = imagecodecs.jpeg2k_encode(values, level=level, codecformat="jp2")
        expect(f"lossy-{level}.jp2", imagecodecs.jpeg2k_decode(content), content, mean=1, block=2)


def packed_line(line):
    return imagecodecs.packbits_encode(bytes(line))


def psd(mode, planes, bits, compression, large=False, palette=b"", resources=b""):
    """planes: bytes of each channel's lines."""
    lines = [line for plane in planes for line in plane]
    head = b"8BPS" + struct.pack(">H", 2 if large else 1) + bytes(6) + struct.pack(">HIIHH", len(planes), HEIGHT, WIDTH, bits, mode)
    layers = struct.pack(">Q" if large else ">I", 0)
    if compression == 0:
        data = b"".join(lines)
    elif compression == 1:
        packed = [packed_line(line) for line in lines]
        data = b"".join(struct.pack(">I" if large else ">H", len(line)) for line in packed) + b"".join(packed)
    elif compression == 2:
        data = zlib.compress(b"".join(lines))
    else:
        done = []
        for line in lines:
            if bits == 8:
                values = np.frombuffer(line, np.uint8).astype(int)
                done.append(np.diff(values, prepend=0).astype(np.uint8).tobytes())
            elif bits == 16:
                values = np.frombuffer(line, ">u2").astype(int)
                done.append((np.diff(values, prepend=0) & 65535).astype(">u2").tobytes())
            else:
                values = np.frombuffer(line, np.uint8).reshape(-1, 4).T.ravel().astype(int)
                done.append(np.diff(values, prepend=0).astype(np.uint8).tobytes())
        data = zlib.compress(b"".join(done))
    return (head + struct.pack(">I", len(palette)) + palette + struct.pack(">I", len(resources)) + resources + layers + struct.pack(">H", compression) + data)


def psd_with_alpha(values, as_on_white):
    """One empty layer, counted negatively: the fourth channel is transparency."""
    stored = np.round(values * 255)
    if as_on_white:
        stored[..., :3] = np.round(on_white(values[..., :3], values[..., 3:]) * 255)
    content = psd(3, [lines_of(stored[..., channel], 8) for channel in range(4)], 8, 1)
    layer = struct.pack(">iiiiH", 0, 0, 0, 0, 0) + b"8BIMnorm" + bytes([255, 0, 0, 0]) + struct.pack(">I", 12) + struct.pack(">II", 0, 0) + b"\1a\0\0"
    section = struct.pack(">h", -1) + layer
    section = struct.pack(">I", len(section)) + section
    return content[:34] + struct.pack(">I", len(section)) + section + content[38:]


def lines_of(values, bits):
    if bits == 8:
        return [line.astype(np.uint8).tobytes() for line in values]
    if bits == 16:
        return [line.astype(">u2").tobytes() for line in values]
    if bits == 32:
        return [line.astype(">f4").tobytes() for line in values]
    return [np.packbits(line.astype(np.uint8)).tobytes() for line in values]


def srgb(light):
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def photoshop():
    for bits, compression, large, extra in product((8, 16, 32), (0, 1, 2, 3), (False, True), (0, 1)):
        for name, mode, count in (("grey", 1, 1), ("rgb", 3, 3), ("cmyk", 4, 4), ("lab", 9, 3)):
            if bits == 32 and name in ("cmyk", "lab"):
                continue
            values = share(count + extra)
            top = {8: 255, 16: 65535, 32: 1}[bits]
            stored = values.astype(np.float32) if bits == 32 else np.round(values * top)
            unit = stored[..., :count] / top
            if name == "cmyk":
                ink = 1 - unit
                rgb = (1 - ink[..., :3]) * (1 - ink[..., 3:])
            elif name == "lab":
                continue
            else:
                rgb = srgb(unit) if bits == 32 else unit
            content = psd(mode, [lines_of(stored[..., channel], bits) for channel in range(count + extra)], bits, compression, large)
            expect(f"{name}-{bits}-way{compression}{'-extra' if extra else ''}.{'psb' if large else 'psd'}", rgb, content)
    values = share(4)
    for way in (True, False):
        expect(f"transparent-{'on-white' if way else 'as-they-are'}.psd", on_white(values[..., :3], values[..., 3:]), psd_with_alpha(values, way), mean=1)
    bitmap = share(1)[..., 0] > 0.5
    for compression in (0, 1):
        expect(f"bitmap-way{compression}.psd", 1 - bitmap.astype(float), psd(0, [lines_of(bitmap, 1)], 1, compression))
        palette = RNG.integers(0, 256, (3, 256), dtype=np.uint8)
        index = eight(share(1)[..., 0])
        expect(f"indexed-way{compression}.psd", palette.T[index], psd(2, [lines_of(index, 8)], 8, compression, palette=palette.tobytes()))
        expect(f"duotone-way{compression}.psd", index, psd(8, [lines_of(index, 8)], 8, compression))
    resource = b"8BIM" + struct.pack(">HHI", 1057, 0, 5) + struct.pack(">IB", 1, 0) + b"\0"
    expect("layers-only.psd", np.ones((HEIGHT, WIDTH, 3)), psd(3, [lines_of(np.full((HEIGHT, WIDTH), 255), 8)] * 3, 8, 1, resources=resource), verdict="refused")


def netpbm():
    bits = share(1)[..., 0] > 0.5
    text = "\n".join(" ".join(str(int(value)) for value in line) for line in bits)
    expect("text.pbm", 1 - bits.astype(float), f"P1\n# a comment\n{WIDTH} {HEIGHT}\n{text}\n".encode())
    expect("tight.pbm", 1 - bits.astype(float), f"P1 {WIDTH} {HEIGHT}\n{text.replace(' ', '')}\n".encode())
    expect("bits.pbm", 1 - bits.astype(float), f"P4\n{WIDTH} {HEIGHT}\n".encode() + np.packbits(bits, axis=1).tobytes())
    for top in (1, 15, 100, 255, 256, 1023, 4095, 65535):
        for count, letter in ((1, "g"), (3, "p")):
            values = np.round(share(count) * top).astype(int)
            head = f"{WIDTH}\n# between\n{HEIGHT} {top}\n".encode()
            expect(f"text-{top}.p{letter}m", values / top, b"P%d\n" % (2 if count == 1 else 3) + head + " ".join(map(str, values.ravel())).encode() + b"\n")
            expect(f"bytes-{top}.p{letter}m", values / top, b"P%d " % (5 if count == 1 else 6) + head + values.astype(">u2" if top > 255 else "u1").tobytes())
    for count, kind in ((1, "GRAYSCALE"), (2, "GRAYSCALE_ALPHA"), (3, "RGB"), (4, "RGB_ALPHA")):
        for top in (255, 65535):
            values = np.round(share(count) * top).astype(int)
            rgb = values / top
            rgb = on_white(rgb[..., :-1], rgb[..., -1:]) if count in (2, 4) else rgb
            head = f"P7\nWIDTH {WIDTH}\nHEIGHT {HEIGHT}\nDEPTH {count}\nMAXVAL {top}\nTUPLTYPE {kind}\nENDHDR\n".encode()
            expect(f"{kind.lower()}-{top}.pam", rgb, head + values.astype(">u2" if top > 255 else "u1").tobytes())
    for count, order in product((1, 3), "<>"):
        values = share(count).astype(order + "f4")
        head = f"P{'F' if count == 3 else 'f'}\n{WIDTH} {HEIGHT}\n{'-' if order == '<' else ''}1.0\n".encode()
        expect(f"float-{count}-{'le' if order == '<' else 'be'}.pfm", values.astype(float), head + values[::-1].tobytes())


def tga():
    for bits, packed, origin, footer in product((15, 16, 24, 32), (False, True), range(4), (False, True)):
        values = share(4)
        if bits <= 16:
            five = np.round(values[..., :3] * 31).astype(int)
            rgb, data = five / 31, (five[..., 0] << 10 | five[..., 1] << 5 | five[..., 2]).astype("<u2")[..., None].view(np.uint8)
        else:
            stored = eight(values)
            rgb = stored[..., :3] / 255
            data = stored[..., [2, 1, 0, 3][:bits // 8]]
            rgb = on_white(rgb, stored[..., 3:] / 255) if bits == 32 else rgb
        data = data if origin & 2 else data[::-1]
        data = data[:, ::-1] if origin & 1 else data
        head = bytes([0, 0, 10 if packed else 2]) + bytes(9) + struct.pack("<HHBB", WIDTH, HEIGHT, bits, origin << 4 | (8 if bits == 32 else 0))
        content = b"".join(runs(line) for line in data) if packed else data.tobytes()
        end = bytes(8) + b"TRUEVISION-XFILE.\0" if footer else b""
        expect(f"colour-{bits}-{'rle' if packed else 'raw'}-{origin}-{'new' if footer else 'old'}.tga", rgb, head + content + end)
    grey = eight(share(1))
    palette = RNG.integers(0, 256, (256, 3), dtype=np.uint8)
    for packed in (False, True):
        content = b"".join(runs(line) for line in grey) if packed else grey.tobytes()
        head = bytes([0, 0, 11 if packed else 3]) + bytes(9) + struct.pack("<HHBB", WIDTH, HEIGHT, 8, 32)
        expect(f"grey-{'rle' if packed else 'raw'}.tga", grey, head + content)
        head = struct.pack("<BBBHHBHHHHBB", 0, 1, 9 if packed else 1, 0, 256, 24, 0, 0, WIDTH, HEIGHT, 8, 32)
        expect(f"palette-{'rle' if packed else 'raw'}.tga", palette[grey[..., 0]], head + palette[:, ::-1].tobytes() + content)


def runs(line):
    """Both kinds of packets of TGA."""
    out, at, pixels = b"", 0, [bytes(pixel) for pixel in line]
    while at < len(pixels):
        count = 1
        while at + count < len(pixels) and pixels[at + count] == pixels[at] and count < 128:
            count += 1
        if count > 1:
            out += bytes([127 + count]) + pixels[at]
        else:
            while at + count < len(pixels) and pixels[at + count] != pixels[at + count - 1] and count < 128:
                count += 1
            out += bytes([count - 1]) + b"".join(pixels[at:at + count])
        at += count
    return out


def dicom():
    """Judged by the formulas of DICOM PS3.3, C.11.2.1; pydicom writes, and is left out where it is not installed."""
    try:
        from pydicom.dataset import Dataset, FileMetaDataset
        from pydicom.encaps import encapsulate
        from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, RLELossless, ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, generate_uid
    except ImportError:
        print("pydicom is missing: no DICOM")
        return

    def write(name, pixels, shown, syntax=ExplicitVRLittleEndian, data=None, mean=0.6, **tags):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
        dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[name])
        dataset.PatientName = "Nobody"
        dataset.Rows, dataset.Columns = pixels.shape[:2]
        dataset.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
        dataset.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
        if pixels.ndim == 3:
            dataset.PlanarConfiguration = 0
        dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        for key, value in tags.items():
            setattr(dataset, key, value)
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelData = data if data is not None else pixels.astype(pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")).tobytes()
        dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize > 1 and data is None else "OB"
        if data is not None:
            dataset["PixelData"].is_undefined_length = True
        dataset.save_as(FOLDER / name, enforce_file_format=True)
        expect(name, shown, mean=mean)

    def linear(values, centre, width):
        return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)

    values = np.round(share(1)[..., 0] * 4095).astype(np.uint16)
    hounsfield = values.astype(float) * 1.0 - 1024
    for syntax, word in ((ImplicitVRLittleEndian, "implicit"), (ExplicitVRLittleEndian, "explicit"), (ExplicitVRBigEndian, "big")):
        write(f"window-{word}.dcm", values, linear(hounsfield, 800, 2000), syntax, BitsStored=12, WindowCenter=800, WindowWidth=2000, RescaleSlope=1,
              RescaleIntercept=-1024)
    write("inverted.dcm", values, 1 - linear(values.astype(float), 2048, 4096), BitsStored=12, WindowCenter=2048, WindowWidth=4096,
          PhotometricInterpretation="MONOCHROME1")
    write("two-windows.dcm", values, linear(values.astype(float), 1000, 1500), BitsStored=12, WindowCenter=[1000, 3000], WindowWidth=[1500, 500])
    write("exact.dcm", values, np.clip((values - 2000.0) / 3000 + 0.5, 0, 1), BitsStored=12, WindowCenter=2000, WindowWidth=3000, VOILUTFunction="LINEAR_EXACT")
    write("sigmoid.dcm", values, 1 / (1 + np.exp(-4 * (values - 2000.0) / 3000)), BitsStored=12, WindowCenter=2000, WindowWidth=3000, VOILUTFunction="SIGMOID")
    write("no-window.dcm", values, (values - float(values.min())) / (values.max() - values.min()), BitsStored=12)
    signed = (values.astype(np.int32) - 2048).astype(np.int16)
    write("signed.dcm", signed, linear(signed.astype(float), 0, 3000), WindowCenter=0, WindowWidth=3000)
    grey, colour = eight(share(1)[..., 0]), eight(share(3))
    write("grey-8.dcm", grey, grey)
    write("colour.dcm", colour, colour)
    write("colour-planes.dcm", colour, colour, PlanarConfiguration=1, data=None)
    raw = (FOLDER / "colour-planes.dcm").read_bytes()
    (FOLDER / "colour-planes.dcm").write_bytes(raw.replace(colour.tobytes(), np.ascontiguousarray(np.moveaxis(colour, -1, 0)).tobytes()))
    write("jpeg2000.dcm", values, linear(values.astype(float), 2048, 4096), JPEG2000Lossless, BitsStored=12, WindowCenter=2048, WindowWidth=4096,
          data=encapsulate([imagecodecs.jpeg2k_encode(values, level=0, reversible=True, codecformat="j2k", bitspersample=12)]))
    smooth = np.asarray(Image.fromarray(grey).resize((12, 9)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    write("jpeg.dcm", smooth, smooth, JPEGBaseline8Bit, data=encapsulate([imagecodecs.jpeg8_encode(smooth, level=95)]), mean=2)
    high, low = (values >> 8).astype(np.uint8), (values & 255).astype(np.uint8)
    parts = [b"".join(packed_line(line) for line in plane) for plane in (high, low)]
    parts = [part + b"\0" * (len(part) % 2) for part in parts]
    head = struct.pack("<16I", 2, 64, 64 + len(parts[0]), *[0] * 13)
    write("runs.dcm", values, linear(values.astype(float), 2048, 4096), RLELossless, BitsStored=12, WindowCenter=2048, WindowWidth=4096,
          data=encapsulate([head + b"".join(parts)]))


def others():
    for count in (3, 4):
        stored = eight(share(count))
        stored[5:20] = stored[5, 5]  # runs
        rgb = stored / 255
        expect(f"{count}.qoi", on_white(rgb[..., :3], rgb[..., 3:]) if count == 4 else rgb, imagecodecs.qoi_encode(stored))
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="32"><rect width="64" height="32" fill="#20a040"/></svg>'
    expect("plain.svgz", np.broadcast_to(np.uint8([0x20, 0xa0, 0x40]), (512, 1024, 3)), gzip.compress(svg, mtime=0))
    icon = Image.fromarray(eight(share(4))).resize((64, 64))
    parts = b""
    for kind, side in ((b"icp5", 32), (b"ic07", 64), (b"icp4", 16)):
        buffer = io.BytesIO()
        icon.resize((side, side)).save(buffer, "PNG")
        parts += kind + struct.pack(">I", len(buffer.getvalue()) + 8) + buffer.getvalue()
    shown = np.asarray(icon).astype(float) / 255
    expect("pictures.icns", on_white(shown[..., :3], shown[..., 3:]), b"icns" + struct.pack(">I", len(parts) + 8) + parts)
    dib = struct.pack("<IiiHHIIiiII", 40, 32, 64, 1, 32, 0, 0, 0, 0, 0, 0) + bytes([200, 90, 30, 255]) * 1024 + bytes(128)
    expect("arrow.cur", np.full((32, 32, 3), [30, 90, 200], np.uint8), struct.pack("<HHH", 0, 2, 1) + struct.pack("<BBBBHHII", 32, 32, 0, 0, 4, 4, len(dib), 22) + dib)


for make in (jxl, jpeg2000, photoshop, netpbm, tga, dicom, others):
    make()
(FOLDER / "expected.json").write_text(json.dumps(EXPECTED, indent=1))
print(len(EXPECTED), "files")
