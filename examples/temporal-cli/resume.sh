#!/bin/sh
# Goes on with an operation that waits for a person, by Temporal's own command line, and waits for
# its end.
#
#   ./resume.sh NAME [--skip]      --skip leaves out what is parked, where that is safe
#
# TEMPORAL_ADDRESS says where Temporal is; 127.0.0.1:7233 by default.
set -eu
name=${1:?usage: resume.sh NAME [--skip]}
export TEMPORAL_ADDRESS="${TEMPORAL_ADDRESS:-127.0.0.1:7233}"

# Also "site" and "step", which mean only that, and "spec", which goes on with a corrected one.
action=retry
[ "${2:-}" != --skip ] || action=skip

# What is parked, and why: the steps that have "parked".
temporal workflow query --workflow-id "cluster:$name" --type progress

# Says which steps go on; fails if nothing that is parked was meant.
temporal workflow update execute --workflow-id "cluster:$name" --name resume \
  --input "{\"action\":\"$action\"}"

# Waits for its end; fails if the operation failed.
temporal workflow result --workflow-id "cluster:$name"
