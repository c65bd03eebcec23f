import { DomainError } from '@tiphys/kernel';

/** Why a YAML text could not be read: `syntax` in the words of go-yaml v2, `tooDeep` nesting beyond our own limit. */
export interface YamlErrorDetail {
  readonly code: 'syntax' | 'tooDeep';
}

/** A YAML text that go-yaml v2 would refuse. The message is go-yaml's, prefix `yaml: ` included. */
export class YamlError extends DomainError<YamlErrorDetail> {
  override readonly name = 'YamlError';

  constructor(message: string, code: YamlErrorDetail['code'] = 'syntax') {
    super({ code }, `yaml: ${message}`);
  }
}
