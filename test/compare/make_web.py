"""Several hundred PNG, JPEG, GIF, WebP, AVIF, HEIC, BMP and SVG over their options, for `npm run compare:pictures -- <folder>`:

    python test/compare/make_web.py <folder>

Needs numpy, Pillow 13, pillow-heif; avifenc and ffmpeg. Where no reader of the kind is right about colours, expected.json names a PNG with them: by LittleCMS,
ffmpeg's zscale, or what was written.
"""

import os
import json
import subprocess
import sys
import zlib
from itertools import product
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures"))
import profiles
import web_images as web

FOLDER = Path(sys.argv[1])
FOLDER.mkdir(parents=True, exist_ok=True)
EXPECTED = {}
RNG = np.random.default_rng(int(os.environ.get("SEED", 41)))
LOSSY = {"mean": 3, "block": 24}
EXACT = {"mean": 0.6, "block": 3}


def picture(width, height, channels=3):
    y, x = np.mgrid[0:height, 0:width]
    planes = [x / max(width - 1, 1), y / max(height - 1, 1), (x + y) / (width + height), 1 - x / (width + 1)][:channels]
    return np.clip(np.stack(planes, -1) * 255 + RNG.normal(0, 4, (height, width, channels)), 0, 255).astype(np.uint8)


def expect(name, pixels, limits=None, verdict=None):
    Image.fromarray(np.ascontiguousarray(np.clip(pixels, 0, 255).astype(np.uint8))).save(FOLDER / f"{name}.reference.png")
    EXPECTED[name] = {"reference": f"{name}.reference.png", "limits": limits or EXACT, **({"verdict": verdict} if verdict else {})}


def veiled(rgb, alpha):
    share = alpha[..., None].astype(float) / 255
    return (rgb * share + 255 * (1 - share)).round()


def write(name, content):
    (FOLDER / name).write_bytes(content)


# --- PNG -------------------------------------------------------------------------------------------------------------

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def packed(lines, bits):
    out = []
    for line in lines:
        text = "".join(format(int(value), f"0{bits}b") for value in line.reshape(-1))
        text += "0" * (-len(text) % 8)
        out.append(b"\0" + int(text, 2).to_bytes(len(text) // 8))
    return b"".join(out)


def png_of(samples, kind, bits, interlaced, before=()):
    height, width = samples.shape[:2]
    parts = [samples] if not interlaced else [samples[y::down, x::across] for x, y, across, down in ADAM7]
    lines = b"".join(packed(part, bits) for part in parts if part.size)
    return web.png(web.header(width, height, bits, kind, int(interlaced)), *before, web.chunk(b"IDAT", zlib.compress(lines)))


def pngs():
    for kind, bits, interlaced, (width, height) in product((0, 2, 3, 4, 6), (1, 2, 4, 8, 16), (False, True), ((17, 13), (1, 9), (40, 5))):
        if (kind in (2, 4, 6) and bits < 8) or (kind == 3 and bits > 8):
            continue
        samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
        values = RNG.integers(0, 2 ** bits, (height, width, samples))
        palette = RNG.integers(0, 256, (2 ** min(bits, 8), 3), dtype=np.uint8)
        before = [web.chunk(b"PLTE", palette.tobytes())] if kind == 3 else []
        eight = np.floor(values / (2 ** bits - 1) * 255 + 0.5)
        right = palette[values[..., 0]] if kind == 3 else np.repeat(eight[..., :1], 3, 2) if kind in (0, 4) else eight[..., :3]
        if kind in (4, 6):
            right = veiled(right, eight[..., -1])
        name = f"png-{kind}-{bits}-{'i' if interlaced else 'p'}-{width}x{height}.png"
        write(name, png_of(values, kind, bits, interlaced, before))
        expect(name, right, {"mean": 1.2, "block": 6})
    for kind, alpha in ((0, b"\0\x40"), (2, b"\0\x40\0\x40\0\x40"), (3, bytes(range(0, 256, 4)))):
        values = np.full((12, 12, 3 if kind == 2 else 1), 0x40)
        values[3:9, 3:9] = 0x30
        palette = web.chunk(b"PLTE", bytes(index // 3 for index in range(768)))
        name = f"png-key-{kind}.png"
        write(name, png_of(values, kind, 8, False, [*([palette] if kind == 3 else []), web.chunk(b"tRNS", alpha)]))
    grey, rgb = picture(32, 24, 1)[..., 0], picture(32, 24)
    for (code, (points, profile)), bits in product(web.NUMBERED.items(), (8, 16)):
        name = f"png-cicp-{code}-{bits}.png"
        stored = rgb.astype(np.uint16) * 257 if bits == 16 else rgb
        write(name, web.plain_png(stored, web.cicp(points[0], points[1]), bits=bits))
        expect(name, web.converted(rgb, profile), {"mean": 1.5, "block": 8})
    for curve, transfer in web.BRIGHT.items():
        samples = web.bright(rgb, curve)
        write(f"png-{curve}.png", web.plain_png(samples, web.cicp(9, transfer), bits=16))
        expect(f"png-{curve}.png", web.zscaled(samples, transfer), {"mean": 1.5, "block": 6})
    for name, profile in (("gamma", profiles.grey_gamma()),):
        write(f"png-grey-{name}.png", web.plain_png(grey, web.profile_chunk(profile)))
        expect(f"png-grey-{name}.png", web.converted(grey, profile))
    rgba = picture(32, 24, 4)
    for kind, pixels in ((2, rgb), (4, rgba[..., :2]), (6, rgba), (0, grey)):
        data = zlib.compress(web.lines_of(pixels))
        start = web.header(32, 24, 8, kind)
        for what, broken in (("half", zlib.compress(web.lines_of(pixels[:12]))), ("cut", data[:len(data) // 2]), ("noise", data[:40] + RNG.bytes(len(data) - 40))):
            write(f"png-{what}-{kind}.png", web.png(start, web.chunk(b"IDAT", broken)))
            EXPECTED[f"png-{what}-{kind}.png"] = {"verdict": "refused"}


# --- JPEG, WebP --------------------------------------------------------------------------------------------------------


def jpegs():
    for sampling, progressive, restart, (width, height) in product(("4:4:4", "4:2:2", "4:2:0"), (False, True), (0, 2), ((33, 17), (8, 64), (100, 51))):
        options = {"restart_marker_blocks": restart} if restart else {}
        name = f"jpeg-{sampling.replace(':', '')}-{'p' if progressive else 'b'}-{restart}-{width}x{height}.jpg"
        Image.fromarray(picture(width, height)).save(FOLDER / name, quality=92, subsampling=sampling, progressive=progressive, **options)
    for mode, progressive in product(("L", "CMYK"), (False, True)):
        Image.fromarray(picture(40, 31)).convert(mode).save(FOLDER / f"jpeg-{mode}-{int(progressive)}.jpg", quality=92, progressive=progressive)
    stored = picture(40, 30)
    plain = web.encoded(Image.fromarray(stored), "JPEG", quality=95, subsampling=0)
    turns = {1: lambda p: p, 2: lambda p: p[:, ::-1], 3: lambda p: p[::-1, ::-1], 4: lambda p: p[::-1], 5: lambda p: p.transpose(1, 0, 2),
             6: lambda p: np.rot90(p, -1), 7: lambda p: np.rot90(p, 2).transpose(1, 0, 2), 8: lambda p: np.rot90(p)}
    for (value, turn), kind, order, count in product(turns.items(), (1, 3, 4, 9), "<>", (1, 3)):
        name = f"jpeg-exif-{value}-{kind}-{'le' if order == '<' else 'be'}-{count}.jpg"
        write(name, plain[:2] + web.app1(web.EXIF + web.exif(value, kind, count, order)) + plain[2:])
        expect(name, turn(stored), LOSSY)
    for lossless, channels, (width, height) in product((False, True), (3, 4), ((33, 17), (64, 5))):
        name = f"webp-{int(lossless)}-{channels}-{width}x{height}.webp"
        Image.fromarray(picture(width, height, channels)).save(FOLDER / name, lossless=lossless, quality=92, exact=True)
    for value, kind in product((2, 5, 6, 8), (3, 4)):
        name = f"webp-exif-{value}-{kind}.webp"
        Image.fromarray(stored).save(FOLDER / name, lossless=True, exif=web.exif(value, kind))
        expect(name, turns[value](stored))


# --- AVIF, HEIC ---------------------------------------------------------------------------------------------------------


def avifs():
    rgb = web.smooth(64, 48)
    for depth, sampling, scope in product((8, 10, 12), ("444", "422", "420", "400"), ("full", "limited")):
        web.avifenc(FOLDER, f"avif-{depth}-{sampling}-{scope}.avif", rgb, "-d", str(depth), "-y", sampling, "-r", scope, "--min", "0", "--max", "8", "-s", "9")
    for (code, (points, profile)), depth in product(web.NUMBERED.items(), (8, 10)):
        name = f"avif-nclx-{code}-{depth}.avif"
        web.avifenc(FOLDER, name, rgb, "-d", str(depth), "-y", "444", "--min", "0", "--max", "2", "--cicp", "/".join(map(str, points)))
        expect(name, web.converted(rgb, profile), LOSSY)
    for turn, mirror, crop in product((None, "1", "2", "3"), (None, "0", "1"), (False, True)):
        options = [*(["--irot", turn] if turn else []), *(["--imir", mirror] if mirror else []), *(["--crop", "8,4,40,20"] if crop else [])]
        name = f"avif-turn-{turn}-{mirror}-{int(crop)}.avif"
        right = rgb[4:24, 8:48] if crop else rgb
        right = np.rot90(right, int(turn or 0))
        right = right[::-1] if mirror == "0" else right[:, ::-1] if mirror == "1" else right
        web.avifenc(FOLDER, name, rgb, "-y", "444", "--min", "0", "--max", "2", *options)
        expect(name, right, LOSSY)
    for premultiplied, depth, sampling in product((False, True), (8, 10), ("444", "420")):
        rgba = np.dstack([rgb, web.smooth(64, 48)[..., 1]])
        name = f"avif-alpha-{int(premultiplied)}-{depth}-{sampling}.avif"
        web.avifenc(FOLDER, name, rgba, "-d", str(depth), "-y", sampling, "--min", "0", "--max", "2", *(["--premultiply"] if premultiplied else []))
        expect(name, veiled(rgb, rgba[..., 3]), LOSSY)
    for curve, transfer in web.BRIGHT.items():
        for depth in (8, 10, 12):
            samples = web.bright(web.sheet(), curve)
            write("source.png", web.plain_png(samples, bits=16))
            name = f"avif-{curve}-{depth}.avif"
            subprocess.run(["avifenc", "-j", "1", "--min", "0", "--max", "0", "-d", str(depth), "-y", "444", "--cicp", f"9/{transfer}/9", FOLDER / "source.png", FOLDER / name],
                           check=True, capture_output=True)
            (FOLDER / "source.png").unlink()
            expect(name, web.zscaled(samples, transfer), {"mean": 3, "block": 16 if depth == 8 else 12})  # a step of PQ in 8 bits is 6
    for count, sampling in product((2, 7), ("4:4:4", "4:2:0")):
        frames = [Image.fromarray(np.roll(rgb, 5 * index, 1)) for index in range(count)]
        name = f"avif-film-{count}-{sampling.replace(':', '')}.avif"
        EXPECTED[name] = {"limits": LOSSY}  # colours between those that are stored are each reader's own
        frames[0].save(FOLDER / name, save_all=True, append_images=frames[1:], quality=92, subsampling=sampling)


def heics():
    rgb = web.smooth(70, 54)
    for chroma, (width, height) in product((420, 422, 444), ((70, 54), (33, 47), (16, 16))):
        pillow_heif.from_pillow(Image.fromarray(web.smooth(width, height))).save(FOLDER / f"heic-{chroma}-{width}x{height}.heic", quality=92, chroma=chroma)
    for (code, (points, profile)), bits in product(web.NUMBERED.items(), (8, 10)):
        name = f"heic-nclx-{code}-{bits}.heic"
        web.save_heic(FOLDER, name, rgb if bits == 8 else rgb.astype(np.uint16) * 257, points, bits=bits)
        expect(name, web.converted(rgb, profile), LOSSY)
    for curve, transfer in web.BRIGHT.items():
        samples = web.bright(web.sheet(), curve)
        web.save_heic(FOLDER, f"heic-{curve}.heic", samples, (9, transfer, 9), bits=10)
        expect(f"heic-{curve}.heic", web.zscaled(samples, transfer), {"mean": 3, "block": 12})
    for name, profile in (("p3", profiles.display_p3()), ("wide", profiles.wide_gamma())):
        Image.fromarray(rgb).save(FOLDER / f"heic-icc-{name}.heic", quality=-1, chroma=444, icc_profile=profile)
        expect(f"heic-icc-{name}.heic", web.converted(rgb, profile), LOSSY)
    rgba = np.dstack([rgb, web.smooth(70, 54)[..., 1]])
    Image.fromarray(rgba).save(FOLDER / "heic-alpha.heic", quality=-1, chroma=444)
    expect("heic-alpha.heic", veiled(rgb, rgba[..., 3]), LOSSY)


# --- SVG ------------------------------------------------------------------------------------------------------------------


def svgs():
    for unit, inside, box in product(("px", "pt", "pc", "mm", "cm", "in", "q"), (False, True), (False, True)):
        scale = {"px": 100, "pt": 75, "pc": 7, "mm": 30, "cm": 3, "in": 1.2, "q": 120}[unit]
        shape = f'<rect x="{scale / 10}{unit}" y="{scale / 20}{unit}" width="{scale / 2}{unit}" height="{scale / 3}{unit}" fill="#36c"/>' if inside else web.BOX
        attributes = f'width="{2 * scale}{unit}" height="{scale}{unit}"' + (' viewBox="0 0 250 125"' if box else "")
        write(f"svg-{unit}-{int(inside)}-{int(box)}.svg", web.plot(attributes, shape).encode())
    for align, mode in product(("xMinYMin", "xMidYMid", "xMaxYMax", "xMinYMax"), ("meet", "slice")):
        write(f"svg-fit-{align}-{mode}.svg", web.plot(f'width="90" height="140" viewBox="0 0 160 90" preserveAspectRatio="{align} {mode}"', web.BOX).encode())
    for size, place in product((10, 14, 22), ("left", "center", "right")):
        text = web.label(f"height:100%;display:flex;align-items:center;justify-content:{place};text-align:{place};font:{size}px/1.3 DejaVu Sans", f"Label {size}<br/>of two lines")
        write(f"svg-label-{size}-{place}.svg", web.plot('width="200" height="80"', text).encode())
        EXPECTED[f"svg-label-{size}-{place}.svg"] = {"limits": {"mean": 6, "block": 140}}
    for name, text in web.DRAWINGS.items():
        write(f"svg-{name}.svg", text.encode())
        if name.startswith("label"):
            EXPECTED[f"svg-{name}.svg"] = {"limits": {"mean": 6, "block": 140}}


for make in (pngs, jpegs, avifs, heics, svgs):
    make()
(FOLDER / "expected.json").write_text(json.dumps(EXPECTED, indent=1))
print(len([path for path in FOLDER.iterdir() if path.suffix != ".json" and ".reference." not in path.name]), "files")
