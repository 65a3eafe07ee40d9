import { gunzipSync } from 'node:zlib';

/** What an update of a frontend's nodes says, as far as a memory VM cares. */
export interface NodesUpdate {
  /** Of the operation that it is of. */
  epoch: number;
  /** Names of all computes. */
  computes: string[];
}

const blockBytes = 512;

/** @param archive gzipped ustar, as `nodesUpdate` gives it. Throws if it is none. */
export function readNodesUpdate(archive: Buffer): NodesUpdate {
  const files = readTar(gunzipSync(archive));
  const computes = files.filter(({ path }) => path.startsWith('var/lib/mvc/macs/'));
  const epoch = files.find(({ path }) => path === 'etc/mvc/nodes-epoch');
  return {
    epoch: Number(epoch?.text ?? 0),
    computes: computes.map(({ text }) => text.trim()).toSorted(),
  };
}

function readTar(tar: Buffer): { path: string; text: string }[] {
  const files: { path: string; text: string }[] = [];
  let offset = 0;
  while (tar[offset]) {
    const size = Number.parseInt(field(tar, offset + 124, 11), 8);
    const start = offset + blockBytes;
    const isFile = field(tar, offset + 156, 1) === '0';
    const text = tar.toString('utf8', start, start + size);
    if (isFile) files.push({ path: field(tar, offset, 100), text });
    offset = start + Math.ceil(size / blockBytes) * blockBytes;
  }
  return files;
}

function field(tar: Buffer, offset: number, length: number): string {
  return tar.toString('latin1', offset, offset + length).replace(/\0.*$/s, '');
}
