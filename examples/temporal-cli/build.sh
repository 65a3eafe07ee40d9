#!/bin/sh
# Builds a cluster with nothing but the temporal command, and waits for it.
#
#   sh build.sh demo cluster.json
#
# What is parked waits; from another terminal:
#   temporal workflow query  -w cluster:demo --type progress
#   temporal workflow update execute -w cluster:demo --name resume --input '{}'
set -eu

name=$1
file=$2

# Plain JSON, one object: as the Temporal UI's form takes it. The id is the cluster's lock.
temporal workflow start --type buildCluster --task-queue control \
  --workflow-id "cluster:$name" --input "$(cat "$file")"
temporal workflow result --workflow-id "cluster:$name"
temporal workflow query --workflow-id "cluster:$name" --type progress
