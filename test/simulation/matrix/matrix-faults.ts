import { Failure } from '../../../src/domain/failure.ts';
import type { ActivityCall, AttemptPlan } from '../engine/plan.ts';
import type { CallFault, FaultSource } from '../faults.ts';
import type { MatrixCall, MatrixCase } from './cases.ts';

/** One fault at one call, from the moment that the operation begins; or none, to see what it calls. */
export class MatrixFaults implements FaultSource {
  readonly calls: Omit<MatrixCall, 'operation'>[] = [];
  struck = false;
  private readonly fault: MatrixCase | undefined;
  private on = false;
  private healed = false;

  constructor(fault: MatrixCase | undefined) {
    this.fault = fault;
  }

  begin(): void {
    this.on = true;
  }

  end(): void {
    this.on = false;
  }

  /** What fails for good fails no more. */
  heal(): void {
    this.healed = true;
  }

  attempt({ workflowType, activity, occurrence, attempt }: ActivityCall): AttemptPlan {
    if (!this.on) return { kind: 'run' };
    if (attempt === 1) this.calls.push({ workflowType, activity, occurrence });
    const { fault } = this;
    if (
      fault?.call.workflowType !== workflowType ||
      fault.call.activity !== activity ||
      fault.call.occurrence !== occurrence
    ) {
      return { kind: 'run' };
    }
    return this.planFor(fault.fault, attempt);
  }

  private planFor(fault: MatrixCase['fault'], attempt: number): AttemptPlan {
    const first = attempt === 1;
    if (first) this.struck = true;
    switch (fault) {
      case 'fails for good': {
        const failure = new Failure('Forbidden', 'it is forbidden', { help: 'allow it' });
        return this.healed ? { kind: 'run' } : { kind: 'fails', failure };
      }
      case 'fails once':
        return first
          ? { kind: 'fails', failure: new Failure('Unreachable', 'no answer') }
          : { kind: 'run' };
      case 'answer lost':
        return first
          ? { kind: 'answer lost', failure: new Failure('Unreachable', 'no answer') }
          : { kind: 'run' };
      case 'runs twice':
        return { kind: first ? 'twice' : 'run' };
      case 'killed before the effect':
      case 'killed after the effect':
      case 'killed before the answer':
        return { kind: first ? fault : 'run' };
    }
  }

  forget(): boolean {
    return false;
  }

  siteCall(): CallFault {
    return 'none';
  }

  storeCall(): CallFault {
    return 'none';
  }

  siteDelayMs(): number {
    return 50;
  }

  storeDelayMs(): number {
    return 0;
  }

  stallMs(): number {
    return 0;
  }

  refusal(): Failure {
    return new Failure('Forbidden', 'it is forbidden');
  }
}
