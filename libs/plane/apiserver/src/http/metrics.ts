/** What the server has done since it started, for `/metrics` (Prometheus text format 0.0.4). */
export class RequestMetrics {
  readonly #requests = new Map<string, number>();
  #inFlight = 0;

  /** Counts a request that begins. Answers what to call with its status when it has been answered. */
  begin(method: string): (status: number) => void {
    this.#inFlight += 1;
    return (status) => {
      this.#inFlight -= 1;
      const key = `{verb="${verbOf(method)}",code="${status}"}`;
      this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
    };
  }

  /** Everything as text. */
  format(): string {
    const rows = [...this.#requests].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, count]) => `apiserver_request_total${key} ${count}`);
    const { rss } = process.memoryUsage();
    return [
      '# HELP apiserver_request_total Requests that were answered, by verb and code.',
      '# TYPE apiserver_request_total counter',
      ...rows,
      '# HELP apiserver_current_inflight_requests Requests being answered now, watches included.',
      '# TYPE apiserver_current_inflight_requests gauge',
      `apiserver_current_inflight_requests ${this.#inFlight}`,
      '# HELP process_resident_memory_bytes Memory of this process.',
      '# TYPE process_resident_memory_bytes gauge',
      `process_resident_memory_bytes ${rss}`,
      '',
    ].join('\n');
  }
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT']);

// Whatever a client calls its method, there are only so many rows.
function verbOf(method: string): string {
  return METHODS.has(method) ? method : 'OTHER';
}
