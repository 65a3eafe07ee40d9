import { describe, expect, it } from 'vitest';
import { resumeInput } from '../../src/cli/resume.ts';

describe('what is resumed', () => {
  it('is all that is parked, unless a site or a step is named', () => {
    expect(resumeInput({})).toEqual({ action: 'retry' });
    expect(resumeInput({ site: 'beach', step: 'image', skip: true })).toEqual({
      site: 'beach',
      step: 'image',
      action: 'skip',
    });
  });

  it('is a step that there is', () => {
    expect(() => resumeInput({ step: 'moon' })).toThrow(/step moon is unknown; known: register/);
  });

  it('is either left out or corrected', () => {
    expect(() => resumeInput({ skip: true, file: 'demo.yaml' })).toThrow('either leave a step out');
  });
});
