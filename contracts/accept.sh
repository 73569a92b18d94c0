#!/bin/sh
# Takes additions to the protos into contracts/beacon.binpb, against which tests/Beacon.Contracts.Tests compares them, and makes docs/http anew.
# Refuses, with a failing test, when a change would break a client. A deliberate break: delete the file and run this with "first".
set -eu
cd "$(dirname "$0")/.."
BEACON_ACCEPT_CONTRACTS="${1:-1}" dotnet run --project tests/Beacon.Contracts.Tests -- \
    --filter-method 'Beacon.Contracts.Tests.BaselineTests.The_contracts_break_nobody_who_was_built_against_the_baseline' \
    --filter-method 'Beacon.Contracts.Tests.HttpFileTests.The_http_files_are_those_of_the_contracts'
