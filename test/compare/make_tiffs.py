"""Several hundred TIFFs over all kinds and options, for `npm run compare:pictures -- <folder>`: python test/compare/make_tiffs.py <folder>

Needs numpy, Pillow, tifffile, imagecodecs and pyvips. Beside the files lies expected.json, which names a PNG for each: what the samples that were written
mean, by plain arithmetic. tifffile and libvips only write; where they pack with loss, libvips reads as well.
"""

import os
import io
import json
import struct
import sys
from itertools import product
from pathlib import Path

import imagecodecs
import numpy as np
import pyvips
import tifffile
from PIL import Image, ImageCms

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures"))
import profiles  # noqa: E402

FOLDER = Path(sys.argv[1])
FOLDER.mkdir(parents=True, exist_ok=True)
EXPECTED = {}
WIDTH, HEIGHT = 53, 39
RNG = np.random.default_rng(int(os.environ.get("SEED", 14)))
EXACT = {"mean": 0.6, "block": 2}


def share(*shape):
    """Smooth with some noise, 0 to 1."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x / WIDTH, y / HEIGHT, (x + y) / (WIDTH + HEIGHT), 1 - x / WIDTH, 1 - y / HEIGHT][:shape[0]]
    return np.clip(np.stack(planes, -1) * 0.8 + 0.1 + RNG.normal(0, 0.04, (HEIGHT, WIDTH, shape[0])), 0, 1)


def expect(name, rgb, limits=None, verdict=None):
    """rgb from 0 to 1, or bytes."""
    pixels = rgb if rgb.dtype == np.uint8 else np.floor(np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, -1)
    Image.fromarray(np.ascontiguousarray(pixels[..., :3])).save(FOLDER / f"{name}.reference.png")
    EXPECTED[name] = {"reference": f"{name}.reference.png", "limits": limits or EXACT, **({"verdict": verdict} if verdict else {})}


def save(name, samples, rgb, limits=None, verdict=None, **options):
    name = f"{name}.tif"
    options.setdefault("metadata", None)
    try:
        tifffile.imwrite(FOLDER / name, samples, **options)
    except Exception as error:
        print(f"{name}: {error}")
        (FOLDER / name).unlink(missing_ok=True)
        return
    expect(name, rgb, limits, verdict)


def typed(values, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return values.astype(dtype), values.astype(dtype).astype(float)
    top = np.iinfo(dtype).max
    stored = np.minimum(np.round(values * float(top)), float(top))
    stored = np.clip(stored, 0, float(top) * (1 - 1e-16 if dtype.itemsize == 8 else 1)).astype(dtype)
    return stored, stored.astype(float) / float(top)


COMPRESSIONS = ["none", "lzw", "zlib", "packbits", "zstd", "lzma", "lerc"]
DTYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "f2", "f4", "f8"]


def types_and_compressions():
    for compression, dtype, order, channels in product(COMPRESSIONS, DTYPES, "<>", (1, 3)):
        if compression == "lerc" and dtype in ("f2", "u8"):
            continue
        stored, rgb = typed(share(channels), dtype)
        options = {"photometric": "rgb" if channels == 3 else "minisblack", "byteorder": order,
                   "compression": None if compression == "none" else compression}
        samples = stored if channels == 3 else stored[..., 0]
        save(f"type-{dtype}-{'rgb' if channels == 3 else 'grey'}-{compression}-{'le' if order == '<' else 'be'}", samples,
             rgb if channels == 3 else rgb[..., 0], rowsperstrip=16, **options)


def predictors():
    for compression, dtype, order, predictor in product(["lzw", "zlib", "zstd"], ["u1", "u2", "u4", "u8", "f2", "f4", "f8"], "<>", (2, 3)):
        if (predictor == 3) != (dtype[0] == "f"):
            continue
        stored, rgb = typed(share(3), dtype)
        for tile in (None, (16, 32)):
            save(f"predictor-{predictor}-{dtype}-{compression}-{'le' if order == '<' else 'be'}-{'tiles' if tile else 'strips'}", stored, rgb,
                 photometric="rgb", byteorder=order, compression=compression, predictor=predictor, tile=tile, rowsperstrip=None if tile else 7)


def layouts():
    for planar, tile, big, order, dtype, compression in product(("contig", "separate"), (None, (16, 16), (32, 48)), (False, True), "<>",
                                                               ("u1", "u2"), (None, "zlib")):
        stored, rgb = typed(share(3), dtype)
        samples = stored if planar == "contig" else np.moveaxis(stored, -1, 0)
        save(f"layout-{planar}-{'strips' if tile is None else 'tiles%d' % tile[1]}-{'big' if big else 'classic'}-{'le' if order == '<' else 'be'}"
             f"-{dtype}-{compression}", samples, rgb, photometric="rgb", planarconfig=planar, tile=tile, bigtiff=big, byteorder=order,
             compression=compression)


def on_white(rgb, alpha, associated):
    return rgb + (1 - alpha) if associated else rgb * alpha + (1 - alpha)


def cmyk_rgb(inks):
    return (1 - inks[..., :3]) * (1 - inks[..., 3:4])


def extra_samples():
    kinds = {"unspecified": 0, "assocalpha": 1, "unassalpha": 2}
    for model, planar, dtype, extras in product(("grey", "white", "rgb", "cmyk"), ("contig", "separate"), ("u1", "u2", "f4"),
                                                ([0], [1], [2], [0, 0], [0, 2], [2, 0], [0, 1], [0, 0, 0, 2])):
        if model == "cmyk" and dtype == "f4":
            continue
        colours = {"grey": 1, "white": 1, "rgb": 3, "cmyk": 4}[model]
        names = [key for extra in extras for key, value in kinds.items() if value == extra]
        stored, values = typed(share(5)[..., [(index % 5) for index in range(colours + len(extras))]], dtype)
        main = values[..., :colours]
        kind = next((extra for extra in extras if extra), 0)
        alpha = values[..., colours + extras.index(kind):][..., :1] if kind else None
        if kind == 1:
            main = main * alpha
            stored = np.concatenate([typed(main, dtype)[0], stored[..., colours:]], -1)
            main = typed(main, dtype)[1]
        rgb = {"grey": lambda: np.repeat(main, 3, -1), "white": lambda: 1 - np.repeat(main, 3, -1), "rgb": lambda: main, "cmyk": lambda: cmyk_rgb(main)}[model]()
        if kind and not (kind == 1 and model in ("white", "cmyk")):
            rgb = on_white(rgb, alpha, kind == 1)
        samples = stored if planar == "contig" else np.moveaxis(stored, -1, 0)
        save(f"extra-{model}-{planar}-{dtype}-{''.join(map(str, extras))}", samples, rgb,
             photometric={"grey": "minisblack", "white": "miniswhite", "rgb": "rgb", "cmyk": "separated"}[model], planarconfig=planar,
             extrasamples=names, compression="zlib" if dtype == "u1" else None)


def floats():
    base = share(1)[..., 0]
    cases = {"negative": base * 2 - 1, "hundreds": base * 700 + 100, "tiny": base * 1e-6, "huge": base * 1e30, "celsius": base * 60 - 20}
    for (name, values), dtype in product(cases.items(), ("f4", "f8")):
        stored = values.astype(dtype)
        low, high = float(stored.min()), float(stored.max())
        rgb = stored if 0 <= low and high <= 1 else (stored.astype(float) - low) / (high - low)
        save(f"float-{name}-{dtype}", stored, rgb.astype(float), photometric="minisblack")
    holes = base.astype("f4")
    holes[3:9, 4:12] = np.nan
    save("float-nan", holes, np.nan_to_num(holes.astype(float)), photometric="minisblack")
    holes = base.astype("f4")
    holes[3:9, 4:12], holes[20:25, 4:12] = np.inf, -np.inf
    save("float-inf", holes, np.clip(np.nan_to_num(holes.astype(float), posinf=1, neginf=0), 0, 1), photometric="minisblack")
    land = (base * 900 + 10).astype("f4")
    known = land.copy()
    land[:5] = -9999
    low, high = float(known[5:].min()), float(known[5:].max())
    save("float-nodata", land, np.where(land == -9999, 0, (land.astype(float) - low) / (high - low)), photometric="minisblack",
         extratags=[(42113, 2, 0, "-9999", True)])
    signed = (base * 4000 - 1500).astype("i2")
    save("signed-negative", signed, (signed.astype(float) + 32768) / 65535, photometric="minisblack", verdict=None)


def raw_tiff(name, width, height, tags, data, order="<", rgb=None, **more):
    """By hand: what the libraries do not write. tags: (id, type, values)."""
    entries, blob, at = [], b"", 8 + len(data)
    for tag, kind, values in sorted(tags + [(256, 4, [width]), (257, 4, [height]), (273, 4, [8]), (278, 4, [height]), (279, 4, [len(data)])]):
        packed = b"".join(struct.pack(order + {3: "H", 4: "I", 1: "B", 5: "II", 12: "d"}[kind], *(value if kind == 5 else [value])) for value in values)
        if len(packed) > 4:
            entries.append(struct.pack(order + "HHII", tag, kind, len(values), at + len(blob)))
            blob += packed + b"\0" * (len(packed) % 2)
        else:
            entries.append(struct.pack(order + "HHI", tag, kind, len(values)) + packed.ljust(4, b"\0"))
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, at + len(blob))
    (FOLDER / name).write_bytes(head + data + blob + struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4))
    expect(name, rgb, **more)


def packed_bits(values, bits):
    """[height, width * samples] whole numbers, lines on whole bytes, the highest bit first."""
    bits = np.broadcast_to(bits, values.shape[-1:])
    lines = []
    for line in values:
        text = "".join(format(int(value), f"0{int(count)}b") for value, count in zip(line, bits))
        text += "0" * (-len(text) % 8)
        lines.append(int(text, 2).to_bytes(len(text) // 8, "big"))
    return b"".join(lines)


def odd_bits():
    for bits, channels, order in product((1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 20, 28), (1, 3), "<>"):
        top = 2 ** bits - 1
        values = np.round(share(channels) * top).astype(np.int64)
        rgb = values / top
        raw_tiff(f"bits-{bits}-{'rgb' if channels == 3 else 'grey'}-{'le' if order == '<' else 'be'}.tif", WIDTH, HEIGHT,
                 [(258, 3, [bits] * channels), (259, 3, [1]), (262, 3, [2 if channels == 3 else 1]), (277, 3, [channels])],
                 packed_bits(values.reshape(HEIGHT, -1), bits), order, rgb=rgb if channels == 3 else rgb[..., 0])
    for order in "<>":
        values = np.round(share(1)[..., 0] * (2 ** 24 - 1)).astype(np.uint32)
        data = b"".join(int(value).to_bytes(3, "little" if order == "<" else "big") for value in values.ravel())
        raw_tiff(f"bits-24-grey-{'le' if order == '<' else 'be'}.tif", WIDTH, HEIGHT, [(258, 3, [24]), (262, 3, [1]), (277, 3, [1])], data, order,
                 rgb=values / (2 ** 24 - 1))
    values = np.round(share(3) * [31, 63, 31]).astype(np.int64)
    raw_tiff("bits-565.tif", WIDTH, HEIGHT, [(258, 3, [5, 6, 5]), (262, 3, [2]), (277, 3, [3])],
             packed_bits(values.reshape(HEIGHT, -1), np.tile([5, 6, 5], WIDTH)), rgb=values / [31, 63, 31])
    for bits in (1, 4, 8):
        values = np.round(share(1)[..., 0] * (2 ** bits - 1)).astype(np.int64)
        data = bytes(int(format(byte, "08b")[::-1], 2) for byte in packed_bits(values, bits))
        raw_tiff(f"fill-order-{bits}.tif", WIDTH, HEIGHT, [(258, 3, [bits]), (262, 3, [1]), (266, 3, [2]), (277, 3, [1])], data, rgb=values / (2 ** bits - 1))
    for bits in (1, 2, 4, 8, 16):
        values = np.round(share(1)[..., 0] * (2 ** bits - 1)).astype(np.int64)
        data = packed_bits(values, bits) if bits < 16 else values.astype("<u2").tobytes()
        raw_tiff(f"white-is-zero-{bits}.tif", WIDTH, HEIGHT, [(258, 3, [bits]), (262, 3, [0]), (277, 3, [1])], data, rgb=1 - values / (2 ** bits - 1))


def palettes():
    for bits, order in product((1, 2, 3, 4, 6, 8, 12, 16), "<>"):
        colours = RNG.integers(0, 256, (3, 2 ** bits))
        values = np.round(share(1)[..., 0] * (2 ** bits - 1)).astype(np.int64)
        data = packed_bits(values, bits) if bits < 16 else values.astype(order + "u2").tobytes()
        for scale in (257, 256, 1):
            raw_tiff(f"palette-{bits}-{'le' if order == '<' else 'be'}-times{scale}.tif", WIDTH, HEIGHT,
                     [(258, 3, [bits]), (262, 3, [3]), (277, 3, [1]), (320, 3, list(map(int, (colours * scale).ravel())))], data, order,
                     rgb=colours.T[values].astype(np.uint8))


def orientations():
    for orientation, compression, planar in product(range(1, 9), (None, "lzw", "jpeg"), ("contig", "separate")):
        if compression == "jpeg" and planar == "separate":
            continue
        stored, rgb = typed(share(3), "u1")
        turned = {1: lambda p: p, 2: lambda p: p[:, ::-1], 3: lambda p: p[::-1, ::-1], 4: lambda p: p[::-1], 5: lambda p: p.swapaxes(0, 1),
                  6: lambda p: p[::-1].swapaxes(0, 1), 7: lambda p: p[::-1, ::-1].swapaxes(0, 1), 8: lambda p: p[:, ::-1].swapaxes(0, 1)}[orientation]
        lossy = compression == "jpeg"
        save(f"turned-{orientation}-{compression}-{planar}", stored if planar == "contig" else np.moveaxis(stored, -1, 0), turned(rgb),
             {"mean": 8, "block": 10} if lossy else None, photometric="rgb", compression=compression, planarconfig=planar,
             extratags=[(274, 3, 1, orientation, True)])


def ycbcr():
    """Without JPEG: blocks of brightness followed by the colour that they share."""
    coefficients = {"601": (299, 587, 114), "709": (2126, 7152, 722)}
    for (across, down), (name, weights), reference in product([(1, 1), (2, 1), (2, 2), (4, 1), (4, 2), (4, 4), (1, 2)], coefficients.items(), ("full", "studio")):
        red, green, blue = (weight / sum(weights) for weight in weights)
        rgb = share(3) * 0.8 + 0.1
        y = rgb @ [red, green, blue]
        cb, cr = (rgb[..., 2] - y) / (2 - 2 * blue), (rgb[..., 0] - y) / (2 - 2 * red)
        low, high, span = (0, 255, 127) if reference == "full" else (16, 235, 112)
        store = [np.round(low + y * (high - low)), np.round(128 + cb * 2 * span), np.round(128 + cr * 2 * span)]
        store = [np.pad(np.clip(plane, 0, 255), ((0, -HEIGHT % down), (0, -WIDTH % across)), "edge").astype(int) for plane in store]
        mean = [plane.reshape(plane.shape[0] // down, down, plane.shape[1] // across, across).mean((1, 3)).round().astype(int) for plane in store[1:]]
        data = bytearray()
        for unit_y in range(mean[0].shape[0]):
            for unit_x in range(mean[0].shape[1]):
                data += bytes(store[0][unit_y * down:(unit_y + 1) * down, unit_x * across:(unit_x + 1) * across].ravel().tolist())
                data += bytes([mean[0][unit_y, unit_x], mean[1][unit_y, unit_x]])
        luma = (store[0][:HEIGHT, :WIDTH] - low) / (high - low)
        diff_b, diff_r = [(np.kron(plane, np.ones((down, across)))[:HEIGHT, :WIDTH] - 128) / (2 * span) for plane in mean]
        r, b = luma + diff_r * (2 - 2 * red), luma + diff_b * (2 - 2 * blue)
        shown = np.stack([r, (luma - red * r - blue * b) / green, b], -1)
        tags = [(258, 3, [8] * 3), (259, 3, [1]), (262, 3, [6]), (277, 3, [3]), (530, 3, [across, down]), (529, 5, [(weight, sum(weights)) for weight in weights])]
        if reference == "studio":
            tags.append((532, 5, [(16, 1), (235, 1), (128, 1), (240, 1), (128, 1), (240, 1)]))
        raw_tiff(f"ycbcr-{across}x{down}-{name}-{reference}.tif", WIDTH, HEIGHT, tags, bytes(data), rgb=shown)


def lab():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    colour = np.stack([20 + y * 60 / HEIGHT, x * 60 / WIDTH - 30, y * 40 / HEIGHT - 20], -1)
    eight = np.stack([np.round(colour[..., 0] * 2.55), np.round(colour[..., 1]), np.round(colour[..., 2])], -1).astype(int)
    image = Image.frombytes("LAB", (WIDTH, HEIGHT), (eight & 255).astype(np.uint8).tobytes())
    shown = np.asarray(ImageCms.profileToProfile(image, ImageCms.createProfile("LAB", 5000), ImageCms.createProfile("sRGB"), outputMode="RGB"))
    near = {"mean": 1.2, "block": 3}
    for order in "<>":
        end = "le" if order == "<" else "be"
        tags = lambda bits, photometric: [(258, 3, [bits] * 3), (262, 3, [photometric]), (277, 3, [3])]
        raw_tiff(f"lab-8-{end}.tif", WIDTH, HEIGHT, tags(8, 8), (eight & 255).astype(np.uint8).tobytes(), order, rgb=shown, limits=near)
        raw_tiff(f"icclab-8-{end}.tif", WIDTH, HEIGHT, tags(8, 9), (eight + [0, 128, 128]).astype(np.uint8).tobytes(), order, rgb=shown, limits=near)
        wide = np.stack([np.round(eight[..., 0] * 257), eight[..., 1] * 256, eight[..., 2] * 256], -1).astype(np.int64) & 65535
        raw_tiff(f"lab-16-{end}.tif", WIDTH, HEIGHT, tags(16, 8), wide.astype(order + "u2").tobytes(), order, rgb=shown, limits=near)
        wide = np.stack([eight[..., 0] * 256, (eight[..., 1] + 128) * 256, (eight[..., 2] + 128) * 256], -1)
        raw_tiff(f"icclab-16-{end}.tif", WIDTH, HEIGHT, tags(16, 9), wide.astype(order + "u2").tobytes(), order, rgb=shown, limits=near)


def by_libvips():
    """What packs with loss, faxes, and pyramids."""
    array = np.round(share(3) * 255).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(array).resize((24, 18)).resize((160, 120), Image.Resampling.BICUBIC))
    rgb = pyvips.Image.new_from_memory(smooth.tobytes(), 160, 120, 3, "uchar").copy(interpretation="srgb")
    lossy = {"mean": 3, "block": 6}
    for quality, tile, form in product((75, 95), (False, True), ("rgb", "grey")):
        image = rgb if form == "rgb" else rgb.extract_band(1)
        for compression in ("jpeg", "webp") if form == "rgb" else ("jpeg",):
            name = f"lossy-{compression}-{quality}-{'tiles' if tile else 'strips'}-{form}.tif"
            try:
                image.tiffsave(str(FOLDER / name), compression=compression, Q=quality, tile=tile, tile_width=64, tile_height=64)
            except pyvips.Error as error:
                print(name, str(error).splitlines()[0])
                continue
            read = np.ndarray(buffer=pyvips.Image.new_from_file(str(FOLDER / name)).write_to_memory(), dtype=np.uint8, shape=(120, 160, image.bands))
            expect(name, read if form == "rgb" else read[..., 0], lossy)
    base = tifffile.imread
    for pyramid, subifd, tile in product((True,), (False, True), (True,)):
        name = f"pyramid-{'subifd' if subifd else 'chain'}.tif"
        big = rgb
        big.tiffsave(str(FOLDER / name), compression="deflate", pyramid=pyramid, subifd=subifd, tile=tile, tile_width=64, tile_height=64)
        expect(name, np.ndarray(buffer=big.write_to_memory(), dtype=np.uint8, shape=(big.height, big.width, 3)))
    bits = Image.fromarray(np.asarray(Image.fromarray(smooth).convert("L"))).convert("1")
    for compression in ("group3", "group4", "tiff_ccitt", "tiff_lzw", "packbits", "tiff_adobe_deflate", "raw"):
        name = f"bilevel-{compression}.tif"
        bits.save(FOLDER / name, compression=compression)
        expect(name, np.asarray(bits).astype(float))
    for dpi in ((204, 98), (204, 196), (204, 391), (408, 391), (300, 300), (200, 100)):
        name = f"dots-{dpi[0]}x{dpi[1]}.tif"
        bits.save(FOLDER / name, compression="group4", dpi=dpi)
        size = (160, round(120 * dpi[0] / dpi[1])) if dpi[0] > dpi[1] else (round(160 * dpi[1] / dpi[0]), 120)
        size = (160, 120) if abs(dpi[0] / dpi[1] - 1) < 0.01 else size
        expect(name, np.asarray(bits.convert("L").resize(size, Image.Resampling.BILINEAR)), {"mean": 4, "block": 12})


def in_srgb(bytes_, mode, profile):
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return np.asarray(ImageCms.profileToProfile(Image.fromarray(bytes_, mode), own, ImageCms.createProfile("sRGB"), outputMode="RGB")) / 255


def profiled():
    """Judged by LittleCMS at 8 bits."""
    near = {"mean": 1.2, "block": 3}
    p3, wide, grey, press = profiles.display_p3(), profiles.wide_gamma(), profiles.grey_gamma(), profiles.press()
    eight = np.round(share(4) * 255).astype(np.uint8)
    rgb, alpha = np.ascontiguousarray(eight[..., :3]), eight[..., 3:] / 255
    for name, profile in (("p3", p3), ("wide", wide)):
        shown = in_srgb(rgb, "RGB", profile)
        for dtype in ("u1", "u2", "u4", "f4"):
            save(f"profile-{name}-{dtype}", typed(rgb / 255, dtype)[0], shown, near, photometric="rgb", iccprofile=profile)
            both = np.dstack([rgb, eight[..., 3]]) / 255
            save(f"profile-{name}-{dtype}-alpha", typed(both, dtype)[0], on_white(shown, alpha, False), near, photometric="rgb",
                 extrasamples=["unassalpha"], iccprofile=profile)
    for dtype in ("u1", "u2"):
        one = np.ascontiguousarray(eight[..., 0])
        save(f"profile-grey-{dtype}", typed(one / 255, dtype)[0], in_srgb(one, "L", grey), near, photometric="minisblack", iccprofile=grey)
        save(f"profile-grey-white-{dtype}", typed(1 - one / 255, dtype)[0], in_srgb(one, "L", grey), near, photometric="miniswhite", iccprofile=grey)
        for extra in (0, 1):
            inks = eight if not extra else np.dstack([eight, eight[..., 0]])
            shown = in_srgb(eight, "CMYK", press)
            shown = on_white(shown, eight[..., :1] / 255, False) if extra else shown
            save(f"profile-press-{dtype}{'-alpha' if extra else ''}", typed(inks / 255, dtype)[0], shown, near, photometric="separated",
                 extrasamples=["unassalpha"] * extra, iccprofile=press)


def codecs_of_imagecodecs():
    stored, rgb = typed(share(3), "u1")
    for compression, level in (("jpeg2000", None), ("jpegxl", None), ("webp", {"lossless": True}), ("png", None), ("jpegxr", {"level": 1.0})):
        arguments = {"compressionargs": level} if level else {}
        for tile in (None, (16, 16)):
            save(f"codec-{compression}-{'tiles' if tile else 'strips'}", stored, rgb, photometric="rgb", compression=compression, tile=tile,
                 verdict="refused" if compression in ("png", "jpegxr") else None, **arguments)
    deep, wide = typed(share(3), "u2")
    save("codec-jpeg2000-16", deep, wide, photometric="rgb", compression="jpeg2000")
    save("codec-jpeg2000-grey", stored[..., 0], rgb[..., 0], photometric="minisblack", compression="jpeg2000")
    save("codec-jpegxl-16", deep, wide, photometric="rgb", compression="jpegxl", verdict="refused")


def pages():
    sizes = [(30, 40), (40, 30), (24, 24)]
    with tifffile.TiffWriter(FOLDER / "pages-unequal-rgb.tif") as file:
        for index, (height, width) in enumerate(sizes):
            page = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
            file.write(page, photometric="rgb", metadata=None)
            if index == 0:
                expect("pages-unequal-rgb.tif", page)
    stored, rgb = typed(share(3), "u1")
    with tifffile.TiffWriter(FOLDER / "overview-and-mask.tif") as file:
        file.write(stored, photometric="rgb", metadata=None)
        file.write(stored[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        file.write(np.zeros((HEIGHT, WIDTH), bool), photometric="miniswhite", subfiletype=4, metadata=None)
    expect("overview-and-mask.tif", rgb)
    with tifffile.TiffWriter(FOLDER / "thumbnail-first.tif") as file:
        file.write(stored[::4, ::4], photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        file.write(stored, photometric="rgb", subfiletype=0, metadata=None)
    expect("thumbnail-first.tif", rgb)


for make in (types_and_compressions, predictors, layouts, extra_samples, floats, odd_bits, palettes, orientations, ycbcr, lab, by_libvips, profiled,
             codecs_of_imagecodecs, pages):
    make()
(FOLDER / "expected.json").write_text(json.dumps(EXPECTED, indent=1))
print(len(EXPECTED), "files")
