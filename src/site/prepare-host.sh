# What follows is the same for every host; what differs is set above.
# It may be run again at any time: what is as it should be is left alone.

say() { printf 'mvc: %s\n' "$*"; }
fail() { printf 'mvc: %s\n' "$*" >&2; exit 1; }

# put MODE FILE: writes standard input to a file of root's, whole or not at all.
# (A name with a dot is not read by sudo and does not end in .conf, so the draft has no effect.)
put() {
  draft=$(mktemp "$2.draft.XXXXXX")
  cat > "$draft"
  chown 0:0 "$draft"
  chmod "$1" "$draft"
  if [ -n "${3:-}" ] && ! "$3" "$draft"; then rm -f "$draft"; fail "$2 would not be valid; it is unchanged"; fi
  mv -f "$draft" "$2"
}

# present PROGRAM-OR-FILE
present() { case $1 in /*) [ -e "$1" ] ;; *) command -v "$1" > /dev/null 2>&1 ;; esac; }

# 1. Programs. Each line of `needs` is a program (or file) and the Debian package that has it.
install_packages() {
  missing=$(needs | while read -r thing package; do present "$thing" || printf '%s ' "$package"; done)
  if [ ! -d /run/systemd/system ] && ! present runsvdir; then missing="${missing}runit "; fi
  if [ -n "$missing" ]; then
    say "installing the packages: $missing"
    present apt-get || fail "this host has no apt-get; install by your own means: $missing"
    apt-get update
    # Unquoted on purpose: a list of package names.
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
  fi
  /usr/bin/node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)' ||
    fail "/usr/bin/node is $(/usr/bin/node --version); mvc-site needs 18 or newer"
}

# 2. The account: no password, no group but its own, a home in which it can write nothing.
#    (* is a password that nothing matches; the usual ! would lock the account for keys too.)
ensure_account() {
  install -d -o 0 -g 0 -m 755 /etc/mvc /etc/mvc/home /usr/local/lib/mvc
  if ! id "$ACCOUNT" > /dev/null 2>&1; then
    say "making the account $ACCOUNT"
    useradd --system --user-group --no-create-home --home-dir /etc/mvc/home --shell /bin/sh "$ACCOUNT"
  fi
  usermod --home /etc/mvc/home --shell /bin/sh --password '*' "$ACCOUNT"
  [ "$(id -u "$ACCOUNT")" -ne 0 ] || fail "the account $ACCOUNT is root; choose another name"
}

# kept_policy FILE: the policy, with what the administrator has set in the one that is there and it does not say.
# (One that cannot be read is written anew.)
kept_policy() {
  policy | /usr/bin/node -e '
    const { readFileSync } = require("fs");
    const policy = JSON.parse(readFileSync(0, "utf8"));
    let before = {};
    try { before = JSON.parse(readFileSync(process.argv[1], "utf8")); } catch {}
    for (const field of ["maxCpus", "maxMemoryMiB", "outside"])
      if (policy[field] === undefined && before?.[field] !== undefined) policy[field] = before[field];
    console.log(JSON.stringify(policy, undefined, 2));
  ' "$1"
}

# 3. The program, which is the only thing that the account may run as root, without arguments.
valid_program() { [ "$(sha256sum < "$1" | cut -d ' ' -f 1)" = "$PROGRAM_SHA256" ]; }
valid_json() { /usr/bin/node -e 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))' "$1"; }
valid_sudoers() { visudo -c -q -f "$1"; }
install_program() {
  program | base64 -d | gzip -d | put 755 /usr/local/lib/mvc/mvc-site valid_program
  install -d -o 0 -g 0 -m 711 "$POOL"
  kept_policy /etc/mvc/policy.json | put 644 /etc/mvc/policy.json valid_json
  printf '# Written by mvc site prepare.\n%s ALL=(root) NOPASSWD: /usr/local/lib/mvc/mvc-site ""\n' "$ACCOUNT" |
    put 440 /etc/sudoers.d/mvc valid_sudoers
  sudo -n -l -U "$ACCOUNT" | grep -q -F '/usr/local/lib/mvc/mvc-site ""' ||
    fail 'sudo does not read /etc/sudoers.d; add the line "@includedir /etc/sudoers.d" to /etc/sudoers'
}

# 4. The key: whoever has it gets that program and nothing else (no terminal, no other command).
allow_key() {
  printf '# Written by mvc site prepare.\n%s\n' "$KEY_LINE" | put 644 /etc/mvc/authorized_keys
  install -d -o 0 -g 0 -m 755 /etc/ssh/sshd_config.d
  sshd_settings | put 644 /etc/ssh/sshd_config.d/mvc.conf
  [ -d /run/sshd ] || install -d -m 755 /run/sshd
  /usr/sbin/sshd -t || { rm -f /etc/ssh/sshd_config.d/mvc.conf; fail 'sshd refuses its settings; they are removed again'; }
  # What sshd will do for the account is asked of sshd itself: an earlier setting of the host may win.
  effective=$(/usr/sbin/sshd -T -C "user=$ACCOUNT,host=localhost,addr=127.0.0.1")
  for setting in 'authorizedkeysfile /etc/mvc/authorized_keys' 'passwordauthentication no' 'permittty no'; do
    printf '%s\n' "$effective" | grep -q -x "$setting" ||
      fail "sshd does not take '$setting' for $ACCOUNT; /etc/ssh/sshd_config must begin with: Include /etc/ssh/sshd_config.d/*.conf"
  done
  if [ -d /run/systemd/system ]; then
    systemctl reload ssh.service 2> /dev/null || systemctl reload sshd.service
  elif [ -s /run/sshd.pid ]; then
    kill -HUP "$(cat /run/sshd.pid)"
  else
    say 'start sshd again, so that it reads its settings'
  fi
}

main() {
  [ "$(id -u)" -eq 0 ] || fail 'run this as root'
  install_packages
  ensure_account
  install_program
  allow_key
  say "$HOST is prepared; its ssh host keys are:"
  for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -l -f "$key"; done
}
