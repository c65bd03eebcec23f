import type { SecretRef } from '../application-set.ts';
import { GenerateError } from '../generate-error.ts';
import type { GeneratorWorld } from './context.ts';

// A set's author may use Secrets that are meant for forges, and the one of the installation; not those of repositories or clusters.
const LABEL = 'argocd.argoproj.io/secret-type';
const FOR_FORGES = 'scm-creds';
const OWN_SECRET = 'argocd-secret';

/** The token a set refers to. Throws GenerateError. */
export function tokenOf(world: GeneratorWorld, { secretName, key }: SecretRef): string {
  return secretText(world, secretName, key);
}

/** One text of a Secret a set may use. Throws GenerateError, which never holds the text. */
export function secretText(world: GeneratorWorld, name: string, key: string): string {
  const secret = world.secret(name);
  const type = secret?.metadata.labels?.[LABEL];
  if (secret !== undefined && name !== OWN_SECRET && type !== undefined && type !== FOR_FORGES)
    throw new GenerateError({ code: 'notAllowed' }, `Secret ${name}: is a Secret of kind ${type}, which a generator may not read`, {
      hint: `label Secrets for forges ${LABEL}: ${FOR_FORGES}`,
    });
  const encoded = secret?.data?.[key];
  if (encoded === undefined)
    throw new GenerateError({ code: 'source' }, `Secret ${name}: has no key ${key}`, { hint: 'the Secret must be in the namespace of the ApplicationSet' });
  return Buffer.from(encoded, 'base64').toString('utf8').trim();
}
