import { createMemoryStore } from '@tiphys/plane-store';
import { storeContract } from '../../../store/src/contract.test-suite.ts';
import { SealedStore } from './sealed-store.ts';

const keys = [{ name: 'one', secret: Buffer.alloc(32, 7) }];

storeContract(
  'sealed store',
  (retention) =>
    new SealedStore(createMemoryStore(retention), { resources: [{ resources: ['*.*'], providers: [{ kind: 'aesgcm', keys }, { kind: 'identity' }] }] }),
);
