import { setMaxListeners } from 'node:events';

// As the command does: many services wait on few signals.
setMaxListeners(2_000);
