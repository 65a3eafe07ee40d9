/** A call of an activity as an operation makes it without faults. */
export interface MatrixCall {
  operation: string;
  workflowType: string;
  activity: string;
  /** Which of the workflow type's calls of the activity, from 0. */
  occurrence: number;
}

/** A fault at one call. */
export interface MatrixCase {
  call: MatrixCall;
  fault: MatrixFault;
}

export const matrixFaults = [
  'fails once',
  'fails for good',
  'answer lost',
  'runs twice',
  'killed before the effect',
  'killed after the effect',
  'killed before the answer',
] as const;
export type MatrixFault = (typeof matrixFaults)[number];

export const matrixOperations = [
  'build',
  'cancel',
  'scale up',
  'scale down',
  'stop',
  'start',
  'repair',
  'destroy',
] as const;
export type MatrixOperationName = (typeof matrixOperations)[number];
