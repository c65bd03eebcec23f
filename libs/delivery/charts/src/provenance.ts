import { createHash } from 'node:crypto';
import { readCleartextMessage, readKeys, verify } from 'openpgp';
import { messageOf } from '@tiphys/kernel';
import { fieldAt } from '@tiphys/kube-model';
import { parseDocuments } from '@tiphys/kube-yaml';
import { ChartError } from './chart-error.ts';

/** An archive with what vouches for it. */
export interface ProvenanceClaim {
  readonly repository: string;
  readonly chart: string;
  /** File name of the archive, as the provenance file lists it. */
  readonly fileName: string;
  readonly archive: Uint8Array;
  /** The clear-signed `.prov` file. */
  readonly provenance: string;
  /** Armored public keys that are trusted. */
  readonly keys: string;
}

/**
 * Checks a chart's provenance (Helm `pkg/provenance`): the file is signed by a trusted key and names the archive's SHA-256.
 * Throws ChartError `notTrusted`.
 */
export async function checkProvenance(claim: ProvenanceClaim): Promise<void> {
  const text = await signedText(claim).catch((cause: unknown) => {
    throw notTrusted(claim, `the provenance file is not signed by a trusted key: ${messageOf(cause)}`, cause);
  });
  // Two documents parted by `...`: Chart.yaml, and the digests of the files.
  const files = text.split(/^\.\.\.$/m).at(-1) ?? '';
  const promised = fieldAt(parseDocuments(files, { source: 'provenance' }).values[0]?.value, 'files', claim.fileName);
  const digest = `sha256:${createHash('sha256').update(claim.archive).digest('hex')}`;
  if (promised !== digest) throw notTrusted(claim, `the provenance file does not vouch for ${claim.fileName}`);
}

async function signedText({ provenance, keys }: ProvenanceClaim): Promise<string> {
  const [message, verificationKeys] = await Promise.all([readCleartextMessage({ cleartextMessage: provenance }), readKeys({ armoredKeys: keys })]);
  const { signatures, data } = await verify({ message, verificationKeys });
  if (signatures.length === 0) throw new Error('there is no signature');
  await Promise.any(signatures.map(({ verified }) => verified)).catch((error: unknown) => {
    throw error instanceof AggregateError ? error.errors[0] : error;
  });
  return data;
}

function notTrusted({ repository, chart }: ProvenanceClaim, why: string, cause?: unknown): ChartError {
  return new ChartError({ code: 'notTrusted', repository, chart }, `${repository}: ${chart}: ${why}`, { cause });
}
