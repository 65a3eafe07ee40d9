/** Stands for making ssh keys, which takes milliseconds. Shaped like true ones, as far as they are checked. */
export function generateSshKey(comment: string) {
  const privateKey =
    '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n';
  return { publicKey: `ssh-ed25519 AAAA ${comment}`, privateKey };
}
