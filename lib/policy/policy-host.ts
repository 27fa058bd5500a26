import type { Endpoints } from '../endpoints';
import type { EventsOptions, PathManagerEvents } from '../events';
import type { Interfaces } from '../interfaces';
import type { Commands } from '../internal/commands';
import type { Mode } from '../mode';
import type { Userspace } from '../userspace';

/** What a policy at work needs of its PathManager. */
export interface PolicyHost {
  readonly commands: Commands;
  readonly userspace: Userspace;
  readonly endpoints: Endpoints;
  readonly interfaces: Interfaces;
  readonly mode: Mode;
  readonly events: (options: EventsOptions) => PathManagerEvents;
}
