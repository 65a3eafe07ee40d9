#!/bin/sh
# Makes the namespace and the search attributes that the workflows set. Safe to repeat. Where
# Temporal is comes from TEMPORAL_ADDRESS and the other variables of its command.
set -eu
namespace=${TEMPORAL_NAMESPACE:-default}
retention=720h

until temporal operator cluster health >/dev/null 2>&1; do sleep 2; done

if temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1; then
  temporal operator namespace update --namespace "$namespace" --retention "$retention"
else
  temporal operator namespace create --namespace "$namespace" --retention "$retention"
fi

# A new namespace is known to all parts of the server after some seconds.
until there=$(temporal operator search-attribute list --namespace "$namespace" 2>/dev/null); do
  sleep 2
done
for attribute in MvcCluster:Keyword MvcSite:Keyword MvcPhase:Keyword MvcAttention:Bool; do
  name=${attribute%%:*}
  echo "$there" | grep -qw "$name" ||
    temporal operator search-attribute create --namespace "$namespace" \
      --name "$name" --type "${attribute##*:}"
done
