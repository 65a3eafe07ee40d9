import type { Appliance, Vm } from '../domain/vm.ts';
import type { SiteNetwork } from '../domain/site.ts';
import type { TarEntry } from './tar.ts';

/** What is known of a cluster when its VMs' configuration is rendered. */
export interface ClusterContext {
  cluster: string;
  /** Of the operation for which something is rendered: what is of a later one wins. */
  epoch: number;
  /** Of the overlay, as CIDR. */
  network: string;
  /** Of the overlay, bytes. */
  mtu: number;
  /** All VMs, the frontend among them. */
  vms: Vm[];
  /** The own network of the origin site, in which the frontend has its second interface. */
  siteNetwork?: SiteNetwork;
  /** Public keys that may log in as the ordinary user. */
  sshKeys: string[];
  /** Names of the cluster's rolls; the default ones if absent. */
  rolls?: string[];
}

export interface SshKeyPair {
  /** OpenSSH PEM. */
  privateKey: string;
  publicKey: string;
}

/** A cluster's keys and tokens, made once and kept sealed by the controller. */
export interface ClusterSecrets {
  /** 128 bytes, base64. */
  mungeKey: string;
  /** 32 bytes, base64url: the VMs' tokens are derived from it. Absent in secrets of older clusters. */
  tokenKey?: string;
  /** Of older clusters: VM name → token, for the VMs that there were when it was made. */
  nodeTokens?: Record<string, string>;
  /** All computes share one: they are installed anew at each boot. */
  hostKeys: { frontend: SshKeyPair; compute: SshKeyPair };
  /** Of the ordinary user, for ssh from node to node. */
  userKey: SshKeyPair;
}

/** A checked context with what every roll asks of it. */
export interface Cluster extends ClusterContext {
  frontend: Vm;
  computes: Vm[];
  /** Prefix length of the overlay's network. */
  prefixLength: number;
  /** DNS domain of the cluster. */
  domain: string;
  secrets: ClusterSecrets;
}

/** A system account that exists in every image under the same number. */
export interface Account {
  name: string;
  id: number;
  home: string;
  shell: string;
}

/** A set of software as data. What is alike for all clusters is in the image, the rest in the seeds. */
export interface Roll {
  name: string;
  summary: string;
  /** Debian packages. */
  packages: string[];
  accounts: Account[];
  /** Files, directories and links of the image, alike for every cluster and appliance. */
  image: TarEntry[];
  /** Made in the image's root while it is built. */
  build?: {
    /** Debian packages that are unpacked below `tools/` beside the script, and not kept. */
    tools: string[];
    /** A POSIX shell script, run in the image's root. */
    script: string;
  };
  /** Kernel modules that its services load; the others are not in the image's root. */
  modules?: string[];
  /** systemd units that start with each appliance. */
  services: Record<Appliance, string[]>;
  /** Units that no appliance needs. */
  masked: string[];
  /** Other files of the frontend. */
  frontendFiles(cluster: Cluster): TarEntry[];
  /**
   * Files of the frontend that say which computes there are. They are replaced while it runs: the
   * roll's programs in `/usr/lib/mvc/nodes.d` then let its services read them again.
   */
  nodeListFiles(cluster: Cluster): TarEntry[];
  /** Files that every compute gets from the frontend. */
  computeFiles(cluster: Cluster): TarEntry[];
}
