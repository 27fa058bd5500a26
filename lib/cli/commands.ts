/** The names of all commands, and which file has each: only that of the command that runs is loaded. */
import type { Command } from './command';

/**
 * The commands by their names. The order decides what an abbreviation of a word of `ip mptcp` means,
 * as there: 'limits s' is 'limits set'.
 */
export const COMMANDS: Readonly<Record<string, () => Command>> = {
  'endpoint add': () =>
    (require('./commands/endpoint-add') as typeof import('./commands/endpoint-add')).endpointAdd,
  'endpoint change': () =>
    (require('./commands/endpoint-change') as typeof import('./commands/endpoint-change'))
      .endpointChange,
  'endpoint delete': () =>
    (require('./commands/endpoint-delete') as typeof import('./commands/endpoint-delete'))
      .endpointDelete,
  'endpoint show': () =>
    (require('./commands/endpoint-show') as typeof import('./commands/endpoint-show')).endpointShow,
  'endpoint flush': () =>
    (require('./commands/endpoint-flush') as typeof import('./commands/endpoint-flush'))
      .endpointFlush,
  'limits set': () =>
    (require('./commands/limits-set') as typeof import('./commands/limits-set')).limitsSet,
  'limits show': () =>
    (require('./commands/limits-show') as typeof import('./commands/limits-show')).limitsShow,
  monitor: () => (require('./commands/monitor') as typeof import('./commands/monitor')).monitor,
  announce: () => (require('./commands/announce') as typeof import('./commands/announce')).announce,
  withdraw: () => (require('./commands/withdraw') as typeof import('./commands/withdraw')).withdraw,
  'subflow create': () =>
    (require('./commands/subflow-create') as typeof import('./commands/subflow-create'))
      .subflowCreate,
  'subflow destroy': () =>
    (require('./commands/subflow-destroy') as typeof import('./commands/subflow-destroy'))
      .subflowDestroy,
  priority: () => (require('./commands/priority') as typeof import('./commands/priority')).priority,
  doctor: () => (require('./commands/doctor') as typeof import('./commands/doctor')).doctorCommand,
};

/** What the first word alone stands for, as in `ip mptcp limits`. */
export const DEFAULTS: Readonly<Record<string, string>> = {
  endpoint: 'endpoint show',
  limits: 'limits show',
};

/** First words that may be abbreviated although others begin alike: those of `ip mptcp`, in its order. */
export const FIRST_OF_ALIKE: readonly string[] = ['endpoint', 'limits', 'monitor'];
