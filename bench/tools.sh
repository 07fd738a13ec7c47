#!/bin/sh
# Times programs that make CSV of the same session: the gateway's own code, Miller
# (mlr) and jq. It installs nothing and says what is missing.
#
#     bench/tools.sh [RUNS]
set -eu
cd "$(dirname "$0")"
runs=${1:-20}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

go build -o "$dir/session" ./session
"$dir/session" >"$dir/large.json"
echo "a session of $(wc -c <"$dir/large.json") bytes, $runs runs each, start of the program included:"

# seconds NAME COMMAND... prints the mean time of the command.
seconds() {
	name=$1
	shift
	if ! command -v "$1" >/dev/null; then
		printf '  %-10s is not installed\n' "$name"
		return
	fi
	begin=$(date +%s%N)
	i=0
	while [ "$i" -lt "$runs" ]; do
		"$@" >"$dir/$name.csv"
		i=$((i + 1))
	done
	end=$(date +%s%N)
	printf '  %-10s %6d ms, %d bytes of CSV\n' "$name" $(((end - begin) / runs / 1000000)) "$(wc -c <"$dir/$name.csv")"
}

seconds transform "$dir/session" -csv "$dir/large.json"
seconds mlr mlr --ijson --ocsv --no-auto-flatten json-stringify -f customerBreadcrumb,log,members "$dir/large.json"
seconds jq jq -r '
	to_entries | map(.value |= if type == "array" then tojson else . end)
	| map(.key), map(.value) | @csv' "$dir/large.json"
