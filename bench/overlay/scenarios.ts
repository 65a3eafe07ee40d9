/** What is between the sites. */
export interface Scenario {
  /** As `--scenario` takes it. */
  name: string;
  /** As readers see it. */
  title: string;
  /** What each site can send at most; undefined: as fast as the machine can. */
  mbitPerSecond?: number;
  rttMs: number;
}

/** Without a limit there is no delay: what delays would be what limits. */
export const scenarios: Scenario[] = [
  { name: 'unlimited', title: 'no limit', rttMs: 0 },
  { name: '0 ms', title: '1 Gbit/s', mbitPerSecond: 1000, rttMs: 0 },
  { name: '20 ms', title: '1 Gbit/s, 20 ms', mbitPerSecond: 1000, rttMs: 20 },
  { name: '100 ms', title: '1 Gbit/s, 100 ms', mbitPerSecond: 1000, rttMs: 100 },
];
