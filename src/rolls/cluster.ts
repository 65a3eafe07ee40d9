import { parseRange } from '../domain/address.ts';
import { Failure, parseInput } from '../domain/failure.ts';
import {
  clusterNameSchema,
  ipv4Schema,
  macSchema,
  siteNameSchema,
  vmNameSchema,
} from '../domain/names.ts';
import { publicKeySchema } from '../domain/users.ts';
import type { Vm } from '../domain/vm.ts';
import { nodeToken } from './node-token.ts';
import type { Cluster, ClusterContext, ClusterSecrets, SshKeyPair } from './roll.ts';

/**
 * Checks everything that will be written into configuration files, so that no value can end a line,
 * begin a second option or leave its directory.
 *
 * @throws {Failure} BadInput naming the value; the text of a secret is never in it.
 */
export function checkCluster(context: ClusterContext, secrets: ClusterSecrets): Cluster {
  const cluster = parseInput(clusterNameSchema, context.cluster, 'the cluster name');
  const { prefix } = parseRange(context.network);
  checkWhole(context.epoch, 0, Number.MAX_SAFE_INTEGER, 'the epoch');
  checkWhole(context.mtu, 576, 9000, 'the MTU of the overlay');
  context.vms.forEach(checkVm);
  context.sshKeys.forEach((key, index) => checkPublicKey(key, `ssh key ${index + 1}`));
  const frontend = context.vms.find((vm) => vm.role === 'frontend');
  if (!frontend) throw new Failure('BadInput', `cluster ${cluster} has no frontend VM`);
  checkSiteNetwork(context);
  checkSecrets(context, secrets);
  return {
    ...context,
    frontend,
    computes: context.vms.filter((vm) => vm.role === 'compute'),
    prefixLength: prefix,
    domain: `${cluster}.mvc`,
    secrets,
  };
}

function checkVm(vm: Vm): void {
  const name = parseInput(vmNameSchema, vm.name, 'the VM name');
  parseInput(siteNameSchema, vm.site, `the site of ${name}`);
  parseInput(ipv4Schema, vm.address, `the address of ${name}`);
  parseInput(macSchema, vm.mac, `the MAC of ${name}`);
  checkWhole(vm.cpus, 1, 4096, `the cpus of ${name}`);
  checkWhole(vm.memoryMiB, 128, 2 ** 31, `the memory of ${name}`);
  if (!vm.siteInterface) return;
  parseInput(ipv4Schema, vm.siteInterface.address, `the site address of ${name}`);
  parseInput(macSchema, vm.siteInterface.mac, `the site MAC of ${name}`);
}

function checkSiteNetwork({ siteNetwork }: ClusterContext): void {
  if (!siteNetwork) return;
  parseInput(ipv4Schema, siteNetwork.gateway, "the gateway of the origin's network");
  checkWhole(siteNetwork.prefixLength, 8, 30, "the prefix length of the origin's network");
  if (siteNetwork.dns === undefined) return;
  parseInput(ipv4Schema, siteNetwork.dns, "the DNS server of the origin's network");
}

function checkSecrets(context: ClusterContext, secrets: ClusterSecrets): void {
  if (Buffer.from(secrets.mungeKey, 'base64').length < 32) {
    throw new Failure('BadInput', 'the munge key is shorter than 32 bytes');
  }
  for (const vm of context.vms) nodeToken(secrets, vm.name);
  checkKeyPair(secrets.hostKeys.frontend, "the frontend's host key");
  checkKeyPair(secrets.hostKeys.compute, "the computes' host key");
  checkKeyPair(secrets.userKey, "the user's key");
}

function checkKeyPair(pair: SshKeyPair, what: string): void {
  checkPublicKey(pair.publicKey.trim(), what);
  const lines = pair.privateKey.trim().split('\n');
  const body = lines.slice(1, -1);
  const framed =
    lines.at(0) === '-----BEGIN OPENSSH PRIVATE KEY-----' &&
    lines.at(-1) === '-----END OPENSSH PRIVATE KEY-----';
  if (framed && body.every((line) => /^[A-Za-z0-9+/=]+$/.test(line))) return;
  throw new Failure('BadInput', `${what} is not an OpenSSH private key`);
}

function checkPublicKey(key: string, what: string): void {
  if (publicKeySchema.safeParse(key).success) return;
  throw new Failure('BadInput', `${what} is not one line of an OpenSSH public key`);
}

function checkWhole(value: number, least: number, most: number, what: string): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new Failure('BadInput', `${what} must be a whole number from ${least} to ${most}`);
}
