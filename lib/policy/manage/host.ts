import type { Endpoints } from '../../endpoints/endpoints';
import type { EventsOptions } from '../../events/events';
import type { PathManagerEvents } from '../../events/stream';
import type { Interfaces } from '../../interfaces/interfaces';
import type { Commands } from '../../kernel/commands';
import type { ModeControl } from '../../userspace/mode';
import type { Userspace } from '../../userspace/userspace';

/** What a managed policy needs of its PathManager. */
export interface PolicyHost {
  readonly commands: Commands;
  readonly userspace: Userspace;
  readonly endpoints: Endpoints;
  readonly interfaces: Interfaces;
  readonly mode: ModeControl;
  readonly events: (options: EventsOptions) => PathManagerEvents;
}
