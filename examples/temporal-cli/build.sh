#!/bin/sh
# Builds a cluster by Temporal's own command line, and destroys it if asked to.
#
#   ./build.sh NAME spec.json [--destroy]      NAME is the one in the spec
#
# TEMPORAL_ADDRESS says where Temporal is; 127.0.0.1:7233 by default.
set -eu
name=${1:?usage: build.sh NAME spec.json [--destroy]}
spec=$(cat "${2:?usage: build.sh NAME spec.json [--destroy]}")
export TEMPORAL_ADDRESS="${TEMPORAL_ADDRESS:-127.0.0.1:7233}"

# The id is the lock of the cluster: all that is done to it runs under `cluster:<name>`.
temporal workflow start --task-queue control --type buildCluster \
  --workflow-id "cluster:$name" --input "$spec"

# Where it stands, at any time (a spec that is not valid has ended before it can be asked):
temporal workflow query --workflow-id "cluster:$name" --type progress || true

# Waits for its end, if need be for a person: resume.sh goes on with what is parked. Fails if the
# build failed.
temporal workflow result --workflow-id "cluster:$name"

[ "${3:-}" = --destroy ] || exit 0
temporal workflow execute --task-queue control --type destroyCluster \
  --workflow-id "cluster:$name" --input "{\"name\":\"$name\"}"
