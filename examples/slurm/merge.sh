#!/bin/bash
# The answers of all shards as one file, each record's last line; what has no answer goes to stderr.
#   ./merge.sh records.jsonl answers > answers.jsonl
set -euo pipefail
records=$1 answers=$2
cat "$answers"/answers-*.jsonl | jq -cn 'reduce inputs as $line ({}; .[$line.id | tostring] = $line) | .[]'
comm -23 <(jq -r '.id | tostring' "$records" | sort) <(cat "$answers"/answers-*.jsonl | jq -r '.id | tostring' | sort -u) |
  sed 's/^/no answer yet: /' >&2
