#!/usr/bin/env bash
# Builds everything once and runs every test: .NET, Vitest, and the browser tests with a real Chromium.
#
#   ./test.sh          all of it; installs Chromium, Redis, RabbitMQ, coturn, promtool and PostgreSQL (Debian packages) and the npm packages if they are missing
#   ./test.sh --fast   without the browser tests
#
# Needs the .NET SDK 10 and Node 20 or newer. The last line is `N passed, N failed, N skipped` over all suites.
# Exits with 1 on any failure, and when a suite ran nothing. Logs and reports: artifacts/tests/.
# Tests with containers run where an engine answers, or a script beside the checkout brings one up.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

fast=
case "${1:-}" in
    "") ;;
    --fast) fast=1 ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac

configuration=Release
results=$PWD/artifacts/tests
engine=../shared/ci/container-engine.sh
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1 PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
# Nothing may wait for an answer.
exec < /dev/null

say() { printf '\n== %s\n' "$*"; }

# Ends before any test has run; the line counts as one failure, so that nobody reads it as success.
stop() {
    printf '\n%s\n0 passed, 1 failed, 0 skipped\n' "$*"
    exit 1
}

# Debian's package for each program that tests use for real; without it those tests skip and say so.
install_programs() {
    local missing=()
    [ -n "$fast" ] || command -v chromium > /dev/null || missing+=(chromium fonts-dejavu-core)
    command -v redis-server > /dev/null || missing+=(redis-server)
    # Where there is a container engine, or can be, the broker comes as a container.
    command -v docker > /dev/null || [ -e "$engine" ] || command -v rabbitmq-server > /dev/null || missing+=(rabbitmq-server)
    command -v turnserver > /dev/null || missing+=(coturn)
    command -v curl > /dev/null || missing+=(curl)
    # Of Debian's prometheus only promtool is wanted.
    command -v promtool > /dev/null || missing+=(prometheus)
    # Its tests make a cluster of their own; the one that the package starts is not touched.
    command -v initdb > /dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || missing+=(postgresql)
    [ "${#missing[@]}" -gt 0 ] || return 0
    command -v apt-get > /dev/null || { echo "Not here, and no apt-get: ${missing[*]}. Their tests will say so."; return; }
    say "installing ${missing[*]}"
    local root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo -n)
    { "${root[@]}" apt-get update -qq &&
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "${missing[@]}"; } > "$results/apt.log" 2>&1 ||
        { tail -n 5 "$results/apt.log"; echo "Could not install ${missing[*]}: their tests will say so."; }
}

# Tests with containers take an engine that answers. Where there is none, a script beside the checkout may bring one up, with local images.
start_engine() {
    docker version > /dev/null 2>&1 && return
    [ -e "$engine" ] || { echo "No container engine: the tests with containers will say so."; return; }
    say "starting a container engine"
    export BEACON_ENGINE=${BEACON_ENGINE:-${TMPDIR:-/tmp}/beacon-engine}
    # One that is there already is somebody's.
    [ -e "$BEACON_ENGINE/dockerd.pid" ] || trap ". $engine down" EXIT
    . "$engine" up > "$results/engine.log" 2>&1 || { tail -n 5 "$results/engine.log"; echo "No container engine: the tests with containers will say so."; }
}

install_packages() {
    local folder installed missing=
    for folder in clients/web clients/relay; do
        installed=$folder/node_modules/.package-lock.json
        [ -e "$installed" ] && ! [ "$folder/package-lock.json" -nt "$installed" ] || missing=1
    done
    [ -n "$missing" ] || return
    say "installing the npm packages"
    (cd clients/web && npm ci --no-audit --no-fund) > "$results/npm.log" 2>&1 || { tail -n 20 "$results/npm.log"; stop "npm ci failed."; }
}

# suite NAME COMMAND...: runs one suite; its report is NAME.json, all it says is NAME.log.
suite() {
    local name=$1 start=$SECONDS; shift
    "$@" > "$results/$name.log" 2>&1
    echo $? > "$results/$name.exit"
    node .ci/count.mjs suite "$results" "$name" $((SECONDS - start)) || cat "$results/$name.log"
}

dotnet_suite() {
    dotnet test --project "$1" --configuration "$configuration" --no-build --no-progress --timeout 40m \
        --results-directory "$results" --report-xunit-ctrf --report-xunit-ctrf-filename "$2.json"
}

vitest_suite() {
    npm test --prefix "$1" -- --reporter=default --reporter=json --outputFile.json="$results/$2.json"
}

command -v dotnet > /dev/null || stop "The .NET SDK 10 is missing: https://dotnet.microsoft.com/download"
command -v node > /dev/null || stop "Node 20 or newer is missing: https://nodejs.org"

rm -rf "$results"
mkdir -p "$results"
install_programs
start_engine
install_packages

say "building Beacon.sln ($configuration, warnings are errors)"
dotnet build Beacon.sln --configuration "$configuration" --nologo -v q || stop "The build failed."

say "running the tests, one suite after the other (they share the machine's cores)"
for project in tests/*/*.csproj; do
    name=$(basename "$project" .csproj)
    case $name in
        Beacon.Browser.Tests) [ -n "$fast" ] && continue ;;
        *.Tests | Beacon.Scenarios) ;;
        *) continue ;;
    esac
    suite "$name" dotnet_suite "$project" "$name"
done
for package in clients/web/packages/*/package.json clients/web/console/package.json clients/relay/package.json; do
    grep -qs '"test":' "$package" || continue
    name=$(basename "$(dirname "$package")")
    suite "vitest-$name" vitest_suite "$(dirname "$package")" "vitest-$name"
done

say "result"
node .ci/count.mjs total "$results"
