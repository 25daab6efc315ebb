import type { RgbImage, Size } from '../rgb-image.ts';

/**
 * What the engine knows of a style: float32 [2, C], the C channel means μ of the encoder's last
 * feature map followed by its C standard deviations σ = sqrt(population variance + ε).
 */
export type StyleStatistics = Float32Array<ArrayBuffer>;

/** Whose colours a result has: the style's, the content's, or the style's with the content's light. */
export const colorModes = ['style', 'content', 'only'] as const;
export type ColorMode = (typeof colorModes)[number];

/** The most styles of one picture. */
export const maxStyles = 8;

export interface StylizeInput {
  /** Sides of at least 16 pixels. The pixels are transferred: `image.data` is empty afterwards. */
  readonly image: RgbImage;
  /** Of the style; of K styles one after the other, float32 [K, 2, C], where there are `shares`. */
  readonly statistics: StyleStatistics;
  /** 0 (the content as the decoder sees it) to 1 (the full style); `shares` are multiplied by it. */
  readonly alpha: number;
  readonly color: ColorMode;
  /**
   * The photograph, of the same size, where `image` is a painting of it already: light and colours
   * that are not to be the style's are the photograph's. Transferred like `image`; absent where
   * `image` is the photograph.
   */
  readonly photograph?: RgbImage | undefined;
  /**
   * Where the painting covers the photograph, as a layer's mask does it: one byte a pixel, 0 none to
   * 255 all of it; everywhere if absent. Transferred like `image`.
   */
  readonly coverage?: Uint8Array<ArrayBuffer> | undefined;
  /**
   * How much of each of K ≤ 8 styles is painted at each step of the features: float32 [K, h, w] with
   * h = ⌈height / stride⌉ and w = ⌈width / stride⌉, each 0..1, together at most 1 in every place. What
   * is wanting to 1 stays as the content's features are. Transferred like `image`; announced in the
   * request as `byPlace`.
   */
  readonly shares?: Float32Array<ArrayBuffer> | undefined;
  /**
   * Statistics of the content, float32 [2, C], in place of the picture's own: those of all frames of
   * a scene, so that what stands still comes out the same in each. It comes with every picture of a
   * request of several `frames`.
   */
  readonly content?: StyleStatistics | undefined;
}

/** A picture as the networks see it: at alpha 0, as a style is described, without grain. */
export type Seen = Pick<StylizeInput, 'image' | 'alpha' | 'shares'>;

export interface WorkOptions {
  /**
   * When this fires the answer is `client_closed`, and work that has not begun is dropped, as are
   * the remaining tiles of a large picture.
   */
  readonly signal?: AbortSignal;
  /** `performance.now()` milliseconds by which the answer must be there. */
  readonly deadline?: number;
}

/** A result with where its time went, in milliseconds. */
export interface Timed<T> {
  readonly value: T;
  readonly queueMs: number;
  readonly inferMs: number;
  readonly batchSize: number;
}

export const providers = ['cpu', 'cuda'] as const;
export type Provider = (typeof providers)[number];

/** What `model.json` says that others need, with the digest of all model files. */
export interface ModelInfo {
  readonly name: string;
  readonly version: string;
  /** sha256 over encoder.onnx and decoder.onnx, in hex. */
  readonly digest: string;
  readonly parameters: number;
  readonly gmac512: number;
  /** C of the statistics. */
  readonly channels: number;
  readonly stride: number;
  readonly license: string;
}

/** What happens in the engine, told to whoever keeps the metrics. */
export interface EngineEvents {
  onQueueDepth(depth: number): void;
  onBatch(batch: { size: number; pixels: number; queueMs: readonly number[] }): void;
}

/** Describes a style. The pixels are transferred: `image.data` is empty afterwards. */
export type DescribeStyle = (
  image: RgbImage,
  options?: WorkOptions,
) => Promise<Timed<StyleStatistics>>;

/** What a request is known by before its pixels are decoded. */
export interface StylizeRequest {
  readonly size: Size;
  /** Sizes of the styles that must be described first: their time is reserved too. */
  readonly newStyles?: readonly Size[];
  /** The size of a picture that is painted before it, as is its time. */
  readonly underpainting?: Size | undefined;
  /** Whether its input will have `shares`: then it runs alone. */
  readonly byPlace?: boolean;
  /**
   * Pictures of this size, 1 by default, that are painted with statistics of content in common. Each
   * is measured first; all but the last are painted before it. So are as many underpaintings.
   */
  readonly frames?: number;
}

/** What a request may do when its turn is near. */
export interface StylizeTurn {
  /** Fires when the request is dropped, and nobody wants its pixels any more. */
  readonly signal: AbortSignal;
  /** Describes one of its new styles, in its own place in the queue. */
  readonly describe: DescribeStyle;
  /** Measures one of its frames as a content. The pixels and shares are transferred. */
  readonly measure: (seen: Seen) => Promise<Timed<StyleStatistics>>;
  /** Paints what comes before it, an underpainting or another frame, in its own place in the queue. */
  readonly paint: (input: StylizeInput) => Promise<Timed<RgbImage>>;
}

/**
 * The queue and the workers behind it. Every method rejects with a ServiceError: `overloaded`
 * (with retryAfterSeconds), `deadline_exceeded`, `client_closed`, `closing`, `inference_failed`;
 * `image_too_small` under 16 pixels a side. What no form lets through is a TypeError or RangeError.
 */
export interface Engine {
  readonly model: ModelInfo;
  readonly provider: Provider;
  /** One line for the log and `/model`: what it runs on and why. */
  readonly description: string;
  /** What the process takes at most beside the pictures of requests, in bytes: Node, weights, features. */
  readonly memoryBytes: number;
  /** At least one worker is up and has made a real inference. */
  readonly ready: boolean;
  /**
   * No worker has been inside a run, or starting, for longer than that may take, nor have all been
   * away for as long as a start may take; no GPU is lost.
   */
  readonly live: boolean;
  readonly describe: DescribeStyle;
  /** Throws what a picture of any size would be refused with now, before its bytes are read. */
  assertOpen(options: WorkOptions): void;
  /** How long a picture takes at most, in milliseconds, if it waits for nobody. */
  boundMs(request: StylizeRequest): number;
  /**
   * Reserves a place in the queue for a picture of this size and what must be done before it, calls
   * `prepare` for its pixels when the turn is near, and paints it. Who is refused has cost nothing;
   * whatever becomes of the request, the promise settles only when `prepare` has.
   * @param prepare gives a picture of the size announced; what it rejects with is passed on
   */
  stylize(
    request: StylizeRequest,
    options: WorkOptions,
    prepare: (turn: StylizeTurn) => Promise<StylizeInput>,
  ): Promise<Timed<RgbImage>>;
  /** Refuses new work, finishes what is accepted, then stops the workers. */
  close(): Promise<void>;
}
