/** The lab's models by name. */
import { type LabModel } from '@tapecast/contracts/lab';
import { boosted } from './boosted.ts';
import { forest } from './forest.ts';
import { type Learner } from './learner.ts';
import { logistic } from './logistic.ts';
import { nearest } from './nearest.ts';
import { network } from './network.ts';
import { ridge } from './ridge.ts';

export const LEARNERS: Record<LabModel, Learner> = { ridge, logistic, nearest, forest, boosted, network };
