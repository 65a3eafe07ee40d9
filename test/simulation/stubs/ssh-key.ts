/** Stands for making ssh keys, which takes milliseconds. */
export function generateSshKey(comment: string) {
  return { publicKey: `ssh-ed25519 AAAA ${comment}`, privateKey: 'private' };
}
