import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate and its private key: as files for those who name them, as text for servers. */
export interface KeyPair {
  name: string;
  certFile: string;
  keyFile: string;
  cert: string;
  key: string;
}

/** A certificate authority that exists for one test. */
export class TestAuthority {
  private readonly directory: string;
  readonly pair: KeyPair;

  private constructor(directory: string, pair: KeyPair) {
    this.directory = directory;
    this.pair = pair;
  }

  static async create(directory: string, name: string): Promise<TestAuthority> {
    const { certFile, keyFile } = filesOf(directory, name);
    // prettier-ignore
    await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-subj', `/CN=${name}`, '-days', '2', '-keyout', keyFile, '-out', certFile]);
    return new TestAuthority(directory, await readPair(directory, name));
  }

  /** A certificate for this name, signed by the authority. */
  async issue(name: string): Promise<KeyPair> {
    const file = `${this.pair.name}-${name}`;
    const { certFile, keyFile } = filesOf(this.directory, file);
    const request = `${certFile}.csr`;
    const extensions = `${certFile}.ext`;
    await writeFile(extensions, `subjectAltName=DNS:${name}\n`);
    // prettier-ignore
    await run('openssl', ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', request]);
    // prettier-ignore
    await run('openssl', ['x509', '-req', '-in', request, '-CA', this.pair.certFile, '-CAkey', this.pair.keyFile,
      '-days', '2', '-extfile', extensions, '-out', certFile]);
    return await readPair(this.directory, file);
  }
}

function filesOf(directory: string, name: string): { certFile: string; keyFile: string } {
  return { certFile: join(directory, `${name}.pem`), keyFile: join(directory, `${name}-key.pem`) };
}

async function readPair(directory: string, name: string): Promise<KeyPair> {
  const files = filesOf(directory, name);
  const [cert, key] = await Promise.all([
    readFile(files.certFile, 'utf8'),
    readFile(files.keyFile, 'utf8'),
  ]);
  return { name, ...files, cert, key };
}
