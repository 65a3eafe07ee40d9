/** A built node image as activities pass it on. Size in bytes. */
export interface ImageRef {
  digest: string;
  size: number;
  /** On the machine of the worker that built it. */
  path: string;
}
