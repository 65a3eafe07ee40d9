/** Names of what the workflows measure; the engine's library exports it. */
export const stepMetrics = {
  /** Histogram of how long a step took with all its rounds, by step, site and outcome. */
  seconds: 'mvc_step_seconds',
  /** How often a step was parked, by step, site and kind of failure; exported with `_total` behind it. */
  parked: 'mvc_step_parked',
} as const;
