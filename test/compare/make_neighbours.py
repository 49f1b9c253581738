"""Neighbours of the kinds that the other makers write, over all formats, for `npm run compare:pictures -- <folder>`:

    python test/compare/make_neighbours.py <folder>

Needs numpy, Pillow 13, pikepdf, tifffile, imagecodecs; cjxl and gif2webp are asked where they are installed. expected.json names a PNG
where what was written means something by plain arithmetic, or by LittleCMS, and no reader of the kind knows it.
"""

import io
import itertools
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures"))
import profiles
import web_images as web

FOLDER = Path(sys.argv[1])
FOLDER.mkdir(parents=True, exist_ok=True)
EXPECTED = {}
LOSSY = {"mean": 3, "block": 24}
EXACT = {"mean": 0.6, "block": 3}


def expect(name, pixels, limits=None, **more):
    Image.fromarray(np.ascontiguousarray(np.clip(pixels, 0, 255).astype(np.uint8))).save(FOLDER / f"{name}.reference.png")
    EXPECTED[name] = {"reference": f"{name}.reference.png", "limits": limits or EXACT, **more}


def write(name, content):
    (FOLDER / name).write_bytes(content)


def veiled(rgb, alpha):
    share = alpha[..., None].astype(float) / 255
    return (rgb * share + 255 * (1 - share)).round()


def to_srgb(pixels, profile):
    mode = "CMYK" if pixels.shape[-1] == 4 else "RGB"
    return np.asarray(ImageCms.profileToProfile(Image.fromarray(pixels, mode), ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"))


# --- PDF -------------------------------------------------------------------------------------------------------------


def page(content, resources=None, box=(0, 0, 300, 200), **entries):
    pdf = Pdf.new()
    made = pdf.add_blank_page(page_size=(100, 100))
    made.obj.MediaBox = Array(list(box))
    made.obj.Contents = pdf.make_stream(content)
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
    made.obj.Resources = Dictionary(Font=Dictionary(F=pdf.make_indirect(font)))
    for key, value in (resources(pdf) if resources else {}).items():
        made.obj.Resources[Name("/" + key)] = value
    for key, value in entries.items():
        made.obj[Name("/" + key)] = value
    return pdf


def stream(pdf, content, **entries):
    made = Stream(pdf, content)
    for key, value in entries.items():
        made[Name("/" + key)] = value
    return pdf.make_indirect(made)


def save(pdf, name, **expected):
    pdf.save(FOLDER / f"{name}.pdf")
    if expected:
        EXPECTED[f"{name}.pdf"] = expected


def inline_images():
    rgb = web.smooth(24, 16)
    grey = rgb[..., 0].tobytes()
    bits = np.packbits((rgb[..., 0] + rgb[..., 1] > 250).astype(np.uint8), axis=1).tobytes()
    jpeg = io.BytesIO()
    Image.fromarray(rgb).save(jpeg, "JPEG", quality=95, subsampling=0)
    import imagecodecs
    cases = {
        "rgb": ("/CS /RGB /BPC 8", rgb.tobytes()), "rgb-long": ("/ColorSpace /DeviceRGB /BitsPerComponent 8", rgb.tobytes()),
        "grey": ("/CS /G /BPC 8", grey), "grey-inverted": ("/CS /G /BPC 8 /D [1 0]", grey), "flate": ("/CS /RGB /BPC 8 /F /Fl", zlib.compress(rgb.tobytes())),
        "flate-predictor": ("/CS /RGB /BPC 8 /F /Fl /DP << /Predictor 15 /Colors 3 /Columns 24 >>", zlib.compress(b"".join(b"\0" + line.tobytes() for line in rgb))),
        "hex": ("/CS /RGB /BPC 8 /F /AHx", rgb.tobytes().hex().encode() + b">"), "hex-flate": ("/CS /RGB /BPC 8 /F [/AHx /Fl]", zlib.compress(rgb.tobytes()).hex().encode() + b">"),
        "lzw": ("/CS /RGB /BPC 8 /F /LZW", imagecodecs.lzw_encode(rgb.tobytes())), "jpeg": ("/CS /RGB /BPC 8 /F /DCT", jpeg.getvalue()),
        "run": ("/CS /RGB /BPC 8 /F /RL", imagecodecs.packbits_encode(rgb.tobytes()) + b"\x80"),
        "one-bit": ("/CS /G /BPC 1", bits), "mask": ("/IM true", bits), "mask-inverted": ("/IM true /D [1 0]", bits),
        "indexed": ("/CS [/I /RGB 3 <c82828 28a03c 323cc8 e6dc78>] /BPC 8", (rgb[..., 0] // 64).tobytes()),
        "indexed-2": ("/CS [/I /RGB 3 <c82828 28a03c 323cc8 e6dc78>] /BPC 2", np.packbits(np.unpackbits((rgb[..., 0] // 64).reshape(-1, 1), axis=1)[:, 6:].reshape(16, -1), axis=1).tobytes()),
        "cmyk": ("/CS /CMYK /BPC 8", np.dstack([rgb, rgb[..., 0] // 4]).tobytes()), "named": ("/CS /S /BPC 8", rgb.tobytes()),
    }
    for name, (entries, data) in cases.items():
        content = b"0.5 0.2 0.6 rg q 280 0 0 180 10 10 cm BI /W 24 /H 16 " + entries.encode() + b" ID " + data + b"\nEI Q 0 0 1 rg 5 5 20 20 re f"
        resources = lambda pdf: {"ColorSpace": Dictionary(S=Array([Name.CalRGB, Dictionary(WhitePoint=Array([0.9505, 1, 1.089]), Gamma=Array([1.8, 1.8, 1.8]))]))}
        save(page(content, resources), f"inline-{name}", **({"limits": {"mean": 14, "block": 255}} if name == "cmyk" else {}))


def soft_masks():
    ramp = lambda pdf: stream(pdf, b"/P sh", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 300, 200]), Group=Dictionary(S=Name.Transparency, CS=Name.DeviceGray),
                              Resources=Dictionary(Shading=Dictionary(P=Dictionary(ShadingType=2, ColorSpace=Name.DeviceGray, Coords=Array([20, 0, 280, 0]), Extend=Array([True, True]),
                                                                                   Function=Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([0]), C1=Array([1]), N=1)))))
    shape = lambda pdf: stream(pdf, b"0.3 g 60 40 180 120 re f", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 300, 200]), Group=Dictionary(S=Name.Transparency, CS=Name.DeviceGray))
    swap = Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([1]), C1=Array([0]), N=1)
    kinds = {"luminosity": ("Luminosity", ramp, {}), "luminosity-shape": ("Luminosity", shape, {}), "alpha-shape": ("Alpha", shape, {}), "backdrop": ("Luminosity", shape, {"BC": Array([1])}),
             "transfer": ("Luminosity", ramp, {"TR": swap}), "alpha-transfer": ("Alpha", shape, {"TR": swap})}
    for name, (kind, form, more) in kinds.items():
        resources = lambda pdf: {"ExtGState": Dictionary(M=Dictionary(SMask=Dictionary(S=Name("/" + kind), G=form(pdf), **more)), N=Dictionary(SMask=Name("/None")))}
        save(page(b"0.9 0.9 0.6 rg 0 0 300 200 re f q /M gs 0.7 0.1 0.2 rg 20 20 260 160 re f Q q /M gs /N gs 0 0.4 0 rg 130 90 40 20 re f Q", resources), f"soft-{name}")


def groups():
    inner = b"/A gs 0.8 0.2 0.2 rg 40 40 140 100 re f 0.2 0.3 0.8 rg 110 70 140 100 re f"
    for isolated, knockout, alpha, mode in itertools.product((False, True), (False, True), (0.5, 1), ("Normal", "Multiply")):
        def resources(pdf):
            state = Dictionary(A=Dictionary(ca=alpha, BM=Name("/" + mode)))
            form = stream(pdf, inner, Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 300, 200]), Resources=Dictionary(ExtGState=state),
                          Group=Dictionary(S=Name.Transparency, CS=Name.DeviceRGB, I=isolated, K=knockout))
            return {"XObject": Dictionary(G=form), "ExtGState": Dictionary(H=Dictionary(ca=0.7))}
        save(page(b"0.95 0.9 0.5 rg 0 0 300 200 re f /H gs /G Do", resources), f"group-{int(isolated)}-{int(knockout)}-{alpha}-{mode}")


def inks():
    """Several inks, none, and inks with a profile."""
    sheet = web.smooth(96, 64)
    tint = lambda pdf, code, count, out: stream(pdf, code, FunctionType=4, Domain=Array([0, 1] * count), Range=Array([0, 1] * out))
    image = lambda pdf, space, data, **more: {"XObject": Dictionary(I=stream(pdf, zlib.compress(data), Type=Name.XObject, Subtype=Name.Image, Width=96, Height=64, BitsPerComponent=8, ColorSpace=space, Filter=Name.FlateDecode, **more))}
    show = b"0.95 0.9 0.5 rg 0 0 300 200 re f q 280 0 0 180 10 10 cm /I Do Q"
    two = lambda pdf, names: Array([Name.DeviceN, Array([Name("/" + name) for name in names]), Name.DeviceRGB, tint(pdf, b"{1 exch sub exch 1 exch sub exch dup}", 2, 3)])
    for names in (("Spot", "Other"), ("Cyan", "Black"), ("None", "Spot"), ("None", "None")):
        save(page(show, lambda pdf: image(pdf, two(pdf, names), sheet[..., :2].tobytes())), f"plates-{'-'.join(names)}")
        save(page(b"0.95 0.9 0.5 rg 0 0 300 200 re f /S cs 0.6 0.3 sc 20 20 260 160 re f", lambda pdf: {"ColorSpace": Dictionary(S=two(pdf, names))}), f"plates-fill-{'-'.join(names)}")
    one = lambda pdf, name: Array([Name.Separation, Name("/" + name), Name.DeviceRGB, tint(pdf, b"{1 exch sub dup dup 0.5 mul}", 1, 3)])
    for name in ("None", "All", "Black", "Spot"):
        save(page(show, lambda pdf: image(pdf, one(pdf, name), sheet[..., 0].tobytes())), f"plate-{name}")
        save(page(b"0.95 0.9 0.5 rg 0 0 300 200 re f /S cs 0.6 sc 20 20 260 160 re f /S CS 1 SC 9 w 30 30 240 140 re S BT /F 40 Tf 50 90 Td (Words) Tj ET", lambda pdf: {"ColorSpace": Dictionary(S=one(pdf, name))}), f"plate-fill-{name}")
    nchannel = lambda pdf: Array([Name.DeviceN, Array([Name.Spot, Name.Other]), Name.DeviceRGB, tint(pdf, b"{1 exch sub exch 1 exch sub exch dup}", 2, 3),
                                  Dictionary(Subtype=Name.NChannel, Colorants=Dictionary(Spot=one(pdf, "Spot"), Other=one(pdf, "Other")))])
    save(page(show, lambda pdf: image(pdf, nchannel(pdf), sheet[..., :2].tobytes())), "plates-nchannel")
    press = profiles.press()
    cmyk = np.dstack([sheet, sheet[..., 0] // 3])
    with_profile = lambda pdf: Array([Name.ICCBased, stream(pdf, press, N=4, Alternate=Name.DeviceCMYK)])
    save(page(b"q 300 0 0 200 0 0 cm /I Do Q", lambda pdf: image(pdf, with_profile(pdf), cmyk.tobytes())), "profile-press")
    expect_drawn("profile-press.pdf", to_srgb(cmyk, press))
    for name, profile in (("p3", profiles.display_p3()), ("wide", profiles.wide_gamma())):
        space = lambda pdf: Array([Name.ICCBased, stream(pdf, profile, N=3, Alternate=Name.DeviceRGB)])
        save(page(b"q 300 0 0 200 0 0 cm /I Do Q", lambda pdf: image(pdf, space(pdf), sheet.tobytes())), f"profile-{name}")
        expect_drawn(f"profile-{name}.pdf", to_srgb(sheet, profile))
    jpeg = io.BytesIO()
    Image.fromarray(np.kron(sheet, np.ones((16, 16, 1), np.uint8))).save(jpeg, "JPEG", quality=95, subsampling=0)
    for name, profile in (("p3", profiles.display_p3()), ("wide", profiles.wide_gamma())):
        def scanned(pdf):
            space = Array([Name.ICCBased, stream(pdf, profile, N=3, Alternate=Name.DeviceRGB)])
            return {"XObject": Dictionary(I=stream(pdf, jpeg.getvalue(), Type=Name.XObject, Subtype=Name.Image, Width=96 * 16, Height=64 * 16, BitsPerComponent=8, ColorSpace=space, Filter=Name.DCTDecode))}
        save(page(b"q 300 0 0 200 0 0 cm /I Do Q", scanned), f"scan-profile-{name}")
        expect_drawn(f"scan-profile-{name}.pdf", to_srgb(sheet, profile))
    lab = np.stack([np.full((64, 96), 60) * 255 // 100, 128 + (sheet[..., 0].astype(int) - 128) // 5, 128 + (sheet[..., 1].astype(int) - 128) // 5], -1).astype(np.uint8)
    for white, values in (("d50", [0.9642, 1, 0.8249]), ("d65", [0.9505, 1, 1.089])):
        space = lambda pdf: Array([Name.Lab, Dictionary(WhitePoint=Array(values), Range=Array([-128, 127, -128, 127]))])
        save(page(b"q 300 0 0 200 0 0 cm /I Do Q", lambda pdf: image(pdf, space(pdf), lab.tobytes())), f"lab-{white}")


def expect_drawn(name, pixels):
    """As large as a model looks at it; edges between samples are each reader's own."""
    drawn = np.asarray(Image.fromarray(pixels).resize((1024, 683), Image.NEAREST))
    expect(name, drawn, {"mean": 6, "block": 30})


def type3():
    glyphs = {
        "paint-coloured": b"600 0 d0 0.8 0.1 0.1 rg 50 0 500 700 re f 0 0 1 rg 200 200 200 200 re f",
        "stencil": b"600 0 0 0 600 750 d1 0.8 0.1 0.1 rg 50 0 500 700 re f",
        "image": b"600 0 0 0 600 750 d1 q 500 0 0 700 50 0 cm BI /W 8 /H 8 /IM true /D [1 0] ID \x18\x3c\x66\xc3\xff\xc3\xc3\xc3\nEI Q",
        "words": b"600 0 d0 BT /G 800 Tf (R) Tj ET",
        "lines": b"600 0 d0 60 w 50 50 m 550 650 l S 50 650 m 550 50 l S",
    }
    for (name, glyph), matrix in itertools.product(glyphs.items(), ([0.001, 0, 0, 0.001, 0, 0], [0.001, 0, 0.0004, 0.001, 0, 0], [0.001, 0, 0, -0.001, 0, 0])):
        def resources(pdf):
            helvetica = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
            font = Dictionary(Type=Name.Font, Subtype=Name.Type3, FontBBox=Array([0, 0, 600, 750]), FontMatrix=Array(matrix), FirstChar=65, LastChar=65, Widths=Array([600]),
                              Encoding=Dictionary(Type=Name.Encoding, Differences=Array([65, Name.A])), CharProcs=Dictionary(A=stream(pdf, glyph)), Resources=Dictionary(Font=Dictionary(G=helvetica)))
            return {"Font": Dictionary(T=pdf.make_indirect(font))}
        slant = "straight" if matrix[2] == 0 and matrix[3] > 0 else "slanted" if matrix[2] else "upside-down"
        # Helvetica is not in the file, nor its colour with MuPDF where the glyph has words.
        ink = b"0 g" if name == "words" else b"0 0.5 0.2 rg"
        taste = {"reader": "mutool", "limits": {"mean": 8, "block": 160}} if name == "words" else {}
        save(page(ink + b" BT /T 60 Tf 30 100 Td 10 Tc (AAA) Tj 150 Tz 1 0 0 1 20 20 Tm (A) Tj ET", resources), f"type3-{name}-{slant}", **taste)


def text_states():
    states = {"spaced": b"5 Tc 20 Tw", "wide": b"180 Tz", "narrow": b"50 Tz", "risen": b"12 Ts", "outlined": b"1 Tr 0.8 0 0 RG 2 w", "both": b"2 Tr 0.8 0 0 RG 2 w", "unseen": b"3 Tr", "leading": b"30 TL"}
    for name, state in states.items():
        save(page(b"0 0 0.6 rg BT /F 30 Tf " + state + b" 20 140 Td (Words and) Tj T* (more of it) ' 2 1 (third) \" [(k) 120 (e) -300 (rn)] TJ ET 9 9 9 9 re f"), f"text-{name}")
    for name, matrix in (("turned", "0.7 0.7 -0.7 0.7 100 40"), ("mirrored", "-1 0 0 1 280 80"), ("slanted", "1 0 0.5 1 20 80"), ("tiny", "0.02 0 0 0.02 20 80")):
        size = 2000 if name == "tiny" else 40
        save(page(f"BT /F {size} Tf {matrix} Tm (Words) Tj ET".encode()), f"text-{name}")


def forms():
    for name, matrix, box, rotate in (("moved", [1, 0, 0, 1, 40, 20], [0, 0, 200, 150], 0), ("turned", [0, 1, -1, 0, 220, 10], [0, 0, 180, 120], 90), ("clipped", [1, 0, 0, 1, 0, 0], [50, 50, 150, 100], 180),
                                      ("scaled", [0.5, 0, 0, 2, 10, -60], [0, 0, 300, 200], 270)):
        def resources(pdf):
            deep = stream(pdf, b"0.1 0.6 0.3 rg 20 20 60 60 re f BT /F 20 Tf 30 90 Td (deep) Tj ET", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 200, 200]), Matrix=Array([0.8, 0.2, -0.2, 0.8, 20, 0]),
                          Resources=Dictionary(Font=Dictionary(F=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name("/Times-Bold")))))
            form = stream(pdf, b"0.8 0.2 0.2 rg 10 10 170 110 re f /D Do", Type=Name.XObject, Subtype=Name.Form, BBox=Array(box), Matrix=Array(matrix), Resources=Dictionary(XObject=Dictionary(D=deep)))
            return {"XObject": Dictionary(X=form)}
        save(page(b"q /X Do Q 0 0 1 RG 3 w 5 5 290 190 re S", resources, Rotate=rotate), f"form-{name}")
        for crop, unit in (((30, 20, 250, 180), 1), ((0, 0, 150, 200), 2.5)):
            save(page(b"q /X Do Q 0 0 1 RG 3 w 5 5 290 190 re S", resources, Rotate=rotate, CropBox=Array(list(crop)), UserUnit=unit), f"form-{name}-cropped-{unit}")
    save(page(b"q q q 1 0 0 rg 20 20 100 100 re f"), "state-unclosed")
    save(page(b"Q Q 1 0 0 rg 20 20 100 100 re f Q 0 0 1 rg 150 20 100 100 re f"), "state-closed-twice")
    save(page(b"1 0 0 rg 20 20 100 100 re f BX foo /bar 3 baz EX 0 0 1 rg 150 20 100 100 re f"), "operators-unknown")
    save(page(b"20 20 100 100 re 40 40 60 60 re W* n 1 0 0 rg 0 0 300 200 re f"), "clip-even-odd")


def patterns():
    function = Dictionary(FunctionType=3, Domain=Array([0, 1]), Bounds=Array([0.5]), Encode=Array([0, 1, 1, 0]),
                          Functions=Array([Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([1, 0, 0]), C1=Array([0, 0.6, 0]), N=1), Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([0, 0, 1]), C1=Array([0, 0.6, 0]), N=2)]))
    sampled = lambda pdf: stream(pdf, bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0]), FunctionType=0, Domain=Array([0, 1]), Range=Array([0, 1, 0, 1, 0, 1]), Size=Array([4]), BitsPerSample=8)
    for extend, matrix, kind in itertools.product((False, True), ([1, 0, 0, 1, 0, 0], [0.7, 0.5, -0.5, 0.7, 60, -20]), ("stitched", "sampled")):
        def resources(pdf):
            shading = Dictionary(ShadingType=2, ColorSpace=Name.DeviceRGB, Coords=Array([60, 0, 220, 60]), Extend=Array([extend, extend]), Function=function if kind == "stitched" else sampled(pdf), Background=Array([0.9, 0.9, 0.7]))
            return {"Pattern": Dictionary(P=Dictionary(PatternType=2, Shading=shading, Matrix=Array(matrix)))}
        turned = "plain" if matrix[1] == 0 else "turned"
        save(page(b"/Pattern cs /P scn 20 20 260 160 re f", resources), f"pattern-{kind}-{turned}-{int(extend)}", limits={"mean": 5, "block": 120})
        save(page(b"/Pattern CS /P SCN 20 w 50 50 200 100 re S BT /Pattern cs /P scn /F 60 Tf 60 80 Td (Words) Tj ET", resources), f"pattern-stroke-{kind}-{turned}-{int(extend)}", limits={"mean": 5, "block": 120})


# --- PNG -------------------------------------------------------------------------------------------------------------


def gamma_chunk(value):
    return web.chunk(b"gAMA", struct.pack(">I", round(value * 100000)))


def pngs():
    rgb = web.smooth(48, 32)
    as_light = lambda share: np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    as_srgb = lambda light: np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    for value, bits, kind in itertools.product((1.0, 0.55556, 0.45455, 0.3), (8, 16), (0, 2, 6)):
        stored = {0: rgb[..., :1], 2: rgb, 6: np.dstack([rgb, np.full((32, 48), 255, np.uint8)])}[kind]
        right = as_srgb((stored[..., :3] / 255.0) ** (1 / value)) if value != 0.45455 else stored[..., :3] / 255
        right = np.repeat(right, 3, 2) if kind == 0 else right
        samples = stored.astype(np.uint16) * 257 if bits == 16 else stored
        write(f"gama-{value}-{bits}-{kind}.png", web.plain_png(samples.squeeze(), gamma_chunk(value), bits=bits))
        expect(f"gama-{value}-{bits}-{kind}.png", (right * 255).round(), {"mean": 1.5, "block": 8})
    points = {"srgb": (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06), "adobe": (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), "p3": (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)}
    for name, values in points.items():
        chrm = web.chunk(b"cHRM", struct.pack(">8I", *[round(value * 100000) for value in values]))
        write(f"chrm-{name}.png", web.plain_png(rgb, gamma_chunk(0.45455), chrm))
        if name == "srgb":
            expect(f"chrm-{name}.png", rgb)
        else:
            expect(f"chrm-{name}.png", from_points(rgb, values), {"mean": 2, "block": 10})
    both = web.chunk(b"sRGB", b"\0")
    write("gama-beside-srgb.png", web.plain_png(rgb, gamma_chunk(1.0), both))
    expect("gama-beside-srgb.png", rgb)
    for kind in (0, 2):
        values = np.full((12, 12, 3 if kind == 2 else 1), 0x4040, np.uint16)
        values[3:9, 3:9] = 0x4041
        write(f"key-16-{kind}.png", web.png(web.header(12, 12, 16, kind), web.chunk(b"tRNS", b"\x40\x40" * (3 if kind == 2 else 1)), web.chunk(b"IDAT", zlib.compress(b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)))))
        right = np.full((12, 12, 3), 255)
        right[3:9, 3:9] = 0x40
        expect(f"key-16-{kind}.png", right)
    for value in range(1, 9):
        write(f"exif-{value}.png", web.plain_png(rgb, web.chunk(b"eXIf", web.exif(value))))
        expect(f"exif-{value}.png", TURNS[value](rgb))
    parts = zlib.compress(web.lines_of(rgb))
    write("idat-in-many.png", web.png(web.header(48, 32, 8, 2), *[web.chunk(b"IDAT", parts[at:at + 7]) for at in range(0, len(parts), 7)], web.chunk(b"tEXt", b"a\0b")))
    expect("idat-in-many.png", rgb)


def from_points(rgb, values):
    """By the primaries' own matrix and the power 2.2."""
    def matrix(white, red, green, blue):
        columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (red, green, blue)]).T
        light = np.array([white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]])
        return columns * np.linalg.solve(columns, light)
    pairs = [values[0:2], values[2:4], values[4:6], values[6:8]]
    own, srgb = matrix(*pairs), matrix((0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
    light = np.clip((rgb / 255.0) ** 2.2 @ (np.linalg.inv(srgb) @ own).T, 0, 1)
    return (np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255).round()


TURNS = {1: lambda p: p, 2: lambda p: p[:, ::-1], 3: lambda p: p[::-1, ::-1], 4: lambda p: p[::-1], 5: lambda p: p.transpose(1, 0, 2),
         6: lambda p: np.rot90(p, -1), 7: lambda p: np.rot90(p, 2).transpose(1, 0, 2), 8: lambda p: np.rot90(p)}


# --- JPEG ------------------------------------------------------------------------------------------------------------


def jpegs():
    rgb = web.smooth(80, 60)
    plain = web.encoded(Image.fromarray(rgb), "JPEG", quality=95, subsampling=0)
    progressive = web.encoded(Image.fromarray(rgb), "JPEG", quality=95, subsampling=0, progressive=True)
    for name, content in (("baseline", plain), ("progressive", progressive)):
        write(f"no-end-{name}.jpg", content[:-2])
        expect(f"no-end-{name}.jpg", rgb, LOSSY)
        write(f"tail-{name}.jpg", content + bytes(5000))
        expect(f"tail-{name}.jpg", rgb, LOSSY)
    write("fill-bytes.jpg", plain[:2] + b"\xff\xff\xff\xff" + plain[3:])
    expect("fill-bytes.jpg", rgb, LOSSY)
    profile = profiles.wide_gamma()
    parts = [profile[at:at + 100] for at in range(0, len(profile), 100)]
    marker = lambda number: b"\xff\xe2" + struct.pack(">H", 2 + 14 + len(parts[number])) + b"ICC_PROFILE\0" + bytes([number + 1, len(parts)]) + parts[number]
    right = to_srgb(rgb, profile)
    for name, order in (("in-order", range(len(parts))), ("reversed", reversed(range(len(parts)))), ("mixed", np.random.default_rng(1).permutation(len(parts)))):
        write(f"icc-{name}.jpg", plain[:2] + b"".join(marker(int(number)) for number in order) + plain[2:])
        expect(f"icc-{name}.jpg", right, LOSSY)
    write("icc-part-missing.jpg", plain[:2] + b"".join(marker(number) for number in range(len(parts) - 1)) + plain[2:])
    expect("icc-part-missing.jpg", rgb, LOSSY)
    cmyk = np.dstack([255 - rgb, rgb[..., 0] // 4])
    encoded = web.encoded(Image.fromarray(cmyk, "CMYK"), "JPEG", quality=97)
    press = profiles.press()
    icc = web.encoded(Image.fromarray(cmyk, "CMYK"), "JPEG", quality=97, icc_profile=press)
    write("cmyk-adobe.jpg", encoded)
    write("cmyk-adobe-icc.jpg", icc)
    expect("cmyk-adobe-icc.jpg", to_srgb(cmyk, press), LOSSY)
    for progressive in (False, True):
        write(f"ycck-{int(progressive)}.jpg", ycck(cmyk, progressive))
    for sampling in ((1, 1, 1, 1, 1, 1), (2, 2, 1, 1, 1, 1), (4, 1, 1, 1, 1, 1), (1, 2, 1, 1, 1, 1), (2, 2, 2, 1, 2, 1)):
        content = cjpeg(rgb, sampling)
        if content:
            write(f"sampled-{''.join(map(str, sampling))}.jpg", content)
    grey = web.encoded(Image.fromarray(rgb[..., 0]), "JPEG", quality=95)
    write("grey.jpg", grey)
    where = grey.find(b"\xff\xc0")
    write("grey-22.jpg", grey[:where + 11] + b"\x22" + grey[where + 12:])
    expect("grey-22.jpg", np.repeat(rgb[..., :1], 3, 2), LOSSY)
    for name, adobe in (("adobe-0", 0), ("adobe-1", 1)):
        stripped = without(plain, 0xE0)
        mark = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([adobe])
        write(f"{name}.jpg", stripped[:2] + mark + stripped[2:])


def without(jpeg, marker):
    at = jpeg.find(bytes([0xFF, marker]))
    length = struct.unpack(">H", jpeg[at + 2:at + 4])[0]
    return jpeg[:at] + jpeg[at + 2 + length:]


def ycck(cmyk, progressive):
    """Adobe's way: inverted inks, the first three as YCbCr."""
    rgb = Image.fromarray(cmyk[..., :3])
    y = np.asarray(rgb.convert("YCbCr"))
    stored = np.dstack([255 - 0 * y[..., 0] - y[..., 0], y[..., 1:], cmyk[..., 3]])
    content = web.encoded(Image.fromarray(cmyk, "CMYK"), "JPEG", quality=97, progressive=progressive)
    at = content.find(b"Adobe")
    return content[:at + 11] + b"\2" + content[at + 12:]


def cjpeg(rgb, sampling):
    source = io.BytesIO()
    Image.fromarray(rgb).save(source, "PPM")
    words = ",".join(f"{sampling[at]}x{sampling[at + 1]}" for at in (0, 2, 4))
    try:
        return subprocess.run(["cjpeg", "-quality", "95", "-sample", words], input=source.getvalue(), capture_output=True, check=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None


# --- GIF, WebP, BMP --------------------------------------------------------------------------------------------------


def gifs():
    """Composed by the rules of GIF89a here, with white under what is clear."""
    rng = np.random.default_rng(3)
    palette = np.array([[200, 40, 40], [40, 160, 60], [50, 60, 200], [230, 220, 120]], np.uint8)
    for disposal, clear, interlaced in itertools.product((0, 1, 2, 3), (None, 2), (False, True)):
        canvas, alpha = np.zeros((30, 40, 3), np.uint8), np.zeros((30, 40), bool)
        content, shown = b"GIF89a" + struct.pack("<HHBBB", 40, 30, 0x81, 0, 0) + palette.tobytes(), []
        for place, (x, y, w, h) in enumerate(((0, 0, 40, 30), (5, 4, 20, 15), (12, 10, 25, 18), (0, 0, 9, 30))):
            indices = rng.integers(0, 4, (h, w))
            content += web.gif_frame(x, y, indices, disposal=disposal, transparent=clear, interlaced=interlaced)
            before = canvas.copy(), alpha.copy()
            drawn = indices != clear if clear is not None else np.ones((h, w), bool)
            canvas[y:y + h, x:x + w][drawn] = palette[indices[drawn]]
            alpha[y:y + h, x:x + w] |= drawn
            shown.append(np.where(alpha[..., None], canvas, 255))
            if disposal == 2:
                alpha[y:y + h, x:x + w] = clear is None
                canvas[y:y + h, x:x + w] = palette[0]  # what the file states, as in Pillow
            elif disposal == 3:
                canvas, alpha = before
        name = f"film-{disposal}-{clear}-{int(interlaced)}"
        write(f"{name}.gif", content + b";")
        pages = [f"{name}.{index}.reference.png" for index in range(len(shown))]
        for page, frame in zip(pages, shown):
            Image.fromarray(frame.astype(np.uint8)).save(FOLDER / page)
        EXPECTED[f"{name}.gif"] = {"references": pages, "limits": EXACT}


def webps():
    rgb = web.smooth(48, 32)
    rgba = np.dstack([rgb, web.smooth(48, 32)[..., 1]])
    for lossless, channels, profile in itertools.product((False, True), (3, 4), (None, profiles.wide_gamma(), profiles.display_p3())):
        word = {None: "none"}.get(profile, "wide" if profile == profiles.wide_gamma() else "p3")
        name = f"webp-{int(lossless)}-{channels}-{word}.webp"
        options = {"icc_profile": profile} if profile else {}
        Image.fromarray(rgba[..., :channels]).save(FOLDER / name, lossless=lossless, quality=95, exact=True, **options)
        colours = to_srgb(rgb, profile) if profile else rgb
        expect(name, veiled(colours, rgba[..., 3]) if channels == 4 else colours, LOSSY)
    for channels, lossless in itertools.product((3, 4), (False, True)):
        frames = [Image.fromarray(np.roll(rgba[..., :channels], 6 * index, 1)) for index in range(4)]
        frames[0].save(FOLDER / f"webp-film-{channels}-{int(lossless)}.webp", save_all=True, append_images=frames[1:], lossless=lossless, quality=95, minimize_size=True)


def bmps():
    rgb = web.smooth(37, 21)
    image = Image.fromarray(rgb)
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        image.convert(mode).save(FOLDER / f"bmp-{mode}.bmp")
    lines = lambda pixels: b"".join(row.tobytes() + bytes(-row.nbytes % 4) for row in pixels)
    for top_down in (False, True):
        rows = rgb if top_down else rgb[::-1]
        height = -21 if top_down else 21
        for bits, masks in ((16, (0x7C00, 0x3E0, 0x1F)), (16, (0xF800, 0x7E0, 0x1F)), (32, (0xFF0000, 0xFF00, 0xFF)), (32, (0xFF, 0xFF00, 0xFF0000)), (32, (0x3FF00000, 0xFFC00, 0x3FF))):
            values = np.zeros(rows.shape[:2], np.uint32)
            right = np.zeros(rgb.shape)
            for channel, mask in enumerate(masks):
                shift = (mask & -mask).bit_length() - 1
                most = mask >> shift
                stored = np.round(rows[..., channel] / 255 * most).astype(np.uint32)
                values |= stored << shift
                right[..., channel] = np.round(stored / most * 255)
            data = lines(values.astype("<u2" if bits == 16 else "<u4"))
            head = struct.pack("<IiiHHIIiiII", 40, 37, height, 1, bits, 3, len(data), 2835, 2835, 0, 0) + struct.pack("<3I", *masks)
            name = f"bmp-{bits}-{masks[0]:x}-{'down' if top_down else 'up'}.bmp"
            write(name, b"BM" + struct.pack("<IHHI", 14 + len(head) + len(data), 0, 0, 14 + len(head)) + head + data)
            expect(name, right if top_down else right[::-1], {"mean": 2, "block": 9})


# --- TIFF ------------------------------------------------------------------------------------------------------------


def tiffs():
    import tifffile

    rgb = np.kron(web.smooth(40, 30), np.ones((2, 2, 1), np.uint8))
    grey16 = rgb[..., 0].astype(np.uint16) * 257
    for planar, tile, predictor, compression in itertools.product(("contig", "separate"), (None, (16, 32)), (False, True), ("zlib", "lzw", "zstd")):
        for kind, pixels in (("u1", rgb), ("u2", rgb.astype(np.uint16) * 257), ("f4", (rgb / 255).astype(np.float32))):
            name = f"tiff-{planar}-{'tiles' if tile else 'strips'}-{int(predictor)}-{compression}-{kind}.tif"
            stored = pixels if planar == "contig" else np.ascontiguousarray(pixels.transpose(2, 0, 1))
            options = {"tile": tile} if tile else {"rowsperstrip": 7}
            tifffile.imwrite(FOLDER / name, stored, photometric="rgb", planarconfig=planar, compression=compression, predictor=predictor, metadata=None, bigtiff=compression == "zstd", **options)
            expect(name, rgb)
    tifffile.imwrite(FOLDER / "tiff-imagej-stack.tif", np.stack([grey16 // (index + 1) for index in range(5)]), imagej=True)
    expect("tiff-imagej-stack.tif", np.repeat(rgb[..., :1], 3, 2), EXACT)
    tifffile.imwrite(FOLDER / "tiff-imagej-colours.tif", np.stack([grey16, grey16[::-1], grey16 // 2])[None], imagej=True, metadata={"axes": "ZCYX", "mode": "composite"})
    tifffile.imwrite(FOLDER / "tiff-ome.ome.tif", np.stack([rgb, rgb[::-1]]), photometric="rgb")
    expect("tiff-ome.ome.tif", rgb)
    for value, page_two in itertools.product((3, 6, 8), (1, 5)):
        name = f"tiff-turned-{value}-{page_two}.tif"
        with tifffile.TiffWriter(FOLDER / name) as file:
            for turn in (value, page_two):
                file.write(rgb, photometric="rgb", metadata=None, extratags=[(274, 3, 1, turn, True)])
        expect(name, TURNS[value](rgb))
    for bits, limits in ((8, (0, 255)), (16, (1000, 30000))):
        values = rgb[..., 0] if bits == 8 else (rgb[..., 0].astype(float) / 255 * 29000 + 1000).round().astype(np.uint16)
        tifffile.imwrite(FOLDER / f"tiff-limits-{bits}.tif", values, photometric="minisblack", metadata=None, extratags=[(280, 3, 1, limits[0], True), (281, 3, 1, limits[1], True)])
    cmyk = np.dstack([255 - rgb, rgb[..., 0] // 4])
    press = profiles.press()
    for bits in (8, 16):
        stored = cmyk if bits == 8 else cmyk.astype(np.uint16) * 257
        tifffile.imwrite(FOLDER / f"tiff-cmyk-icc-{bits}.tif", stored, photometric="separated", metadata=None, iccprofile=press)
        expect(f"tiff-cmyk-icc-{bits}.tif", to_srgb(cmyk, press), LOSSY)


# --- JPEG XL ---------------------------------------------------------------------------------------------------------


def jxls():
    rgb = web.smooth(80, 60)
    for value in range(1, 9):
        plain = web.encoded(Image.fromarray(rgb), "JPEG", quality=95, subsampling=0)
        jpeg = plain[:2] + web.app1(web.EXIF + web.exif(value)) + plain[2:]
        for how, options in (("kept", []), ("pixels", ["--lossless_jpeg=0", "-d", "0.5"])):
            source, name = FOLDER / "source.jpg", f"jxl-{how}-{value}.jxl"
            source.write_bytes(jpeg)
            try:
                subprocess.run(["cjxl", source, FOLDER / name, *options], check=True, capture_output=True)
                expect(name, TURNS[value](rgb), LOSSY)
            except (FileNotFoundError, subprocess.CalledProcessError) as error:
                print("not made:", name, error)
            source.unlink()
    for name, pixels in (("grey", rgb[..., 0]), ("grey-16", rgb[..., 0].astype(np.uint16) * 257), ("rgba", np.dstack([rgb, rgb[..., 1]]))):
        source = FOLDER / "source.png"
        Image.fromarray(pixels).save(source)
        try:
            subprocess.run(["cjxl", source, FOLDER / f"jxl-{name}.jxl", "-d", "0"], check=True, capture_output=True)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            print("not made:", name, error)
        source.unlink()
        eight = pixels if pixels.dtype == np.uint8 else (pixels // 257).astype(np.uint8)
        expect(f"jxl-{name}.jxl", veiled(rgb, rgb[..., 1]) if name == "rgba" else np.repeat(eight[..., None], 3, 2))
    for name, profile in (("p3", profiles.display_p3()), ("wide", profiles.wide_gamma())):
        source = FOLDER / "source.png"
        Image.fromarray(rgb).save(source, icc_profile=profile)
        for lossy in (0, 1):
            try:
                subprocess.run(["cjxl", source, FOLDER / f"jxl-{name}-{lossy}.jxl", "-d", str(lossy * 0.5)], check=True, capture_output=True)
                expect(f"jxl-{name}-{lossy}.jxl", to_srgb(rgb, profile), LOSSY)
            except (FileNotFoundError, subprocess.CalledProcessError) as error:
                print("not made:", name, error)
        source.unlink()


# --- SVG -------------------------------------------------------------------------------------------------------------

SVGS = {
    "use": '<defs><g id="a"><rect width="30" height="20" fill="#36c"/><circle cx="40" cy="10" r="9" fill="currentColor"/></g><symbol id="s" viewBox="0 0 10 10"><path d="M0 0L10 5L0 10z" fill="#a33"/></symbol></defs><use href="#a" x="10" y="10"/><use xlink:href="#a" x="80" y="30" color="green" transform="rotate(20 100 40)"/><use href="#s" x="120" y="50" width="40" height="40"/>',
    "mask": '<defs><linearGradient id="g"><stop offset="0" stop-color="white"/><stop offset="1" stop-color="black"/></linearGradient><mask id="m"><rect width="200" height="100" fill="url(#g)"/></mask><mask id="n" mask-type="alpha"><circle cx="100" cy="50" r="40" fill="#000"/></mask></defs><rect x="10" y="10" width="180" height="40" fill="#b22" mask="url(#m)"/><rect x="10" y="55" width="180" height="40" fill="#22b" mask="url(#n)"/>',
    "clip": '<defs><clipPath id="c"><circle cx="60" cy="50" r="40"/></clipPath><clipPath id="d" clipPathUnits="objectBoundingBox"><path clip-rule="evenodd" d="M0 0h1v1h-1zM.2 .2h.6v.6h-.6z"/></clipPath></defs><rect width="120" height="100" fill="#393" clip-path="url(#c)"/><rect x="120" y="20" width="70" height="60" fill="#939" clip-path="url(#d)"/>',
    "filter-blur": '<defs><filter id="f"><feGaussianBlur stdDeviation="4"/></filter></defs><rect x="40" y="20" width="120" height="60" fill="#e80" filter="url(#f)"/>',
    "filter-shadow": '<defs><filter id="f" x="-20%" y="-20%" width="150%" height="150%"><feDropShadow dx="6" dy="6" stdDeviation="3" flood-color="#000" flood-opacity=".6"/></filter></defs><rect x="40" y="20" width="100" height="50" fill="#08e" filter="url(#f)"/>',
    "filter-chain": '<defs><filter id="f"><feOffset in="SourceAlpha" dx="8" dy="8" result="o"/><feFlood flood-color="#c33"/><feComposite in2="o" operator="in" result="s"/><feMerge><feMergeNode in="s"/><feMergeNode in="SourceGraphic"/></feMerge></filter></defs><circle cx="80" cy="45" r="35" fill="#ff0" filter="url(#f)"/>',
    "filter-matrix": '<defs><filter id="f" color-interpolation-filters="sRGB"><feColorMatrix type="saturate" values="0"/></filter><filter id="h"><feColorMatrix type="hueRotate" values="120"/></filter></defs><rect x="10" y="10" width="80" height="80" fill="#e33" filter="url(#f)"/><rect x="110" y="10" width="80" height="80" fill="#e33" filter="url(#h)"/>',
    "filter-css": '<rect x="20" y="20" width="70" height="60" fill="#33e" style="filter:blur(3px)"/><rect x="110" y="20" width="70" height="60" fill="#3b3" style="filter:grayscale(1)"/>',
    "pattern": '<defs><pattern id="p" width="20" height="20" patternUnits="userSpaceOnUse" patternTransform="rotate(30)"><rect width="10" height="10" fill="#a0f"/><circle cx="15" cy="15" r="4" fill="#0a0"/></pattern></defs><rect width="200" height="100" fill="url(#p)"/>',
    "gradient": '<defs><radialGradient id="r" cx=".3" cy=".3" r=".6" fx=".2" fy=".2" spreadMethod="reflect"><stop offset="0" stop-color="#fff"/><stop offset="1" stop-color="#036"/></radialGradient><linearGradient id="l" gradientTransform="rotate(45)" spreadMethod="repeat" x2=".3"><stop offset="0" stop-color="red"/><stop offset=".5" stop-color="yellow" stop-opacity=".5"/><stop offset="1" stop-color="lime"/></linearGradient></defs><rect width="100" height="100" fill="url(#r)"/><rect x="100" width="100" height="100" fill="url(#l)"/>',
    "marker": '<defs><marker id="m" viewBox="0 0 10 10" refX="5" refY="5" markerWidth="6" markerHeight="6" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#c00"/></marker></defs><path d="M20 80L60 20L120 70L180 30" fill="none" stroke="#333" stroke-width="3" marker-start="url(#m)" marker-mid="url(#m)" marker-end="url(#m)"/>',
    "marker-context": '<defs><marker id="m" viewBox="0 0 10 10" refX="5" refY="5" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0L10 5L0 10z" fill="context-stroke"/></marker></defs><path d="M20 80L180 30" stroke="#0a0" stroke-width="4" marker-end="url(#m)"/>',
    "dash": '<path d="M10 20H190M10 50H190M10 80H190" stroke="#226" stroke-width="8" stroke-dasharray="20 8 4 8" stroke-dashoffset="6" stroke-linecap="round"/>',
    "joins": '<g fill="none" stroke="#622" stroke-width="14"><path d="M10 80L35 20L60 80" stroke-linejoin="miter" stroke-miterlimit="10"/><path d="M75 80L100 20L125 80" stroke-linejoin="round"/><path d="M140 80L165 20L190 80" stroke-linejoin="bevel"/></g>',
    "non-scaling": '<g transform="scale(4 1)"><rect x="5" y="20" width="40" height="60" fill="none" stroke="#900" stroke-width="4" vector-effect="non-scaling-stroke"/></g>',
    "blend": '<rect width="120" height="100" fill="#fd0"/><rect x="60" width="120" height="100" fill="#0af" style="mix-blend-mode:multiply"/><g style="isolation:isolate"><circle cx="100" cy="50" r="30" fill="#f0a" style="mix-blend-mode:screen"/></g>',
    "opacity": '<g opacity=".5"><rect x="10" y="10" width="80" height="80" fill="red"/><rect x="50" y="30" width="80" height="60" fill="blue"/></g><rect x="130" y="10" width="60" height="80" fill="green" fill-opacity=".4" stroke="#000" stroke-opacity=".3" stroke-width="8"/>',
    "nested": '<svg x="20" y="10" width="100" height="60" viewBox="0 0 10 10" preserveAspectRatio="xMaxYMin slice"><circle cx="5" cy="5" r="5" fill="#090"/></svg><svg x="130" y="20" width="60" height="60" overflow="visible"><rect x="-10" y="-10" width="40" height="40" fill="#909"/></svg>',
    "image": '<image x="20" y="10" width="80" height="80" preserveAspectRatio="none" href="data:image/png;base64,%PNG%"/><image x="110" y="10" width="80" height="80" xlink:href="data:image/png;base64,%PNG%" style="image-rendering:pixelated"/>',
    "image-jpeg": '<image x="20" y="10" width="150" height="80" href="data:image/jpeg;base64,%JPEG%"/>',
    "image-svg": '<image x="20" y="10" width="100" height="80" href="data:image/svg+xml,%3Csvg xmlns=\'http://www.w3.org/2000/svg\' viewBox=\'0 0 10 8\'%3E%3Crect width=\'10\' height=\'8\' fill=\'%23c60\'/%3E%3C/svg%3E"/>',
    "image-webp": '<image x="20" y="10" width="150" height="80" href="data:image/webp;base64,%WEBP%"/>',
    "css": '<style>rect:nth-child(2n){fill:#c33} .a &gt; circle{fill:#3c3} #b,[data-x="1"]{stroke:#000;stroke-width:4} g.a circle:first-child{fill:#33c} @media print{rect{fill:#000}} @media screen{.s{fill:#fa0}}</style><rect width="30" height="30" x="5" y="5"/><rect width="30" height="30" x="45" y="5" data-x="1"/><g class="a"><circle cx="110" cy="25" r="15"/><circle cx="150" cy="25" r="15"/></g><rect id="b" x="20" y="60" width="40" height="30" fill="#ccc"/><rect class="s" x="100" y="60" width="40" height="30"/>',
    "css-nested": '<style>.g{fill:#06c;&amp; .h{fill:#c06} rect{stroke:#000}} :is(.k,.l){fill:#0c6} .m:not(.n){fill:#cc0}</style><g class="g"><rect x="10" y="10" width="40" height="40"/><rect class="h" x="60" y="10" width="40" height="40"/></g><rect class="k" x="110" y="10" width="40" height="40"/><rect class="m" x="10" y="55" width="40" height="40"/><rect class="m n" x="60" y="55" width="40" height="40" fill="#888"/>',
    "css-geometry": '<style>rect{x:20px;y:15px;width:80px;height:50px;rx:12px} circle{cx:150px;cy:50px;r:30px} path{d:path("M10 95H190")} text{transform:translate(5px,5px)}</style><rect fill="#36a"/><circle fill="#a63"/><path stroke="#000" stroke-width="4"/>',
    "css-transform": '<style>.t{transform:rotate(30deg) scale(1.2);transform-origin:100px 50px} .u{transform-box:fill-box;transform-origin:center;rotate:45deg}</style><rect class="t" x="70" y="30" width="60" height="40" fill="#484"/><rect class="u" x="10" y="10" width="30" height="30" fill="#844"/>',
    "css-colours": '<rect width="40" height="40" fill="hsl(200 80% 40%)"/><rect x="45" width="40" height="40" fill="rgb(10% 60% 20% / .5)"/><rect x="90" width="40" height="40" fill="oklch(0.7 0.15 150)"/><rect x="135" width="40" height="40" fill="color(display-p3 1 0 0)"/><rect y="50" width="40" height="40" fill="#f80c"/><rect x="45" y="50" width="40" height="40" fill="color-mix(in srgb, red 40%, blue)"/><rect x="90" y="50" width="40" height="40" fill="lab(60% 40 20)"/><rect x="135" y="50" width="40" height="40" fill="rebeccapurple"/>',
    "text": '<text x="10" y="30" font-family="DejaVu Sans" font-size="20">Plain <tspan fill="red" dy="10" font-weight="bold">bold</tspan></text><text x="190" y="80" text-anchor="end" font-family="DejaVu Serif" font-size="18" letter-spacing="2">at the end</text>',
    "text-placed": '<text font-family="DejaVu Sans" font-size="18" x="10 30 55 80 110" y="30 35 40 35 30" rotate="0 10 20 30 40">Words</text><text x="100" y="80" text-anchor="middle" dominant-baseline="middle" font-family="DejaVu Sans" font-size="16">middle</text><text x="10" y="70" font-family="DejaVu Sans" font-size="14" textLength="80" lengthAdjust="spacingAndGlyphs">wide</text>',
    "text-decorated": '<text x="10" y="40" font-family="DejaVu Sans" font-size="24" text-decoration="underline">under</text><text x="10" y="80" font-family="DejaVu Sans" font-size="24" stroke="#c00" fill="none" paint-order="stroke">outline</text>',
    "text-vertical": '<text x="40" y="10" font-family="DejaVu Sans" font-size="16" writing-mode="vertical-rl">down</text>',
    "text-path": '<defs><path id="p" d="M10 80Q100 0 190 80"/></defs><text font-family="DejaVu Sans" font-size="18"><textPath href="#p">along a curve</textPath></text>',
    "switch": '<switch><rect systemLanguage="xx" width="100" height="100" fill="red"/><rect systemLanguage="en" width="100" height="100" fill="green"/><rect width="100" height="100" fill="blue"/></switch>',
    "hidden": '<rect width="50" height="50" fill="red" visibility="hidden"/><rect x="60" width="50" height="50" fill="red" display="none"/><g visibility="hidden"><rect x="120" width="50" height="50" fill="green" visibility="visible"/></g>',
    "entities": '<text x="10" y="40" font-family="DejaVu Sans" font-size="24">&lt;&#x41;&amp;&#66;&gt;</text>',
    "arc": '<path d="M20 50A40 30 30 1 1 90 60M120 20a20 20 0 0 1 40 0t10 20S190 90 150 80Q120 90 120 60zM10 90h20v-5H40V95" fill="none" stroke="#248" stroke-width="4"/>',
    "percent": '<rect x="10%" y="20%" width="50%" height="40%" fill="#284"/><circle cx="75%" cy="50%" r="15%" fill="#842"/>',
    "foreign-image": '<foreignObject x="10" y="10" width="180" height="80"><div xmlns="http://www.w3.org/1999/xhtml" style="background:#def;font:16px DejaVu Sans;padding:4px">A <b>bold</b> label<br/>two lines</div></foreignObject>',
    "mask-image": '<rect x="10" y="10" width="120" height="80" fill="#c33" style="mask-image:linear-gradient(to right,#000,transparent)"/>',
    "light": '<defs><filter id="f"><feDiffuseLighting lighting-color="#ffc" surfaceScale="3"><fePointLight x="100" y="20" z="60"/></feDiffuseLighting></filter></defs><rect x="20" y="10" width="160" height="80" fill="#c66" filter="url(#f)"/>',
    "component": '<defs><filter id="f"><feComponentTransfer><feFuncR type="table" tableValues="1 0"/><feFuncG type="gamma" exponent="2"/><feFuncB type="discrete" tableValues="0 .5 1"/></feComponentTransfer></filter></defs><rect x="20" y="10" width="160" height="80" fill="#48c" filter="url(#f)"/>',
    "morphology": '<defs><filter id="f"><feMorphology operator="dilate" radius="4"/></filter></defs><path d="M30 50H170" stroke="#333" stroke-width="4" filter="url(#f)"/>',
    "background-image-filter": '<defs><filter id="f"><feImage href="data:image/png;base64,%PNG%" x="0" y="0" width="50" height="50"/></filter></defs><rect x="20" y="10" width="160" height="80" filter="url(#f)"/>',
}


def svgs():
    import base64

    rgb = web.smooth(24, 16)
    fill = {f"%{kind}%": base64.b64encode(web.encoded(Image.fromarray(rgb), kind, **options)).decode() for kind, options in (("PNG", {}), ("JPEG", {"quality": 95}), ("WEBP", {"lossless": True}))}
    for name, content in SVGS.items():
        for mark, value in fill.items():
            content = content.replace(mark, value)
        write(f"svg-{name}.svg", f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="200" height="100" viewBox="0 0 200 100">{content}</svg>'.encode())
        if name == "css-nested":  # thin lines
            EXPECTED[f"svg-{name}.svg"] = {"limits": {"block": 60}}
        if "text" in name or name in ("entities", "foreign-image"):
            EXPECTED[f"svg-{name}.svg"] = {"limits": {"mean": 8, "block": 140}}


MAKERS = (inline_images, soft_masks, groups, inks, type3, text_states, forms, patterns, pngs, jpegs, gifs, webps, bmps, tiffs, jxls, svgs)
if __name__ == "__main__":
    for make in MAKERS:
        make()
    (FOLDER / "expected.json").write_text(json.dumps(EXPECTED, indent=1))
    print(len([path for path in FOLDER.iterdir() if path.suffix != ".json" and ".reference." not in path.name]), "files")
