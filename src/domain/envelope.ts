/** Whose secret it is. `installation` is for secrets of the controller itself, named `controller`. */
export interface SecretOwner {
  kind: 'cluster' | 'site' | 'installation';
  name: string;
}

/** The one place in which a sealed secret opens. */
export interface SecretPlace {
  owner: SecretOwner;
  name: string;
  /** 1 for the first value, one more for each that replaces it. */
  version: number;
}

/** A secret sealed under a key of its own, which is wrapped by the controller's key. */
export interface Envelope {
  /** Which of the controller's keys wraps it. */
  keyId: string;
  /** Nonce, ciphertext and tag of the secret's own key. */
  wrappedKey: Buffer;
  /** Nonce, ciphertext and tag of the secret. */
  sealed: Buffer;
}

/** Seals secrets for storage. Moved to another place, an envelope does not open. */
export interface SecretVault {
  readonly keyId: string;
  seal(place: SecretPlace, plain: Uint8Array): Envelope;
  /** @throws {Failure} AccessDenied if the key is another one, or the envelope was altered or moved. */
  unseal(place: SecretPlace, envelope: Envelope): Buffer;
}
