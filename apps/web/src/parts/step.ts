import type { Step } from '../api/client';
import { count, percent } from '../facts/format';

export function step_words(step: Step): string {
  if (step.kind === 'sending') return `Sending, ${percent(step.fraction)}`;
  if (step.kind === 'answering') return 'The server looks at it';
  return `The server is busy; trying again in ${count(step.seconds, 'second')}`;
}
