#!/usr/bin/env bash
# What a shell has: curl and jq, a page a call, rows as JSON Lines.
set -euo pipefail
url=$1 windows=$2 fields=$3 output=$4
: >"$output"
while read -r start end; do
  offset=0 total=1
  while ((offset < total)); do
    body=$(jq -cn --arg f "$fields" --arg a "${start/T/ }" --arg b "${end/T/ }" --argjson o "$offset" '{
      jsonrpc: "2.0", id: 1, method: "get.communications", params: {access_token: "t",
      date_from: $a, date_till: $b, fields: ($f / ","), limit: 10000, offset: $o}}')
    curl -sS --noproxy '*' --compressed -d "$body" "$url" -o "$output.page"
    jq -c '.result.data[]' "$output.page" >>"$output"
    read -r got total < <(jq -r '"\(.result.data | length) \(.result.metadata.total_items)"' "$output.page")
    offset=$((offset + got))
  done
done < <(jq -r '.[] | map(sub(" "; "T")) | join(" ")' <<<"$windows")
rm -f "$output.page"
