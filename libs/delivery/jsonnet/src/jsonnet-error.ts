import { DomainError } from '@tiphys/kernel';

/** A place in a Jsonnet file, counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Why a program gave no value: `syntax` it cannot be read · `static` it names what is not there · `runtime` it failed while running ·
 * `manifest` its value cannot be written as JSON · `budget` it needed more steps, depth or memory than it may have.
 */
export interface JsonnetErrorDetail {
  readonly code: 'syntax' | 'static' | 'runtime' | 'manifest' | 'budget';
  readonly place?: Place;
}

/** A program that gave no value. */
export class JsonnetError extends DomainError<JsonnetErrorDetail> {
  override readonly name = 'JsonnetError';
}

/** `file:line:column`, as errors print it. */
export function formatPlace({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** An error of the text of a program. */
export function syntaxError(place: Place, message: string): JsonnetError {
  return new JsonnetError({ code: 'syntax', place }, `${formatPlace(place)} ${message}`);
}
