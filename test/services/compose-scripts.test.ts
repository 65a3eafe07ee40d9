import { delimiter, join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { searchAttributes } from '../../src/domain/engine-names.ts';
import { runProgram } from '../helpers/command-line.ts';
import { startEngine } from '../helpers/controller.ts';

/** The script that compose runs after each start of Temporal, against a real one. */
const root = join(import.meta.dirname, '..', '..');
let engine: TestWorkflowEnvironment;

beforeAll(async () => {
  engine = await startEngine({});
});
afterAll(() => engine?.teardown());

test('a namespace is made with its search attributes, and may be asked for again', async () => {
  const namespace = 'made-by-script';
  const env = {
    PATH: [join(root, '.tools'), process.env['PATH']].join(delimiter),
    TEMPORAL_ADDRESS: engine.address,
    TEMPORAL_NAMESPACE: namespace,
  };
  for (const words of ['successfully registered', 'update succeeded']) {
    const ended = await runProgram('sh', [join(root, 'compose/temporal-namespace.sh')], env);
    expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
    expect(ended.stdout).toContain(words);
  }
  const { customAttributes } = await engine.connection.operatorService.listSearchAttributes({
    namespace,
  });
  expect(Object.keys(customAttributes)).toEqual(
    expect.arrayContaining(Object.values(searchAttributes)),
  );
  const { config } = await engine.connection.workflowService.describeNamespace({ namespace });
  expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(720 * 3600);
});
