import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { listen, type Answers, type Listener } from '../../src/workers/metrics/listener.ts';

const log = pino({ level: 'silent' });
const opened: Listener[] = [];

async function open(answers: Partial<Answers> = {}, port = 0): Promise<Listener> {
  const listener = await listen(
    { host: '127.0.0.1', port },
    {
      metrics: async () => 'mvc_worker_info 1\n',
      health: () => ({ healthy: true, worker: 'site-worker' }),
      ...answers,
    },
    log,
  );
  opened.push(listener);
  return listener;
}

function ask({ address }: Listener, path: string, method = 'GET'): Promise<Response> {
  return fetch(`http://127.0.0.1:${address.port}${path}`, { method });
}

afterEach(() => Promise.all(opened.splice(0).map((each) => each.close())));

describe('the listener of a worker', () => {
  it('answers its metrics as Prometheus reads them', async () => {
    const response = await ask(await open(), '/metrics');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect(await response.text()).toContain('mvc_worker_info 1');
  });

  it('answers 200 when the worker works, and 503 when it does not', async () => {
    let healthy = true;
    const listener = await open({ health: () => ({ healthy }) });
    expect((await ask(listener, '/healthz')).status).toBe(200);
    healthy = false;
    const response = await ask(listener, '/healthz');
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ healthy: false });
  });

  it('answers 500 without telling why when the metrics cannot be read', async () => {
    const listener = await open({ metrics: () => Promise.reject(new Error('inner words')) });
    const response = await ask(listener, '/metrics');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('inner words');
  });

  it('answers nothing else, and to nothing but GET', async () => {
    const listener = await open();
    expect((await ask(listener, '/')).status).toBe(404);
    expect((await ask(listener, '/metrics?x')).status).toBe(404);
    expect((await ask(listener, '/metrics', 'POST')).status).toBe(405);
  });

  it('takes the next free port when the wanted one is taken', async () => {
    const first = await open();
    const second = await open({}, first.address.port);
    expect(second.address.port).toBeGreaterThan(first.address.port);
    expect((await ask(second, '/healthz')).status).toBe(200);
  });
});
