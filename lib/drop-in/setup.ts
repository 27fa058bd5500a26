/** The composition root: connects the layers that must not import one another. */
import { hintIntent } from '../intents/intents';
import { install } from '../sockets/hooks';
import { setPathHinter } from '../sockets/path-hinter';

/** Makes this environment's sockets and servers use MPTCP where they are told to. */
export function setUp(): void {
  setPathHinter(hintIntent);
  install();
}
