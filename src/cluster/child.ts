import { buildApp, type Parts } from '../app.ts';
import { cannotStart, explain } from '../cannot-start.ts';
import { createEngine } from '../engine/index.ts';
import { listen } from '../listen.ts';
import { createMetrics } from '../observability/metrics.ts';
import { closeAtTheEnd } from '../serve.ts';
import { openChannel } from './channel.ts';
import { hostOf, type Share } from './share.ts';

/** The primary answers sooner: it waits for the others for 2 s. */
const longestScrapeMs = 5000;

/**
 * One of several processes, from its start to a signal. It listens when it is warm, since whoever
 * connects may be sent to any that listens.
 */
export async function serveShare(share: Share, parts: Partial<Parts> = {}): Promise<void> {
  const { config, number } = share;
  const metrics = createMetrics();
  const host = hostOf(share);
  try {
    const app = await buildApp(config, {
      metrics,
      createEngine: (options) => createEngine(options, { host }),
      async metricsText() {
        const text = await ask('metrics', longestScrapeMs);
        if (typeof text === 'string') return text;
        throw new Error('the primary process does not answer');
      },
      ...parts,
    });
    const ask = openChannel(process, {
      metrics: () => metrics.registry.getMetricsAsJSON(),
      live: async () => (await app.inject('/livez')).statusCode === 200,
    });
    await app.warmUp();
    closeAtTheEnd(app, config);
    await listen(config, (address) => app.listen(address));
    await ask('ready', longestScrapeMs);
  } catch (error) {
    const count = config.ADAIN_PROCESSES;
    cannotStart(
      `Process ${number} of ${count} (ADAIN_PROCESSES), each with its part of memory and cores: ${explain(error)}`,
    );
    process.exit(1); // the channel to the primary would keep it, and the engine's workers
  }
}
