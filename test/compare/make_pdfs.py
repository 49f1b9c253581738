"""Several hundred PDFs over all options, for the differential run outside CI:

    python test/compare/make_pdfs.py <folder> && npm run compare:pictures -- <folder> --python python

Needs pikepdf, numpy, pillow, imagecodecs, reportlab, fonttools and the DejaVu fonts of node_modules. expected.json in the
folder says what nobody can show. Every file is valid unless its name says what it suffers from.
"""

import io
import itertools
import json
import os
import pathlib
import struct
import sys
import zlib

import imagecodecs
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pikepdf import Array, Dictionary, Encryption, Name, ObjectStreamMode, Pdf, Permissions, Stream, String

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
dejavu = pathlib.Path(__file__).resolve().parents[2] / "node_modules/dejavu-fonts-ttf/ttf"
expected = {}
# What stands for a font that is not there, and how a bare annotation looks, is each reader's own taste: it is to be
# there, where it has to be. Inks without a profile, and Lab beyond the colours of a screen, too.
by_taste = {"limits": {"mean": 14, "block": 255}}
width, height = 96, 64
# Of the waves in its pictures, by the number in SEED.
phase = int(os.environ.get("SEED", 0)) % 62832 / 10000


def new(content, box=(0, 0, 300, 200), resources=None, **entries):
    pdf = Pdf.new()
    page = pdf.add_blank_page(page_size=(100, 100))
    page.obj.MediaBox = Array(list(box))
    page.obj.Contents = pdf.make_stream(content)
    helvetica = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
    page.obj.Resources = Dictionary(Font=Dictionary(Helv=pdf.make_indirect(helvetica)))
    for key, value in (resources or {}).items():
        page.obj.Resources[Name("/" + key)] = value
    for key, value in entries.items():
        page.obj[Name("/" + key)] = value
    return pdf, page


def save(pdf, name, **options):
    pdf.save(folder / f"{name}.pdf", **options)


def photo(channels=3, bits=8, w=width, h=height):
    y, x = np.mgrid[0:h, 0:w]
    waves = [128 + 110 * np.sin(x / (7 + 3 * c) + c + phase) * np.cos(y / (9 + 2 * c)) for c in range(channels)]
    values = np.clip(np.stack(waves, -1), 0, 255)
    values[8:24, 8:40, 0] = 250
    values[40:56, 50:90] = 20
    return np.round(values / 255 * (2**bits - 1)).astype(np.uint16 if bits == 16 else np.uint8)


def words(w=width, h=height):
    """1 where there is ink."""
    image = Image.new("L", (w, h), 255)
    draw = ImageDraw.Draw(image)
    draw.text((4, 4), "Invoice 4711", font=ImageFont.truetype(str(dejavu / "DejaVuSans.ttf"), h // 5), fill=0)
    draw.rectangle((w // 4, h // 2, w * 3 // 4, h * 3 // 4), fill=0)
    return (np.asarray(image) < 128).astype(np.uint8)


def packed(values, bits):
    """Samples as a PDF has them, every line from a whole byte on."""
    h = values.shape[0]
    lines = values.reshape(h, -1)
    if bits == 16:
        return lines.astype(">u2").tobytes()
    if bits == 8:
        return lines.astype(np.uint8).tobytes()
    each = ((lines[..., None] >> np.arange(bits - 1, -1, -1)) & 1).reshape(h, -1).astype(np.uint8)
    return np.packbits(each, axis=1).tobytes()


def image_page(data, filters=None, parms=None, content=None, page_content=b"", **entries):
    pdf, page = new(page_content + (content or b"q 280 0 0 180 10 10 cm /I Do Q"))
    stream = Stream(pdf, data)
    values = dict(Type=Name.XObject, Subtype=Name.Image, Width=width, Height=height, BitsPerComponent=8)
    values.update(entries)
    for key, value in values.items():
        if value is not None:
            stream[Name("/" + key)] = value(pdf) if callable(value) else value
    if filters is not None:
        stream.Filter = Array([Name("/" + one) for one in filters]) if len(filters) != 1 else Name("/" + filters[0])
    if parms is not None:
        stream.DecodeParms = parms(pdf) if callable(parms) else parms
    page.obj.Resources.XObject = Dictionary(I=pdf.make_indirect(stream))
    return pdf


def ascii85(data):
    import base64

    return base64.a85encode(data, wrapcol=72) + b"~>"


def predicted(data, line, bytes_per_pixel, kind):
    """PNG's filters 0 to 4, or all of them in turn."""
    out, before = bytearray(), bytes(line)
    for number in range(len(data) // line):
        row = data[number * line : (number + 1) * line]
        use = number % 5 if kind == 15 else kind - 10
        left = bytes(bytes_per_pixel) + row[:-bytes_per_pixel]
        upper_left = bytes(bytes_per_pixel) + before[:-bytes_per_pixel]
        out.append(use)
        for value, a, b, c in zip(row, left, before, upper_left):
            p = a + b - c
            paeth = a if abs(p - a) <= abs(p - b) and abs(p - a) <= abs(p - c) else b if abs(p - b) <= abs(p - c) else c
            out.append((value - (0, a, b, (a + b) // 2, paeth)[use]) & 255)
        before = row
    return bytes(out)


def lzw(data, early):
    """Source: ISO 32000-1, 7.4.4."""
    bits, length = [], 9
    table = {bytes([value]): value for value in range(256)}
    put = lambda code: bits.append(format(code, f"0{length}b"))
    put(256)
    run, following = b"", 258
    for value in data:
        longer = run + bytes([value])
        if longer in table:
            run = longer
            continue
        put(table[run])
        table[longer] = following
        following += 1
        run = bytes([value])
        if following + early > 2**length - (0 if early else 0) and length < 12:
            length += 1
        if following >= 4094:
            put(256)
            table = {bytes([one]): one for one in range(256)}
            following, length = 258, 9
    put(table[run])
    following += 1
    if following + early > 2**length and length < 12:
        length += 1
    put(257)
    joined = "".join(bits)
    joined += "0" * (-len(joined) % 8)
    return int(joined, 2).to_bytes(len(joined) // 8, "big")


def filters():
    rgb = packed(photo(), 8)
    encoders = {
        "FlateDecode": zlib.compress,
        "LZWDecode": lambda data: lzw(data, 1),
        "RunLengthDecode": lambda data: imagecodecs.packbits_encode(data) + b"\x80",
        "ASCII85Decode": ascii85,
        "ASCIIHexDecode": lambda data: data.hex().encode() + b">",
    }
    for chain in itertools.chain(
        ((one,) for one in encoders),
        itertools.permutations(encoders, 2),
        [("ASCII85Decode", "LZWDecode", "RunLengthDecode"), ("ASCIIHexDecode", "ASCII85Decode", "FlateDecode")],
    ):
        data = rgb
        for one in reversed(chain):
            data = encoders[one](data)
        save(image_page(data, chain, ColorSpace=Name.DeviceRGB), "filter-" + "-".join(one[:-6].lower() for one in chain))
    parms = dict(Colors=3, BitsPerComponent=8, Columns=width)
    for kind in range(10, 16):
        data = predicted(rgb, width * 3, 3, kind)
        save(image_page(zlib.compress(data), ["FlateDecode"], Dictionary(Predictor=kind, **parms), ColorSpace=Name.DeviceRGB), f"filter-flate-png-{kind}")
        save(image_page(lzw(data, 1), ["LZWDecode"], Dictionary(Predictor=kind, **parms), ColorSpace=Name.DeviceRGB), f"filter-lzw-png-{kind}")
    differences = photo().astype(np.int16)
    differences[:, 1:] -= photo()[:, :-1].astype(np.int16)
    tiff = (differences & 255).astype(np.uint8).tobytes()
    save(image_page(zlib.compress(tiff), ["FlateDecode"], Dictionary(Predictor=2, **parms), ColorSpace=Name.DeviceRGB), "filter-flate-tiff")
    save(image_page(lzw(tiff, 0), ["LZWDecode"], Dictionary(Predictor=2, EarlyChange=0, **parms), ColorSpace=Name.DeviceRGB), "filter-lzw-tiff-late")
    save(image_page(lzw(rgb, 0), ["LZWDecode"], Dictionary(EarlyChange=0), ColorSpace=Name.DeviceRGB), "filter-lzw-late")
    for bits, channels in ((1, 1), (2, 1), (4, 1), (4, 3), (16, 1), (16, 3)):
        values = photo(channels, bits)
        raw = packed(values, bits)
        line = len(raw) // height
        step = max(1, bits * channels // 8)
        parm = Dictionary(Predictor=15, Colors=channels, BitsPerComponent=bits, Columns=width)
        space = Name.DeviceGray if channels == 1 else Name.DeviceRGB
        save(image_page(zlib.compress(predicted(raw, line, step, 15)), ["FlateDecode"], parm, ColorSpace=space, BitsPerComponent=bits), f"filter-flate-png-{bits}x{channels}")
    inline = b"q 280 0 0 180 10 10 cm BI /W 96 /H 64 /BPC 8 /CS /RGB /F /A85 ID " + ascii85(rgb) + b" EI Q"
    save(new(inline)[0], "inline-a85")
    inline = b"q 280 0 0 180 10 10 cm BI /W 96 /H 64 /BPC 1 /IM true /F [/AHx /Fl] ID " + zlib.compress(packed(1 - words(), 1)).hex().encode() + b"> EI Q"
    save(new(inline)[0], "inline-mask")


def fax():
    ink = words()
    bits = np.packbits(ink, axis=1)
    for black_is_1 in (False, True):
        values = bits if not black_is_1 else bits
        for name, k, encode in (("g4", -1, imagecodecs.ccittfax4_encode),):
            for invert in (False, True):
                source = Image.fromarray((1 - ink if not invert else ink) * 255).convert("1")
                data = tiff_strip(source, "group4")
                parm = Dictionary(K=-1, Columns=width, Rows=height, BlackIs1=black_is_1)
                save(image_page(data, ["CCITTFaxDecode"], parm, ColorSpace=Name.DeviceGray, BitsPerComponent=1), f"fax-{name}-{'black' if black_is_1 else 'white'}{'-inverted' if invert else ''}")
    source = Image.fromarray((1 - ink) * 255).convert("1")
    g4 = tiff_strip(source, "group4")
    for name, parm in (
        ("no-rows", Dictionary(K=-1, Columns=width)),
        ("end-of-block-false", Dictionary(K=-1, Columns=width, Rows=height, EndOfBlock=False)),
        ("k-minus-9", Dictionary(K=-9, Columns=width, Rows=height)),
        ("damaged-rows", Dictionary(K=-1, Columns=width, Rows=height, DamagedRowsBeforeError=3)),
    ):
        save(image_page(g4, ["CCITTFaxDecode"], parm, ColorSpace=Name.DeviceGray, BitsPerComponent=1), f"fax-g4-{name}")
    for decode in ([0, 1], [1, 0]):
        save(image_page(g4, ["CCITTFaxDecode"], Dictionary(K=-1, Columns=width, Rows=height), ColorSpace=Name.DeviceGray, BitsPerComponent=1, Decode=Array(decode)), f"fax-g4-decode-{decode[0]}")
        save(image_page(g4, ["CCITTFaxDecode"], Dictionary(K=-1, Columns=width, Rows=height), ImageMask=True, BitsPerComponent=1, Decode=Array(decode), page_content=b"0.1 0.2 0.7 rg "), f"fax-g4-mask-{decode[0]}")
    for chain, data in ((["ASCII85Decode", "CCITTFaxDecode"], ascii85(g4)), (["FlateDecode", "CCITTFaxDecode"], zlib.compress(g4))):
        save(image_page(data, chain, lambda pdf: Array([Dictionary(), Dictionary(K=-1, Columns=width, Rows=height)]), ColorSpace=Name.DeviceGray, BitsPerComponent=1), f"fax-g4-{chain[0][:-6].lower()}")
    wide = Image.fromarray((1 - words(1728, 400)) * 255).convert("1")
    for compression, k in (("group3", 0), ("group4", -1), ("tiff_ccitt", 0)):
        data = tiff_strip(wide, compression)
        parm = Dictionary(K=k) if compression != "tiff_ccitt" else Dictionary(K=0, EncodedByteAlign=True)
        save(image_page(data, ["CCITTFaxDecode"], parm, ColorSpace=Name.DeviceGray, BitsPerComponent=1, Width=1728, Height=400), f"fax-1728-{compression}")
    for options, name, parm in (
        (0, "1d", Dictionary(K=0, EndOfLine=True)),
        (1, "2d", Dictionary(K=4, EndOfLine=True)),
        (4, "1d-aligned", Dictionary(K=0, EndOfLine=True)),
        (5, "2d-aligned", Dictionary(K=4, EndOfLine=True)),
    ):
        data = tiff_strip(wide, "group3", options)
        save(image_page(data, ["CCITTFaxDecode"], parm, ColorSpace=Name.DeviceGray, BitsPerComponent=1, Width=1728, Height=400), f"fax-g3-{name}")


def tiff_strip(image, compression, t4_options=0):
    out = io.BytesIO()
    image.save(out, "TIFF", compression=compression, strip_size=2**30, tiffinfo={266: 1, 292: t4_options})
    return strip_of(out.getvalue())


def strip_of(file):
    tiff = Image.open(io.BytesIO(file))
    parts = [file[start : start + length] for start, length in zip(tiff.tag_v2[273], tiff.tag_v2[279])]
    data = b"".join(parts)
    if tiff.tag_v2.get(266, 1) == 2:
        data = bytes(int(f"{value:08b}"[::-1], 2) for value in data)
    return data


def jpegs():
    rgb = Image.fromarray(photo())
    grey = Image.fromarray(photo(1)[..., 0])
    cmyk = Image.fromarray(photo(4), "CMYK")
    for name, image, space in (("rgb", rgb, Name.DeviceRGB), ("grey", grey, Name.DeviceGray), ("cmyk", cmyk, Name.DeviceCMYK)):
        for progressive in (False, True):
            for sampling in (0, 2) if name == "rgb" else (0,):
                out = io.BytesIO()
                image.save(out, "JPEG", quality=92, progressive=progressive, subsampling=sampling)
                label = f"jpeg-{name}-{'progressive' if progressive else 'baseline'}-{sampling}"
                decode = dict(Decode=Array([1, 0] * 4)) if name == "cmyk" else {}
                save(image_page(out.getvalue(), ["DCTDecode"], ColorSpace=space, **decode), label)
                save(image_page(ascii85(out.getvalue()), ["ASCII85Decode", "DCTDecode"], ColorSpace=space, **decode), label + "-a85")
                save(image_page(zlib.compress(out.getvalue()), ["FlateDecode", "DCTDecode"], ColorSpace=space, **decode), label + "-flate")
    out = io.BytesIO()
    rgb.save(out, "JPEG", quality=92, keep_rgb=True, subsampling=0)
    save(image_page(out.getvalue(), ["DCTDecode"], ColorSpace=Name.DeviceRGB), "jpeg-rgb-stored-as-rgb")
    save(image_page(out.getvalue(), ["DCTDecode"], Dictionary(ColorTransform=0), ColorSpace=Name.DeviceRGB), "jpeg-rgb-transform-0")
    out = io.BytesIO()
    grey.save(out, "JPEG", quality=92)
    save(image_page(out.getvalue(), ["DCTDecode"], ColorSpace=Name.DeviceGray, Decode=Array([1, 0])), "jpeg-grey-decode-1")
    for w, h, name in ((1654, 2339, "a4-200"), (2480, 3508, "a4-300")):
        for space, image in ((Name.DeviceRGB, Image.fromarray(photo(3, 8, w, h))), (Name.DeviceGray, Image.fromarray(photo(1, 8, w, h)[..., 0]))):
            out = io.BytesIO()
            image.save(out, "JPEG", quality=85)
            pdf = image_page(out.getvalue(), ["DCTDecode"], ColorSpace=space, Width=w, Height=h, content=b"q 595 0 0 842 0 0 cm /I Do Q")
            pdf.pages[0].obj.MediaBox = Array([0, 0, 595, 842])
            save(pdf, f"scan-{name}-{str(space)[7:].lower()}")
            for turn in (90, 180, 270):
                pdf.pages[0].obj.Rotate = turn
                save(pdf, f"scan-{name}-{str(space)[7:].lower()}-turned-{turn}")
    w, h = 1654, 2339
    big = io.BytesIO()
    Image.fromarray(photo(3, 8, w, h)).save(big, "JPEG", quality=85)
    for name, content, entries in (
        ("flipped", b"q 595 0 0 -842 0 842 cm /I Do Q", {}),
        ("sideways", b"q 0 842 -595 0 595 0 cm /I Do Q", {}),
        ("skewed", b"q 550 40 -60 800 60 10 cm /I Do Q", {}),
        ("in-part", b"q 300 0 0 400 100 200 cm /I Do Q BT /Helv 30 Tf 50 50 Td (over the picture) Tj ET", {}),
        ("over-the-edge", b"q 1190 0 0 1684 -200 -300 cm /I Do Q", {}),
        ("twice", b"q 595 0 0 421 0 0 cm /I Do Q q 595 0 0 421 0 421 cm /I Do Q", {}),
        ("under-text", b"q 595 0 0 842 0 0 cm /I Do Q 1 0 0 rg BT /Helv 60 Tf 50 400 Td (STAMPED) Tj ET", {}),
        ("clipped", b"q 100 100 300 500 re W n 595 0 0 842 0 0 cm /I Do Q", {}),
        ("see-through", b"q /G gs 595 0 0 842 0 0 cm /I Do Q", {}),
        ("decode-1", b"q 595 0 0 842 0 0 cm /I Do Q", dict(Decode=Array([1, 0] * 3))),
        ("interpolated", b"q 595 0 0 842 0 0 cm /I Do Q", dict(Interpolate=True)),
    ):
        pdf = image_page(big.getvalue(), ["DCTDecode"], ColorSpace=Name.DeviceRGB, Width=w, Height=h, content=content, **entries)
        pdf.pages[0].obj.MediaBox = Array([0, 0, 595, 842])
        pdf.pages[0].obj.Resources.ExtGState = Dictionary(G=Dictionary(ca=0.4, BM=Name.Multiply))
        save(pdf, f"scan-{name}")


def jpeg2000():
    for name, values, space in (("rgb", photo(), Name.DeviceRGB), ("grey", photo(1)[..., 0], Name.DeviceGray), ("rgb-16", photo(3, 16), Name.DeviceRGB), ("grey-16", photo(1, 16)[..., 0], Name.DeviceGray)):
        for codec in ("jp2", "j2k"):
            data = imagecodecs.jpeg2k_encode(values, codecformat=codec, level=0, reversible=True)
            for with_space in (True, False) if codec == "jp2" else (True,):
                save(image_page(data, ["JPXDecode"], ColorSpace=space if with_space else None, BitsPerComponent=None), f"jpx-{name}-{codec}{'' if with_space else '-own-space'}")
    rgba = np.dstack([photo(), np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))])
    data = imagecodecs.jpeg2k_encode(rgba, codecformat="jp2", level=0, reversible=True)
    save(image_page(data, ["JPXDecode"], BitsPerComponent=None, SMaskInData=1), "jpx-rgba-own-mask")


def segment(number, kind, data, page=1):
    return struct.pack(">IBBBI", number, kind, 0, page, len(data)) + data


class Arithmetic:
    """The MQ encoder. Source: ITU T.88, annex E."""

    table = [(0x5601, 1, 1, 1), (0x3401, 2, 6, 0), (0x1801, 3, 9, 0), (0x0AC1, 4, 12, 0), (0x0521, 5, 29, 0), (0x0221, 38, 33, 0), (0x5601, 7, 6, 1), (0x5401, 8, 14, 0), (0x4801, 9, 14, 0), (0x3801, 10, 14, 0), (0x3001, 11, 17, 0), (0x2401, 12, 18, 0), (0x1C01, 13, 20, 0), (0x1601, 29, 21, 0), (0x5601, 15, 14, 1), (0x5401, 16, 14, 0), (0x5101, 17, 15, 0), (0x4801, 18, 16, 0), (0x3801, 19, 17, 0), (0x3401, 20, 18, 0), (0x3001, 21, 19, 0), (0x2801, 22, 19, 0), (0x2401, 23, 20, 0), (0x2201, 24, 21, 0), (0x1C01, 25, 22, 0), (0x1801, 26, 23, 0), (0x1601, 27, 24, 0), (0x1401, 28, 25, 0), (0x1201, 29, 26, 0), (0x1101, 30, 27, 0), (0x0AC1, 31, 28, 0), (0x09C1, 32, 29, 0), (0x08A1, 33, 30, 0), (0x0521, 34, 31, 0), (0x0441, 35, 32, 0), (0x02A1, 36, 33, 0), (0x0221, 37, 34, 0), (0x0141, 38, 35, 0), (0x0111, 39, 36, 0), (0x0085, 40, 37, 0), (0x0049, 41, 38, 0), (0x0025, 42, 39, 0), (0x0015, 43, 40, 0), (0x0009, 44, 41, 0), (0x0005, 45, 42, 0), (0x0001, 45, 43, 0), (0x5601, 46, 46, 0)]

    def __init__(self):
        self.a, self.c, self.ct, self.out, self.states = 0x8000, 0, 12, bytearray([0]), {}

    def put(self, context, bit):
        index, mps = self.states.get(context, (0, 0))
        qe, next_mps, next_lps, switch = self.table[index]
        self.a -= qe
        if bit == mps:
            if self.a & 0x8000:
                self.c += qe
                return
            if self.a < qe:
                self.a = qe
            else:
                self.c += qe
            self.states[context] = (next_mps, mps)
        else:
            if self.a < qe:
                self.c += qe
            else:
                self.a = qe
            self.states[context] = (next_lps, 1 - mps if switch else mps)
        while not self.a & 0x8000:
            self.a <<= 1
            self.c <<= 1
            self.ct -= 1
            if self.ct == 0:
                self.byte_out()

    def byte_out(self):
        if self.out[-1] == 0xFF:
            self.out.append((self.c >> 20) & 255)
            self.c &= 0xFFFFF
            self.ct = 7
        elif self.c < 0x8000000:
            self.out.append((self.c >> 19) & 255)
            self.c &= 0x7FFFF
            self.ct = 8
        else:
            self.out[-1] += 1
            if self.out[-1] == 0xFF:
                self.c &= 0x7FFFFFF
                self.out.append((self.c >> 20) & 255)
                self.c &= 0xFFFFF
                self.ct = 7
            else:
                self.out.append((self.c >> 19) & 255)
                self.c &= 0x7FFFF
                self.ct = 8

    def end(self):
        limit = self.c + self.a
        self.c |= 0xFFFF
        if self.c >= limit:
            self.c -= 0x8000
        for _ in range(2):
            self.c <<= self.ct
            self.byte_out()
        if self.out[-1] != 0xFF:
            self.out.append(0xFF)
        return bytes(self.out[1:]) + b"\xac"


templates = {
    0: ([(-2, -1), (-2, 0), (-2, 1), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2), (0, -4), (0, -3), (0, -2), (0, -1)], [(3, -1), (-3, -1), (2, -2), (-2, -2)]),
    1: ([(-2, -1), (-2, 0), (-2, 1), (-2, 2), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2), (0, -3), (0, -2), (0, -1)], [(3, -1)]),
    2: ([(-2, -1), (-2, 0), (-2, 1), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (0, -2), (0, -1)], [(2, -1)]),
    3: ([(-1, -3), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (0, -4), (0, -3), (0, -2), (0, -1)], [(2, -1)]),
}


def generic(ink, template):
    """The pixels of a context only need an order: it is the same for both sides, as contexts start alike."""
    fixed, adaptive = templates[template]
    places = fixed + [(y, x) for x, y in adaptive]
    padded = np.pad(ink, ((4, 0), (8, 8)))
    coder = Arithmetic()
    for y in range(ink.shape[0]):
        for x in range(ink.shape[1]):
            coder.put(tuple(padded[y + 4 + dy, x + 8 + dx] for dy, dx in places), int(ink[y, x]))
    flags = template << 1
    return bytes([flags]) + b"".join(struct.pack(">bb", x, y) for x, y in adaptive) + coder.end()


def jbig2():
    ink = words()
    info = segment(0, 48, struct.pack(">IIIIBH", width, height, 0, 0, 0, 0))
    region = struct.pack(">IIIIB", width, height, 0, 0, 0)
    g4 = tiff_strip(Image.fromarray((1 - ink) * 255).convert("1"), "group4")
    bodies = {"mmr": bytes([1]) + g4, **{f"template-{number}": generic(ink, number) for number in range(4)}}
    end = segment(8, 49, b"")
    for name, body in bodies.items():
        whole = info + segment(1, 38, region + body)
        options = dict(ColorSpace=Name.DeviceGray, BitsPerComponent=1)
        save(image_page(whole, ["JBIG2Decode"], **options), f"jbig2-{name}")
        save(image_page(whole + end, ["JBIG2Decode"], **options), f"jbig2-{name}-end-of-page")
        globals_ = lambda pdf: Dictionary(JBIG2Globals=pdf.make_stream(segment(0, 62, struct.pack(">I", 0x20000000) + b"a\0b\0\0", 0)))
        save(image_page(segment(1, 48, struct.pack(">IIIIBH", width, height, 0, 0, 0, 0)) + segment(2, 38, region + body), ["JBIG2Decode"], globals_, **options), f"jbig2-{name}-globals")
        save(image_page(whole, ["JBIG2Decode"], **options, Decode=Array([1, 0])), f"jbig2-{name}-decode-1")
        save(image_page(whole, ["JBIG2Decode"], ImageMask=True, BitsPerComponent=1, page_content=b"0.6 0.1 0.1 rg "), f"jbig2-{name}-mask")
        save(image_page(zlib.compress(whole), ["FlateDecode", "JBIG2Decode"], **options), f"jbig2-{name}-flate")
        half = height // 2
        if name == "mmr":
            parts = [bytes([1]) + tiff_strip(Image.fromarray((1 - part) * 255).convert("1"), "group4") for part in (ink[:half], ink[half:])]
        else:
            parts = [generic(part, int(name[-1])) for part in (ink[:half], ink[half:])]
        striped = info + b"".join(segment(number + 1, 38, struct.pack(">IIIIB", width, half, 0, number * half, 0) + part) for number, part in enumerate(parts))
        save(image_page(striped, ["JBIG2Decode"], **options), f"jbig2-{name}-two-regions")


def jbig2_halftones():
    """Grey as dots of 4 by 4 pixels, each plane of it as a fax or arithmetically coded. Source: ITU T.88, 6.6, 6.7, annex C."""
    side, levels = 4, 16
    order = np.array([[15, 5, 9, 13], [7, 1, 3, 11], [10, 2, 0, 6], [14, 12, 4, 8]])
    dots = np.hstack([(order < level).astype(np.uint8) for level in range(levels)])
    y, x = np.mgrid[0 : height // side, 0 : width // side]
    grey = np.clip((8 + 7 * np.sin(x / 4 + phase) * np.cos(y / 5)).round(), 0, levels - 1).astype(np.uint8)
    coded = grey ^ (grey >> 1)
    planes = [(coded >> bit) & 1 for bit in (3, 2, 1, 0)]
    fax_of = lambda ink: tiff_strip(Image.fromarray(((1 - ink) * 255).astype(np.uint8)).convert("1"), "group4")
    region = struct.pack(">IIIIB", width, height, 0, 0, 0)
    grid = struct.pack(">IIiiHH", width // side, height // side, 0, 0, side * 256, 0)
    info = segment(0, 48, struct.pack(">IIIIBH", width, height, 0, 0, 0, 0))
    sizes = struct.pack(">BBI", side, side, levels - 1)
    coders = {"mmr": (bytes([1]), fax_of(dots), b"".join(fax_of(plane) for plane in planes))}
    for template in range(4):
        coders[f"template-{template}"] = (bytes([template << 1]), planes_of([dots], template, -side), planes_of(planes, template, 3 if template < 2 else 2))
    for name, (flags, dictionary, values) in coders.items():
        whole = info + segment(1, 16, flags + sizes + dictionary) + referring(2, 22, 1, region + flags + grid + values)
        save(image_page(whole, ["JBIG2Decode"], ColorSpace=Name.DeviceGray, BitsPerComponent=1), f"jbig2-halftone-{name}")


def planes_of(planes, template, reach):
    """Bitmaps by one coder, whose first adaptive pixel is `reach` away."""
    fixed, adaptive = templates[template]
    first = (reach, 0) if reach < 0 else (reach, -1)
    places = fixed + [(y, x) for x, y in [first, *adaptive[1:]]]
    coder = Arithmetic()
    for ink in planes:
        padded = np.pad(ink, ((4, 0), (8, 8)))
        for y, x in np.ndindex(ink.shape):
            coder.put(tuple(padded[y + 4 + dy, x + 8 + dx] for dy, dx in places), int(ink[y, x]))
    return coder.end()


class Symbols:
    """Letters once each, and where they stand, as jbig2enc writes text. Source: ITU T.88, 6.4, 6.5 and annex A."""

    def __init__(self, template):
        self.coder, self.template = Arithmetic(), template

    def number(self, kind, value):
        """None ends a row of numbers."""
        before = 1

        def put(bit):
            nonlocal before
            self.coder.put((kind, before), bit)
            before = before << 1 | bit if before < 256 else (before << 1 | bit) & 511 | 256

        sign, size = (1, 0) if value is None else (int(value < 0), abs(value))
        put(sign)
        for ones, (least, bits) in enumerate(((0, 2), (4, 4), (20, 6), (84, 8), (340, 12), (4436, 32))):
            if size < least + 2**bits or bits == 32:
                for _ in range(ones):
                    put(1)
                if bits < 32:
                    put(0)
                for at in range(bits - 1, -1, -1):
                    put(size - least >> at & 1)
                return

    def name(self, value, bits):
        before = 1
        for at in range(bits - 1, -1, -1):
            bit = value >> at & 1
            self.coder.put(("name", before), bit)
            before = before << 1 | bit

    def bitmap(self, ink):
        fixed, adaptive = templates[self.template]
        places = fixed + [(y, x) for x, y in adaptive]
        padded = np.pad(ink, ((4, 0), (8, 8)))
        for y, x in np.ndindex(ink.shape):
            self.coder.put(("pixel",) + tuple(padded[y + 4 + dy, x + 8 + dx] for dy, dx in places), int(ink[y, x]))

    def refined(self, ink, old):
        """By template 1; both of one size."""
        now, before = np.pad(ink, 2), np.pad(old, 2)
        for y, x in np.ndindex(ink.shape):
            own = [now[y + 2 + dy, x + 2 + dx] for dy, dx in ((-1, -1), (-1, 0), (-1, 1), (0, -1))]
            olds = [before[y + 2 + dy, x + 2 + dx] for dy, dx in ((-1, 0), (0, -1), (0, 0), (0, 1), (1, 0), (1, 1))]
            self.coder.put(("refined", *own, *olds), int(ink[y, x]))


def symbol_dictionary(letters, template):
    made = Symbols(template)
    height_before = 0
    for high in sorted({letter.shape[0] for letter in letters}):
        made.number("dh", high - height_before)
        height_before, width_before = high, 0
        for letter in (letter for letter in letters if letter.shape[0] == high):
            made.number("dw", letter.shape[1] - width_before)
            width_before = letter.shape[1]
            made.bitmap(letter)
        made.number("dw", None)
    made.number("export", 0)
    made.number("export", len(letters))
    adaptive = b"".join(struct.pack(">bb", x, y) for x, y in templates[template][1])
    return struct.pack(">H", template << 10) + adaptive + struct.pack(">II", len(letters), len(letters)) + made.coder.end()


def text_region(placed, letters, size, corner, strips, refine):
    """placed: (x, y, which letter, its ink) by lines, of upper left corners."""
    made = Symbols(0)
    bits = max(1, (len(letters) - 1).bit_length())
    made.number("dt", 0)
    last_strip, first = 0, 0
    anchored = []
    for x, y, which, ink in placed:
        high, wide = ink.shape
        anchored.append((x + (wide - 1 if corner in (2, 3) else 0), y + (high - 1 if corner in (0, 2) else 0), which, ink))
    for strip in sorted({y // strips for _, y, _, _ in anchored}):
        made.number("dt", strip - last_strip)
        last_strip, at = strip, None
        for x, y, which, ink in sorted((one for one in anchored if one[1] // strips == strip), key=lambda one: one[0]):
            wide = ink.shape[1]
            start = x - (wide - 1 if corner in (2, 3) else 0)
            if at is None:
                made.number("fs", start - first)
                first = start
            else:
                made.number("ds", start - at)
            if strips > 1:
                made.number("it", y % strips)
            made.name(which, bits)
            if refine:
                differs = not np.array_equal(ink, letters[which])
                made.number("ri", int(differs))
                if differs:
                    for kind in ("rdw", "rdh", "rdx", "rdy"):
                        made.number(kind, 0)
                    made.refined(ink, letters[which])
            at = start + wide - 1
        made.number("ds", None)
    flags = int(refine) << 1 | strips.bit_length() - 1 << 2 | corner << 4 | int(refine) << 15
    return struct.pack(">IIIIBHI", size[1], size[0], 0, 0, 0, flags, len(placed)) + made.coder.end()


def referring(number, kind, to, data):
    return struct.pack(">IBBBBI", number, kind, 1 << 5, to, 1, len(data)) + data


def jbig2_symbols():
    ink = np.zeros((height, width), np.uint8)
    font = ImageFont.truetype(str(dejavu / "DejaVuSans.ttf"), 15)
    letters, placed, known = [], [], {}
    for line, text in enumerate(("Invoice no.", "4711 and", "Total 9.50")):
        x = 3
        for letter in text:
            box = font.getbbox(letter)
            if letter != " ":
                image = Image.new("L", (box[2] - box[0], box[3] - box[1]), 0)
                ImageDraw.Draw(image).text((-box[0], -box[1]), letter, font=font, fill=255)
                known.setdefault(letter, (np.asarray(image) > 110).astype(np.uint8))
                placed.append((x + box[0], 2 + line * 20 + box[1], letter, known[letter]))
            x += int(font.getlength(letter)) + 1
    letters = sorted(known.values(), key=lambda one: one.shape[0])
    which = {letter: next(index for index, one in enumerate(letters) if one is bitmap) for letter, bitmap in known.items()}
    for changed in (False, True):
        at = []
        for number, (x, y, letter, bitmap) in enumerate(placed):
            own = bitmap.copy()
            if changed and number % 3 == 0:
                own[own.shape[0] // 2] = 1
            at.append((x, y, which[letter], own))
        page = np.zeros_like(ink)
        for x, y, _, bitmap in at:
            page[y : y + bitmap.shape[0], x : x + bitmap.shape[1]] |= bitmap
        right = Image.fromarray(np.pad(255 - page * 255, 0).astype(np.uint8))
        for template, corner, strips in itertools.product(range(4), range(4), (1, 4)):
            if template > 0 and (corner, strips) not in ((1, 1), (0, 4)):
                continue
            info = segment(0, 48, struct.pack(">IIIIBH", width, height, 0, 0, 0, 0))
            text = referring(2, 6, 1, text_region(at, letters, page.shape, corner, strips, changed))
            options = dict(ColorSpace=Name.DeviceGray, BitsPerComponent=1)
            name = f"jbig2-symbols-{template}-{corner}-{strips}{'-refined' if changed else ''}"
            save(image_page(info + segment(1, 0, symbol_dictionary(letters, template)) + text, ["JBIG2Decode"], **options), name)
            if corner == 1:
                shared = lambda pdf: Dictionary(JBIG2Globals=pdf.make_stream(segment(1, 0, symbol_dictionary(letters, template), 0)))
                save(image_page(info + text, ["JBIG2Decode"], shared, **options), f"{name}-shared")
        right.save(folder / f"jbig2-symbols{'-refined' if changed else ''}.reference.png")


def profile(kind):
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile(kind)).tobytes()


def colours():
    function = lambda code, inputs, outputs: lambda pdf: pdf.make_indirect(type4(pdf, code, inputs, outputs))
    spaces = {
        "grey": (1, lambda pdf: Name.DeviceGray),
        "rgb": (3, lambda pdf: Name.DeviceRGB),
        "cmyk": (4, lambda pdf: Name.DeviceCMYK),
        "calgray": (1, lambda pdf: Array([Name.CalGray, Dictionary(WhitePoint=Array([0.9505, 1, 1.089]), Gamma=2.2)])),
        "calrgb": (3, lambda pdf: Array([Name.CalRGB, Dictionary(WhitePoint=Array([0.9505, 1, 1.089]), Gamma=Array([2.2, 2.2, 2.2]), Matrix=Array([0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505]))])),
        "lab": (3, lambda pdf: Array([Name.Lab, Dictionary(WhitePoint=Array([0.9642, 1, 0.8249]), Range=Array([-100, 100, -100, 100]))])),
        "icc": (3, lambda pdf: icc(pdf, "sRGB", 3)),
        "separation": (1, lambda pdf: Array([Name.Separation, Name.Spot, Name.DeviceRGB, type4(pdf, b"{dup 0.2 mul 1 exch sub exch dup 0.9 mul 1 exch sub exch 0.5 mul 1 exch sub}", 1, 3)])),
        "separation-cmyk": (1, lambda pdf: Array([Name.Separation, Name.Orange, Name.DeviceCMYK, Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([0, 0, 0, 0]), C1=Array([0, 0.5, 1, 0]), N=1)])),
        "separation-all": (1, lambda pdf: Array([Name.Separation, Name.All, Name.DeviceGray, Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([1]), C1=Array([0]), N=1)])),
        "devicen": (2, lambda pdf: Array([Name.DeviceN, Array([Name.Cyan, Name.Spot]), Name.DeviceCMYK, type4(pdf, b"{0 0}", 2, 4)])),
    }
    for name, (channels, space) in spaces.items():
        for bits in (1, 2, 4, 8, 16):
            data = zlib.compress(packed(photo(channels, bits), bits))
            save(image_page(data, ["FlateDecode"], ColorSpace=space, BitsPerComponent=bits), f"space-{name}-{bits}")
        inverted = Array([100, 0, 100, -100, 100, -100]) if name == "lab" else Array([1, 0] * channels)
        save(image_page(zlib.compress(packed(photo(channels), 8)), ["FlateDecode"], ColorSpace=space, Decode=inverted), f"space-{name}-inverted")
        values = b" ".join(str(value).encode() for value in ([60, 40, -30] if name == "lab" else [0.7, 0.3, 0.5, 0.1][:channels]))
        pdf, page = new(b"/S cs " + values + b" sc 20 20 260 160 re f")
        page.obj.Resources.ColorSpace = Dictionary(S=space(pdf))
        save(pdf, f"fill-{name}")
    for base, channels in (("rgb", 3), ("grey", 1), ("cmyk", 4), ("icc", 3), ("lab", 3)):
        for bits in (1, 2, 4, 8):
            count = 2**bits
            palette = photo(channels, 8, 16, 16).reshape(-1, channels)[:: 256 // count][:count].tobytes()
            indexes = (np.arange(width)[None, :] // 3 + np.arange(height)[:, None] // 3) % count
            space = lambda pdf, palette=palette, base=base, count=count: Array([Name.Indexed, spaces[base][1](pdf), count - 1, String(palette)])
            save(image_page(zlib.compress(packed(indexes.astype(np.uint8), bits)), ["FlateDecode"], ColorSpace=space, BitsPerComponent=bits), f"indexed-{base}-{bits}")
    unusual = image_page(zlib.compress(packed(photo(1), 8)), ["FlateDecode"], ColorSpace=lambda pdf: Array([Name.Separation, Name("/None"), Name.DeviceGray, Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([1]), C1=Array([0]), N=1)]))
    save(unusual, "space-separation-none")


def type4(pdf, code, inputs, outputs):
    stream = Stream(pdf, code)
    stream.FunctionType = 4
    stream.Domain = Array([0, 1] * inputs)
    stream.Range = Array([0, 1] * outputs)
    return pdf.make_indirect(stream)


def icc(pdf, kind, channels):
    stream = Stream(pdf, profile(kind))
    stream.N = channels
    stream.Alternate = Name.DeviceRGB
    return Array([Name.ICCBased, pdf.make_indirect(stream)])


def masks():
    backdrop = b"0.9 0.8 0.3 rg 0 0 300 200 re f 0.2 0.3 0.6 rg "
    data = zlib.compress(packed(photo(), 8))
    ramp = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))

    def stream(pdf, content, **entries):
        made = Stream(pdf, content)
        values = dict(Type=Name.XObject, Subtype=Name.Image, Width=width, Height=height, BitsPerComponent=8, ColorSpace=Name.DeviceGray)
        values.update(entries)
        for key, value in values.items():
            if value is not None:
                made[Name("/" + key)] = value
        return pdf.make_indirect(made)

    soft = {
        "plain": lambda pdf: stream(pdf, ramp.tobytes()),
        "inverted": lambda pdf: stream(pdf, ramp.tobytes(), Decode=Array([1, 0])),
        "smaller": lambda pdf: stream(pdf, ramp[::4, ::4].tobytes(), Width=width // 4, Height=height // 4),
        "larger": lambda pdf: stream(pdf, np.repeat(np.repeat(ramp, 4, 0), 4, 1).tobytes(), Width=width * 4, Height=height * 4),
        "1-bit": lambda pdf: stream(pdf, packed(words(), 1), BitsPerComponent=1),
        "16-bit": lambda pdf: stream(pdf, packed(ramp.astype(np.uint16) * 257, 16), BitsPerComponent=16),
        "jpeg": lambda pdf: stream(pdf, jpeg_of(Image.fromarray(ramp)), Filter=Name.DCTDecode),
        "matte": lambda pdf: stream(pdf, ramp.tobytes(), Matte=Array([0, 0, 0])),
    }
    for name, mask in soft.items():
        save(image_page(data, ["FlateDecode"], ColorSpace=Name.DeviceRGB, SMask=mask, page_content=backdrop), f"smask-{name}")
        save(image_page(jpeg_of(Image.fromarray(photo())), ["DCTDecode"], ColorSpace=Name.DeviceRGB, SMask=mask, page_content=backdrop), f"smask-{name}-of-jpeg")
    stencil = lambda pdf, **more: stream(pdf, packed(words(), 1), BitsPerComponent=1, ColorSpace=None, ImageMask=True, **more)
    save(image_page(data, ["FlateDecode"], ColorSpace=Name.DeviceRGB, Mask=stencil, page_content=backdrop), "mask-stencil")
    save(image_page(data, ["FlateDecode"], ColorSpace=Name.DeviceRGB, Mask=lambda pdf: stencil(pdf, Decode=Array([1, 0])), page_content=backdrop), "mask-stencil-inverted")
    save(image_page(data, ["FlateDecode"], ColorSpace=Name.DeviceRGB, Mask=Array([15, 25] * 3), page_content=backdrop), "mask-key-colour")
    for decode in ([0, 1], [1, 0]):
        save(image_page(packed(words(), 1), ColorSpace=None, ImageMask=True, BitsPerComponent=1, Decode=Array(decode), page_content=backdrop), f"image-mask-{decode[0]}")
    big = packed(words(1600, 1200), 1)
    save(image_page(zlib.compress(big), ["FlateDecode"], ColorSpace=None, ImageMask=True, BitsPerComponent=1, Width=1600, Height=1200, page_content=backdrop), "image-mask-large")


def jpeg_of(image):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95)
    return out.getvalue()


drawing = b"0.78 0.16 0.16 rg 0 100 150 100 re f 0.16 0.63 0.24 rg 150 100 150 100 re f 0.2 0.24 0.78 rg 0 0 150 100 re f 0 g BT /Helv 40 Tf 20 80 Td (INVOICE) Tj ET "


def geometry():
    for turn in (0, 90, 180, 270, -90, 450):
        save(new(drawing, Rotate=turn)[0], f"page-turned-{turn}")
        save(new(drawing, Rotate=turn, CropBox=Array([20, 30, 200, 180]))[0], f"page-turned-{turn}-cropped")
        save(new(drawing, Rotate=turn, UserUnit=2.5)[0], f"page-turned-{turn}-user-unit")
    for name, box in (("negative", (-50, -30, 250, 170)), ("swapped", (300, 200, 0, 0)), ("offset", (100, 50, 300, 200))):
        save(new(drawing, box=box)[0], f"page-box-{name}")
    for name, crop in (("outside-partly", [-100, -100, 200, 150]), ("outside", [400, 400, 500, 500]), ("larger", [-50, -50, 400, 300])):
        save(new(drawing, CropBox=Array(crop))[0], f"page-crop-{name}")
    for size in (1, 3, 10, 72, 1000, 5000, 14400):
        scale = size / 300
        save(new(f"q {scale:.6f} 0 0 {scale:.6f} 0 0 cm ".encode() + drawing + b" Q", box=(0, 0, size, size * 2 / 3))[0], f"page-of-{size}")
    for name, entries in (("trim", dict(TrimBox=Array([50, 50, 100, 100]))), ("art", dict(ArtBox=Array([50, 50, 100, 100]))), ("bleed", dict(BleedBox=Array([10, 10, 290, 190])))):
        save(new(drawing, **entries)[0], f"page-box-{name}")
    pdf, page = new(drawing)
    box = page.obj.MediaBox
    del page.obj.MediaBox
    pdf.Root.Pages.MediaBox = box
    pdf.Root.Pages.Rotate = 90
    save(pdf, "page-box-inherited")


def graphics():
    shadings = {
        "axial": Dictionary(ShadingType=2, ColorSpace=Name.DeviceRGB, Coords=Array([20, 20, 280, 180]), Extend=Array([True, True]), Function=Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([1, 0, 0]), C1=Array([0, 0, 1]), N=1)),
        "radial": Dictionary(ShadingType=3, ColorSpace=Name.DeviceRGB, Coords=Array([150, 100, 10, 150, 100, 100]), Extend=Array([True, False]), Function=Dictionary(FunctionType=3, Domain=Array([0, 1]), Bounds=Array([0.5]), Encode=Array([0, 1, 0, 1]), Functions=Array([Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([1, 1, 0]), C1=Array([0, 1, 0]), N=1), Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([0, 1, 0]), C1=Array([0, 0, 0]), N=2)]))),
    }
    for name, shading in shadings.items():
        save(new(b"/S sh", resources=dict(Shading=Dictionary(S=shading)))[0], f"shading-{name}")
        pattern = Dictionary(PatternType=2, Shading=shading)
        save(new(b"/Pattern cs /P scn 40 40 200 120 re f", resources=dict(Pattern=Dictionary(P=pattern)))[0], f"pattern-{name}")
    for kind in (1, 4, 5, 6, 7):
        pdf, page = new(b"/S sh")
        page.obj.Resources.Shading = Dictionary(S=mesh(pdf, kind))
        save(pdf, f"shading-type-{kind}")
    pdf, page = new(b"/Pattern cs /P scn 20 20 260 160 re f")
    tile = Stream(pdf, b"0.8 0 0 rg 0 0 10 10 re f 0 0 0.8 rg 10 10 10 10 re f")
    for key, value in dict(PatternType=1, PaintType=1, TilingType=1, BBox=Array([0, 0, 20, 20]), XStep=20, YStep=20, Resources=Dictionary()).items():
        tile[Name("/" + key)] = value
    page.obj.Resources.Pattern = Dictionary(P=pdf.make_indirect(tile))
    save(pdf, "pattern-tiles")
    for mode in ("Normal", "Multiply", "Screen", "Overlay", "Darken", "Lighten", "ColorDodge", "ColorBurn", "HardLight", "SoftLight", "Difference", "Exclusion", "Hue", "Saturation", "Color", "Luminosity"):
        state = Dictionary(G=Dictionary(BM=Name("/" + mode), ca=0.8))
        save(new(drawing + b"/G gs 0.9 0.5 0.1 rg 60 40 180 120 re f", resources=dict(ExtGState=state))[0], f"blend-{mode.lower()}")
    for name, content in (
        ("dashes", b"4 w [12 6 2 6] 3 d 20 20 m 280 180 l S [] 0 d 1 J 1 j 14 w 40 40 m 150 160 l 260 40 l S"),
        ("even-odd", b"0.3 0.1 0.6 rg 150 190 m 200 20 l 60 130 l 240 130 l 100 20 l h f*"),
        ("clip-text", b"q BT /Helv 80 Tf 7 Tr 10 70 Td (CLIP) Tj ET 0.9 0.2 0.1 rg 0 0 300 100 re f 0.1 0.2 0.9 rg 0 100 300 100 re f Q"),
        ("text-modes", b"BT /Helv 40 Tf 1 Tr 10 140 Td (stroke) Tj 2 Tr 0.5 0.7 1 rg 0 -50 Td (both) Tj 3 Tr 0 -50 Td (hidden) Tj ET"),
        ("text-scaled", b"BT /Helv 20 Tf 150 Tz 3 Tc 10 Tw 10 150 Td (wide words here) Tj 50 Tz 0 -40 Td (narrow) Tj ET"),
        ("text-turned", b"BT /Helv 30 Tf 0.7 0.7 -0.7 0.7 100 40 Tm (turned) Tj ET"),
        ("hairlines", b"0 w 10 10 m 290 190 l S 0.1 w 10 190 m 290 10 l S"),
    ):
        save(new(content)[0], f"draw-{name}")
    pdf, page = new(b"0.9 g 0 0 300 200 re f q 1 0 0 1 50 20 cm /X Do Q q 0.5 0 0 0.5 10 10 cm /X Do Q")
    form = Stream(pdf, drawing)
    for key, value in dict(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 200, 150]), Matrix=Array([0.8, 0.2, -0.2, 0.8, 0, 0]), Resources=page.obj.Resources, Group=Dictionary(S=Name.Transparency, I=True, K=True)).items():
        form[Name("/" + key)] = value
    page.obj.Resources.XObject = Dictionary(X=pdf.make_indirect(form))
    save(pdf, "form-in-group")


def mesh(pdf, kind):
    entries = dict(ShadingType=kind, ColorSpace=Name.DeviceRGB)
    corners = [(20, 20), (280, 20), (280, 180), (20, 180)]
    inks = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]
    point = lambda xy: struct.pack(">HH", int(xy[0] / 300 * 65535), int(xy[1] / 200 * 65535))
    data = b""
    if kind == 1:
        function = type4(pdf, b"{ 2 copy mul }", 2, 3)
        entries.update(Function=function, Matrix=Array([300, 0, 0, 200, 0, 0]), Domain=Array([0, 1, 0, 1]))
        return pdf.make_indirect(Dictionary(**entries))
    if kind == 4:
        for corner in (0, 1, 2, 0, 2, 3):
            data += b"\0" + point(corners[corner]) + bytes(inks[corner])
        entries.update(BitsPerFlag=8)
    elif kind == 5:
        for corner in (0, 1, 3, 2):
            data += point(corners[corner]) + bytes(inks[corner])
        entries.update(VerticesPerRow=2)
    else:
        edge = [(20, 20), (20, 70), (60, 130), (20, 180), (110, 190), (190, 150), (280, 180), (240, 130), (290, 70), (280, 20), (190, 40), (110, 10)]
        inner = [(100, 80), (100, 130), (200, 130), (200, 80)] if kind == 7 else []
        data += b"\0" + b"".join(point(xy) for xy in edge + inner) + b"".join(bytes(ink) for ink in inks)
        entries.update(BitsPerFlag=8)
    stream = Stream(pdf, data)
    entries.update(BitsPerCoordinate=16, BitsPerComponent=8, Decode=Array([0, 300, 0, 200, 0, 1, 0, 1, 0, 1]))
    for key, value in entries.items():
        stream[Name("/" + key)] = value
    return pdf.make_indirect(stream)


def annotations():
    kinds = {
        "square": Dictionary(Subtype=Name.Square, Rect=Array([50, 50, 250, 150]), C=Array([1, 0, 0]), IC=Array([1, 0.9, 0.6]), BS=Dictionary(W=6)),
        "circle": Dictionary(Subtype=Name.Circle, Rect=Array([50, 50, 250, 150]), C=Array([0, 0, 1]), BS=Dictionary(W=6)),
        "line": Dictionary(Subtype=Name.Line, Rect=Array([40, 40, 260, 160]), L=Array([50, 50, 250, 150]), C=Array([1, 0, 0]), BS=Dictionary(W=8)),
        "polygon": Dictionary(Subtype=Name.Polygon, Rect=Array([30, 20, 270, 180]), Vertices=Array([50, 40, 250, 40, 150, 170]), C=Array([0, 0.5, 0]), IC=Array([0.7, 1, 0.7]), BS=Dictionary(W=6)),
        "polyline": Dictionary(Subtype=Name.PolyLine, Rect=Array([30, 20, 270, 180]), Vertices=Array([50, 40, 150, 170, 250, 40]), C=Array([0.5, 0, 0.5]), BS=Dictionary(W=6)),
        "ink": Dictionary(Subtype=Name.Ink, Rect=Array([30, 20, 270, 180]), InkList=Array([Array([50, 50, 100, 150, 150, 60, 200, 150, 250, 50])]), C=Array([0, 0, 0.8]), BS=Dictionary(W=6)),
        "highlight": Dictionary(Subtype=Name.Highlight, Rect=Array([20, 75, 260, 120]), QuadPoints=Array([20, 120, 260, 120, 20, 75, 260, 75]), C=Array([1, 1, 0])),
        "underline": Dictionary(Subtype=Name.Underline, Rect=Array([20, 75, 260, 120]), QuadPoints=Array([20, 120, 260, 120, 20, 75, 260, 75]), C=Array([1, 0, 0])),
        "strikeout": Dictionary(Subtype=Name.StrikeOut, Rect=Array([20, 75, 260, 120]), QuadPoints=Array([20, 120, 260, 120, 20, 75, 260, 75]), C=Array([1, 0, 0])),
        "squiggly": Dictionary(Subtype=Name.Squiggly, Rect=Array([20, 75, 260, 120]), QuadPoints=Array([20, 120, 260, 120, 20, 75, 260, 75]), C=Array([1, 0, 0])),
        "freetext": Dictionary(Subtype=Name.FreeText, Rect=Array([30, 120, 270, 190]), Contents=String("Paid in cash"), DA=String("/Helv 24 Tf 0.8 0 0 rg")),
        "stamp": Dictionary(Subtype=Name.Stamp, Rect=Array([30, 20, 270, 70]), Name=Name.Approved, C=Array([1, 0, 0])),
        "note": Dictionary(Subtype=Name.Text, Rect=Array([200, 150, 220, 170]), Contents=String("note")),
        "caret": Dictionary(Subtype=Name.Caret, Rect=Array([100, 60, 120, 80]), C=Array([1, 0, 0])),
        "attached": Dictionary(Subtype=Name.FileAttachment, Rect=Array([100, 20, 140, 60]), Name=Name.PushPin),
        "link": Dictionary(Subtype=Name.Link, Rect=Array([20, 70, 260, 130]), Border=Array([0, 0, 3]), C=Array([0, 0, 1])),
    }
    drawn_alike = {"square", "circle", "line", "polygon", "polyline", "ink", "underline", "strikeout", "link"}
    for name, made in kinds.items():
        for flags in (0, 4, 2, 32, 2 | 4, 1):
            pdf, page = new(b"BT /Helv 40 Tf 20 80 Td (INVOICE) Tj ET")
            annotation = pdf.make_indirect(pdf.copy_foreign(made) if False else Dictionary(**{str(key)[1:]: value for key, value in made.items()}))
            annotation.Type = Name.Annot
            annotation.F = flags
            page.obj.Annots = Array([annotation])
            save(pdf, f"annotation-{name}-bare-{flags}")
            if name not in drawn_alike and flags not in (2, 32, 6):
                expected[f"annotation-{name}-bare-{flags}.pdf"] = by_taste
    for name in ("square", "freetext", "stamp", "line"):
        for variant in ("shown", "hidden", "noview", "hidden-layer", "shown-layer"):
            pdf, page = new(b"BT /Helv 40 Tf 20 80 Td (INVOICE) Tj ET")
            look = Stream(pdf, b"0.9 0.1 0.1 rg 0 0 220 100 re f 1 g 20 20 180 60 re f")
            for key, value in dict(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 220, 100])).items():
                look[Name("/" + key)] = value
            annotation = pdf.make_indirect(Dictionary(**{str(key)[1:]: value for key, value in kinds[name].items()}))
            annotation.Type = Name.Annot
            annotation.Rect = Array([40, 40, 260, 140])
            annotation.AP = Dictionary(N=pdf.make_indirect(look))
            annotation.F = {"hidden": 2, "noview": 32}.get(variant, 4)
            if variant.endswith("layer"):
                layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("layer")))
                annotation.OC = layer
                states = dict(OFF=Array([layer])) if variant.startswith("hidden") else dict(ON=Array([layer]))
                pdf.Root.OCProperties = Dictionary(OCGs=Array([layer]), D=Dictionary(Order=Array([layer]), **states))
            page.obj.Annots = Array([annotation])
            save(pdf, f"annotation-{name}-{variant}")


def layers():
    for name, state in (
        ("off", lambda ocg: dict(OFF=Array([ocg]))),
        ("on", lambda ocg: dict(ON=Array([ocg]))),
        ("base-off", lambda ocg: dict(BaseState=Name.OFF)),
        ("base-off-on", lambda ocg: dict(BaseState=Name.OFF, ON=Array([ocg]))),
        ("view-off", lambda ocg: dict(AS=Array([Dictionary(Event=Name.View, OCGs=Array([ocg]), Category=Array([Name.View]))]))),
        ("print-off", lambda ocg: dict(AS=Array([Dictionary(Event=Name.Print, OCGs=Array([ocg]), Category=Array([Name.Print]))]))),
    ):
        for place in ("content", "form", "image", "membership"):
            pdf, page = new(b"")
            usage = Dictionary(View=Dictionary(ViewState=Name.OFF if name == "view-off" else Name.ON), Print=Dictionary(PrintState=Name.OFF if name == "print-off" else Name.ON))
            layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("layer"), Usage=usage))
            pdf.Root.OCProperties = Dictionary(OCGs=Array([layer]), D=Dictionary(Order=Array([layer]), **state(layer)))
            text = b"BT /Helv 40 Tf 20 30 Td (ALWAYS) Tj ET "
            if place in ("content", "membership"):
                page.obj.Contents = pdf.make_stream(text + b"/OC /L BDC 0.8 0.1 0.1 rg 40 100 200 80 re f EMC")
                membership = pdf.make_indirect(Dictionary(Type=Name.OCMD, OCGs=Array([layer]), P=Name.AllOff))
                page.obj.Resources.Properties = Dictionary(L=layer if place == "content" else membership)
            else:
                page.obj.Contents = pdf.make_stream(text + b"q 200 0 0 80 40 100 cm /X Do Q")
                made = Stream(pdf, b"0.8 0.1 0.1 rg 0 0 1 1 re f" if place == "form" else bytes([200, 30, 30]))
                entries = dict(Subtype=Name.Form, BBox=Array([0, 0, 1, 1])) if place == "form" else dict(Subtype=Name.Image, Width=1, Height=1, BitsPerComponent=8, ColorSpace=Name.DeviceRGB)
                for key, value in dict(Type=Name.XObject, OC=layer, **entries).items():
                    made[Name("/" + key)] = value
                page.obj.Resources.XObject = Dictionary(X=pdf.make_indirect(made))
            save(pdf, f"layer-{place}-{name}")


def fields():
    def form(name, need, *made):
        pdf, page = new(b"BT /Helv 20 Tf 20 170 Td (Form) Tj ET")
        font = Dictionary(Helv=page.obj.Resources.Font.Helv)
        made = [pdf.make_indirect(one(pdf)) for one in made]
        page.obj.Annots = Array(made)
        pdf.Root.AcroForm = Dictionary(Fields=Array(made), DA=String("/Helv 0 Tf 0 g"), DR=Dictionary(Font=font))
        if need:
            pdf.Root.AcroForm.NeedAppearances = True
        save(pdf, f"field-{name}{'-needs' if need else ''}")

    widget = lambda **entries: lambda pdf: Dictionary(Type=Name.Annot, Subtype=Name.Widget, F=4, T=String("a"), **entries)
    for need in (False, True):
        form("text", need, widget(FT=Name.Tx, V=String("Jane Doe"), DA=String("/Helv 18 Tf 0 g"), Rect=Array([20, 100, 250, 130])))
        form("text-auto-size", need, widget(FT=Name.Tx, V=String("Jane Doe"), Rect=Array([20, 100, 250, 130])))
        form("text-boxed", need, widget(FT=Name.Tx, V=String("Jane Doe"), DA=String("/Helv 18 Tf 0 g"), Rect=Array([20, 100, 250, 130]), MK=Dictionary(BC=Array([0, 0, 1]), BG=Array([0.9, 0.9, 1]))))
        form("lines", need, widget(FT=Name.Tx, Ff=4096, V=String("one\ntwo three"), DA=String("/Helv 14 Tf 0 g"), Rect=Array([20, 60, 250, 140])))
        form("choice", need, widget(FT=Name.Ch, Ff=1 << 17, V=String("green"), Opt=Array([String("red"), String("green")]), DA=String("/Helv 18 Tf 0 g"), Rect=Array([20, 100, 250, 130])))
        form("list", need, widget(FT=Name.Ch, V=String("green"), Opt=Array([String("red"), String("green")]), DA=String("/Helv 18 Tf 0 g"), Rect=Array([20, 60, 250, 130])))


def fonts():
    descriptor = lambda pdf, name, flags: pdf.make_indirect(Dictionary(Type=Name.FontDescriptor, FontName=Name("/" + name), Flags=flags, FontBBox=Array([0, -200, 1000, 900]), ItalicAngle=0, Ascent=752, Descent=-271, CapHeight=737, StemV=80))

    def page_with(name, font, text, note=None):
        pdf, page = new(b"BT /F 36 Tf 20 100 Td " + text + b" Tj ET")
        page.obj.Resources.Font = Dictionary(F=pdf.make_indirect(font(pdf)))
        save(pdf, name)
        expected[f"{name}.pdf"] = note or by_taste

    def simple(base, names, subtype=Name.TrueType, flags=32):
        return lambda pdf: Dictionary(Type=Name.Font, Subtype=subtype, BaseFont=Name("/" + base), FirstChar=65, LastChar=64 + len(names), Widths=Array([600] * len(names)), FontDescriptor=descriptor(pdf, base, flags), Encoding=Dictionary(Type=Name.Encoding, BaseEncoding=Name.WinAnsiEncoding, Differences=Array([65] + [Name("/" + one) for one in names])))

    letters = {
        "cyrillic": "Привет", "greek": "Ελλάδα", "czech": "žluťőč", "turkish": "ğİşı", "vietnamese": "ếộữạ", "hebrew": "שלום", "arabic": "سلام", "armenian": "Երևան", "georgian": "თბილისი", "symbols": "≤≥√∞→", "latin": "Ünï¶ß",
    }
    for script, text in letters.items():
        names = [f"uni{ord(letter):04X}" for letter in text]
        codes = b"(" + bytes(range(65, 65 + len(names))) + b")"
        for base in ("Arial", "Times-Roman", "Courier", "Calibri-Bold", "Garamond-Italic"):
            for subtype in (Name.TrueType, Name.Type1):
                page_with(f"font-{script}-{base.lower()}-{str(subtype)[1:].lower()}", simple(base, names, subtype), codes)
    for script, text in (("thai", "กขค"), ("devanagari", "नमस"), ("ethiopic", "ሰላም")):
        names = [f"uni{ord(letter):04X}" for letter in text]
        page_with(f"font-{script}", simple("Arial", names), b"(" + bytes(range(65, 65 + len(names))) + b")", {"verdict": "warned"})

    def collection(base, cmap, ordering, subtype="CIDFontType0"):
        return lambda pdf: Dictionary(Type=Name.Font, Subtype=Name.Type0, BaseFont=Name("/" + base), Encoding=Name("/" + cmap), DescendantFonts=Array([Dictionary(Type=Name.Font, Subtype=Name("/" + subtype), BaseFont=Name("/" + base), CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String(ordering), Supplement=2), DW=1000, FontDescriptor=descriptor(pdf, base, 6))]))

    wide = lambda text, codec: b"<" + text.encode(codec).hex().encode() + b">"
    for name, base, cmap, ordering, text, codec in (
        ("gb-ucs2", "STSong-Light", "UniGB-UCS2-H", "GB1", "中文发票", "utf-16-be"),
        ("gb-utf16", "SimSun", "UniGB-UTF16-H", "GB1", "中文发票", "utf-16-be"),
        ("gbk-euc", "SimHei", "GBK-EUC-H", "GB1", "中文发票", "gbk"),
        ("big5", "MingLiU", "ETen-B5-H", "CNS1", "中文發票", "big5"),
        ("cns-ucs2", "MSung-Light", "UniCNS-UCS2-H", "CNS1", "中文發票", "utf-16-be"),
        ("jis-ucs2", "HeiseiMin-W3", "UniJIS-UCS2-H", "Japan1", "日本語かな", "utf-16-be"),
        ("90ms", "MS-Gothic", "90ms-RKSJ-H", "Japan1", "日本語かな", "cp932"),
        ("jis-vertical", "HeiseiMin-W3", "UniJIS-UCS2-V", "Japan1", "日本", "utf-16-be"),
        ("ks-ucs2", "HYSMyeongJo-Medium", "UniKS-UCS2-H", "Korea1", "한국어", "utf-16-be"),
        ("ksc-euc", "Batang", "KSCms-UHC-H", "Korea1", "한국어", "cp949"),
    ):
        for subtype in ("CIDFontType0", "CIDFontType2"):
            page_with(f"font-{name}-{subtype[-1]}", collection(base, cmap, ordering, subtype), wide(text, codec))
    embedded(page_with)


def embedded(page_with):
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen import canvas

    for file in ("DejaVuSans", "DejaVuSerif-Bold", "DejaVuSansMono"):
        pdfmetrics.registerFont(TTFont(file, str(dejavu / f"{file}.ttf")))
        page = canvas.Canvas(str(folder / f"font-embedded-{file.lower()}.pdf"), pagesize=(300, 200))
        page.setFont(file, 30)
        page.drawString(20, 120, "Žluť Привет")
        page.drawString(20, 60, "Ελλάδα שלום")
        page.save()
    pdf, page = new(b"BT /T 40 Tf 20 80 Td (abab) Tj ET")
    glyph = lambda code: pdf.make_stream(b"600 0 0 0 500 700 d1 " + code)
    page.obj.Resources.Font = Dictionary(T=pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type3, FontBBox=Array([0, 0, 600, 700]), FontMatrix=Array([0.001, 0, 0, 0.001, 0, 0]), FirstChar=97, LastChar=98, Widths=Array([600, 600]), Resources=Dictionary(), CharProcs=Dictionary(a=glyph(b"0 0 500 700 re f"), b=glyph(b"0 0 m 250 700 l 500 0 l f")), Encoding=Dictionary(Type=Name.Encoding, Differences=Array([97, Name.a, Name.b])))))
    save(pdf, "font-type3")


def structure():
    pdf, _ = new(drawing)
    whole = io.BytesIO()
    pdf.save(whole, static_id=True)
    whole = whole.getvalue()
    put = lambda name, data: (folder / f"{name}.pdf").write_bytes(data)
    for length in (1, 100, 1024, 4096, 100_000):
        put(f"tail-nuls-{length}", whole + bytes(length))
    put("tail-html", whole + b"\r\n<!-- served -->\r\n" + b"<div>footer</div>\r\n" * 120)
    put("tail-newlines", whole + b"\r\n" * 3000)
    put("tail-none", whole.rstrip()[: -len(b"%%EOF")])
    put("head-junk", b"HTTP/1.1 200 OK\r\n\r\n" + whole)
    put("head-bom", b"\xef\xbb\xbf" + whole)
    start = whole.rindex(b"startxref")
    put("xref-wrong-start", whole[:start] + b"startxref\n12345678\n%%EOF\n")
    put("xref-start-0", whole[:start] + b"startxref\n0\n%%EOF\n")
    table = whole.rindex(b"\nxref")
    put("xref-gone", whole[:table] + whole[whole.rindex(b"trailer") - 1 :])
    put("xref-off-by-some", whole[:30] + b"%comment\n" + whole[30:] if whole[29:30] == b"\n" else whole.replace(b"endobj\n", b"endobj\n%x\n", 1))
    put("cr-line-ends", whole.replace(b"%PDF-1.3\n", b"%PDF-1.3\r"))
    put("wrong-length", whole.replace(b"/Length ", b"/Length 9", 1))
    for name, options in (
        ("object-streams", dict(object_stream_mode=ObjectStreamMode.generate)),
        ("pdf-2.0", dict(force_version="2.0")),
        ("pdf-1.0", dict(force_version="1.0")),
        ("qdf", dict(qdf=True)),
    ):
        save(pdf, f"saved-{name}", **options)
    several, _ = new(drawing)
    for _ in range(3):
        several.pages.append(several.pages[0])
    plain = io.BytesIO()
    several.save(plain)
    for mode in (ObjectStreamMode.disable, ObjectStreamMode.generate):
        with Pdf.open(io.BytesIO(plain.getvalue())) as again:
            try:
                save(again, f"linearized-{str(mode).split('.')[-1]}", linearize=True, object_stream_mode=mode)
            except RuntimeError as error:
                print("not made: linearized", mode, error)
    for version in (2, 3, 4, 5, 6):
        for user in ("", "secret"):
            try:
                save(pdf, f"encrypted-r{version}-{'password' if user else 'owner'}", encryption=Encryption(owner="owner", user=user, R=version, **(dict(aes=True) if version >= 4 else dict(aes=False, metadata=True) if version == 4 else dict(aes=False, metadata=version >= 4)), allow=Permissions(extract=False)))
            except Exception as error:
                print("not made: encryption", version, error)
            if user:
                expected[f"encrypted-r{version}-password.pdf"] = {"verdict": "refused"}
    pdf, _ = new(drawing)
    pdf.attachments["data.xml"] = b"<a/>"
    save(pdf, "attachment")
    pdf, _ = new(b"BT /Helv 20 Tf 20 100 Td (open this in a newer reader) Tj ET")
    pdf.attachments["report.pdf"] = whole
    pdf.Root.Collection = Dictionary(Type=Name.Collection, View=Name.D)
    save(pdf, "portfolio")
    expected["portfolio.pdf"] = {"verdict": "warned"}
    pdf.Root.PageMode = Name.UseAttachments
    save(pdf, "portfolio-in-view")
    expected["portfolio-in-view.pdf"] = {"verdict": "warned"}
    pdf, page = new(drawing)
    page.obj.Contents = Array([pdf.make_stream(drawing[:100]), pdf.make_stream(drawing[100:])])
    save(pdf, "contents-in-two")


for make in (filters, fax, jpegs, jpeg2000, jbig2, jbig2_halftones, jbig2_symbols, colours, masks, geometry, graphics, annotations, layers, fields, fonts, structure):
    make()
for path in folder.glob("*.pdf"):
    if any(part in path.stem for part in ("cmyk", "devicen", "lab", "field-", "clip-text")):
        expected.setdefault(path.name, by_taste)
expected["jpx-rgba-own-mask.pdf"] = {"reader": "mutool"}
# Its waves are nineteen pixels long: to be placed half a pixel elsewhere is much.
expected["scan-skewed.pdf"] = {"limits": {"mean": 20, "block": 40}}
expected["page-crop-outside.pdf"] = {"verdict": "refused"}
(folder / "expected.json").write_text(json.dumps(expected, indent=1))
print(len(list(folder.glob("*.pdf"))), "files")
