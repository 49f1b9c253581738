/** Numbers for Prometheus, since the start. */
export interface Metrics {
  /** Of a request that was answered, whatever came of it. */
  request(route: string, status: number, seconds: number): void;
  tokens(prompt: number, completion: number): void;
  text(gauges: Readonly<Record<string, number>>): string;
}

export function serveMetrics(): Metrics {
  const requests = new Map<string, number>();
  const seconds = new Map<string, number>();
  let [promptTokens, completionTokens] = [0, 0];
  return {
    request(route, status, took) {
      const label = `route="${route}",status="${status}"`;
      requests.set(label, (requests.get(label) ?? 0) + 1);
      seconds.set(label, (seconds.get(label) ?? 0) + took);
    },
    tokens(prompt, completion) {
      promptTokens += prompt;
      completionTokens += completion;
    },
    text(gauges) {
      const counter = (name: string, values: Iterable<readonly [string, number]>): string[] => [
        `# TYPE pixtral_${name} counter`,
        ...Array.from(values, ([label, value]) => `pixtral_${name}${label === '' ? '' : `{${label}}`} ${value}`),
      ];
      const lines = [
        ...counter('requests_total', requests),
        ...counter('request_seconds_total', seconds),
        ...counter('prompt_tokens_total', [['', promptTokens]]),
        ...counter('completion_tokens_total', [['', completionTokens]]),
        ...Object.entries(gauges).flatMap(([name, value]) => [
          `# TYPE pixtral_${name} gauge`,
          `pixtral_${name} ${value}`,
        ]),
      ];
      return `${lines.join('\n')}\n`;
    },
  };
}
