# What the HTTP server's scripts share; sourced. A node is armed when it fetches its boot script, and
# may then fetch its configuration once. Times are seconds since 1970 by this machine's clock.
records=/var/lib/mvc

# answer STATUS SENTENCE: ends the exchange with a line of text.
answer() {
  printf 'Status: %s\r\nContent-Type: text/plain\r\n\r\n%s\n' "$1" "$2"
  exit 0
}

# record SENTENCE: one line in the log. Never a token.
record() {
  printf '%s %s\n' "$(date -u +%FT%TZ)" "$1" >> /var/log/mvc/boot.log
}

# refuse SENTENCE
refuse() {
  record "refused $REMOTE_ADDR: $1"
  answer '403 Forbidden' "$1"
}

# note_time KIND NODE
note_time() {
  date +%s > "$records/boot/$1/.$2.$$" && mv "$records/boot/$1/.$2.$$" "$records/boot/$1/$2"
}
