import type { FieldChange } from '@tiphys/delivery-api';

function valueText(value: unknown, masked: boolean | undefined): string {
  if (value === undefined) return '(absent)';
  if (masked === true) return '(secret)';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1);
}

/** Differences path by path: what is live, what Git wants, why they differ and who set the live value. */
export function ChangeList({ changes }: { readonly changes: readonly FieldChange[] }) {
  return (
    <table className="changes">
      <thead>
        <tr>
          <th>Field</th>
          <th>Live</th>
          <th>Git</th>
          <th>Why</th>
          <th>Live value set by</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => (
          <tr key={change.path}>
            <td className="mono">{change.path === '' ? '(whole object)' : change.path}</td>
            <td>
              <pre className="was">{valueText(change.live, change.masked)}</pre>
            </td>
            <td>
              <pre className="becomes">{valueText(change.desired, change.masked)}</pre>
            </td>
            <td>{change.why}</td>
            <td>
              {change.owner === undefined ? (
                <span className="muted">nobody</span>
              ) : (
                <>
                  {change.owner.manager} <small className="muted">{change.owner.time}</small>
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
