# What draining and resuming share; sourced. Node names come on stdin, one a line.

fail() {
  echo "$1" >&2
  exit 1
}

# wanted_nodes: those of stdin that the scheduler knows, as `name drained ours`. `drained` and `ours`
# are 1 or 0; ours are those that we drained.
wanted_nodes() {
  names=$(cat)
  printf '%s\n' "$names" | grep -qvE '^[a-z0-9-]+$' && fail 'a name of a node is malformed'
  shown=$(scontrol -o show nodes) || fail 'the scheduler does not answer'
  {
    printf '%s\n' "$names" | sed 's/^/wanted /'
    printf '%s\n' "$shown" | sed -n 's/^NodeName=/node /p'
  } | awk '
    $1 == "wanted" { wanted[$2]; next }
    $2 in wanted { print $2, ($0 ~ / State=[^ ]*\+DRAIN/) + 0, ($0 ~ / Reason=mvc( |$)/) + 0 }'
}

# commas: lines as one list
commas() {
  paste -s -d ,
}
