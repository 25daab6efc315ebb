import {
  ProblemError,
  type AdainClient,
  type Painting,
  type Problem,
  type Progress,
} from '../client/index.ts';
import { find } from './dom.ts';
import { frameSides, sideAt } from './painting.ts';
import { say, showProblem } from './problems.ts';
import { sentence } from './waiting.ts';

const inFlight = 2;
const deadlineMs = 20_000;
/** After a failure that may pass. */
const pauseMs = 1500;
/** Of so many frames the rate is told. */
const counted = 12;

const video = find('#video', HTMLVideoElement);
const painted = find('#live-view', HTMLCanvasElement);
const timing = find('#timing', HTMLElement);
const context = painted.getContext('bitmaprenderer');
/** Absent where the page came over plain HTTP from another machine. */
const camera = navigator.mediaDevices as MediaDevices | undefined;

const refusals: Readonly<Record<string, string>> = {
  NotAllowedError:
    'The browser keeps the camera from this page. Allow it beside the address, and try again.',
  NotFoundError: 'There is no camera here.',
  NotReadableError: 'The camera is busy with something else.',
};

interface Actions {
  /** The request of a frame. */
  readonly painting: (frame: Blob, masks: readonly Blob[]) => Painting;
  readonly masks: () => Promise<readonly Blob[]>;
  /** The camera has this size, in pixels. */
  readonly began: (size: { readonly width: number; readonly height: number }) => void;
  /** It has other proportions: a phone was turned. */
  readonly turned: (size: { readonly width: number; readonly height: number }) => void;
  readonly ended: () => void;
  /** As others see it, even if it was shown mirrored. */
  readonly taken: (still: File, isMirrored: boolean) => void;
}

/** The webcam, painted frame by frame for as long as it is seen. */
export function createLive(client: AdainClient, actions: Actions) {
  /** One camera's opening to its closing. */
  let session: AbortController | undefined;
  let isOn = false;
  /** Nothing is sent until something changes. */
  let isRefused = false;
  /** Why no frame comes; said once. */
  let told = '';
  let masks: Promise<readonly Blob[]> | undefined;
  let [sent, shown, changes] = [0, 0, 0];
  let side: number = frameSides.slow;
  let times: number[] = [];

  async function open(): Promise<void> {
    suspend();
    const { signal } = (session = new AbortController());
    try {
      const wanted = { facingMode: 'user', width: { ideal: 1280 } };
      const stream = await camera?.getUserMedia({ video: wanted });
      const [track] = stream?.getTracks() ?? [];
      if (!stream || !track) return;
      signal.addEventListener('abort', () => {
        track.stop();
      });
      if (signal.aborted) {
        track.stop();
        return;
      }
      track.addEventListener('ended', () => {
        fail(new Error('The camera is gone.'));
      });
      video.srcObject = stream;
      video.classList.toggle('mirrored', track.getSettings().facingMode !== 'environment');
      await video.play();
      signal.throwIfAborted(); // a photograph was chosen meanwhile
    } catch (error) {
      if (!signal.aborted) fail(error as Error);
      return;
    }
    if (!isOn) {
      isOn = true;
      document.body.classList.add('is-live');
      actions.began(sizeOf(video));
    }
    await Promise.all(Array.from({ length: inFlight }, () => follow(signal)));
  }

  function suspend(): void {
    session?.abort();
    times = [];
  }

  function close(): void {
    suspend();
    isOn = isRefused = false;
    told = '';
    document.body.classList.remove('is-live');
    timing.textContent = '';
    context?.transferFromImageBitmap(null);
  }

  function stop(): void {
    close();
    actions.ended();
  }

  function fail({ name, message }: Error): void {
    suspend();
    if (isOn) stop();
    showProblem(new Error(refusals[name] ?? message), 'content');
  }

  async function follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await (isRefused ? pause(200) : frame(signal));
  }

  async function frame(signal: AbortSignal): Promise<void> {
    const number = ++sent;
    const asked = changes;
    const overtaken = new AbortController();
    let seconds = 0;
    const onProgress = (progress: Progress) => {
      if (progress.phase !== 'waiting') return;
      say((told = sentence(progress)));
      ({ seconds } = progress);
      overtaken.abort(); // there is a newer frame by then
    };
    try {
      const painting = actions.painting(await grab(), await (masks ??= actions.masks()));
      const ends = AbortSignal.any([signal, overtaken.signal]);
      const { picture } = await client.stylize(painting, { signal: ends, deadlineMs, onProgress });
      const bitmap = await createImageBitmap(picture);
      if (signal.aborted || number < shown) {
        bitmap.close();
        return;
      }
      shown = number;
      tell(bitmap);
      context?.transferFromImageBitmap(bitmap);
      if (told) say('');
      told = '';
    } catch (error) {
      if (signal.aborted || (seconds === 0 && asked !== changes)) return;
      if (error instanceof ProblemError && error.retryAfter !== undefined) {
        const { problem, retryAfter } = error; // later than the client has waited for
        onProgress({ phase: 'waiting', seconds: retryAfter, problem });
      }
      if (seconds > 0) return pause(seconds * 1000);
      const { message } = error as Error;
      isRefused = error instanceof ProblemError && !mayPass(error.problem);
      if (isRefused || told !== message) showProblem(error);
      told = message;
      if (!isRefused) await pause(pauseMs);
    }
  }

  /** As it is seen: what a camera sees of somebody before it is mirrored. */
  async function grab(): Promise<Blob> {
    const scale = side / Math.max(video.videoWidth, video.videoHeight);
    return draw(scale, isMirrored(), 0.85);
  }

  function tell({ width, height }: ImageBitmap): void {
    times = [...times, performance.now()].slice(-counted);
    const [first = 0, last = 0] = [times[0], times.at(-1)];
    const rate = (1000 * (times.length - 1)) / (last - first);
    if (times.length < 2) return;
    timing.textContent = `${rate.toFixed(1)} frames a second, ${width} × ${height}; a picture taken has finer strokes`;
    const wanted = sideAt(rate, side);
    if (times.length < counted || wanted === side) return;
    side = wanted;
    times = [];
  }

  video.addEventListener('resize', () => {
    if (isOn) actions.turned(sizeOf(video));
  });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) suspend();
    else if (isOn) void open();
  });
  const start = find('#live', HTMLButtonElement);
  start.disabled = !camera;
  find('#live-hint', HTMLElement).hidden = Boolean(camera);
  start.addEventListener('click', () => {
    void open();
  });
  find('#stop', HTMLButtonElement).addEventListener('click', stop);
  find('#still', HTMLButtonElement).addEventListener('click', () => {
    const wasMirrored = isMirrored();
    void draw(1, false, 0.92).then((still) => {
      actions.taken(new File([still], 'webcam.jpg', { type: still.type }), wasMirrored);
    });
  });

  return {
    get isOn(): boolean {
      return isOn;
    },
    close,
    /** The next frame is painted otherwise. */
    change(): void {
      changes++;
      isRefused = false;
      masks = undefined;
    },
  };
}

/** The same again may be painted: it is the service's, or came too slowly. */
const mayPass = ({ status }: Problem) => status >= 500 || status === 408;

const isMirrored = () => video.classList.contains('mirrored');

const sizeOf = ({ videoWidth, videoHeight }: HTMLVideoElement) => ({
  width: videoWidth,
  height: videoHeight,
});

async function draw(scale: number, isMirrored: boolean, quality: number): Promise<Blob> {
  const [width, height] = [video.videoWidth, video.videoHeight].map((length) =>
    Math.max(1, Math.round(length * scale)),
  ) as [number, number];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (isMirrored) context?.setTransform(-1, 0, 0, 1, width, 0);
  context?.drawImage(video, 0, 0, width, height);
  return canvas.convertToBlob({ type: 'image/jpeg', quality });
}

const pause = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms);
  });
