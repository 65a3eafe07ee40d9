#compdef mvc
# Completion of mvc in zsh: the words come from `mvc __complete`.
_mvc() {
  local line name
  local -a lines offers counts
  lines=("${(@f)$("${(Q)words[1]/#\~/$HOME}" __complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ ${lines[1]} == ':files' ]]; then
    _files
    return
  fi
  for line in "${lines[@]}"; do
    [[ -n $line ]] || continue
    name=${line%%$'\t'*}
    # A number comes after `site=`.
    if [[ $name == *= ]]; then
      counts+=("${name//:/\\:}:${line#*$'\t'}")
    else
      offers+=("${name//:/\\:}:${line#*$'\t'}")
    fi
  done
  (( ! ${#offers} )) || _describe -t words mvc offers
  (( ! ${#counts} )) || _describe -t words mvc counts -S ''
}
# Loaded by itself from $fpath, or by eval.
if [[ ${funcstack[1]} == _mvc ]]; then
  _mvc "$@"
else
  compdef _mvc mvc
fi
