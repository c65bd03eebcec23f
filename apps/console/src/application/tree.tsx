import { useQuery } from '@tanstack/react-query';
import type { ResourceNode } from '@tiphys/delivery-api';
import type { Application } from '@tiphys/delivery-applications';
import { useMemo, useState } from 'react';
import { api } from '../api.ts';
import { useKeys } from '../keyboard.ts';
import { Failure } from '../ui/failure.tsx';
import { Health, Sync } from '../ui/status.tsx';
import { Age } from '../ui/time.tsx';

interface Row {
  readonly node: ResourceNode;
  readonly depth: number;
  readonly children: number;
}

const keyOf = (node: { readonly group: string; readonly kind: string; readonly namespace?: string; readonly name: string }): string =>
  `${node.group}/${node.kind}/${node.namespace ?? ''}/${node.name}`;

/** Rows of the tree in reading order; children of closed nodes are left out. */
function rowsOf(nodes: readonly ResourceNode[], closed: ReadonlySet<string>): readonly Row[] {
  const known = new Set(nodes.map(keyOf));
  const childrenByParent = new Map<string, ResourceNode[]>();
  for (const node of nodes) {
    for (const parent of node.parentRefs) childrenByParent.set(keyOf(parent), [...(childrenByParent.get(keyOf(parent)) ?? []), node]);
  }
  const rows: Row[] = [];
  const seen = new Set<string>();
  const visit = (node: ResourceNode, depth: number): void => {
    if (seen.has(node.uid)) return;
    seen.add(node.uid);
    const children = childrenByParent.get(keyOf(node)) ?? [];
    rows.push({ node, depth, children: children.length });
    if (!closed.has(keyOf(node))) for (const child of children) visit(child, depth + 1);
  };
  for (const node of nodes) if (!node.parentRefs.some((parent) => known.has(keyOf(parent)))) visit(node, 0);
  return rows;
}

/** The ownership tree: what Git declares, and what controllers made of it. */
export function TreeTab({ application }: { readonly application: Application }) {
  const name = application.metadata.name ?? '';
  const query = useQuery({ queryKey: ['application', name, 'tree'], queryFn: () => api.tree(name) });
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [at, setAt] = useState(0);
  const syncByKey = useMemo(
    () => new Map((application.status?.resources ?? []).map((row) => [keyOf({ ...row, group: row.group ?? '' }), row.status])),
    [application],
  );
  const rows = useMemo(() => rowsOf(query.data?.nodes ?? [], closed), [query.data, closed]);
  const toggle = (row: Row | undefined): void => {
    if (row === undefined || row.children === 0) return;
    const next = new Set(closed);
    if (!next.delete(keyOf(row.node))) next.add(keyOf(row.node));
    setClosed(next);
  };
  useKeys({ j: () => setAt(Math.min(at + 1, rows.length - 1)), k: () => setAt(Math.max(at - 1, 0)), Enter: () => toggle(rows[at]) });
  if (query.error !== null) return <Failure error={query.error} />;
  if (query.data === undefined) return <p className="empty">Loading…</p>;
  if (rows.length === 0) return <p className="empty">Nothing is deployed yet.</p>;
  return (
    <table className="grid tree" role="treegrid" aria-label="Resources">
      <tbody>
        {rows.map((row, index) => (
          <tr
            key={row.node.uid}
            aria-level={row.depth + 1}
            aria-selected={index === at}
            aria-expanded={row.children === 0 ? undefined : !closed.has(keyOf(row.node))}
            onClick={() => setAt(index)}
            data-testid={`node-${row.node.kind}-${row.node.name}`}
          >
            <td className={`depth-${Math.min(row.depth, 6)}`}>
              {row.children === 0 ? (
                <span className="twist" />
              ) : (
                <button type="button" className="twist" onClick={() => toggle(row)} aria-label={closed.has(keyOf(row.node)) ? 'Open' : 'Close'}>
                  {closed.has(keyOf(row.node)) ? '▸' : '▾'}
                </button>
              )}
              <span className="kind">{row.node.kind}</span> {row.node.name}
            </td>
            <td>{syncByKey.get(keyOf(row.node)) === undefined ? null : <Sync status={syncByKey.get(keyOf(row.node))} />}</td>
            <td>{row.node.health === undefined ? null : <Health status={row.node.health.status} message={row.node.health.message} />}</td>
            <td className="muted">{row.node.health?.message ?? (row.node.info ?? []).map((info) => info.value).join(' · ')}</td>
            <td className="muted">
              <Age at={row.node.createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
