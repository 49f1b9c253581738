#!/usr/bin/env bash
# Expected: what a program writes into the 64 bytes of an AMX tile configuration is in memory when _tile_loadconfig reads them.
# Happens: GCC 12.2 (of Debian 12) tells its optimiser that the instruction reads 8 of them, so that from -O1 on the stores
# of all rows and columns are dropped as dead: tiles are set up with no rows, and their first use is an illegal
# instruction. Code of llama.cpp built by it ends so at its first q8_0 product on a processor with AMX. Only the assembly
# is looked at here, nothing is run. GCC 12.2.0-14+deb12u1, seen on 28 November 2026.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
version=12.2.0-14+deb12u1
apt-get download -qq "cpp-12=$version" "libgcc-12-dev=$version" >/dev/null 2>&1
for package in *.deb; do dpkg -x "$package" gcc; done
compiler=gcc/usr/lib/gcc/x86_64-linux-gnu/12
cat > probe.c <<'C'
#define _MM_MALLOC_H_INCLUDED
#include <immintrin.h>
void set(unsigned char rows, unsigned short columns) {
  struct { unsigned char palette, start, rest[14]; unsigned short columns[16]; unsigned char rows[16]; } tiles = {0};
  tiles.palette = 1;
  for (int tile = 0; tile < 8; tile++) { tiles.columns[tile] = columns; tiles.rows[tile] = rows; }
  _tile_loadconfig(&tiles);
}
C
"$compiler/cc1" -quiet -isystem "$compiler/include" -mamx-tile -O0 probe.c -o unoptimised.s
"$compiler/cc1" -quiet -isystem "$compiler/include" -mamx-tile -O2 probe.c -o optimised.s
# The arguments are in %edi and %esi.
used() { grep -cE '%(e|r)?(di|dil|si)\b' "$1" || true; }
echo "GCC $version: rows and columns are used in $(used unoptimised.s) instructions at -O0, in $(used optimised.s) at -O2"
grep -E 'mov|ldtilecfg' optimised.s
[ "$(used unoptimised.s)" -gt 0 ] && [ "$(used optimised.s)" -eq 0 ] && grep -q ldtilecfg optimised.s
