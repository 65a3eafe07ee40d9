interface Figure {
  fault: string;
  /** When in the life of the cluster. */
  moment: string;
  ending: string;
  seconds: number;
}

/** What was measured, for the table in docs/reliability.md. */
export class Figures {
  private readonly rows: Figure[] = [];

  /** @param seconds from the fault, or from its end if it ended, until all was well. */
  note(fault: string, moment: string, ending: string, seconds: number): void {
    this.rows.push({ fault, moment, ending, seconds });
  }

  print(): void {
    const lines = this.rows.map(
      ({ fault, moment, ending, seconds }) =>
        `| ${fault} | ${moment} | ${ending} | ${seconds.toFixed(0)} s |`,
    );
    if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
  }
}

/** A stopwatch, seconds. */
export function stopwatch(): () => number {
  const begin = Date.now();
  return () => (Date.now() - begin) / 1000;
}
