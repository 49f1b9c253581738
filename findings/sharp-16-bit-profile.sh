#!/usr/bin/env bash
# Expected: sharp converts a picture by its Display P3 profile to sRGB, whatever the depth of its samples, when it is asked
# for toColourspace('srgb'): P3 (200, 40, 40) is sRGB (218, 0, 26) by LittleCMS.
# Happens: of RGB with 16 bits the profile is passed over and the numbers come out unchanged, as if they were sRGB's;
# only withIccProfile('srgb') converts them. With 8 bits both do. sharp 0.35.5 (libvips 8.18), seen on 27 November 2026.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent sharp@0.35.5
cat > probe.mjs <<'JS'
import sharp from 'sharp';
console.log('sharp', sharp.versions.sharp, 'libvips', sharp.versions.vips);
const raw = { raw: { width: 16, height: 16, channels: 3 } };
const red = Uint8Array.from({ length: 16 * 16 * 3 }, (_, index) => [200, 40, 40][index % 3]);
// The profile is only attached here: these are P3's numbers, in 16 bits.
const deep = Uint16Array.from(red, (value) => value * 257);
const picture = await sharp(deep, raw).toColourspace('rgb16').withIccProfile('p3').png().toBuffer();
const { depth, icc } = await sharp(picture).metadata();
console.log('the file:', depth, 'with a profile of', icc.length, 'bytes');
const first = async (read) => [...(await read.raw({ depth: 'uchar' }).toBuffer())].slice(0, 3);
const asked = await first(sharp(picture).toColourspace('srgb'));
const converted = await first(sharp(picture).withIccProfile('srgb'));
console.log("toColourspace('srgb'):", asked.join(' '), " withIccProfile('srgb'):", converted.join(' '));
const near = (found, expected) => found.every((value, at) => Math.abs(value - expected[at]) <= 2);
const asDescribed = near(asked, [200, 40, 40]) && near(converted, [218, 0, 26]);
console.log(asDescribed ? 'as described' : 'this has changed');
process.exitCode = asDescribed ? 0 : 1;
JS
node probe.mjs
