import type { Route } from '../context.ts';
import { batchRoutes } from './batches.ts';
import { chatCompletions } from './chat-completions.ts';
import { decisions } from './decisions.ts';
import { fileRoutes } from './files.ts';
import { health } from './health.ts';
import { countTokens, messages } from './messages.ts';
import { metrics } from './metrics.ts';
import { model, models } from './models.ts';
import { pageRoutes } from './page.ts';
import { responses } from './responses.ts';
import { see } from './see.ts';
import { systemOne } from './systemone.ts';
import { tokenize } from './tokenize.ts';

/** Everything that can be asked of a server. */
export const routes: readonly Route[] = [
  chatCompletions,
  responses,
  decisions,
  systemOne,
  messages,
  countTokens,
  ...fileRoutes,
  ...batchRoutes,
  models,
  model,
  tokenize,
  see,
  health,
  metrics,
  ...pageRoutes,
];
