#!/usr/bin/env bash
# Publishes the four services into deploy/publish, for the target `published` of the Dockerfile.
#   deploy/publish.sh [DIRECTORY] [more arguments of dotnet publish]     CONFIGURATION=Debug for another than Release
set -euo pipefail
deploy=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
into=${1:-$deploy/publish}
[ $# -eq 0 ] || shift

for service in Signaling Topology Ledger Raids; do
    rm -rf "${into:?}/$service"
    dotnet publish "$deploy/../services/$service/Beacon.$service.csproj" --configuration "${CONFIGURATION:-Release}" --nologo -v q --output "$into/$service" "$@"
done
