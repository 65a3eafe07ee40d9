import type { Endpoint } from './config.ts';

/** One peer of a WireGuard device, as the device tells. */
export interface WgPeer {
  /** As base64. */
  publicKey: string;
  endpoint?: Endpoint;
  /** Milliseconds since 1970 of the last handshake that both ends know of; 0 if there was none. */
  handshakeAt: number;
  sentBytes: number;
  receivedBytes: number;
  allowed: string[];
  /** As hexadecimal digits, where the device tells it. */
  presharedKey?: string;
}

export interface WgDump {
  listenPort: number;
  peers: WgPeer[];
}
