/** The stages of a stylization, in the order in which a request walks through them. */
export const stageNames = [
  'decode',
  'style',
  'underpaint',
  'frames',
  'queue',
  'infer',
  'encode',
] as const;
export type StageName = (typeof stageNames)[number];

/**
 * Where one request's time went: milliseconds a stage, of all times that it was gone through, and
 * remarks such as `hit` or `miss`.
 */
export interface Stages {
  readonly times: ReadonlyMap<StageName, number>;
  /** Runs the work and records how long it took. */
  measure<T>(stage: StageName, work: () => Promise<T>): Promise<T>;
  record(stage: StageName, milliseconds: number): void;
  remark(stage: StageName, description: string): void;
  /** The value of a Server-Timing header (W3C), `total` counted from the request's start. */
  serverTiming(): string;
}

export function createStages(): Stages {
  const start = performance.now();
  const times = new Map<StageName, number>();
  const remarks = new Map<StageName, string>();
  const record = (stage: StageName, milliseconds: number) => {
    times.set(stage, (times.get(stage) ?? 0) + milliseconds);
  };

  return {
    times,
    record,
    remark: (stage, description) => {
      remarks.set(stage, description);
    },
    measure: async (stage, work) => {
      const begun = performance.now();
      const result = await work();
      record(stage, performance.now() - begun);
      return result;
    },
    serverTiming: () => {
      const entries = stageNames.flatMap((stage) => {
        const [ms, remark] = [times.get(stage), remarks.get(stage)];
        if (ms === undefined) return [];
        return [`${stage}${remark === undefined ? '' : `;desc=${remark}`};dur=${ms.toFixed(1)}`];
      });
      return [...entries, `total;dur=${(performance.now() - start).toFixed(1)}`].join(', ');
    },
  };
}
