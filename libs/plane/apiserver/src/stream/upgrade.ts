import type { Core } from '../core.ts';
import type { UpgradeHandler } from '../http/listener.ts';

/** Handles exec, attach and port-forward. */
export function createUpgradeHandler(_core: Core): UpgradeHandler {
  return (_request, socket) => socket.end('HTTP/1.1 501 Not Implemented\r\n\r\n');
}
