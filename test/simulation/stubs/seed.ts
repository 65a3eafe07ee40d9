/** Stands for the rendering of seeds, which takes milliseconds: a memory VM reads no seed. */
export function renderFrontendSeed(): Buffer {
  return Buffer.from('seed');
}

export function renderComputeSeed(): Buffer {
  return Buffer.from('seed');
}
