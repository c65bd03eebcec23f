import { storeContract } from './contract.test-suite.ts';
import { createMemoryStore } from './memory-store.ts';

storeContract('memory store', (retention) => createMemoryStore(retention));
