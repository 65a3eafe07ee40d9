/** Run in a pseudo terminal by a test: a short build, shown as `mvc create` shows it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LiveView } from '../../../src/cli/live/live-view.ts';
import { done, progress } from '../steps.ts';

const start = Date.now();
const register = { ...done, startedAt: start, finishedAt: start + 1_500 };
const view = new LiveView();
for (const bytes of [10e6, 90e6, 200e6]) {
  view.show(
    progress([register, { step: 'image', site: 'beach', startedAt: start }], {
      message: 'a long message that a narrow terminal has no room for',
      activities: [
        {
          name: 'ensureImage',
          site: 'beach',
          attempt: 2,
          lastError: 'the line is slow',
          heartbeat: {},
        },
      ],
      uploads: [{ site: 'beach', bytes, of: 200e6 }],
    }),
  );
  await sleep(600);
}
view.show(
  progress(
    [register, { step: 'image', site: 'beach', startedAt: start, finishedAt: start + 9_000 }],
    {
      phase: 'ready',
    },
  ),
);
view.end();
process.stdout.write('the end\n');
